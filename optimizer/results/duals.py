"""Marginal values: what one more unit of a commodity, a capacity or a limit is worth, with the decisions fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from lodeplan.optimizer.model.bounds import BOUNDS
from lodeplan.optimizer.model.registry import registry
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.results.solution_tables import frame
from lodeplan.optimizer.solver.form import Form
from lodeplan.optimizer.solver.money import money_weights
from lodeplan.optimizer.solver.search import Answer

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
    """Duals other than 0 of what a planner can act on; commodities at home only.

    A limit may be a row, a bound of one variable or of several, or both; its duals are added, as all of them move with
    it.
    """
    if answer.row_dual is None or answer.column_dual is None:
        return frame("marginal_values", [])
    weights = money_weights(instance, form, answer.row_dual)
    row = _settled(form, answer.row_dual, answer.column_dual)
    rows, columns = (_Worth(dual, np.full(len(dual), np.nan)) for dual in (row, answer.column_dual))
    if answer.branch_weight is not None and answer.branch_row_dual is not None:
        assert answer.branch_column_dual is not None
        weights = np.where(np.isnan(answer.branch_weight), weights, answer.branch_weight)
        in_branch = _settled(form, answer.branch_row_dual, answer.branch_column_dual)
        rows = _Worth(row, in_branch)
        columns = _Worth(answer.column_dual, answer.branch_column_dual)
    total: dict[Limit, Told] = {}
    for limit, told in (*_of_rows(instance, form, rows), *_of_bounds(instance, form, columns)):
        total[limit] = _sum(total[limit], told) if limit in total else told
    return frame("marginal_values", [_row(instance, limit, weights, told) for limit, told in total.items()])


def _sum(one: Told, other: Told) -> Told:
    """What two rows or bounds of one limit are worth together."""
    branches = [value for value in (one[1], other[1]) if value is not None]
    return one[0] + other[0], sum(branches) if branches else None


def _of_rows(instance: Instance, form: Form, worth: _Worth) -> Iterator[tuple[Limit, Told]]:
    constraints = registry()
    for row in worth.told():
        constraint, (*key, node) = form.rows[row]
        abroad = constraint == "commodity_balances" and key[2] != instance.scenario.home
        if constraints[constraint].is_reported and not abroad:
            yield (constraint, tuple(key), str(node)), worth.at(row)


def _settled(form: Form, row_dual: Floats, column_dual: Floats) -> Floats:
    """Row duals, with those of rows that allow nothing at all made unique.

    Where a sum of flows with positive coefficients is at most 0, the flows' own bound of 0 says the same, and the
    solver may put any part of the value on either. The row's value is what its first t would be worth: the row's dual
    and the least reduced cost of its flows, per unit of their coefficients.
    """
    dual = row_dual.copy()
    rows = sp.csr_array(form.matrix)
    for row in np.flatnonzero((form.row_upper == 0.0) & np.isinf(form.row_lower)).tolist():
        columns = rows.indices[rows.indptr[row] : rows.indptr[row + 1]]
        coefficients = rows.data[rows.indptr[row] : rows.indptr[row + 1]]
        if len(columns) and (coefficients > 0).all() and (form.column_lower[columns] == 0.0).all():
            own = coefficients * form.row_unit[row] / form.column_unit[columns]
            dual[row] = np.minimum(0.0, dual[row] + float((column_dual[columns] / own).min()))
    return dual


def _of_bounds(instance: Instance, form: Form, worth: _Worth) -> Iterator[tuple[Limit, Told]]:
    """Reduced costs of columns at an upper bound: negative, as a dual of the limit would be.

    A bound of 0 is left out: what an event closes, or is not there yet, is no limit to be widened.
    """
    limit_of = _limits_of_bounds(instance)
    for column in worth.told():
        variable, (*key, node) = form.columns[column]
        limit = limit_of[variable](tuple(key), str(node)) if variable in limit_of else None
        expected, in_branch = worth.at(column)
        binds = min(expected, in_branch or 0.0) < -NEGLIGIBLE and form.column_upper[column] > 0
        if limit is not None and binds:
            yield (*limit, str(node)), (min(0.0, expected), in_branch)


def _limits_of_bounds(instance: Instance) -> dict[str, Callable[[Key, str], tuple[str, Key] | None]]:
    """By variable: the limit that the bound of a column is, by its key and node; None for one that is no limit."""
    supply, options = instance.supply, instance.demands.options
    row_of = {step: row for row, step in enumerate(supply.steps)}
    node_of = {name: node for node, name in enumerate(instance.tree.names)}
    last_step = dict(instance.demands.steps)

    def run(key: Key, node: str) -> tuple[str, Key]:
        at = node_of[node]
        if supply.capacity_t_per_y[key[0]][at] <= supply.width_t_per_y[row_of[key[0], key[1]], at]:
            return "facility_runs_within_capacity", key[:1]
        return "cost_step_stays_within_width", key

    def use(key: Key, node: str) -> tuple[str, Key]:
        option = options[key[0], key[1]]
        if option.way in instance.demands.demands[option.demand].substitutes:
            return "substitute_stays_within_limit", (option.demand, option.way)
        return "need_given_up_stays_within_step", key

    def short(key: Key, node: str) -> tuple[str, Key] | None:
        # The last step is limited by the demand alone.
        return None if key[1] == last_step[key[0]] else ("shortage_stays_within_step", key)

    return {
        "run": run,
        "ship": lambda key, node: ("route_flows_within_capacity", key[:1]),
        "recover": lambda key, node: ("scrap_follows_past_use", key),
        "use": use,
        "short": short,
        "buy": lambda key, node: ("stock_is_filled_within_limit", key),
        "stock": lambda key, node: ("stock_stays_within_room", key),
    }


def _row(instance: Instance, limit: Limit, weights: Floats, told: Told) -> Row:
    """A row of the table; `weights`: of the money of all nodes."""
    tree = instance.tree
    name, key, node_name = limit
    node = tree.names.index(node_name)
    weight = weights[node]
    if _is_yearly(name):
        weight *= tree.annuity_y[node]
    about = " ".join(str(part) for part in key if part != "")
    value, in_branch = told
    at_node = float((value if in_branch is None else in_branch) / weight) if weight > NEGLIGIBLE else None
    return (name, about, node_name, _unit(instance, name, key), value, at_node)


def _is_yearly(limit: str) -> bool:
    return BOUNDS[limit].is_yearly if limit in BOUNDS else registry()[limit].is_yearly


def _unit(instance: Instance, limit: str, key: Key) -> str:
    if _is_yearly(limit):
        return "kUSD per t/y"
    if limit != "budget_is_kept":
        return "kUSD/t"
    return "kUSD per slot" if instance.scenario.limits[key[0]].kind == "permit_slots" else "kUSD per kUSD"
