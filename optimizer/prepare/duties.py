"""Tariff stacking: what a route pays at a node, and the measures that make it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

import numpy as np

from optimizer.prepare.calendar import Calendar, Floats, Profile, first_day, value_in
from optimizer.prepare.select import Places, commodity_matches, matches
from optimizer.prepare.tree import Tree
from schemas.events import TariffEvent
from schemas.scenario import Route, Scenario, TariffMeasure

IN_QUOTA, OVER_QUOTA, ALL = "in_quota", "over_quota", "all"

Duty = Mapping[str, float]
"""kUSD per t contained by measure."""


@dataclass(frozen=True)
class Valuation:
    """What the rates of a route apply to in one period, kUSD per t contained."""

    customs_value: float | None
    reference_price: float | None
    contained_share: float


@dataclass(frozen=True)
class TariffBook:
    """The measures of a scenario, and how they stack."""

    scenario: Scenario
    places: Places
    _duties: dict[tuple[object, ...], Duty] = field(default_factory=dict)
    _matches: dict[tuple[str, str, str, str], dict[str, TariffMeasure]] = field(default_factory=dict)

    def matching(self, route: Route, origin: str) -> dict[str, TariffMeasure]:
        """Measures that mean a route for this part of its origin, or for the whole of it, whatever the date."""
        key = (route.commodity, route.origin, origin, route.destination)
        if key not in self._matches:
            self._matches[key] = self._match(route, origin)
        return self._matches[key]

    def _match(self, route: Route, origin: str) -> dict[str, TariffMeasure]:
        commodity = self.scenario.commodities[route.commodity]
        return {
            name: measure
            for name, measure in self.scenario.tariffs.items()
            if (measure.destination or self.scenario.home) == route.destination
            and not self.places.expand(measure.origins).isdisjoint((origin, route.origin))
            and self.places.expand(measure.except_origins).isdisjoint((origin, route.origin))
            and commodity_matches(route.commodity, commodity, measure.commodities, measure.hts)
            and not commodity_matches(route.commodity, commodity, measure.except_commodities, measure.except_hts)
        }

    def quota_of(self, route: Route) -> str | None:
        """The tariff-rate quota a route shares in, if any."""
        for origin in self.places.parts(route.origin):
            for name, measure in self.matching(route, origin).items():
                if measure.quota is not None:
                    return name
        return None

    def bands(self, route: Route) -> tuple[str, ...]:
        """Duty bands of a route."""
        return (IN_QUOTA, OVER_QUOTA) if self.quota_of(route) else (ALL,)

    def on_day(self, route: Route, band: str, day: date, events: Mapping[str, TariffEvent], value: Valuation) -> Duty:
        """Duty by measure on one day, with these tariff events of a future."""
        total: dict[str, float] = {}
        for origin, share in self.places.parts(route.origin).items():
            active = {
                name: measure
                for name, measure in self.matching(route, origin).items()
                if _in_force(name, measure, day, events)
            }
            for name, duty in _stack(active, band, day.year, value).items():
                total[name] = total.get(name, 0.0) + share * duty
        return total

    def over_period(
        self, route: Route, band: str, period: int, events: Mapping[str, TariffEvent], value: Valuation
    ) -> Duty:
        """Mean duty by measure over the days of a period."""
        key = (route.commodity, route.origin, route.destination, band, period, tuple(sorted(events)), value)
        if key not in self._duties:
            self._duties[key] = self._over_period(route, band, period, events, value)
        return self._duties[key]

    def _over_period(
        self, route: Route, band: str, period: int, events: Mapping[str, TariffEvent], value: Valuation
    ) -> Duty:
        first, after = Calendar.of(self.scenario.horizon).days(period)
        total: dict[str, float] = {}
        cuts = self._cuts(route, period, events)
        for begin, end in pairwise(cuts):
            weight = (end - begin) / (after - first)
            for name, duty in self.on_day(route, band, date.fromordinal(begin), events, value).items():
                total[name] = total.get(name, 0.0) + weight * duty
        return total

    def _cuts(self, route: Route, period: int, events: Mapping[str, TariffEvent]) -> list[int]:
        """Days on which the duty may change within a period, its first day and the day after it."""
        calendar = Calendar.of(self.scenario.horizon)
        first, after = calendar.days(period)
        start = calendar.starts[period]
        days = {first_day(year) for year in range(start, start + calendar.lengths[period])}
        measures = [m for origin in self.places.parts(route.origin) for m in self.matching(route, origin).values()]
        rules: list[TariffMeasure | TariffEvent] = [*measures, *events.values()]
        dates = [day for rule in rules for day in (rule.onset, rule.until)]
        days |= {day.toordinal() for day in dates if day}
        return sorted({first, after} | {day for day in days if first < day < after})


def _in_force(name: str, measure: TariffMeasure, day: date, events: Mapping[str, TariffEvent]) -> bool:
    """By its own dates or an event's; being switched off wins."""
    held = [event for event in events.values() if event.onset <= day and (event.until is None or day < event.until)]
    if any(matches(name, event.switch_off) for event in held):
        return False
    if any(matches(name, event.switch_on) for event in held):
        return True
    after_onset = measure.onset is None or measure.onset <= day
    before_end = measure.until is None or day < measure.until
    return measure.active and after_onset and before_end


def _stack(active: Mapping[str, TariffMeasure], band: str, year: int, value: Valuation) -> dict[str, float]:
    """Duty by measure of what is active together: replaced ones dropped, all-in ones last."""
    standing = {name: m for name, m in active.items() if not _replaced(name, m, active)}
    duty = {
        name: _own_duty(measure, band, year, value)
        for name, measure in standing.items()
        if measure.all_in_ceiling_share is None
    }
    below = dict(duty)
    for name, measure in standing.items():
        if measure.all_in_ceiling_share is not None:
            counted = sum(amount for other, amount in below.items() if standing[other].programme in measure.all_in_with)
            duty[name] = max(0.0, measure.all_in_ceiling_share * (value.customs_value or 0.0) - counted)
    return {name: amount for name, amount in duty.items() if amount != 0.0}


def _replaced(name: str, measure: TariffMeasure, active: Mapping[str, TariffMeasure]) -> bool:
    return any(
        other.precedence > measure.precedence and (name in other.replaces or measure.programme in other.replaces)
        for other in active.values()
    )


def _own_duty(measure: TariffMeasure, band: str, year: int, value: Valuation) -> float:
    """One measure's duty on its own base, kUSD per t contained."""
    rate: Profile = measure.rate_share
    if band == IN_QUOTA and measure.quota is not None:
        rate = measure.quota.in_quota_rate_share
    base = value.customs_value if measure.base == "customs_value" else value.reference_price
    duty = value_in(rate, year) * (base or 0.0)
    duty += value_in(measure.rate_kusd_per_t_gross, year) / value.contained_share
    if measure.minimum_price_kusd_per_t is not None and value.customs_value is not None:
        duty += max(0.0, value_in(measure.minimum_price_kusd_per_t, year) - value.customs_value)
    return duty


def tariff_events(scenario: Scenario, tree: Tree) -> list[dict[str, TariffEvent]]:
    """Tariff events that may be in force at each node; one mapping a node."""
    by_future: list[dict[str, TariffEvent]] = []
    for name in tree.future_names:
        events = scenario.futures[name].events if scenario.futures else []
        found: dict[str, TariffEvent] = {}
        for key in events:
            event = scenario.events[key]
            if isinstance(event, TariffEvent):
                found[key] = event
        by_future.append(found)
    return [by_future[future] if future >= 0 else {} for future in tree.future]


def quota_volumes(scenario: Scenario, tree: Tree) -> dict[str, Floats]:
    """Volume of each tariff-rate quota by node, t/y; shape (nodes,) each."""
    period = np.array(tree.period)
    return {
        name: tree.calendar.mean(measure.quota.volume_t_per_y)[period]
        for name, measure in scenario.tariffs.items()
        if measure.quota is not None
    }
