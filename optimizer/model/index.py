"""Index sets, shared by all families.

Sets are sparse over what exists; flows are dense over nodes, and what cannot happen at a node has bound 0.
Links between rows (previous node, lag, recipe) are sets, so that no rule needs a condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lodeplan.optimizer.model.data import add_links, add_param, add_set
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


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
