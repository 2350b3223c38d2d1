"""Whether routes that need a decision before their first use have a limit: yes or no is modelled by it."""

from __future__ import annotations

from schemas.findings import Findings
from schemas.scenario import Scenario

Stop = tuple[str, str]
"""(commodity, place)."""


def check(findings: Findings) -> None:
    """Routes with onboarding of which neither capacity, nor what is made at their origin, nor what is taken at
    their destination is limited.

    Skipped where an entry that could change the answer is broken or refers to something unknown.
    """
    scenario = findings.scenario
    if not findings.can_read("commodities", "places", "facilities", "projects", "routes", "stockpiles", "home"):
        return
    unlimited_from, unlimited_to = _unlimited_supply(scenario), _unlimited_use(scenario)
    for name, route in scenario.routes.items():
        if route.onboarding is None or route.capacity_t_per_y is not None:
            continue
        if (route.commodity, route.origin) in unlimited_from and (
            (route.commodity, route.destination) in unlimited_to or scenario.commodities[route.commodity].disposable
        ):
            message = "the route needs onboarding, but nothing limits what it could carry."
            allowed = "a capacity on the route, on the offers that feed it, or on what its destination takes"
            remedy = "Give the route a capacity that it will not exceed."
            keys = ["routes", name, "capacity_t_per_y"]
            findings.note("no_flow_limit", keys, message, allowed=allowed, remedy=remedy)


def _unlimited_supply(scenario: Scenario) -> set[Stop]:
    """Where a commodity may come from other routes, stock or plants without a capacity."""
    found = {(route.commodity, route.destination) for route in scenario.routes.values()}
    found |= {(pile.commodity, pile.place or scenario.home) for pile in scenario.stockpiles.values()}
    return found | {(out, place) for place, outputs, _ in _unlimited_plants(scenario) for out in outputs}


def _unlimited_use(scenario: Scenario) -> set[Stop]:
    """Where a commodity may go on by other routes, into stock or into plants without a capacity."""
    found = {(route.commodity, route.origin) for route in scenario.routes.values()}
    found |= {
        (pile.commodity, pile.place or scenario.home)
        for pile in scenario.stockpiles.values()
        if pile.fill_t_per_y is None and pile.capacity_t is None
    }
    return found | {(item, place) for place, _, inputs in _unlimited_plants(scenario) for item in inputs}


def _unlimited_plants(scenario: Scenario) -> list[tuple[str, list[str], list[str]]]:
    """(place, outputs, inputs) of facilities without a capacity; projects always have one."""
    return [
        (plant.place, list(plant.outputs), list(plant.inputs))
        for plant in scenario.facilities.values()
        if plant.capacity_t_per_y is None and plant.home_share > 0
    ]
