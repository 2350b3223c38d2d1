"""The least that a commodity costs at a place, by simple arithmetic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from math import inf

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import numbers
from lodeplan.scenarios.rules.supply import Stop, can_carry, can_run
from lodeplan.scenarios.rules.timing import end_year
from lodeplan.schemas.scenario import Facility, Scenario, TariffMeasure

_ROUNDS = 20
"""Times the cost at a place may fall: what falls more often goes round in circles and earns money."""


def running_costs(facility: Facility) -> list[float]:
    """Cost of a t of activity for each step and year, kUSD/t."""
    if facility.steps:
        return [cost for step in facility.steps for cost in numbers(step.cost_kusd_per_t)]
    return numbers(facility.cost_kusd_per_t or 0.0)


def main_output(facility: Facility) -> tuple[str, float]:
    """The first product of a facility, and how much of it a t of activity makes."""
    return next(iter(facility.outputs.items()))


class Landed:
    """Least cost of each commodity at each place, kUSD/t, if the years go as planned.

    Each number is the least of its years: the price of an offer or the running cost of a plant with its inputs, then
    freight, mark-up, calibration and duty of the routes. Capex, limits, stocks and events are left out, and of a
    duty all but what is surely paid, so that nothing costs less than this says. What is made besides a main product
    is free, as that may pay for all.
    """

    def __init__(self, findings: Findings) -> None:
        self.scenario = findings.scenario
        self._duty = _sure_duties(findings)
        plants = [*self.scenario.facilities.values(), *self.scenario.projects.values()]
        self._plants = [plant for plant in plants if can_run(plant, self.scenario.horizon)]
        self._cost: dict[Stop, float] = {}
        self._spread()

    def cost(self, commodity: str, place: str) -> float:
        """kUSD/t; infinite where it cannot be had."""
        return self._cost.get((commodity, place), inf)

    def duty(self, route: str) -> float:
        """Least duty on a route, kUSD/t."""
        return self._duty.get(route, 0.0)

    @property
    def parts_in_words(self) -> str:
        """Components of the lowest cost, in words."""
        with_duty = self.scenario.economics.view == "importer"
        return "the cheapest price with freight and duty" if with_duty else "the cheapest price with freight"

    def _spread(self) -> None:
        """Begin where nothing is needed, and pass each lower cost on."""
        users: dict[Stop, list[Facility]] = defaultdict(list)
        for plant in self._plants:
            for commodity in plant.inputs:
                users[commodity, plant.place].append(plant)
        onward = self._links()
        waiting = [found for plant in self._plants if not plant.inputs for found in self._made(plant)]
        waiting += [
            ((item.commodity, item.place or self.scenario.home), min(numbers(item.cost_kusd_per_t)))
            for item in self.scenario.recycling.values()
        ]
        falls: dict[Stop, int] = defaultdict(int)
        while waiting:
            stop, cost = waiting.pop()
            if cost >= self._cost.get(stop, inf) or falls[stop] == _ROUNDS:
                continue
            falls[stop] += 1
            self._cost[stop] = cost
            waiting += [((stop[0], place), cost + more) for place, more in onward[stop]]
            waiting += [found for plant in users[stop] for found in self._made(plant)]

    def _links(self) -> Mapping[Stop, list[tuple[str, float]]]:
        """By stop, where routes lead and what they add, kUSD/t."""
        found: dict[Stop, list[tuple[str, float]]] = defaultdict(list)
        for name, route in self.scenario.routes.items():
            if can_carry(route, self.scenario.horizon):
                added = self.duty(name)
                for part in (route.freight_kusd_per_t, route.hub_markup_kusd_per_t, route.calibration_kusd_per_t):
                    added += min(numbers(part))
                found[route.commodity, route.origin].append((route.destination, added))
        return found

    def _made(self, plant: Facility) -> Iterable[tuple[Stop, float]]:
        """What a plant makes at what cost, once all its inputs can be had."""
        cost = min(running_costs(plant)) - _support(plant)
        cost += sum(amount * self.cost(commodity, plant.place) for commodity, amount in plant.inputs.items())
        if cost == inf:
            return
        main, amount = main_output(plant)
        yield (main, plant.place), cost / amount
        for other in plant.outputs:
            if other != main:
                yield (other, plant.place), min(0.0, cost)


def _support(plant: Facility) -> float:
    """Most that the state pays per t of activity, kUSD/t."""
    floor = plant.price_floor
    return max(0.0, floor.floor_kusd_per_t - min(numbers(floor.reference_price_kusd_per_t))) if floor else 0.0


def _sure_duties(findings: Findings) -> dict[str, float]:
    """By route, the duty that is paid in every year of the horizon if the years go as planned, kUSD/t."""
    scenario = findings.scenario
    found: dict[str, float] = defaultdict(float)
    if scenario.economics.view == "national":
        return found  # no cost in that view
    replaced = {name for measure in scenario.tariffs.values() for name in measure.replaces}
    clubs = set(findings.selections.clubs)
    for name, measure in scenario.tariffs.items():
        if not {name, measure.programme} & replaced and _always_in_force(scenario, measure, clubs):
            for key in findings.selections.routes_of_measure(measure):
                found[key] += _least_duty(scenario, measure, key)
    return found


def _always_in_force(scenario: Scenario, measure: TariffMeasure, clubs: set[str]) -> bool:
    first, end = scenario.horizon.first_year, end_year(scenario.horizon)
    begins = measure.onset is None or measure.onset <= date(first, 1, 1)
    stays = measure.until is None or measure.until >= date(end, 1, 1)
    by_date = clubs & {*measure.origins, *measure.except_origins}
    return measure.active and begins and stays and measure.origin_role == "last_origin" and not by_date


def _least_duty(scenario: Scenario, measure: TariffMeasure, key: str) -> float:
    """Of a measure on a route, kUSD/t."""
    route = scenario.routes[key]
    commodity = scenario.commodities[route.commodity]
    if scenario.places[route.origin].members or measure.all_in_ceiling_share is not None:
        return 0.0
    rate = min(numbers(measure.rate_share))
    if measure.quota is not None:
        rate = min(rate, measure.quota.in_quota_rate_share)
    by_metal = measure.base == "metal_value"
    base = numbers(commodity.reference_price_kusd_per_t if by_metal else route.customs_value_kusd_per_t)
    duty = rate * min(base, default=0.0) + min(numbers(measure.rate_kusd_per_t_gross)) / commodity.contained_share
    values = numbers(route.customs_value_kusd_per_t)
    if measure.minimum_price_kusd_per_t is not None and values:
        duty += max(0.0, min(numbers(measure.minimum_price_kusd_per_t)) - max(values))
    return duty
