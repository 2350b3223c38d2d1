"""Marginal values: the worth of one more unit of a commodity, a capacity or a limit, with the decisions fixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from lodeplan.optimizer.model.declare import Bound, Price, Untold, Variable
from lodeplan.optimizer.model.registry import registry, statements, variables
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.results.solution_tables import frame
from lodeplan.optimizer.results.values import flow_indices
from lodeplan.optimizer.solver import Answer, Form, money_weights

Row = tuple[Any, ...]

Key = tuple[Any, ...]
Limit = tuple[str, Key, str]
"""(constraint or bound, its index, node's name)."""
Told = tuple[float, float | None]
"""Value in the objective, and in the branch where there is one."""
NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class _Worth:
    """What a unit of each row, or of each column's bound, is worth."""

    expected: Floats
    """In the objective."""
    in_branch: Floats
    """In the branch that is settled after the objective; NaN outside of them."""

    def told(self) -> Iterator[int]:
        """Rows or columns that are worth something."""
        yield from np.flatnonzero(
            (np.abs(self.expected) > NEGLIGIBLE) | (np.abs(np.nan_to_num(self.in_branch)) > NEGLIGIBLE)
        ).tolist()

    def at(self, place: int) -> Told:
        """Value in the objective, and in the branch where there is one."""
        own = float(self.in_branch[place])
        return float(self.expected[place]), None if np.isnan(own) else own


def marginal_values(instance: Instance, form: Form, answer: Answer) -> pd.DataFrame:
    """Collect the duals other than 0 of limits that a planner can change, and of commodities at home.

    A limit may be a row, a bound of one variable or of several, or both; its duals are added, as all of them move with
    it.
    """
    if answer.row_dual is None or answer.column_dual is None:
        return frame("marginal_values", [])
    weights = money_weights(instance, form, answer.row_dual)
    assert answer.x is not None
    row = _settled(form, answer.x, answer.row_dual, answer.column_dual)
    rows, columns = (_Worth(dual, np.full(len(dual), np.nan)) for dual in (row, answer.column_dual))
    if answer.branch_weight is not None and answer.branch_row_dual is not None:
        assert answer.branch_column_dual is not None
        weights = np.where(np.isnan(answer.branch_weight), weights, answer.branch_weight)
        in_branch = _settled(form, answer.x, answer.branch_row_dual, answer.branch_column_dual)
        rows = _Worth(row, in_branch)
        columns = _Worth(answer.column_dual, answer.branch_column_dual)
    total: dict[Limit, Told] = {}
    for limit, told in (*_of_rows(instance, form, rows), *_of_bounds(instance, form, columns)):
        total[limit] = _sum(total[limit], told) if limit in total else told
    stated = [_row(instance, limit, weights, told) for limit, told in total.items()]
    return frame("marginal_values", [*stated, *_of_a_modeler(form, rows, columns)])


def _sum(one: Told, other: Told) -> Told:
    """What two rows or bounds of one limit are worth together."""
    branches = [value for value in (one[1], other[1]) if value is not None]
    return one[0] + other[0], sum(branches) if branches else None


def _of_rows(instance: Instance, form: Form, worth: _Worth) -> Iterator[tuple[Limit, Told]]:
    for row in worth.told():
        name, key = form.rows[row]
        told = registry()[name].marginal_value if name in registry() else Untold("a modeler's own")
        if isinstance(told, Untold):
            continue
        at = dict(zip(registry()[name].letters, key, strict=True))
        abroad = isinstance(told, Price) and bool(told.home) and at[told.home] != instance.scenario.home
        if not abroad:
            yield (name, key[:-1], str(key[-1])), worth.at(row)


def _settled(form: Form, x: Floats, row_dual: Floats, column_dual: Floats) -> Floats:
    """Row duals, with those of rows that allow nothing at all, as the decisions are in the plan, made unique.

    Where a sum of flows with positive coefficients is at most 0, the flows' own bound of 0 says the same, and the
    solver may put any part of the value on either. The row's value is what its first t would be worth: the row's dual
    and the least reduced cost of its flows, per unit of their coefficients. So a project that does not start is worth
    what its first t would save, whatever it costs to build.
    """
    dual = row_dual.copy()
    rows = sp.csr_array(form.matrix)
    is_decided = form.integer.copy()
    is_decided[form.columns_of("started", "onboarded")] = True
    allowed = form.row_upper - rows @ np.where(is_decided, np.round(x) / form.column_unit, 0.0)
    for row in np.flatnonzero((allowed == 0.0) & np.isinf(form.row_lower)).tolist():
        of_row = slice(rows.indptr[row], rows.indptr[row + 1])
        is_flow = ~is_decided[rows.indices[of_row]]
        columns, coefficients = rows.indices[of_row][is_flow], rows.data[of_row][is_flow]
        if len(columns) and (coefficients > 0).all() and (form.column_lower[columns] == 0.0).all():
            own = coefficients * form.row_unit[row] / form.column_unit[columns]
            dual[row] = np.minimum(0.0, dual[row] + float((column_dual[columns] / own).min()))
    return dual


def _of_bounds(instance: Instance, form: Form, worth: _Worth) -> Iterator[tuple[Limit, Told]]:
    """Reduced costs of columns at an upper bound: negative, as a dual of the limit would be.

    A bound of 0 is left out: what an event closes, or is not there yet, is no limit to be widened.
    """
    limits, held = _limits_of_bounds(instance), set(form.held)
    for column in worth.told():
        if form.columns[column] in held:
            continue
        variable, (*key, node) = form.columns[column]
        expected, in_branch = worth.at(column)
        binds = min(expected, in_branch or 0.0) < -NEGLIGIBLE and form.column_upper[column] > 0
        if variable in limits and binds:
            bound = limits[variable].of(tuple(key), str(node))
            if bound is not None:
                about = bound.about(instance, tuple(key))
                yield (bound.name, about, str(node)), (min(0.0, expected), in_branch)


def _of_a_modeler(form: Form, rows: _Worth, columns: _Worth) -> Iterator[Row]:
    """Constraints that a modeler has added, by name, then variables that one holds between bounds.

    They have no node that the table knows of, so no value in money of one.
    """
    own = [(form.rows[row], rows.at(row)) for row in rows.told() if form.rows[row].component not in registry()]
    held = [(form.columns[j], columns.at(j)) for j in columns.told() if form.columns[j] in set(form.held)]
    for (name, key), (expected, _) in (*own, *held):
        yield (name, " ".join(str(part) for part in key if part not in ("", None)), "", "kUSD per unit", expected, None)


class _Bounds:
    """Which of its bounds limits a variable."""

    def __init__(self, instance: Instance, variable: Variable) -> None:
        self._bounds = variable.bounds
        self._row = {_tuple(key): row for row, key in enumerate(flow_indices(instance)[variable.name])}
        self._node = {name: node for node, name in enumerate(instance.tree.names)}
        self._limits = np.array([bound.limit(instance) for bound in variable.bounds])

    def of(self, key: Key, node: str) -> Bound | None:
        """The least at a node, the first of those that are alike; None where nothing stated limits it."""
        limits = self._limits[:, self._row[key], self._node[node]]
        least = int(limits.argmin())
        return self._bounds[least] if np.isfinite(limits[least]) else None


def _limits_of_bounds(instance: Instance) -> dict[str, _Bounds]:
    return {name: _Bounds(instance, variable) for name, variable in variables().items() if variable.bounds}


def _tuple(key: Any) -> Key:
    return key if isinstance(key, tuple) else (key,)


def _row(instance: Instance, limit: Limit, weights: Floats, told: Told) -> Row:
    """A row of the table; `weights`: of the money of all nodes."""
    tree = instance.tree
    name, key, node_name = limit
    node = tree.node_of[node_name]
    weight = weights[node]
    if statements()[name].is_yearly:
        weight *= tree.annuity_y[node]
    about = " ".join(str(part) for part in key if part != "")
    value, in_branch = told
    at_node = float((value if in_branch is None else in_branch) / weight) if weight > NEGLIGIBLE else None
    return (name, about, node_name, _unit(instance, name, key), value, at_node)


def _unit(instance: Instance, name: str, key: Key) -> str:
    told = statements()[name].marginal_value
    assert not isinstance(told, Untold)
    if told.per == "t/y":
        return "kUSD per t/y"
    if told.per == "t":
        return "kUSD/t"
    return f"kUSD per {instance.scenario.limits[key[0]].measured_in.removesuffix('s')}"
