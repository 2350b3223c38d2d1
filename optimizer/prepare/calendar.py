"""Periods, and what numbers by year and dated rules amount to in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lodeplan.schemas.scenario import Horizon

DAYS_PER_YEAR = 365.25
"""Of a recovery; dated rules count by days of the calendar."""
TOLERANCE_Y = 1e-9
"""Years within which a date counts as reached: sums of fractions of years are off by less, a second is more."""

UNROLLED = 8
"""From so many numbers on NumPy adds in another order."""

Floats = npt.NDArray[np.float64]
Profile = float | Mapping[int, float]
"""A number, or numbers by year that hold until the next entry."""


def value_in(profile: Profile, year: int) -> float:
    """The entry of the latest year up to `year`; before the first entry, the first."""
    if not isinstance(profile, Mapping):
        return float(profile)
    earlier = [known for known in profile if known <= year]
    return float(profile[max(earlier) if earlier else min(profile)])


@dataclass(frozen=True)
class Span:
    """From when to when something holds, as days: ordinals, that of its end not included."""

    begin: float
    finish: float
    fading: float = 0.0
    """Days from its end on over which its effect falls evenly to nothing."""

    def effect(self, day: Floats) -> Floats:
        """Share of its effect at points of time: 1 while it holds, between 0 and 1 while it fades, else 0."""
        fades = np.clip(1.0 - (day - self.finish) / self.fading, 0.0, 1.0) if self.fading > 0 else 0.0
        return np.where(day < self.begin, 0.0, np.where(day < self.finish, 1.0, fades))


@dataclass(frozen=True)
class Calendar:
    """The horizon cut into periods of whole years."""

    starts: tuple[int, ...]
    """First year of each period."""
    lengths: tuple[int, ...]
    """Years of each period."""

    @classmethod
    def of(cls, horizon: Horizon) -> Calendar:
        """The calendar of a scenario's horizon."""
        lengths = tuple(horizon.period_years)
        starts = tuple(horizon.first_year + sum(lengths[:i]) for i in range(len(lengths)))
        return cls(starts, lengths)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def end(self) -> int:
        """First year after the horizon."""
        return self.starts[-1] + self.lengths[-1]

    def mean(self, profile: Profile) -> Floats:
        """Mean of a profile over the years of each period; shape (periods,)."""
        return np.array(
            [
                _mean_of([value_in(profile, year) for year in range(start, start + length)])
                for start, length in zip(self.starts, self.lengths, strict=True)
            ]
        )

    def days(self, period: int) -> tuple[int, int]:
        """First day of a period and of the next, as ordinals."""
        start = self.starts[period]
        return first_day(start), first_day(start + self.lengths[period])

    def span(self, onset: date | None, until: date | None, recovery_years: float = 0.0) -> Span:
        """The days on which a rule is in force, and those on which its effect fades."""
        begin = onset.toordinal() if onset else 0
        finish = until.toordinal() if until else first_day(self.end)
        return Span(begin, finish, recovery_years * DAYS_PER_YEAR if until else 0.0)

    def fraction(self, onset: date | None, until: date | None, recovery_years: float = 0.0) -> Floats:
        """Share of each period's days in which a rule is in force; shape (periods,).

        With `recovery_years` its effect falls evenly to nothing from `until` on, and counts by what is left of it.
        """
        span = self.span(onset, until, recovery_years)
        shares = []
        for period in range(len(self)):
            first, after = self.days(period)
            whole = max(0, min(span.finish, after) - max(span.begin, first))
            faded = _left(after - span.finish, span.fading) - _left(first - span.finish, span.fading)
            shares.append((whole + faded) / (after - first))
        return np.array(shares)

    def mean_product(self, period: int, changes: Sequence[tuple[Span, float]]) -> float:
        """Mean over a period's days of the product of `1 + change * effect` over spans and their changes."""
        first, after = self.days(period)
        ends = {day for span, _ in changes for day in (span.begin, span.finish, span.finish + span.fading)}
        edges = [first, *sorted(day for day in ends if first < day < after), after]
        # Between edges it is a polynomial of a degree up to the number of spans that fade.
        points, weights = np.polynomial.legendre.leggauss(len(changes) // 2 + 1)
        mean = 0.0
        for start, end in pairwise(edges):
            day = start + (end - start) * (points + 1.0) / 2.0
            product = np.prod([1.0 + change * span.effect(day) for span, change in changes], axis=0)
            mean += float(weights @ product) / 2.0 * (end - start) / (after - first)
        return mean

    def period_of(self, year: float) -> int | None:
        """The period that contains a year, or None outside the horizon."""
        for period, (start, length) in enumerate(zip(self.starts, self.lengths, strict=True)):
            if start <= year < start + length:
                return period
        return None


def _mean_of(numbers: list[float]) -> float:
    """The mean, added up as NumPy adds up so few numbers, bit for bit; its own call takes most of the time for them."""
    if len(numbers) >= UNROLLED:
        return float(np.mean(numbers))
    total = 0.0
    for number in numbers:
        total += number
    return total / len(numbers)


def _left(day: float, fading: float) -> float:
    """Days of full effect that are worth what is left of it up to a day after its end."""
    gone = min(max(day, 0.0), fading)
    return gone - gone * gone / (2.0 * fading) if fading > 0 else 0.0


def first_day(year: int) -> int:
    """Ordinal of 1 January."""
    return date(year, 1, 1).toordinal()


def decimal_year(day: date) -> float:
    """A day as a year with its fraction: 2027-07-02 is about 2027.5."""
    first, after = first_day(day.year), first_day(day.year + 1)
    return day.year + (day.toordinal() - first) / (after - first)
