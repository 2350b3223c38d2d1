"""Marginal values: what one more unit of a commodity, a capacity or a limit is worth, with the decisions fixed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.prepare.calendar import Floats
from optimizer.prepare.instance import Instance
from optimizer.results.solution_tables import frame
from optimizer.solve.form import Form

YEARLY = (
    "commodity_balances",
    "facility_runs_within_capacity",
    "project_runs_when_on_line",
    "route_flows_within_capacity",
    "flow_stays_within_quota",
    "onboarded_route_takes_minimum",
    "share_stays_below_cap",
    "shortage_stays_below_floor",
)
"""Constraints on yearly flows: their value at a node is per t, so the node's years are divided out."""
OTHERS = ("stock_covers_target", "budget_is_kept", "project_starts_where_forced")


def marginal_values(instance: Instance, form: Form, row_dual: Floats | None) -> pd.DataFrame:
    """Duals other than 0 of the constraints a planner can act on; commodities at home only."""
    if row_dual is None:
        return frame("marginal_values", [])
    tree = instance.tree
    node_of = {name: node for node, name in enumerate(tree.names)}
    rows = []
    for row in np.flatnonzero(np.abs(row_dual) > 1e-9).tolist():
        constraint = form.rows[row].parent_component().local_name
        *key, node_name = _key(form.rows[row].index())
        if constraint not in YEARLY + OTHERS or node_name not in node_of:
            continue
        if constraint == "commodity_balances" and key[1] != instance.scenario.home:
            continue
        node = node_of[node_name]
        value = float(row_dual[row])
        weight = tree.probability[node] * tree.discount[node]
        weight *= tree.length[node] if constraint in YEARLY else 1.0
        rows.append((constraint, " ".join(str(part) for part in key), node_name, value, float(value / weight)))
    return frame("marginal_values", rows)


def _key(index: object) -> tuple[object, ...]:
    return index if isinstance(index, tuple) else (index,)
