"""Marginal values: what one more unit of a commodity, a capacity or a limit is worth, with the decisions fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from optimizer.prepare.calendar import Floats
from optimizer.prepare.instance import Instance
from optimizer.results.solution_tables import frame
from optimizer.solve.form import Form
from optimizer.solve.money import money_weights
from optimizer.solve.search import Answer

Row = tuple[Any, ...]

YEARLY = (
    "commodity_balances",
    "facility_runs_within_capacity",
    "facility_keeps_running",
    "activity_grows_within_limit",
    "project_runs_when_on_line",
    "route_flows_within_capacity",
    "flow_stays_within_quota",
    "onboarded_route_takes_minimum",
    "substitute_stays_within_limit",
    "demand_takes_clean_material",
    "scrap_follows_past_use",
    "share_stays_below_cap",
    "minimum_share_is_kept",
    "reliance_stays_below_cap",
    "index_stays_below_cap",
    "shortage_stays_below_floor",
)
"""Constraints on yearly flows: their value at a node is per t, so the node's years, discounted, are divided out."""
OTHERS = (
    "stock_covers_target",
    "stock_meets_target_if_said",
    "stock_stays_within_room",
    "reserves_are_not_exceeded",
    "budget_is_kept",
)


BOUNDS = {
    "run": "facility_runs_within_capacity",
    "ship": "route_flows_within_capacity",
    "buy": "stock_is_filled_within_limit",
    "stock": "stock_stays_within_room",
}
"""Limits that are bounds of a variable; a facility's or route's own where it has a single step or band."""
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

    def at(self, place: int) -> tuple[float, float | None]:
        """Value in the objective, and in the branch where there is one."""
        own = float(self.in_branch[place])
        return float(self.expected[place]), None if np.isnan(own) else own


def marginal_values(instance: Instance, form: Form, answer: Answer) -> pd.DataFrame:
    """Duals other than 0 of what a planner can act on; commodities at home only."""
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
    found = [*_of_rows(instance, form, rows, weights), *_of_bounds(instance, form, columns, weights)]
    return frame("marginal_values", found)


def _of_rows(instance: Instance, form: Form, worth: _Worth, weights: Floats) -> Iterator[Row]:
    for row in worth.told():
        constraint, (*key, node) = form.rows[row]
        abroad = constraint == "commodity_balances" and key[2] != instance.scenario.home
        if constraint in YEARLY + OTHERS and not abroad:
            yield _row(instance, (constraint, key), (str(node), weights), worth.at(row))


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


def _of_bounds(instance: Instance, form: Form, worth: _Worth, weights: Floats) -> Iterator[Row]:
    """Reduced costs of columns at an upper bound: negative, as a dual of the limit would be."""
    alone = {f for f, count in Counter(f for f, _ in instance.supply.steps).items() if count == 1}
    alone |= {r for r, count in Counter(r for r, _ in instance.trade.bands).items() if count == 1}
    alone |= set(instance.stocks.names)
    for column in worth.told():
        variable, key = form.columns[column]
        expected, in_branch = worth.at(column)
        limits = variable in BOUNDS and key[0] in alone and form.column_upper[column] > 0
        if limits and min(expected, in_branch or 0.0) < -NEGLIGIBLE:
            at = (str(key[-1]), weights)
            yield _row(instance, (BOUNDS[variable], [key[0]]), at, (min(0.0, expected), in_branch))


def _row(
    instance: Instance,
    subject: tuple[str, Sequence[object]],
    at: tuple[str, Floats],
    worth: tuple[float, float | None],
) -> Row:
    """A row of the table, of a constraint and its key, at a node with the weights of all, worth so much."""
    constraint, key = subject
    tree = instance.tree
    node_name, weights = at
    node = tree.names.index(node_name)
    weight = weights[node]
    if constraint not in OTHERS:
        weight *= tree.annuity_y[node]
    name = " ".join(str(part) for part in key if part != "")
    value, in_branch = worth
    at_node = float((value if in_branch is None else in_branch) / weight) if weight > NEGLIGIBLE else None
    return (constraint, name, node_name, _unit(constraint), value, at_node)


def _unit(constraint: str) -> str:
    if constraint not in OTHERS:
        return "kUSD per t/y"
    return "kUSD per unit" if constraint == "budget_is_kept" else "kUSD/t"
