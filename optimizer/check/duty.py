"""Duty of a route at a node, day by day (conventions, "Duty")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from lodeplan.optimizer.check.availability import Conditions
from lodeplan.optimizer.check.content import CLEAN, Content, Variant
from lodeplan.optimizer.check.periods import Period, in_year, mean
from lodeplan.optimizer.check.scope import commodities_of
from lodeplan.optimizer.check.selections import clubs_on, holds, members, names_place
from lodeplan.optimizer.check.tree import Node
from lodeplan.schemas import Scenario
from lodeplan.schemas.events import TariffEvent
from lodeplan.schemas.scenario import TariffMeasure


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
    """Days of one year on which nothing changes, from `day` on, as a share of the period; the measures in force."""

    day: date
    share: float
    in_force: frozenset[str]


@dataclass(frozen=True)
class _Flow:
    """What a measure may match: a variant on a route, and the places it comes from with the clubs they are in."""

    route: str
    variant: Variant
    origins: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True)
class _Values:
    """What duty is taken of, period means, kUSD per t contained; None: unknown, such duties do not apply."""

    customs: float | None
    metal: float | None
    contained_share: float


class Duties:
    """Duties of all routes; computed once per content, period, tariff events in force and price factor."""

    def __init__(self, scenario: Scenario, content: Content) -> None:
        self._scenario = scenario
        self._tags = content.tags.of_measures
        self._commodities = {name: commodities_of(scenario, measure) for name, measure in scenario.tariffs.items()}
        self._changes = _club_days(scenario)
        self._matching: dict[_Flow, dict[str, TariffMeasure]] = {}
        self._stretches: dict[tuple[int, frozenset[str]], list[_Stretch]] = {}
        self._duties: dict[tuple[str, Variant, int, frozenset[str], float], Duty] = {}
        self._has_quota: dict[str, bool] = {}

    def duty(self, name: str, variant: Variant, node: Node, conditions: Conditions) -> Duty:
        """Duty of a variant on the route of this name at the node."""
        events = frozenset(event for event in node.in_force if isinstance(self._scenario.events[event], TariffEvent))
        factor = conditions.customs_factor.get(name, 1.0)
        key = (name, variant, node.period.index, events, factor)
        if key not in self._duties:
            values = self._values(name, node.period, factor)
            self._duties[key] = self._route_duty(name, variant, self._stretches_of(node.period, events), values)
        return self._duties[key]

    def has_quota(self, name: str) -> bool:
        """True if a measure with a quota matches the route, in force or not: the route then has two bands.

        Such measures go by last origin.
        """
        if name not in self._has_quota:
            origin = self._scenario.routes[name].origin
            flows = {
                self._flow(name, member, CLEAN, day)
                for member in members(origin, self._scenario.places)
                for day in self._changes
            }
            self._has_quota[name] = any(
                measure.quota is not None for flow in flows for measure in self._matches(flow).values()
            )
        return self._has_quota[name]

    def _values(self, name: str, period: Period, factor: float) -> _Values:
        route = self._scenario.routes[name]
        commodity = self._scenario.commodities[route.commodity]
        customs, metal = route.customs_value_kusd_per_t, commodity.reference_price_kusd_per_t
        return _Values(
            customs=None if customs is None else mean(customs, period) * factor,
            metal=None if metal is None else mean(metal, period),
            contained_share=commodity.contained_share,
        )

    def _route_duty(self, name: str, variant: Variant, stretches: list[_Stretch], values: _Values) -> Duty:
        in_quota = over_quota = 0.0
        quotas: dict[str, float] = {}
        for member, share in members(self._scenario.routes[name].origin, self._scenario.places).items():
            met: set[str] = set()
            for stretch in stretches:
                matching = self._matches(self._flow(name, member, variant, stretch.day))
                measures = _remaining({key: matching[key] for key in matching if key in stretch.in_force})
                weight = share * stretch.share
                over = weight * _sum_of_duties(measures, values, stretch.day.year, within_quota=False)
                with_quota = [key for key, measure in measures.items() if measure.quota is not None]
                over_quota += over
                if with_quota:
                    in_quota += weight * _sum_of_duties(measures, values, stretch.day.year, within_quota=True)
                else:
                    in_quota += over
                met.update(with_quota)
            for key in met:
                quotas[key] = quotas.get(key, 0.0) + share
        return Duty(in_quota, over_quota, quotas)

    def _flow(self, name: str, member: str, variant: Variant, day: date) -> _Flow:
        """A route's flow of a variant, its origin read as this member, under the clubs of the day."""
        places = self._scenario.places
        clubs = {place: clubs_on(day, place, places) for place in (member, self._scenario.routes[name].origin)}
        return _Flow(name, variant, tuple(clubs.items()))

    def _matches(self, flow: _Flow) -> dict[str, TariffMeasure]:
        """Measures that match a flow, whether they are in force or not."""
        if flow not in self._matching:
            self._matching[flow] = {
                name: measure for name, measure in self._scenario.tariffs.items() if self._meets(name, measure, flow)
            }
        return self._matching[flow]

    def _meets(self, name: str, measure: TariffMeasure, flow: _Flow) -> bool:
        """Destination, commodity and origin or content match; a region may itself be named."""
        route = self._scenario.routes[flow.route]
        if (measure.destination or self._scenario.home) != route.destination:
            return False
        if route.commodity not in self._commodities[name]:
            return False
        if name in self._tags:
            return self._tags[name] in flow.variant

        def selects_origin(selected: list[str]) -> bool:
            return any(names_place(selected, place, self._scenario.places, clubs) for place, clubs in flow.origins)

        return selects_origin(measure.origins) and not selects_origin(measure.except_origins)

    def _stretches_of(self, period: Period, events: frozenset[str]) -> list[_Stretch]:
        """The period cut where a year begins, or a measure or a tariff event does or ends."""
        key = (period.index, events)
        if key in self._stretches:
            return self._stretches[key]
        first, end = date(period.year, 1, 1), date(period.end_year, 1, 1)
        dated = [*self._scenario.tariffs.values(), *(self._scenario.events[event] for event in events)]
        cuts = {date(year, 1, 1) for year in range(period.year, period.end_year + 1)}
        cuts |= {day for day in self._changes if first < day < end}
        cuts |= {day for rule in dated for day in (rule.onset, rule.until) if day is not None and first < day < end}
        self._stretches[key] = [
            _Stretch(day, (until - day).days / (end - first).days, self._in_force(day, events))
            for day, until in pairwise(sorted(cuts))
        ]
        return self._stretches[key]

    def _in_force(self, day: date, events: frozenset[str]) -> frozenset[str]:
        """Measures in force by date and `active`, or switched on by an event, and not switched off by one."""
        on: set[str] = set()
        off: set[str] = set()
        for name in events:
            event = self._scenario.events[name]
            if isinstance(event, TariffEvent) and holds(event.onset, event.until, day):
                on |= set(event.switch_on)
                off |= set(event.switch_off)
        by_date = {
            name
            for name, measure in self._scenario.tariffs.items()
            if measure.active and holds(measure.onset, measure.until, day)
        }
        return frozenset((by_date | on) - off)


def _club_days(scenario: Scenario) -> list[date]:
    """Days on which a place joins or leaves a club, and the first of the horizon."""
    terms = [term for place in scenario.places.values() for term in place.memberships.values()]
    days = {day for term in terms for day in (term.onset, term.until) if day is not None}
    return sorted({date(scenario.horizon.first_year, 1, 1), *days})


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
    """Ad valorem, plus specific, plus the difference of the customs value to the minimum price."""
    rate = in_year(measure.rate_share, year)
    if within_quota and measure.quota is not None:
        rate = measure.quota.in_quota_rate_share
    base = values.customs if measure.base == "customs_value" else values.metal
    duty = rate * base if base is not None else 0.0
    duty += in_year(measure.rate_kusd_per_t_gross, year) / values.contained_share
    if measure.minimum_price_kusd_per_t is not None and values.customs is not None:
        duty += max(0.0, in_year(measure.minimum_price_kusd_per_t, year) - values.customs)
    return duty
