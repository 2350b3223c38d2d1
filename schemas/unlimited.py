"""Whether events leave a part of what has no limit, or of what is limited by less than all that feeds it.

`docs/reference/conventions.md` says what is unlimited, and what an interrupted route is held to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate

from schemas.chances import ends
from schemas.events import ExportEvent, OutputEvent
from schemas.findings import Findings
from schemas.hazards import Hazard
from schemas.limits import Survival
from schemas.scenario import Facility, Route
from schemas.selections import matching
from schemas.supply import SUPPLY, Stop, can_run, reachable


@dataclass(frozen=True)
class _Interruption:
    """An event, a hazard that is drawn from, or a survival limit, as far as it interrupts output or exports."""

    keys: list[str]
    share_field: str
    """Where it says what is left."""
    left: tuple[float, float]
    """Least and most that is left, a share."""
    fades: bool
    places: Sequence[str]
    commodities: Sequence[str]
    facilities: Sequence[str] | None = None
    """Whose output it interrupts; None: it leaves output alone."""
    destinations: Sequence[str] | None = None
    """To which it interrupts exports; None: it leaves exports alone."""
    dates: tuple[date | None, date | None] | None = None
    """Onset and end; None where they are drawn."""


@dataclass(frozen=True)
class _Hit:
    """Something without a limit of its own that is interrupted."""

    what: str
    weight: float
    """Share of it that is meant: below 1 for a region of which a part is."""
    hub: Stop | None = None
    """Of a route from a hub: what it carries, and from where."""

    @property
    def why_unlimited(self) -> str:
        """What it lacks, in words."""
        if self.hub is None:
            return "which has no capacity"
        commodity, place = self.hub
        return f"which has no capacity, while no running facility makes `{commodity}` at `{place}`"

    @property
    def owner(self) -> str:
        """What to give a capacity."""
        return "the offer (or the route)" if self.hub is None else "the route"


def check(findings: Findings) -> None:
    """Events, hazards and survival limits that leave a part of an offer or a route that nothing limits."""
    if not findings.can_read(*SUPPLY, "events", "futures", "hazards", "limits", "horizon", "sampling"):
        return
    open_ended = _OpenEnded(findings)
    for interruption in _interruptions(findings):
        found = [hit for hit in open_ended.unlimited(interruption) if _is_part(interruption, hit.weight)]
        if found:
            _note_part(findings, interruption, found)


def warn(findings: Findings) -> None:
    """Events that close for a part of a period what stays unlimited on the other days, or leave a part of a route by
    the volume of some of what feeds it."""
    open_ended = _OpenEnded(findings)
    for interruption in _interruptions(findings):
        part = _part_of_a_period(findings, interruption) if interruption.left[0] < 1 else None
        closed = list(open_ended.unlimited(interruption)) if part else []
        if part and closed:
            _warn_of_open_days(findings, interruption.keys, part, closed)
        partly_fed = [
            hit for hit in open_ended.partly_counted(interruption) if part or _is_part(interruption, hit.weight)
        ]
        if partly_fed:
            _warn_of_own_offers(findings, interruption, partly_fed)


def _is_unlimited(facility: Facility) -> bool:
    """Whether nothing but its inputs limits what a facility makes."""
    return (
        facility.capacity_t_per_y is None
        and facility.home_share > 0
        and not facility.steps
        and facility.supply_curve is None
    )


def _interruptions(findings: Findings) -> Iterator[_Interruption]:
    """Those that can come."""
    scenario = findings.scenario
    used = {event for future in scenario.futures.values() for event in future.events}
    for name, event in scenario.events.items():
        if name in used and isinstance(event, ExportEvent | OutputEvent):
            yield _Interruption(
                keys=["events", name],
                share_field="availability_share",
                left=(event.availability_share, event.availability_share),
                fades=event.recovery_years > 0,
                places=event.places,
                commodities=event.commodities,
                facilities=event.facilities if isinstance(event, OutputEvent) else None,
                destinations=event.destinations if isinstance(event, ExportEvent) else None,
                dates=(event.onset, event.until),
            )
    for name, hazard in scenario.hazards.items() if scenario.sampling else ():
        if hazard.yearly_rate > 0 and ends(hazard.duration_years)[1] > 0:
            yield _of_hazard(name, hazard)
    for name, limit in scenario.limits.items():
        if isinstance(limit, Survival):
            yield _Interruption(
                keys=["limits", name],
                share_field="left_share",
                left=(limit.left_share, limit.left_share),
                fades=False,
                places=findings.selections.lost_places(limit),
                commodities=["*"],
                facilities=["*"],
                destinations=["*"],
                dates=(limit.onset, limit.until),
            )


def _of_hazard(name: str, hazard: Hazard) -> _Interruption:
    return _Interruption(
        keys=["hazards", name],
        share_field="availability_share",
        left=_likely_ends(hazard),
        fades=hazard.recovery_years > 0,
        places=hazard.places,
        commodities=hazard.commodities,
        facilities=["*"] if hazard.changes == "output" else None,
        destinations=hazard.destinations if hazard.changes == "exports" else None,
    )


def _likely_ends(hazard: Hazard) -> tuple[float, float]:
    """Least and most of what may be left, values without probability and 1, which interrupts nothing, aside."""
    values = hazard.availability_share
    if isinstance(values, Mapping):
        likely = [value for value, probability in values.items() if probability > 0 and value < 1]
        return (min(likely), max(likely)) if likely else (1.0, 1.0)
    return ends(values)


def _is_part(interruption: _Interruption, weight: float) -> bool:
    """Whether on some day neither all nor nothing of it is there."""
    least, most = interruption.left
    return weight > 0 and least < 1 and (most > 0 or interruption.fades or weight < 1)


class _OpenEnded:
    """What no capacity of its own limits, and which interruptions hit it."""

    def __init__(self, findings: Findings) -> None:
        self._scenario, self._selections = findings.scenario, findings.selections

    def unlimited(self, interruption: _Interruption) -> Iterator[_Hit]:
        """Offers that nothing limits, and routes that they or hubs feed."""
        if interruption.facilities is not None:
            yield from self._offers_hit(interruption, interruption.facilities)
        for name, weight in self._routes_hit(interruption):
            stop = _start(self._scenario.routes[name])
            if stop in self._unlimited_at and interruption.facilities is None:
                yield _Hit(f"`{self._unlimited_at[stop]}` by route `{name}`", weight)
            elif stop not in self._made_at:
                yield _Hit(f"route `{name}`", weight, hub=stop)

    def partly_counted(self, interruption: _Interruption) -> Iterator[_Hit]:
        """Routes fed by offers that have a limit, and by something else besides."""
        for name, weight in self._routes_hit(interruption):
            stop = _start(self._scenario.routes[name])
            if stop in self._made_at and stop not in self._unlimited_at and stop in self._brought_to:
                yield _Hit(f"route `{name}`", weight, hub=stop)

    def _offers_hit(self, interruption: _Interruption, facilities: Sequence[str]) -> Iterator[_Hit]:
        meant = self._selections.commodities(interruption.commodities)
        for name in matching(facilities, self._offers):
            plant = self._offers[name]
            weight = self._selections.weight(plant.place, interruption.places)
            if weight > 0 and meant & plant.outputs.keys():
                yield _Hit(f"`{name}`", weight)

    def _routes_hit(self, interruption: _Interruption) -> Iterator[tuple[str, float]]:
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
        running = [plant for plant in self._scenario.facilities.values() if can_run(plant)]
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


def _start(route: Route) -> Stop:
    return route.commodity, route.origin


def _note_part(findings: Findings, interruption: _Interruption, found: Sequence[_Hit]) -> None:
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


def _warn_of_open_days(
    findings: Findings, keys: Sequence[str], part: tuple[str, str, str], found: Sequence[_Hit]
) -> None:
    field, of_period, remedy = part
    passes = "sells" if found[0].hub is None else "carries"
    message = f"{of_period}; on the other days {_listed(found)} {passes} without limit, as much as in a whole period."
    remedy = (
        f"{remedy} Or give {'it' if found[0].hub is None else 'the route'} a `capacity_t_per_y`, its normal volume."
    )
    findings.note("open_part_of_period", [*keys, field], message, remedy=remedy)


def _warn_of_own_offers(findings: Findings, interruption: _Interruption, found: Sequence[_Hit]) -> None:
    commodity, place = found[0].hub or ("", "")
    message = (
        f"it leaves a part of {_listed(found)}, which has no capacity: of what facilities at `{place}` offer of "
        f"`{commodity}`. What projects, recycling, stock or other routes bring there does not count."
    )
    remedy = "Give the route a `capacity_t_per_y`, its normal volume."
    findings.note("part_of_own_offers", interruption.keys, message, remedy=remedy)


def _part_of_a_period(findings: Findings, interruption: _Interruption) -> tuple[str, str, str] | None:
    """The field by which it holds for a part of a period, how, and what to do; None if it holds for whole ones."""
    horizon = findings.scenario.horizon
    starts = list(accumulate(horizon.period_years, initial=horizon.first_year))
    if interruption.dates is None:
        lasts = findings.scenario.hazards[interruption.keys[1]].duration_years
        possible = list(lasts) if isinstance(lasts, Mapping) else [*ends(lasts)]
        is_spread = not isinstance(lasts, Mapping) and possible[0] < possible[1]
        if (
            not is_spread
            and all(years.is_integer() for years in possible)
            and max(horizon.period_years[1:], default=1) == 1
        ):
            return None
        return "duration_years", "it may hold for a part of a period", "Let it last whole years, in periods of a year."
    for field, day in zip(("onset", "until"), interruption.dates, strict=True):
        if day is not None and starts[0] <= day.year < starts[-1] and day not in _first_days(starts):
            start = max(year for year in starts if year <= day.year)
            if field == "onset":
                return field, f"it begins within the period from {start} on", f"Let it be {start}-01-01."
            following = min(year for year in starts if year > day.year)
            return field, f"it ends within the period from {start} on", f"Let it be {following}-01-01."
    return None


def _first_days(years: Sequence[int]) -> set[date]:
    return {date(year, 1, 1) for year in years if year <= date.max.year}


def _listed(found: Sequence[_Hit]) -> str:
    return found[0].what + (f" and {len(found) - 1} more" if len(found) > 1 else "")
