"""Whether events leave a part of what has no limit: a part of an unlimited offer has no meaning."""

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
from schemas.supply import SUPPLY


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
    destinations: Sequence[str] | None
    """Of exports; None: of output."""
    facilities: Sequence[str] = ("*",)
    dates: tuple[date | None, date | None] | None = None
    """Onset and end; None where they are drawn."""


def check(findings: Findings) -> None:
    """Events, hazards and survival limits that leave a part of an offer without capacity, or of a route it feeds."""
    if not findings.can_read(*SUPPLY, "events", "futures", "hazards", "limits", "horizon", "sampling"):
        return
    hits = _Hits(findings)
    for interruption in _interruptions(findings):
        found = [(what, weight) for what, weight in hits.of(interruption) if _is_part(interruption, weight)]
        if found:
            _note_part(findings, interruption, found)


def warn(findings: Findings) -> None:
    """Events that close an unlimited offer for a part of a period, which leaves it unlimited on the other days."""
    hits = _Hits(findings)
    for interruption in _interruptions(findings):
        part = _part_of_a_period(findings, interruption)
        found = [what for what, _ in hits.of(interruption)] if part and interruption.left[0] < 1 else []
        if part and found:
            field, of_period, remedy = part
            what = _listed(found)
            message = f"{of_period}; on the other days {what} sells without limit, as much as in a whole period."
            remedy = f"{remedy} Or give it a `capacity_t_per_y`, its normal volume."
            findings.note("open_part_of_period", [*interruption.keys, field], message, remedy=remedy)


def is_unlimited(facility: Facility) -> bool:
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
                destinations=event.destinations if isinstance(event, ExportEvent) else None,
                facilities=event.facilities if isinstance(event, OutputEvent) else ("*",),
                dates=(event.onset, event.until),
            )
    for name, hazard in scenario.hazards.items() if scenario.sampling else ():
        if hazard.yearly_rate > 0 and ends(hazard.duration_years)[1] > 0:
            yield _of_hazard(name, hazard)
    for name, limit in scenario.limits.items():
        if isinstance(limit, Survival):
            # Of output alone: a route without limit starts where an offer without limit is.
            yield _Interruption(
                keys=["limits", name],
                share_field="left_share",
                left=(limit.left_share, limit.left_share),
                fades=False,
                places=findings.selections.lost_places(limit),
                commodities=["*"],
                destinations=None,
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


class _Hits:
    """What has no limit, and which interruptions hit it."""

    def __init__(self, findings: Findings) -> None:
        self._scenario, self._selections = findings.scenario, findings.selections

    @cached_property
    def _offers(self) -> dict[str, Facility]:
        return {name: plant for name, plant in self._scenario.facilities.items() if is_unlimited(plant)}

    @cached_property
    def _routes(self) -> dict[str, Route]:
        """Routes without capacity that an unlimited offer feeds."""
        fed = {(output, plant.place) for plant in self._offers.values() for output in plant.outputs}
        return {
            name: route
            for name, route in self._scenario.routes.items()
            if route.capacity_t_per_y is None and (route.commodity, route.origin) in fed
        }

    def of(self, interruption: _Interruption) -> Iterator[tuple[str, float]]:
        """What is hit, in words, and the share of it that is meant: below 1 for a region of which a part is."""
        if not self._offers:
            return
        weight = self._selections.weight
        meant = self._selections.commodities(interruption.commodities)
        if interruption.destinations is None:
            for name in matching(interruption.facilities, self._offers):
                plant = self._offers[name]
                share = weight(plant.place, interruption.places) if meant & plant.outputs.keys() else 0.0
                if share > 0:
                    yield f"`{name}`", share
            return
        for name, route in self._routes.items():
            share = weight(route.origin, interruption.places) if route.commodity in meant else 0.0
            share *= weight(route.destination, interruption.destinations)
            if share > 0:
                offer = next(
                    key
                    for key, plant in self._offers.items()
                    if plant.place == route.origin and route.commodity in plant.outputs
                )
                yield f"`{offer}` by route `{name}`", share


def _note_part(findings: Findings, interruption: _Interruption, found: Sequence[tuple[str, float]]) -> None:
    most = interruption.left[1]
    value: float | None = None
    field, why = "places", "a part of the region is meant, and the rest is left"
    if most > 0:
        field, value, why = interruption.share_field, most, f"a share of {most:g} is left"
    elif interruption.fades:
        field, why = "recovery_years", "its effect fades, and so leaves a part"
    what = _listed([what for what, _ in found])
    message = f"{why} of {what}, which has no capacity: a part of what is unlimited is unlimited, and nothing happens."
    remedy = "Give the offer (or the route) a `capacity_t_per_y`, its normal volume, or let nothing be left of it."
    findings.note("part_of_unlimited", [*interruption.keys, field], message, value=value, remedy=remedy)


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


def _listed(found: Sequence[str]) -> str:
    return found[0] + (f" and {len(found) - 1} more" if len(found) > 1 else "")
