"""Time: periods, numbers by year, dated rules (conventions, "Time")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from lodeplan.schemas.scenario import Horizon

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
        """True if the day is in the period."""
        return self.year <= day.year < self.end_year


@dataclass(frozen=True)
class Dates:
    """Dates of an event, and the time over which its effect fades afterwards."""

    onset: date
    until: date | None
    recovery_years: float

    @property
    def edges(self) -> tuple[float, ...]:
        """Ordinals of the days between which its effect is a straight line."""
        if self.until is None:
            return (self.onset.toordinal(),)
        end = self.until.toordinal()
        return self.onset.toordinal(), end, end + self.recovery_years * DAYS_OF_YEAR

    def line(self, day: float) -> tuple[float, float]:
        """Its effect at a point of time, and by how much that rises a day."""
        onset, *ends = self.edges
        if day < onset:
            return 0.0, 0.0
        if not ends or day < ends[0]:
            return 1.0, 0.0
        if day < ends[1]:
            return (ends[1] - day) / (ends[1] - ends[0]), -1 / (ends[1] - ends[0])
        return 0.0, 0.0


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


def mean_of_product(changes: Sequence[tuple[Dates, float]], period: Period) -> float:
    """Mean over the period's days of the product, over events, of `1 + change * effect`.

    Between two dates on which something begins or ends, each factor is a straight line, and the product a polynomial.
    """
    first, end = date(period.year, 1, 1).toordinal(), date(period.end_year, 1, 1).toordinal()
    edges = sorted({first, end, *(edge for dates, _ in changes for edge in dates.edges if first < edge < end)})
    total = 0.0
    for start, stop in pairwise(edges):
        product = [1.0]
        for dates, change in changes:
            middle, rise = dates.line((start + stop) / 2)
            low = 1 + change * (middle - rise * (stop - start) / 2)
            product = _times_line(product, low, change * rise * (stop - start))
        total += (stop - start) * sum(factor / (power + 1) for power, factor in enumerate(product))
    return total / (end - first)


def _times_line(polynomial: Sequence[float], constant: float, slope: float) -> list[float]:
    """A polynomial, lowest power first, times a straight line."""
    if slope == 0:
        return [constant * factor for factor in polynomial]
    return [constant * here + slope * below for here, below in zip([*polynomial, 0.0], [0.0, *polynomial], strict=True)]


def decimal_year(day: date) -> float:
    """2028-07-01 is 2028 plus the share of that year's days gone by."""
    first = date(day.year, 1, 1)
    return day.year + (day - first).days / (date(day.year + 1, 1, 1) - first).days
