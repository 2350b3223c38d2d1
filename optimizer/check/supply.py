"""Home's supply of a commodity at a node by source, and what leaves again (conventions, "Stockpiles, limits")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lodeplan.optimizer.check.case import Case
from lodeplan.optimizer.check.content import Variant
from lodeplan.optimizer.check.tree import Node


@dataclass(frozen=True)
class Source:
    """Arrivals from a place, gross output of a maker at home, or what is recovered there, of one variant."""

    flow_t_per_y: float
    variant: Variant
    origin: str | None = None
    """Of arrivals; None: home."""
    maker: str | None = None


def supply_of(case: Case, node: Node, commodity: str) -> list[Source]:
    """All arrivals at home, gross output and recovery there."""
    return [*_arrivals(case, node, commodity), *_output(case, node, commodity), *_recovered(case, node, commodity)]


def _arrivals(case: Case, node: Node, commodity: str) -> Iterator[Source]:
    for (name, band), (flow, *_) in case.plan.rows("ship", node.name).items():
        route = case.scenario.routes[name]
        if route.destination == case.scenario.home and route.commodity == commodity:
            _, variant = case.world.bands[name][band]
            yield Source(flow, case.world.content.arriving(name, variant), origin=route.origin)


def _output(case: Case, node: Node, commodity: str) -> Iterator[Source]:
    for (name, mode), run in case.by_mode_t_per_y(node).items():
        maker = case.world.makers[name]
        if maker.place == case.scenario.home and commodity in maker.outputs:
            variant = case.world.content.made(name, mode, commodity)
            yield Source(maker.outputs[commodity] * run, variant, maker=name)


def _recovered(case: Case, node: Node, commodity: str) -> Iterator[Source]:
    for (name,), (flow, *_) in case.plan.rows("recover", node.name).items():
        recycling = case.scenario.recycling[name]
        if recycling.commodity == commodity and recycling.place in (None, case.scenario.home):
            yield Source(flow, case.world.content.recovered(name))


def is_recycled(case: Case, source: Source) -> bool:
    """True if it is recovered, or made at home of scrap alone."""
    if source.origin is not None:
        return False
    if source.maker is None:
        return True
    inputs = case.world.makers[source.maker].inputs
    return bool(inputs) and all(case.scenario.commodities[item].stage == "scrap" for item in inputs)


def exported_t_per_y(case: Case, node: Node, commodity: str) -> float:
    """Flow out of home on routes, and what demands of buyers abroad take at home."""
    scenario = case.scenario
    shipped = sum(
        flow
        for name, flow in case.shipped_t_per_y(node).items()
        if scenario.routes[name].origin == scenario.home and scenario.routes[name].commodity == commodity
    )
    sold = sum(
        option.ratio_t_per_t * met
        for name, demand in scenario.demands.items()
        if demand.tier == "export" and demand.place in (None, scenario.home)
        for option, met in case.served_t_per_y(name, node)
        if option.commodity == commodity
    )
    return shipped + sold


def used_t_per_y(case: Case, node: Node, commodity: str) -> float:
    """Need of demands at home, met or not, inputs of plants there, and what it takes as a substitute of others."""
    scenario = case.scenario
    wanted = substituted = 0.0
    for name, demand in scenario.demands.items():
        if demand.tier == "export" or demand.place not in (None, scenario.home):
            continue
        if demand.commodity == commodity:
            wanted += case.world.demand_t_per_y(name, node)
            continue
        served = case.served_t_per_y(name, node)
        substituted += sum(option.ratio_t_per_t * met for option, met in served if option.commodity == commodity)
    makers = case.world.makers
    inputs = sum(
        makers[name].inputs.get(commodity, 0.0) * run
        for name, run in case.run_t_per_y(node).items()
        if makers[name].place == scenario.home
    )
    return wanted + inputs + substituted
