"""The names each table of a plan may speak of (conventions, "Tables of a result")."""

from __future__ import annotations

from lodeplan.optimizer.check.case import World
from lodeplan.optimizer.check.content import Content
from lodeplan.optimizer.check.plan import Name
from lodeplan.optimizer.check.selections import selects_name
from lodeplan.schemas.limits import Limit, ServiceFloor
from lodeplan.schemas.scenario import Demand


def known_names(world: World) -> dict[str, frozenset[Name]]:
    """By table, without the node."""
    return {**_flows(world), **_needs(world), **_decisions(world)}


def _flows(world: World) -> dict[str, frozenset[Name]]:
    scenario, first = world.scenario, world.tree.periods[0]
    return {
        "run": frozenset((name, str(step)) for name in world.makers for step in range(len(world.steps(name, first)))),
        "activity": frozenset(
            (name, mode) for name, modes in world.content.modes.items() if len(modes) > 1 for mode in modes
        ),
        "ship": frozenset((route, band) for route, bands in world.bands.items() for band in bands),
        "store": frozenset((name,) for name in scenario.stockpiles),
        "dispose": frozenset((commodity, place) for commodity in scenario.commodities for place in scenario.places),
        "declare": _declarations(world.content, list(scenario.places)),
        "recover": frozenset((name,) for name in scenario.recycling),
    }


def _needs(world: World) -> dict[str, frozenset[Name]]:
    return {
        "serve": frozenset((demand, option) for demand, options in world.options.items() for option in options),
        "shortage": frozenset(
            (name, str(step)) for name in world.scenario.demands for step in range(len(world.penalty_steps(name)))
        ),
    }


def _decisions(world: World) -> dict[str, frozenset[Name]]:
    scenario = world.scenario
    return {
        "starts": frozenset((name, track) for name, project in scenario.projects.items() for track in project.tracks),
        "onboardings": frozenset((name,) for name, route in scenario.routes.items() if route.onboarding),
        "slack": frozenset(
            (name, item) for name, limit in scenario.limits.items() for item in _items(limit, scenario.demands)
        ),
    }


def _declarations(content: Content, places: list[str]) -> frozenset[Name]:
    """Of each commodity at each place, a variant as one with more tags."""
    return frozenset(
        (commodity, place, written, declared)
        for commodity, variants in content.variants.items()
        for written, variant in variants.items()
        for declared, other in variants.items()
        if variant < other
        for place in places
    )


def _items(limit: Limit, demands: dict[str, Demand]) -> list[str]:
    """What a limit is exceeded for: each demand of a service floor by itself, else the limit as a whole."""
    if not isinstance(limit, ServiceFloor):
        return [""]
    return [
        name
        for name, demand in demands.items()
        if demand.tier in limit.tiers and selects_name(limit.commodities, demand.commodity)
    ]
