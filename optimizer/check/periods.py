"""Time: periods, numbers by year, dated rules (conventions, "Time")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.scenario import Horizon

ByYear = float | dict[int, float]
DAYS_OF_YEAR = 365.25
"""Of a length of time that is not tied to the calendar."""


@dataclass(frozen=True)
class Period:
    """Whole years from 1 January of `year`; `start_y` is the sum of earlier lengths."""

    index: int
    year: int
    length_y: int
    start_y: int

    @property
    def end_year(self) -> int:
        """The first year no longer in the period."""
        return self.year + self.length_y

    def contains(self, day: date) -> bool:
        """Whether the day falls in the period."""
        return self.year <= day.year < self.end_year


def periods_of(horizon: Horizon) -> tuple[Period, ...]:
    """The periods, in order."""
    found: list[Period] = []
    start_y = 0
    for index, length_y in enumerate(horizon.period_years):
        found.append(Period(index, horizon.first_year + start_y, length_y, start_y))
        start_y += length_y
    return tuple(found)


def in_year(number: ByYear, year: int) -> float:
    """A number in a year: the latest entry up to it; before the first entry, the first."""
    if not isinstance(number, dict):
        return number
    past = [entry for entry in number if entry <= year]
    return number[max(past) if past else min(number)]


def mean(number: ByYear, period: Period) -> float:
    """A number in a period: the mean over the years it covers."""
    if not isinstance(number, dict):
        return number
    return sum(in_year(number, year) for year in range(period.year, period.end_year)) / period.length_y


def share_of_days(onset: date | None, until: date | None, period: Period) -> float:
    """Share of the period's days from `onset` (included) to `until` (not included)."""
    first, end = date(period.year, 1, 1), date(period.end_year, 1, 1)
    begins = max(onset or first, first)
    ends = min(until or end, end)
    return max(0, (ends - begins).days) / (end - first).days


def share_in_force(onset: date, until: date | None, recovery_years: float, period: Period) -> float:
    """Mean, over the period's days, of an event's effect: 1 from onset to `until`, then falling evenly to nothing."""
    share = share_of_days(onset, until, period)
    if until is None or recovery_years == 0:
        return share
    first, end = date(period.year, 1, 1), date(period.end_year, 1, 1)
    fades_days = recovery_years * DAYS_OF_YEAR
    # Days since `until` on which the period begins to see the effect fade, and no longer does.
    begins = max(0.0, (first - until).days)
    ends = min(fades_days, (end - until).days)
    if begins < ends:
        left = 1 - (begins + ends) / 2 / fades_days
        share += left * (ends - begins) / (end - first).days
    return share


def decimal_year(day: date) -> float:
    """2028-07-01 is 2028 plus the share of that year's days gone by."""
    first = date(day.year, 1, 1)
    return day.year + (day - first).days / (date(day.year + 1, 1, 1) - first).days
