"""Marginal values: what one more unit of a commodity, a capacity or a limit is worth, with the decisions fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from optimizer.prepare.calendar import Floats
from optimizer.prepare.instance import Instance
from optimizer.results.solution_tables import frame
from optimizer.solve.form import Form
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


def marginal_values(instance: Instance, form: Form, answer: Answer) -> pd.DataFrame:
    """Duals other than 0 of what a planner can act on; commodities at home only."""
    if answer.row_dual is None or answer.column_dual is None:
        return frame("marginal_values", [])
    return frame(
        "marginal_values",
        [*_of_rows(instance, form, answer), *_of_bounds(instance, form, answer.column_dual)],
    )


def _of_rows(instance: Instance, form: Form, answer: Answer) -> Iterator[Row]:
    dual = _settled(form, answer)
    for row in np.flatnonzero(np.abs(dual) > NEGLIGIBLE).tolist():
        constraint, (*key, node) = form.rows[row]
        abroad = constraint == "commodity_balances" and key[2] != instance.scenario.home
        if constraint in YEARLY + OTHERS and not abroad:
            yield _row(instance, constraint, key, str(node), float(dual[row]))


def _settled(form: Form, answer: Answer) -> Floats:
    """Row duals, with those of rows that allow nothing at all made unique.

    Where a sum of flows with positive coefficients is at most 0, the flows' own bound of 0 says the same, and the
    solver may put any part of the value on either. The row's value is what its first t would be worth: the row's dual
    and the least reduced cost of its flows, per unit of their coefficients.
    """
    assert answer.row_dual is not None
    assert answer.column_dual is not None
    dual = answer.row_dual.copy()
    rows = sp.csr_array(form.matrix)
    for row in np.flatnonzero((form.row_upper == 0.0) & np.isinf(form.row_lower)).tolist():
        columns = rows.indices[rows.indptr[row] : rows.indptr[row + 1]]
        coefficients = rows.data[rows.indptr[row] : rows.indptr[row + 1]]
        if len(columns) and (coefficients > 0).all() and (form.column_lower[columns] == 0.0).all():
            own = coefficients * form.row_unit[row] / form.column_unit[columns]
            dual[row] = min(0.0, dual[row] + float((answer.column_dual[columns] / own).min()))
    return dual


def _of_bounds(instance: Instance, form: Form, dual: Floats) -> Iterator[Row]:
    """Reduced costs of columns at an upper bound: negative, as a dual of the limit would be."""
    alone = {f for f, count in Counter(f for f, _ in instance.supply.steps).items() if count == 1}
    alone |= {r for r, count in Counter(r for r, _ in instance.trade.bands).items() if count == 1}
    alone |= set(instance.stocks.names)
    for column in np.flatnonzero(dual < -NEGLIGIBLE).tolist():
        variable, key = form.columns[column]
        if variable in BOUNDS and key[0] in alone and form.column_upper[column] > 0:
            yield _row(instance, BOUNDS[variable], [key[0]], str(key[-1]), float(dual[column]))


def _row(instance: Instance, constraint: str, key: Sequence[object], node_name: str, value: float) -> Row:
    tree = instance.tree
    node = tree.names.index(node_name)
    weight = tree.probability[node] * tree.discount[node]
    if constraint not in OTHERS:
        weight *= tree.annuity_y[node]
    name = " ".join(str(part) for part in key if part != "")
    at_node = float(value / weight) if weight > 0 else None
    return (constraint, name, node_name, _unit(constraint), value, at_node)


def _unit(constraint: str) -> str:
    if constraint not in OTHERS:
        return "kUSD per t/y"
    return "kUSD per unit" if constraint == "budget_is_kept" else "kUSD/t"
