"""Routes with yes/no decisions: each needs a limit, which the model of the decision uses."""

from __future__ import annotations

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import numbers
from lodeplan.scenarios.rules.supply import SUPPLY, Stop
from lodeplan.schemas.scenario import Scenario


def check(findings: Findings) -> None:
    """Routes with onboarding, or under a quota with a higher rate within than over it, of which neither capacity, nor
    what is made at their origin, nor what is taken at their destination is limited.

    Skipped where an entry that could change the answer is broken or refers to something unknown.
    """
    scenario = findings.scenario
    if not findings.can_read(*SUPPLY):
        return
    unlimited_from, unlimited_to = _unlimited_supply(scenario), _unlimited_use(scenario)
    dear = _under_dear_quotas(findings)
    for name, route in scenario.routes.items():
        if route.capacity_t_per_y is not None or (route.onboarding is None and name not in dear):
            continue
        if (route.commodity, route.origin) in unlimited_from and (
            (route.commodity, route.destination) in unlimited_to or scenario.commodities[route.commodity].disposable
        ):
            why = (
                "needs onboarding"
                if route.onboarding
                else (f"is under the quota of `{dear[name]}`, whose rate within is above the rate over it")
            )
            message = f"the route {why}, but nothing limits its flow."
            allowed = "a capacity on the route, on the offers that feed it, or on what its destination takes"
            remedy = "Give the route a capacity that it will not exceed."
            keys = ["routes", name, "capacity_t_per_y"]
            findings.note("no_flow_limit", keys, message, allowed=allowed, remedy=remedy)


def _under_dear_quotas(findings: Findings) -> dict[str, str]:
    """Routes under a quota that has to be full before its lower rate is paid, and the measure."""
    if not findings.can_read("tariffs"):
        return {}
    return {
        route: name
        for name, measure in findings.scenario.tariffs.items()
        if measure.quota is not None and measure.quota.in_quota_rate_share > min(numbers(measure.rate_share))
        for route in findings.selections.routes_of_measure(measure)
    }


def _unlimited_supply(scenario: Scenario) -> set[Stop]:
    """Where a commodity may come from other routes, stock, recycling or plants without a capacity."""
    found = {(route.commodity, route.destination) for route in scenario.routes.values()}
    found |= {(item.commodity, item.place or scenario.home) for item in scenario.recycling.values()}
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
