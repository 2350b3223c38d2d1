"""Demand and shortage.

What a planner sees: each tier's demand is served or short, and the first t short weigh less than the last.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.model.data import add_constraint, add_links, add_param, by_node
from optimizer.prepare.instance import Instance


def demand_is_served_or_short(m: Any, d: str, n: str) -> Any:
    """Every demand is served or short.

    served[d,n] + sum_s short[d,s,n] = quantity[d,n]

    Unit: t/y.
    Dual: cost of one more t/y wanted, kUSD per t/y (expected, discounted).
    Kind: hard; shortage has rising penalties.
    Source: demand of the tier.
    """
    return m.served[d, n] + sum(m.short[d, s, n] for s in m.SHORTAGE_STEPS_OF[d]) == m.quantity[d, n]


CONSTRAINTS = (demand_is_served_or_short,)


def add_demands(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Demand rows."""
    demands = instance.demands
    steps_of: dict[str, list[int]] = {}
    for demand, step in demands.steps:
        steps_of.setdefault(demand, []).append(step)
    add_links(m, "SHORTAGE_STEPS_OF", steps_of, list(demands.names))
    add_param(m, "quantity", by_node(demands.names, instance.tree.names, demands.quantity_t_per_y))
    add_constraint(m, demand_is_served_or_short, m.DEMANDS, m.NODES)
