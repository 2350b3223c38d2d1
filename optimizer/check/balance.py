"""The balance of each commodity, place and variant at a node (conventions, "Content", "Demand")."""

from __future__ import annotations

from collections.abc import Iterator

from lodeplan.optimizer.check.case import Case
from lodeplan.optimizer.check.content import Variant
from lodeplan.optimizer.check.ledger import Ledger
from lodeplan.optimizer.check.tree import Node

Stop = tuple[str, str, Variant]
"""Commodity, place, and what it carries."""
Flows = dict[Stop, float]


def check_balances(case: Case, node: Node, ledger: Ledger) -> None:
    """production + arrivals + release + recovered = inputs + departures + buy + dispose + served, in each variant.

    Declaring moves material from a variant to another.
    """
    coming, going = _add_up(_coming(case, node)), _add_up(_going(case, node))
    for stop in coming.keys() | going.keys():
        commodity, place, variant = stop
        written = case.world.content.written(commodity, variant)
        what = f"{commodity} ({written})" if written else commodity
        into, out = coming.get(stop, 0.0), going.get(stop, 0.0)
        ledger.balance(f"balance of {what} at {place} in {node.name}", into, out, case.units[commodity])
    for (commodity, place), (flow, *_) in case.plan.rows("dispose", node.name).items():
        if not case.scenario.commodities[commodity].disposable:
            subject = f"disposal of {commodity}, not disposable, at {place} in {node.name}"
            ledger.at_most(subject, flow, 0.0, case.units[commodity])


def _add_up(flows: Iterator[tuple[Stop, float]]) -> Flows:
    total: Flows = {}
    for stop, flow in flows:
        total[stop] = total.get(stop, 0.0) + flow
    return total


def _coming(case: Case, node: Node) -> Iterator[tuple[Stop, float]]:
    """What is made, arrives, is released, recovered or declared to be of a variant."""
    scenario, content = case.scenario, case.world.content
    for (name, mode), run in case.by_mode_t_per_y(node).items():
        maker = case.world.makers[name]
        for commodity, per_t in maker.outputs.items():
            yield (commodity, maker.place, content.made(name, mode, commodity)), per_t * run
    for (name, band), (flow, *_) in case.plan.rows("ship", node.name).items():
        route, (_, variant) = scenario.routes[name], case.world.bands[name][band]
        yield (route.commodity, route.destination, content.arriving(name, variant)), flow
    for (name,), (_, release, _) in case.plan.rows("store", node.name).items():
        stockpile = scenario.stockpiles[name]
        yield (stockpile.commodity, stockpile.place or scenario.home, content.stored(name)), release
    for (name,), (flow, *_) in case.plan.rows("recover", node.name).items():
        recycling = scenario.recycling[name]
        yield (recycling.commodity, recycling.place or scenario.home, content.recovered(name)), flow
    for (commodity, place, _, declared), (flow, *_) in case.plan.rows("declare", node.name).items():
        yield (commodity, place, content.variants[commodity][declared]), flow


def _going(case: Case, node: Node) -> Iterator[tuple[Stop, float]]:
    """What is used, leaves, is stored, serves a demand, is let go or is declared to be of another variant."""
    scenario, content = case.scenario, case.world.content
    for (name, mode), run in case.by_mode_t_per_y(node).items():
        maker = case.world.makers[name]
        for commodity, per_t in maker.inputs.items():
            yield (commodity, maker.place, content.taken(name, mode, commodity)), per_t * run
    for (name, band), (flow, *_) in case.plan.rows("ship", node.name).items():
        route, (_, variant) = scenario.routes[name], case.world.bands[name][band]
        yield (route.commodity, route.origin, variant), flow
    for (name,), (buy, _, _) in case.plan.rows("store", node.name).items():
        stockpile = scenario.stockpiles[name]
        yield (stockpile.commodity, stockpile.place or scenario.home, content.stored(name)), buy
    for (name, written), (flow, *_) in case.plan.rows("serve", node.name).items():
        option = case.world.options[name][written]
        if option.commodity is not None:
            place = scenario.demands[name].place or scenario.home
            yield (option.commodity, place, option.variant), option.ratio_t_per_t * flow
    for (commodity, place), (flow, *_) in case.plan.rows("dispose", node.name).items():
        yield (commodity, place, content.tags.traced[commodity]), flow
    for (commodity, place, written, _), (flow, *_) in case.plan.rows("declare", node.name).items():
        yield (commodity, place, content.variants[commodity][written]), flow
