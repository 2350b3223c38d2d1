"""Duty of a route at a node, day by day (conventions, "Duty")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from optimizer.check.availability import Conditions
from optimizer.check.periods import Period, in_year, mean
from optimizer.check.selections import members, names_place, selects_code, selects_name
from optimizer.check.tree import Node
from schemas import Scenario
from schemas.events import TariffEvent
from schemas.scenario import Route, TariffMeasure


@dataclass(frozen=True)
class Duty:
    """Duty of a route at a node, kUSD per t contained, in and over its quotas (the same without a quota)."""

    in_quota: float
    over_quota: float
    quotas: Mapping[str, float]
    """Measures with a quota that are in force on some day, with the share of the origin they apply to."""

    def of_band(self, band: str) -> float:
        """Duty in a band: `in_quota`, `over_quota` or `all`."""
        return self.in_quota if band == "in_quota" else self.over_quota


@dataclass(frozen=True)
class _Stretch:
    """Days of one year on which nothing changes, as a share of the period, and the measures in force."""

    share: float
    year: int
    in_force: frozenset[str]


@dataclass(frozen=True)
class _Values:
    """What duty is taken of, period means, kUSD per t contained; None: unknown, such duties do not apply."""

    customs: float | None
    metal: float | None
    contained_share: float


class Duties:
    """Duties of all routes; computed once per period, tariff events in force and price factor."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._matching: dict[tuple[str, str], dict[str, TariffMeasure]] = {}
        self._stretches: dict[tuple[int, frozenset[str]], list[_Stretch]] = {}
        self._duties: dict[tuple[str, int, frozenset[str], float], Duty] = {}
        self._has_quota: dict[str, bool] = {}

    def duty(self, name: str, node: Node, conditions: Conditions) -> Duty:
        """Duty of the route of this name at the node."""
        events = frozenset(event for event in node.in_force if isinstance(self._scenario.events[event], TariffEvent))
        factor = conditions.customs_factor.get(name, 1.0)
        key = (name, node.period.index, events, factor)
        if key not in self._duties:
            self._duties[key] = self._route_duty(name, node.period, events, factor)
        return self._duties[key]

    def has_quota(self, name: str) -> bool:
        """Whether a measure with a quota matches the route, in force or not: it then has two bands."""
        if name not in self._has_quota:
            origin = self._scenario.routes[name].origin
            self._has_quota[name] = any(
                measure.quota is not None
                for member in members(origin, self._scenario.places)
                for measure in self._matches(name, member).values()
            )
        return self._has_quota[name]

    def _route_duty(self, name: str, period: Period, events: frozenset[str], factor: float) -> Duty:
        route = self._scenario.routes[name]
        commodity = self._scenario.commodities[route.commodity]
        customs, metal = route.customs_value_kusd_per_t, commodity.reference_price_kusd_per_t
        values = _Values(
            customs=None if customs is None else mean(customs, period) * factor,
            metal=None if metal is None else mean(metal, period),
            contained_share=commodity.contained_share,
        )
        in_quota = over_quota = 0.0
        quotas: dict[str, float] = {}
        for member, share in members(route.origin, self._scenario.places).items():
            matching = self._matches(name, member)
            met: set[str] = set()
            for stretch in self._stretches_of(period, events) if matching else []:
                measures = _remaining({key: matching[key] for key in matching if key in stretch.in_force})
                weight = share * stretch.share
                over = weight * _sum_of_duties(measures, values, stretch.year, within_quota=False)
                with_quota = [key for key, measure in measures.items() if measure.quota is not None]
                over_quota += over
                if with_quota:
                    in_quota += weight * _sum_of_duties(measures, values, stretch.year, within_quota=True)
                else:
                    in_quota += over
                met.update(with_quota)
            for key in met:
                quotas[key] = quotas.get(key, 0.0) + share
        return Duty(in_quota, over_quota, quotas)

    def _matches(self, name: str, member: str) -> dict[str, TariffMeasure]:
        """Measures that match the route, its origin read as this member, whatever the day."""
        key = (name, member)
        if key not in self._matching:
            route = self._scenario.routes[name]
            self._matching[key] = {
                measure_name: measure
                for measure_name, measure in self._scenario.tariffs.items()
                if _meets_route(self._scenario, measure, route, member)
            }
        return self._matching[key]

    def _stretches_of(self, period: Period, events: frozenset[str]) -> list[_Stretch]:
        """The period cut where a year begins, or a measure or a tariff event does or ends."""
        key = (period.index, events)
        if key in self._stretches:
            return self._stretches[key]
        first, end = date(period.year, 1, 1), date(period.end_year, 1, 1)
        dated = [*self._scenario.tariffs.values(), *(self._scenario.events[event] for event in events)]
        cuts = {date(year, 1, 1) for year in range(period.year, period.end_year + 1)}
        cuts |= {day for rule in dated for day in (rule.onset, rule.until) if day is not None and first < day < end}
        self._stretches[key] = [
            _Stretch((until - day).days / (end - first).days, day.year, self._in_force(day, events))
            for day, until in pairwise(sorted(cuts))
        ]
        return self._stretches[key]

    def _in_force(self, day: date, events: frozenset[str]) -> frozenset[str]:
        """Measures in force by date and `active`, or switched on by an event, and not switched off by one."""
        on: set[str] = set()
        off: set[str] = set()
        for name in events:
            event = self._scenario.events[name]
            if isinstance(event, TariffEvent) and _holds(event.onset, event.until, day):
                on |= set(event.switch_on)
                off |= set(event.switch_off)
        by_date = {
            name
            for name, measure in self._scenario.tariffs.items()
            if measure.active and _holds(measure.onset, measure.until, day)
        }
        return frozenset((by_date | on) - off)


def _holds(onset: date | None, until: date | None, day: date) -> bool:
    return (onset is None or onset <= day) and (until is None or day < until)


def _meets_route(scenario: Scenario, measure: TariffMeasure, route: Route, member: str) -> bool:
    """Origin, destination and commodity match, and no exemption does; a region may itself be named."""
    codes = scenario.commodities[route.commodity].hts

    def selects_origin(selected: list[str]) -> bool:
        return any(names_place(selected, place, scenario.places) for place in (member, route.origin))

    return (
        (measure.destination or scenario.home) == route.destination
        and selects_origin(measure.origins)
        and not selects_origin(measure.except_origins)
        and (selects_name(measure.commodities, route.commodity) or selects_code(measure.hts, codes))
        and not selects_name(measure.except_commodities, route.commodity)
        and not selects_code(measure.except_hts, codes)
    )


def _remaining(measures: dict[str, TariffMeasure]) -> dict[str, TariffMeasure]:
    """Less those that a measure of higher precedence names, or whose programme it names, in `replaces`."""
    return {
        name: measure
        for name, measure in measures.items()
        if not any(
            other.precedence > measure.precedence and (name in other.replaces or measure.programme in other.replaces)
            for other in measures.values()
        )
    }


def _sum_of_duties(measures: Mapping[str, TariffMeasure], values: _Values, year: int, *, within_quota: bool) -> float:
    """Duty of the remaining measures on a day of the year: plain ones, then what all-in ceilings leave above them."""
    plain = {
        name: _plain_duty(measure, values, year, within_quota=within_quota)
        for name, measure in measures.items()
        if measure.all_in_ceiling_share is None
    }
    duty = sum(plain.values())
    for measure in measures.values():
        if measure.all_in_ceiling_share is not None and values.customs is not None:
            within = sum(plain[name] for name in plain if measures[name].programme in measure.all_in_with)
            duty += max(0.0, measure.all_in_ceiling_share * values.customs - within)
    return duty


def _plain_duty(measure: TariffMeasure, values: _Values, year: int, *, within_quota: bool) -> float:
    """Ad valorem, plus specific, plus what the customs value lacks to the minimum price."""
    rate = in_year(measure.rate_share, year)
    if within_quota and measure.quota is not None:
        rate = measure.quota.in_quota_rate_share
    base = values.customs if measure.base == "customs_value" else values.metal
    duty = rate * base if base is not None else 0.0
    duty += in_year(measure.rate_kusd_per_t_gross, year) / values.contained_share
    if measure.minimum_price_kusd_per_t is not None and values.customs is not None:
        duty += max(0.0, in_year(measure.minimum_price_kusd_per_t, year) - values.customs)
    return duty
