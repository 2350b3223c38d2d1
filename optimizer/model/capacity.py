"""Capacity of facilities, and what else bounds their activity: modes, minimum, growth, reserves.

What a planner sees: the cost steps of a mine, refinery or foreign offer together stay within what home can have of it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lodeplan.optimizer.model.data import add_constraint, add_links, add_param, add_set
from lodeplan.optimizer.model.declare import DEFINITION, Couples, Limit, Price, bound, bound_of, constraint
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.producer,
    marginal_value=Limit("plant or offer", per="t/y"),
)
def facility_runs_within_capacity(m: Any, f: str, n: str) -> Any:
    """All cost steps of a facility together run within its home capacity, events counted.

    sum_i run[f,i,n] <= capacity[f] * home share * availability[f,n]

    Unit: t/y of activity.
    Dual: what one more t/y of capacity would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: capacity of the facility. It stands where the steps together go beyond it; a single step has it as a bound.
    """
    return sum(m.run[f, i, n] for i in m.STEPS_OF[f]) <= m.home_capacity_t_per_y[f, n]


@constraint(
    scale=Sizes.producer,
    marginal_value=DEFINITION,
)
def modes_add_up(m: Any, f: str, n: str) -> Any:
    """A producer whose material is traced runs in modes; together they are its activity.

    sum_h activity[f,h,n] = sum_i run[f,i,n]

    Unit: t/y of activity.
    Dual: worth of one t/y in no mode, kUSD per t/y (expected, discounted).
    Kind: hard.
    Source: definition.
    """
    return sum(m.activity[f, h, n] for h in m.MODES_OF[f]) == sum(m.run[f, i, n] for i in m.STEPS_OF[f])


@constraint(
    scale=Sizes.producer,
    marginal_value=Limit("minimum use", per="t/y"),
    gives_way="{f!r} cannot run at its minimum utilisation in {n}: {amount} t/y is missing.",
    couples=(Couples.PATH,),
)
def facility_keeps_running(m: Any, f: str, n: str) -> Any:
    """A facility runs at least at its minimum utilisation, a project once it is on line.

    sum_i run[f,i,n] >= minimum share[f] * (capacity[f,n], or of a project the part of it that is on line)

    Unit: t/y of activity.
    Dual: what one t/y of the minimum costs, kUSD per t/y (expected, discounted); positive or 0.
    Kind: hard.
    Source: `minimum_utilisation_share` of the facility or project.
    """
    return (
        sum(m.run[f, i, n] for i in m.STEPS_OF[f])
        - sum(m.least_gain_t_per_y[f, n, t, a] * m.started[f, t, a] for t, a in m.LEAST_ON_LINE[f, n])
        >= m.least_activity_t_per_y[f, n]
    )


@constraint(
    scale=Sizes.producer,
    marginal_value=Limit("growth", per="t/y"),
    gives_way="{f!r} would have to grow by {amount} t/y more than its limit in {n}.",
    couples=(Couples.NODE_BEFORE,),
)
def activity_grows_within_limit(m: Any, f: str, n: str) -> Any:
    """Activity grows by no more than a share of what it was before plus a fixed amount.

    sum_i run[f,i,n] <= (1 + share)^g * sum_i run[f,i,before n] + g * seed, g years after the node before

    Unit: t/y of activity.
    Dual: worth of one more t/y of growth, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard. The factor is at most 1e6. It is left out where the seed alone allows the whole capacity.
    Source: `growth` of the facility or project.
    """
    return (
        sum(m.run[f, i, n] for i in m.STEPS_OF[f])
        - sum(m.growth_factor[f, n] * m.run[f, i, a] for i, a in m.RAN_BEFORE[f, n])
        <= m.growth_from_nothing_t_per_y[f, n]
    )


@constraint(
    scale=Sizes.producer,
    marginal_value=Limit("reserves", per="t"),
    gives_way="The reserves of {f!r} would have to be larger by {amount} t ({n}).",
    couples=(Couples.PATH,),
)
def reserves_are_not_exceeded(m: Any, f: str, n: str) -> Any:
    """Total activity on the path to the end of a future stays within the reserves.

    sum over the path to leaf n of l * run[f,i,a] <= reserves[f]

    Unit: t of activity.
    Dual: worth of one more t in the ground, kUSD/t (expected, discounted); negative or 0.
    Kind: hard.
    Source: `reserves_t` of the facility or project.
    """
    return sum(m.length_y[a] * m.run[f, i, a] for i, a in m.RAN_ON_PATH[f, n]) <= m.reserves_t[f]


@bound_of(facility_runs_within_capacity, about=lambda _, step: step[:1])
def capacity_of_a_step(instance: Instance) -> Floats:
    """Capacity of the producer, for each of its steps."""
    supply = instance.supply
    return np.array([supply.capacity_t_per_y[f] for f, _ in supply.steps]).reshape(supply.width_t_per_y.shape)


@bound("f,i,n", marginal_value=Price("t/y"))
def cost_step_stays_within_width(instance: Instance) -> Floats:
    """A cost step of a facility or project takes no more than its width, events counted.

    run[f,i,n] <= width[f,i] * availability[f,n]

    Unit: t/y of activity.
    Dual: what a step wider by one t/y would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: `steps` or `supply_curve` of the facility; a step as wide as the capacity is told as the capacity.
    """
    return instance.supply.width_t_per_y


ROUNDING = 1e-12
"""Relative difference of sums that is no difference."""
MOST_GROWTH = 1e6
"""Larger factors of growth count as this one: what it multiplies could no longer be told from nothing."""
CONSTRAINTS = (
    facility_runs_within_capacity,
    modes_add_up,
    facility_keeps_running,
    activity_grows_within_limit,
    reserves_are_not_exceeded,
)
BOUNDS = (cost_step_stays_within_width,)


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
    add_param(m, "home_capacity_t_per_y", rows)
    add_constraint(m, facility_runs_within_capacity, m.STEPPED)
    _add_modes(m, instance)
    _add_minimum(m, instance)
    _add_growth(m, instance)
    _add_reserves(m, instance)


def _add_modes(m: pyo.ConcreteModel, instance: Instance) -> None:
    moded = [f for f in instance.supply.producers if f not in instance.supply.single_mode]
    modes = {f: [mode for name, mode in instance.supply.activities if name == f] for f in moded}
    add_set(m, "MODED", moded)
    add_links(m, "MODES_OF", modes, moded)
    add_constraint(m, modes_add_up, m.MODED, m.NODES)


def _add_minimum(m: pyo.ConcreteModel, instance: Instance) -> None:
    supply, programme, names = instance.supply, instance.programme, instance.tree.names
    least: dict[tuple[str, str], float] = {}
    gains: dict[tuple[str, str, str, str], float] = {}
    for f, producer in supply.producers.items():
        share = producer.minimum_utilisation_share
        if share <= 0:
            continue
        rows = [row for row, (name, _) in enumerate(supply.steps) if name == f]
        room = np.minimum(supply.capacity_t_per_y[f], supply.width_t_per_y[rows].sum(axis=0))
        for node, n in enumerate(names):
            if f not in programme.projects:
                least[f, n] = share * float(room[node])
            elif programme.may_run(f, node):
                least[f, n] = share * programme.committed_share.get((f, node), 0.0) * float(room[node])
                for t, start, gain in programme.reached[f, node]:
                    key = (f, n, t, names[start])
                    gains[key] = gains.get(key, 0.0) + share * gain * float(room[node])
    on_line: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for f, n, t, a in gains:
        on_line.setdefault((f, n), []).append((t, a))
    add_set(m, "WITH_MINIMUM_RUN", least, dimen=2)
    add_param(m, "least_activity_t_per_y", least)
    add_param(m, "least_gain_t_per_y", gains)
    add_links(m, "LEAST_ON_LINE", on_line, list(least), dimen=2)
    add_constraint(m, facility_keeps_running, m.WITH_MINIMUM_RUN)


def growth_factor(share_per_y: float, years: float) -> float:
    """Factor by which activity may grow in these years; at most `MOST_GROWTH`, without overflow.

    >>> growth_factor(1.0, 3.0), growth_factor(1.0, 1e6)
    (8.0, 1000000.0)
    """
    if years * math.log1p(share_per_y) >= math.log(MOST_GROWTH):
        return MOST_GROWTH
    return float((1.0 + share_per_y) ** years)


def _add_growth(m: pyo.ConcreteModel, instance: Instance) -> None:
    tree, names = instance.tree, instance.tree.names
    growth: dict[tuple[str, str], float] = {}
    allowed: dict[tuple[str, str], float] = {}
    before: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for f, producer in instance.supply.producers.items():
        rule = producer.growth
        if rule is None:
            continue
        room = instance.supply.capacity_t_per_y[f]
        for node, n in enumerate(names):
            above = tree.parent[node]
            years = 1.0 if above < 0 else float(tree.length[above])
            factor = growth_factor(rule.share_per_y, years)
            if room[node] <= years * rule.seed_t_per_y:
                continue
            if above >= 0:
                before[f, n] = [(i, names[above]) for i in m.STEPS_OF[f]]
                growth[f, n], allowed[f, n] = factor, years * rule.seed_t_per_y
            elif rule.before_t_per_y is not None:
                growth[f, n], allowed[f, n] = factor, factor * rule.before_t_per_y + years * rule.seed_t_per_y
    add_set(m, "GROWING", allowed, dimen=2)
    add_param(m, "growth_factor", growth)
    add_param(m, "growth_from_nothing_t_per_y", allowed)
    add_links(m, "RAN_BEFORE", before, list(allowed), dimen=2)
    add_constraint(m, activity_grows_within_limit, m.GROWING)


def _add_reserves(m: pyo.ConcreteModel, instance: Instance) -> None:
    tree, names = instance.tree, instance.tree.names
    finite = {f: p.reserves_t for f, p in instance.supply.producers.items() if p.reserves_t is not None}
    rows = [(f, names[leaf]) for f in finite for leaf in tree.leaves]
    paths = {
        (f, names[leaf]): [(i, names[a]) for a in tree.path(leaf) for i in m.STEPS_OF[f]]
        for f in finite
        for leaf in tree.leaves
    }
    add_param(m, "reserves_t", finite)
    add_set(m, "ENDS_OF_RESERVES", rows, dimen=2)
    add_links(m, "RAN_ON_PATH", paths, rows, dimen=2)
    add_constraint(m, reserves_are_not_exceeded, m.ENDS_OF_RESERVES)
