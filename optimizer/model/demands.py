"""Demand, the ways to meet it, and shortage.

What a planner sees: each tier's demand is met, as itself or by a substitute, given up to the price, or short; and the
first t short weigh less than the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lodeplan.optimizer.model.data import add_constraint, add_links, add_param, add_param_by_node, add_set
from lodeplan.optimizer.model.declare import Limit, Price, bound, bound_of, constraint
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.demand,
    marginal_value=Price("t/y"),
)
def demand_is_served_or_short(m: Any, d: str, n: str) -> Any:
    """Every demand is met by its options or short.

    sum_o use[d,o,n] + sum_s short[d,s,n] = quantity[d,n]

    Unit: t/y.
    Dual: cost of one more t/y wanted, kUSD per t/y (expected, discounted).
    Kind: hard; shortage has rising penalties.
    Source: demand of the tier.
    """
    return (
        sum(m.use[d, o, n] for o in m.OPTIONS_OF[d]) + sum(m.short[d, s, n] for s in m.SHORTAGE_STEPS_OF[d])
        == m.quantity_t_per_y[d, n]
    )


@constraint(
    scale=Sizes.demand,
    marginal_value=Limit("substitute", per="t/y"),
)
def substitute_stays_within_limit(m: Any, d: str, y: str, n: str) -> Any:
    """All variants of a substitute together meet at most its share of the demand.

    sum_o use[d,o,n] <= limit share[d,y,n] * quantity[d,n]

    Unit: t/y.
    Dual: worth of one more t/y of the substitute, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard. A substitute that comes in one variant has it as a bound.
    Source: `limit_share` and `delay_years` of the substitute.
    """
    return sum(m.use[d, o, n] for o in m.VARIANTS_USED[d, y]) <= m.substitute_limit_t_per_y[d, y, n]


@constraint(
    scale=Sizes.demand,
    marginal_value=Limit("source ban", per="t/y"),
    gives_way="Source ban {e!r} of {d!r} would have to let {amount} t/y pass in {n}.",
)
def demand_takes_clean_material(m: Any, d: str, e: str, n: str) -> Any:
    """While a source ban is in force a demand takes nothing of what it bars.

    sum use[d,o,n] over options with the ban's tag <= share of days without the ban * quantity[d,n]

    Unit: t/y.
    Dual: what the ban costs per t/y, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: `source_bans` of the demand.
    """
    return sum(m.use[d, o, n] for o in m.BARRED[d, e]) <= m.barred_limit_t_per_y[d, e, n]


@bound_of(substitute_stays_within_limit, about=lambda instance, key: (key[0], instance.demands.options[key].way))
def limit_of_a_substitute(instance: Instance) -> Floats:
    """Limit of the substitute, for each of its variants."""
    return _limits_of_options(instance, substitutes=True)


@bound("d,o,n", marginal_value=Price("t/y"))
def need_given_up_stays_within_step(instance: Instance) -> Floats:
    """A step of a price response gives up no more than its width of the need.

    use[d,o,n] <= width[o] * quantity[d,n]

    Unit: t/y.
    Dual: what a step wider by one t/y would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: `elastic` of the demand.
    """
    return _limits_of_options(instance, substitutes=False)


def _limits_of_options(instance: Instance, *, substitutes: bool) -> Floats:
    """Limits of the options that are substitutes, or of those that are not; infinite for the others."""
    demands = instance.demands
    meant = [o.way in demands.demands[o.demand].substitutes for o in demands.options.values()]
    return np.where(np.array(meant, bool)[:, None] == substitutes, demands.option_limit_t_per_y, np.inf)


@bound("d,s,n", marginal_value=Price("t/y"))
def shortage_stays_within_step(instance: Instance) -> Floats:
    """A penalty step takes no more than its width of the shortage; the last one takes the rest.

    short[d,s,n] <= width[s] * quantity[d,n]

    Unit: t/y.
    Dual: what a step wider by one t/y would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: `shortage_penalty_kusd_per_t` of the demand, by share.
    """
    demands = instance.demands
    last = dict(demands.steps)
    is_last = np.array([s == last[d] for d, s in demands.steps], bool)
    return np.where(is_last[:, None], np.inf, demands.step_limit_t_per_y.reshape(len(is_last), len(instance.tree)))


CONSTRAINTS = (demand_is_served_or_short, substitute_stays_within_limit, demand_takes_clean_material)
BOUNDS = (shortage_stays_within_step, need_given_up_stays_within_step)


def add_demands(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Demand rows."""
    demands = instance.demands
    steps_of: dict[str, list[int]] = {}
    for demand, step in demands.steps:
        steps_of.setdefault(demand, []).append(step)
    add_links(m, "SHORTAGE_STEPS_OF", steps_of, list(demands.names))
    add_param_by_node(m, "quantity_t_per_y", m.DEMANDS, demands.quantity_t_per_y)
    add_constraint(m, demand_is_served_or_short, m.DEMANDS, m.NODES)
    _add_substitutes(m, instance)
    _add_bans(m, instance)


def _add_substitutes(m: pyo.ConcreteModel, instance: Instance) -> None:
    ways: dict[tuple[str, str], list[str]] = {}
    limits = {}
    for (d, o), option in instance.demands.options.items():
        if np.isfinite(option.limit_t_per_y).all():
            ways.setdefault((d, option.way), []).append(o)
            limits[d, option.way] = option.limit_t_per_y
    shared = [way for way, options in ways.items() if len(options) > 1]
    add_set(m, "SHARED_SUBSTITUTES", shared, dimen=2)
    add_links(m, "VARIANTS_USED", ways, shared)
    rows = np.array([limits[way] for way in shared]).reshape(len(shared), len(instance.tree))
    add_param_by_node(m, "substitute_limit_t_per_y", m.SHARED_SUBSTITUTES, rows)
    add_constraint(m, substitute_stays_within_limit, m.SHARED_SUBSTITUTES, m.NODES)


def _add_bans(m: pyo.ConcreteModel, instance: Instance) -> None:
    demands, nodes = instance.demands, instance.tree.names
    limits = {
        (d, x, n): float(limit)
        for (d, x), (options, of_nodes) in demands.banned.items()
        if options
        for n, limit, quantity in zip(nodes, of_nodes, demands.quantity_t_per_y[demands.names.index(d)], strict=True)
        if limit < quantity
    }
    bans = list(dict.fromkeys((d, x) for d, x, _ in limits))
    add_set(m, "BANS", limits, dimen=3)
    add_links(m, "BARRED", {ban: demands.banned[ban][0] for ban in bans}, bans)
    add_param(m, "barred_limit_t_per_y", limits)
    add_constraint(m, demand_takes_clean_material, m.BANS)
