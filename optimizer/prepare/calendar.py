"""Periods, and what numbers by year and dated rules amount to in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from schemas.scenario import Horizon

DAYS_PER_YEAR = 365.25
"""Of a recovery; dated rules count by days of the calendar."""

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
                np.mean([value_in(profile, year) for year in range(start, start + length)])
                for start, length in zip(self.starts, self.lengths, strict=True)
            ]
        )

    def days(self, period: int) -> tuple[int, int]:
        """First day of a period and of the next, as ordinals."""
        start = self.starts[period]
        return first_day(start), first_day(start + self.lengths[period])

    def fraction(self, onset: date | None, until: date | None, recovery_years: float = 0.0) -> Floats:
        """Share of each period's days in which a rule is in force; shape (periods,).

        With `recovery_years` its effect falls evenly to nothing from `until` on, and counts by what is left of it.
        """
        begin = onset.toordinal() if onset else 0
        finish = until.toordinal() if until else first_day(self.end)
        fading = recovery_years * DAYS_PER_YEAR if until else 0.0
        shares = []
        for period in range(len(self)):
            first, after = self.days(period)
            whole = max(0, min(finish, after) - max(begin, first))
            shares.append((whole + _left(after - finish, fading) - _left(first - finish, fading)) / (after - first))
        return np.array(shares)

    def period_of(self, year: float) -> int | None:
        """The period that contains a year, or None outside the horizon."""
        for period, (start, length) in enumerate(zip(self.starts, self.lengths, strict=True)):
            if start <= year < start + length:
                return period
        return None


def _left(day: float, fading: float) -> float:
    """Days of full effect that are worth what is left of it up to a day after its end."""
    gone = min(max(day, 0.0), fading)
    return gone - gone * gone / (2.0 * fading) if fading > 0 else 0.0


def first_day(year: int) -> int:
    """Ordinal of 1 January; also of the year 10000, which `date` does not reach."""
    return date(year, 1, 1).toordinal() if year <= 9999 else date(9999, 12, 31).toordinal() + 1


def decimal_year(day: date) -> float:
    """A day as a year with its fraction: 2027-07-02 is about 2027.5."""
    first, after = first_day(day.year), first_day(day.year + 1)
    return day.year + (day.toordinal() - first) / (after - first)
