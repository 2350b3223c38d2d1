"""Duties in the second model, day by day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from reference_content import Content, Tags, measured
from reference_reading import Node, Reading, in_force, in_year

from lodeplan.schemas.events import TariffEvent
from lodeplan.schemas.scenario import Route, TariffMeasure

BANDS = ("in_quota", "over_quota")


@dataclass
class Duty:
    """Of a flow with given content at a node: kUSD/t by band, and the part of it that counts in each quota."""

    kusd_per_t: dict[str, float] = field(default_factory=lambda: dict.fromkeys(BANDS, 0.0))
    quotas: dict[str, float] = field(default_factory=dict)

    @property
    def bands(self) -> tuple[str, ...]:
        return BANDS if self.quotas else BANDS[1:]


class Duties:
    def __init__(self, reading: Reading, content: Content) -> None:
        self.reading, self.content = reading, content
        self.measures = reading.scenario.tariffs
        self.goods = {name: measured(reading, measure) for name, measure in self.measures.items()}
        self.tags = {name: content.of_measure(measure) for name, measure in self.measures.items()}

    def of(self, route_name: str, node: Node, tags: Tags) -> Duty:
        asked = tags & frozenset(tag for tag in self.tags.values() if tag)
        key = ("duty", route_name, node.name, asked)
        return self.reading.remember(key, lambda: self._of(self.reading.scenario.routes[route_name], node, asked))

    def _of(self, route: Route, node: Node, tags: Tags) -> Duty:
        duty = Duty()
        first, end = node.period.days
        counted: dict[str, float] = defaultdict(float)
        members = self.reading.scenario.places[route.origin].members or {route.origin: 1.0}
        for day, until in pairwise(self._edges(node)):
            on_the_day: dict[str, float] = defaultdict(float)
            for place, share in members.items():
                applied = self._applied(route, place, node, day, tags)
                for name in applied:
                    if self.measures[name].quota is not None:
                        on_the_day[name] += share
                for band in BANDS:
                    amount = self._amount(applied, band, route, node, day)
                    duty.kusd_per_t[band] += share * amount * (until - day) / (end - first)
            for name, share in on_the_day.items():
                counted[name] = max(counted[name], share)
        duty.quotas = dict(counted)
        return duty

    def _edges(self, node: Node) -> list[int]:
        """Days on which something about duties may change, first and last included."""
        scenario = self.reading.scenario
        first, end = node.period.days
        dated = [*self.measures.values(), *(scenario.events[name] for name in node.events)]
        dated += [when for place in scenario.places.values() for when in place.memberships.values()]
        days = {day.toordinal() for entry in dated for day in (entry.onset, entry.until) if day is not None}
        days |= {date(year, 1, 1).toordinal() for year in range(node.period.year, node.period.end_year)}
        return sorted({first, end, *(day for day in days if first < day < end)})

    def _applied(self, route: Route, place: str, node: Node, day: int, tags: Tags) -> list[str]:
        events = [self.reading.scenario.events[name] for name in node.events]
        switches = [e for e in events if isinstance(e, TariffEvent) and in_force(e.onset, e.until, day)]
        on = {name for event in switches for name in event.switch_on}
        off = {name for event in switches for name in event.switch_off}
        active = [
            name
            for name, measure in self.measures.items()
            if (name in on or (measure.active and in_force(measure.onset, measure.until, day)))
            and name not in off
            and self._meets(name, measure, route, place, day, tags)
        ]
        return [name for name in active if not any(self._stands_in(other, name) for other in active)]

    def _stands_in(self, other: str, name: str) -> bool:
        this, that = self.measures[name], self.measures[other]
        return that.precedence > this.precedence and not {name, this.programme}.isdisjoint(that.replaces)

    def _meets(self, name: str, measure: TariffMeasure, route: Route, place: str, day: int, tags: Tags) -> bool:
        if route.destination != (measure.destination or self.reading.home) or route.commodity not in self.goods[name]:
            return False
        if tag := self.tags[name]:
            return tag in tags
        named = self.reading.named
        return named(place, measure.origins, day) and not named(place, measure.except_origins, day)

    def _amount(self, applied: list[str], band: str, route: Route, node: Node, day: int) -> float:
        scenario = self.reading.scenario
        commodity = scenario.commodities[route.commodity]
        year = date.fromordinal(day).year
        value = None
        if route.customs_value_kusd_per_t is not None:
            factor = self.reading.price_factor(route.origin, [route.commodity], node)
            value = node.period.mean(route.customs_value_kusd_per_t) * factor
        metal = commodity.reference_price_kusd_per_t
        amounts = {}
        for name in applied:
            measure = self.measures[name]
            if measure.all_in_ceiling_share is not None:
                continue
            inside = band == "in_quota" and measure.quota is not None
            rate = measure.quota.in_quota_rate_share if inside and measure.quota else in_year(measure.rate_share, year)
            base = value if measure.base == "customs_value" else metal and node.period.mean(metal)
            amounts[name] = in_year(measure.rate_kusd_per_t_gross, year) / commodity.contained_share
            amounts[name] += rate * (base or 0.0)
            if measure.minimum_price_kusd_per_t is not None and value is not None:
                amounts[name] += max(0.0, in_year(measure.minimum_price_kusd_per_t, year) - value)
        total = sum(amounts.values())
        for name in applied:
            measure = self.measures[name]
            if measure.all_in_ceiling_share is not None and value is not None:
                within = sum(
                    amount for other, amount in amounts.items() if self.measures[other].programme in measure.all_in_with
                )
                total += max(0.0, measure.all_in_ceiling_share * value - within)
        return total
