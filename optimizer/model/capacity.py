"""Capacity of running facilities.

What a planner sees: the cost steps of a mine, refinery or foreign offer together stay within what home can have of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.model.data import add_param, add_set, by_node
from optimizer.prepare.instance import Instance


def facility_runs_within_capacity(m: Any, f: str, n: str) -> Any:
    """All cost steps of a facility together run within its home capacity, events counted.

    sum_i run[f,i,n] <= capacity[f] * home share * availability[f,n]

    Unit: t/y of activity.
    Dual: what one more t/y of capacity would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: capacity of the facility. Facilities with a single step have it as a bound.
    """
    return sum(m.run[f, i, n] for i in m.STEPS_OF[f]) <= m.home_capacity[f, n]


CONSTRAINTS = (facility_runs_within_capacity,)


def add_capacity(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Capacity rows of running facilities with several cost steps."""
    supply = instance.supply
    several = [
        name
        for name in instance.scenario.facilities
        if len(m.STEPS_OF[name]) > 1 and np.isfinite(supply.capacity_t_per_y[name]).all()
    ]
    add_set(m, "STEPPED", several)
    capacity = np.array([supply.capacity_t_per_y[name] for name in several]).reshape(len(several), len(instance.tree))
    add_param(m, "home_capacity", by_node(several, instance.tree.names, capacity))
    m.facility_runs_within_capacity = pyo.Constraint(m.STEPPED, m.NODES, rule=facility_runs_within_capacity)
