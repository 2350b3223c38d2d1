"""Index sets and variables, shared by all families.

Sets are sparse over what exists; flows are dense over nodes, and what cannot happen at a node has bound 0.
Links between rows (previous node, lag, recipe) are sets, so that no rule needs a condition.
"""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo

from lodeplan.optimizer.model.data import add_links, add_param, add_set, by_node, upper_bounds
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance


def add_index(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Nodes, what is made, shipped, stored and wanted, and where each meets."""
    tree, trade = instance.tree, instance.trade
    add_set(m, "NODES", tree.names)
    add_set(m, "STEPS", instance.supply.steps, dimen=2)
    add_set(m, "BANDS", trade.bands, dimen=2)
    add_set(m, "ACTIVITIES", instance.supply.activities, dimen=2)
    add_set(m, "MARKETS", instance.markets, dimen=3)
    add_set(m, "DECLARATIONS", instance.declarations, dimen=4)
    add_set(m, "DISPOSALS", instance.disposals, dimen=2)
    add_set(m, "STOCKPILES", instance.stocks.names)
    add_set(m, "DEMANDS", instance.demands.names)
    add_set(m, "OPTIONS", instance.demands.options, dimen=2)
    add_set(m, "RECOVERIES", instance.recovery.rules)
    add_set(m, "SHORTAGE_STEPS", instance.demands.steps, dimen=2)
    add_set(m, "SOFT", instance.limits.soft, dimen=2)
    add_set(m, "STARTS", named_starts(instance), dimen=3)
    add_set(m, "ONBOARDINGS", [(route, tree.names[node]) for route, node in instance.qualification.offers], dimen=2)
    add_param(m, "length_y", dict(zip(tree.names, tree.length.tolist(), strict=True)))
    previous = {name: [tree.names[up]] for name, up in zip(tree.names, tree.parent, strict=True) if up >= 0}
    add_links(m, "PREVIOUS", previous, tree.names)
    steps_of: dict[str, list[int]] = {}
    for producer, step in instance.supply.steps:
        steps_of.setdefault(producer, []).append(step)
    add_links(m, "STEPS_OF", steps_of, list(instance.supply.producers))
    bands_of: dict[str, list[str]] = {}
    for route, band in trade.bands:
        bands_of.setdefault(route, []).append(band)
    add_links(m, "BANDS_OF", bands_of, list(trade.routes))
    options_of: dict[str, list[str]] = {}
    for demand, option in instance.demands.options:
        options_of.setdefault(demand, []).append(option)
    add_links(m, "OPTIONS_OF", options_of, list(instance.demands.names))


def named_starts(instance: Instance) -> list[tuple[str, str, str]]:
    """(project, track, node's name) of every start on offer."""
    return [(project, track, instance.tree.names[node]) for project, track, node in instance.programme.starts]


def add_variables(m: pyo.ConcreteModel, instance: Instance) -> None:
    """All variables of `conventions.md`, with the bounds the data give them."""
    nodes = instance.tree.names
    demands, stocks = instance.demands, instance.stocks

    def flow(index: pyo.Set, limits: Floats | float) -> pyo.Var:
        return pyo.Var(index, m.NODES, bounds=upper_bounds(by_node(list(index), nodes, limits)))

    m.run = flow(m.STEPS, _run_limits(instance))
    m.ship = flow(m.BANDS, np.array([instance.trade.capacity_t_per_y[route] for route, _ in instance.trade.bands]))
    m.activity = flow(m.ACTIVITIES, np.inf)
    m.declare = flow(m.DECLARATIONS, np.inf)
    m.recover = flow(m.RECOVERIES, instance.recovery.limit_t_per_y)
    m.dispose = flow(m.DISPOSALS, np.inf)
    m.buy = flow(m.STOCKPILES, stocks.buy_limit_t_per_y)
    m.release = flow(m.STOCKPILES, stocks.release_limit_t_per_y)
    m.stock = flow(m.STOCKPILES, stocks.stock_limit_t)
    m.use = flow(m.OPTIONS, demands.option_limit_t_per_y)
    m.short = flow(m.SHORTAGE_STEPS, demands.step_limit_t_per_y)
    m.slack = flow(m.SOFT, instance.limits.slack_limit)
    m.start = pyo.Var(m.STARTS, within=pyo.Binary)
    m.started = pyo.Var(m.STARTS, bounds=(0, 1))
    m.onboard = pyo.Var(m.ONBOARDINGS, within=pyo.Binary)
    m.onboarded = pyo.Var(m.ONBOARDINGS, bounds=(0, 1))


def _run_limits(instance: Instance) -> Floats:
    """Width of each step, never more than the capacity; nothing of a project where no start can be on line."""
    supply, programme = instance.supply, instance.programme
    limits = np.empty_like(supply.width_t_per_y)
    for row, (producer, _) in enumerate(supply.steps):
        limits[row] = np.minimum(supply.width_t_per_y[row], supply.capacity_t_per_y[producer])
        if producer in programme.projects:
            limits[row] *= [programme.may_run(producer, node) for node in range(len(instance.tree))]
    return limits
