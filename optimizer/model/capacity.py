"""Capacity of running facilities.

What a planner sees: the cost steps of a mine, refinery or foreign offer together stay within what home can have of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.model.data import add_constraint, add_param, add_set
from optimizer.prepare.instance import Instance


def facility_runs_within_capacity(m: Any, f: str, n: str) -> Any:
    """All cost steps of a facility together run within its home capacity, events counted.

    sum_i run[f,i,n] <= capacity[f] * home share * availability[f,n]

    Unit: t/y of activity.
    Dual: what one more t/y of capacity would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: capacity of the facility. It stands where the steps together go beyond it; a single step has it as a bound.
    """
    return sum(m.run[f, i, n] for i in m.STEPS_OF[f]) <= m.home_capacity[f, n]


ROUNDING = 1e-12
"""Relative difference of sums that is no difference."""
CONSTRAINTS = (facility_runs_within_capacity,)


def add_capacity(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Capacity rows of running facilities, at the nodes where their steps together would go beyond it."""
    supply = instance.supply
    rows: dict[tuple[str, str], float] = {}
    for f in instance.scenario.facilities:
        steps = [row for row, (name, _) in enumerate(supply.steps) if name == f]
        capacity = supply.capacity_t_per_y[f]
        beyond = supply.width_t_per_y[steps].sum(axis=0) > capacity * (1.0 + ROUNDING)
        if len(steps) > 1:
            rows |= {(f, instance.tree.names[n]): float(capacity[n]) for n in np.flatnonzero(beyond).tolist()}
    add_set(m, "STEPPED", rows, dimen=2)
    add_param(m, "home_capacity", rows)
    add_constraint(m, facility_runs_within_capacity, m.STEPPED)
