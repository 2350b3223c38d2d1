"""Interruptions of output or exports: events of a future, hazards that are drawn from, survival limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.hazards import ends
from lodeplan.schemas.events import ExportEvent, OutputEvent
from lodeplan.schemas.hazards import Hazard
from lodeplan.schemas.limits import Survival


@dataclass(frozen=True)
class Interruption:
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
    dates: tuple[date, date | None] | None = None
    """Onset and end; None where they are drawn."""

    def leaves_part(self, weight: float) -> bool:
        """True if on some day a part, neither all nor nothing, is available of something selected by this share."""
        least, most = self.left
        return weight > 0 and least < 1 and (most > 0 or self.fades or weight < 1)


@dataclass(frozen=True)
class Part:
    """That an interruption holds for a part of a period: by which field, in words, and what to do."""

    field: str
    how: str
    remedy: str
    period: tuple[date, date] | None = None
    """The first day of the period and of the next; None where it is drawn."""


def interruptions(findings: Findings) -> Iterator[Interruption]:
    """Those that can come."""
    scenario = findings.scenario
    used = {event for future in scenario.futures.values() for event in future.events}
    for name, event in scenario.events.items():
        if name in used and isinstance(event, ExportEvent | OutputEvent):
            yield Interruption(
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
            yield Interruption(
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


def _of_hazard(name: str, hazard: Hazard) -> Interruption:
    return Interruption(
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


def parts_of_periods(findings: Findings, interruption: Interruption) -> Iterator[Part]:
    """The fields by which it holds for a part of a period; none if it holds for whole ones."""
    horizon = findings.scenario.horizon
    starts = list(accumulate(horizon.period_years, initial=horizon.first_year))
    if interruption.dates is None:
        lasts = findings.scenario.hazards[interruption.keys[1]].duration_years
        possible = list(lasts) if isinstance(lasts, Mapping) else [*ends(lasts)]
        is_spread = not isinstance(lasts, Mapping) and possible[0] < possible[1]
        if (
            is_spread
            or not all(years.is_integer() for years in possible)
            or max(horizon.period_years[1:], default=1) > 1
        ):
            remedy = "Let it last whole years, in periods of a year."
            yield Part("duration_years", "it may hold for a part of a period", remedy)
        return
    for field, day in zip(("onset", "until"), interruption.dates, strict=True):
        if day is not None and starts[0] <= day.year < starts[-1] and day not in _first_days(starts):
            start = max(year for year in starts if year <= day.year)
            following = min(year for year in starts if year > day.year)
            verb, whole = ("begins", start) if field == "onset" else ("ends", following)
            how = f"it {verb} within the period from {start} on"
            yield Part(field, how, f"Let it be {whole}-01-01.", (_first_day(start), _first_day(following)))


def _first_days(years: Sequence[int]) -> set[date]:
    return {_first_day(year) for year in years}


def _first_day(year: int) -> date:
    """1 January; of years that no date reaches, the last day there is."""
    return date(year, 1, 1) if year <= date.max.year else date.max
