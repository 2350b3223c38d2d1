"""Events that leave a part of something without a limit, or of a route fed by more than the limited offers.
`docs/reference/conventions.md` defines what is unlimited, and the limit of an interrupted route.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.futures import line
from lodeplan.scenarios.rules.interruptions import Interruption, Part, interruptions, parts_of_periods
from lodeplan.scenarios.rules.supply import SUPPLY, Stop, can_run, reachable
from lodeplan.scenarios.selections import matching
from lodeplan.schemas.scenario import Facility, Route


@dataclass(frozen=True)
class _Hit:
    """Something without a limit of its own that is interrupted."""

    what: str
    weight: float
    """Share of it that is meant: below 1 for a region of which a part is."""
    start: Stop | None = None
    """Of a route that no unlimited offer feeds: what it carries, and from where."""

    @property
    def why_unlimited(self) -> str:
        """Reason why it is unlimited, in words."""
        if self.start is None:
            return "which has no capacity"
        commodity, place = self.start
        return f"which has no capacity, while no running facility makes `{commodity}` at `{place}`"

    @property
    def owner(self) -> str:
        """The entry to which a capacity can be given."""
        return "the offer (or the route)" if self.start is None else "the route"


def check(findings: Findings) -> None:
    """Events, hazards and survival limits that leave a part of an offer or a route that nothing limits."""
    if not findings.can_read(*SUPPLY, "events", "futures", "hazards", "limits", "horizon", "sampling"):
        return
    open_ended = _OpenEnded(findings)
    for interruption in interruptions(findings):
        found = [hit for hit in open_ended.unlimited(interruption) if interruption.leaves_part(hit.weight)]
        if found:
            _note_part(findings, interruption, found)


def warn(findings: Findings) -> None:
    """Events that close for a part of a period what stays unlimited on the other days, or leave a part of a route by
    the volume of some of what feeds it."""
    open_ended, closings = _OpenEnded(findings), _Closings(findings)
    hits = [(item, list(open_ended.unlimited(item))) for item in interruptions(findings) if item.left[0] < 1]
    for interruption, unlimited in hits:
        closings.add(interruption, unlimited)
    for interruption, unlimited in hits:
        parts = list(parts_of_periods(findings, interruption))
        for part in parts:
            if found := [hit for hit in unlimited if not closings.close(interruption, hit, part)]:
                _warn_of_open_days(findings, interruption.keys, part, found)
                break
        fed = open_ended.partly_counted(interruption)
        if found := [hit for hit in fed if parts or interruption.leaves_part(hit.weight)]:
            _warn_of_own_offers(findings, interruption, found)


def _is_unlimited(facility: Facility) -> bool:
    """Whether nothing but its inputs limits what a facility makes."""
    return (
        facility.capacity_t_per_y is None
        and facility.home_share > 0
        and not facility.steps
        and facility.supply_curve is None
    )


class _OpenEnded:
    """What no capacity of its own limits, and which interruptions hit it."""

    def __init__(self, findings: Findings) -> None:
        self._scenario, self._selections = findings.scenario, findings.selections

    def unlimited(self, interruption: Interruption) -> Iterator[_Hit]:
        """Offers that nothing limits, and routes that they or hubs feed."""
        if interruption.facilities is not None:
            yield from self._offers_hit(interruption, interruption.facilities)
        for name, weight in self._routes_hit(interruption):
            stop = _start(self._scenario.routes[name])
            if stop in self._unlimited_at and interruption.facilities is None:
                yield _Hit(f"`{self._unlimited_at[stop]}` by route `{name}`", weight)
            elif stop not in self._made_at:
                yield _Hit(f"route `{name}`", weight, start=stop)

    def partly_counted(self, interruption: Interruption) -> Iterator[_Hit]:
        """Routes fed by offers that have a limit, and by something else besides."""
        for name, weight in self._routes_hit(interruption):
            stop = _start(self._scenario.routes[name])
            if stop in self._made_at and stop not in self._unlimited_at and stop in self._brought_to:
                yield _Hit(f"route `{name}`", weight, start=stop)

    def _offers_hit(self, interruption: Interruption, facilities: Sequence[str]) -> Iterator[_Hit]:
        meant = self._selections.commodities(interruption.commodities)
        for name in matching(facilities, self._offers):
            plant = self._offers[name]
            weight = self._selections.weight(plant.place, interruption.places)
            if weight > 0 and meant & plant.outputs.keys():
                yield _Hit(f"`{name}`", weight)

    def _routes_hit(self, interruption: Interruption) -> Iterator[tuple[str, float]]:
        """Routes without capacity that can carry something, and the share of each that is meant."""
        if interruption.destinations is None:
            return
        weight = self._selections.weight
        meant = self._selections.commodities(interruption.commodities)
        for name, route in self._routes.items():
            if route.commodity in meant:
                share = weight(route.origin, interruption.places)
                share *= weight(route.destination, interruption.destinations)
                if share > 0:
                    yield name, share

    @cached_property
    def _offers(self) -> dict[str, Facility]:
        return {name: plant for name, plant in self._scenario.facilities.items() if _is_unlimited(plant)}

    @cached_property
    def _reached(self) -> set[Stop]:
        return reachable(self._scenario)

    @cached_property
    def _routes(self) -> dict[str, Route]:
        return {
            name: route
            for name, route in self._scenario.routes.items()
            if route.capacity_t_per_y is None and _start(route) in self._reached
        }

    @cached_property
    def _unlimited_at(self) -> dict[Stop, str]:
        """Where nothing limits an offer, and the first such offer."""
        found: dict[Stop, str] = {}
        for name, plant in self._offers.items():
            for output in plant.outputs:
                found.setdefault((output, plant.place), name)
        return found

    @cached_property
    def _made_at(self) -> set[Stop]:
        """Where facilities can make a commodity for home."""
        horizon = self._scenario.horizon
        running = [plant for plant in self._scenario.facilities.values() if can_run(plant, horizon)]
        return {(output, plant.place) for plant in running for output in plant.outputs}

    @cached_property
    def _brought_to(self) -> set[Stop]:
        """Where other things than facilities bring a commodity."""
        scenario, home = self._scenario, self._scenario.home
        found = {
            (route.commodity, route.destination) for route in scenario.routes.values() if _start(route) in self._reached
        }
        found |= {(output, plant.place) for plant in scenario.projects.values() for output in plant.outputs}
        found |= {(item.commodity, item.place or home) for item in scenario.recycling.values()}
        return found | {(pile.commodity, pile.place or home) for pile in scenario.stockpiles.values()}


class _Closings:
    """When the events of each future close what nothing limits."""

    def __init__(self, findings: Findings) -> None:
        futures = findings.scenario.futures
        self._lines = [
            {event for name in line(futures, future) for event in futures[name].events} for future in futures
        ]
        self._spans: dict[str, dict[str, tuple[date, date]]] = {}
        """By what is closed and event: first day, and first day no longer."""

    def add(self, interruption: Interruption, hits: Sequence[_Hit]) -> None:
        """Note the dates of what closes these, if it is an event."""
        if interruption.keys[0] == "events" and interruption.dates is not None:
            onset, until = interruption.dates
            for hit in hits:
                self._spans.setdefault(hit.what, {})[interruption.keys[1]] = (onset, until or date.max)

    def close(self, interruption: Interruption, hit: _Hit, part: Part) -> bool:
        """Whether events together close for a whole period what this one closes for a part of it, in all futures."""
        collection, event = interruption.keys
        if collection != "events" or part.period is None:
            return False
        spans = self._spans[hit.what]
        lines = [events & spans.keys() for events in self._lines if event in events]
        return all(_cover([spans[other] for other in events], part.period) for events in lines)


def _cover(spans: Sequence[tuple[date, date]], period: tuple[date, date]) -> bool:
    """Whether some span holds on each day of a period."""
    day, after = period
    for onset, until in sorted(spans):
        if onset <= day:
            day = max(day, until)
    return day >= after


def _start(route: Route) -> Stop:
    return route.commodity, route.origin


def _note_part(findings: Findings, interruption: Interruption, found: Sequence[_Hit]) -> None:
    most = interruption.left[1]
    value: float | None = None
    field, why, allowed = "places", "a part of the region is meant, and the rest is left", "a region as a whole"
    if most > 0:
        field, value, why = interruption.share_field, most, f"a share of {most:g} is left"
        allowed = "0 (nothing) or 1 (all)"
    elif interruption.fades:
        field, why, allowed = "recovery_years", "its effect fades, and so leaves a part", "0"
    message = f"{why} of {_listed(found)}, {found[0].why_unlimited}: a part of what is unlimited has no meaning."
    remedy = f"Give {found[0].owner} a `capacity_t_per_y`, its normal volume, or let nothing be left of it."
    keys = [*interruption.keys, field]
    findings.note("part_of_unlimited", keys, message, value=value, allowed=allowed, remedy=remedy)


def _warn_of_open_days(findings: Findings, keys: Sequence[str], part: Part, found: Sequence[_Hit]) -> None:
    passes, it = ("sells", "it") if found[0].start is None else ("carries", "the route")
    message = f"{part.how}; on the other days {_listed(found)} {passes} without limit, as much as in a whole period."
    remedy = f"{part.remedy} Or give {it} a `capacity_t_per_y`, its normal volume."
    findings.note("open_part_of_period", [*keys, part.field], message, remedy=remedy)


def _warn_of_own_offers(findings: Findings, interruption: Interruption, found: Sequence[_Hit]) -> None:
    commodity, place = found[0].start or ("", "")
    message = (
        f"it leaves a part of {_listed(found)}, which has no capacity: of what facilities at `{place}` offer of "
        f"`{commodity}`. What projects, recycling, stock or other routes bring there does not count."
    )
    remedy = "Give the route a `capacity_t_per_y`, its normal volume."
    findings.note("part_of_own_offers", interruption.keys, message, remedy=remedy)


def _listed(found: Sequence[_Hit]) -> str:
    return found[0].what + (f" and {len(found) - 1} more" if len(found) > 1 else "")
