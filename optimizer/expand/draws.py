"""Interruptions drawn from yearly hazards.

A hazard that is neither on nor fading begins on 1 January of a year with its yearly rate. Hazards of a bloc share a
standard normal factor F a year: hazard h begins where sqrt(r) F + sqrt(1 - r) E_h is below the normal quantile of its
rate, with E_h its own factor and r its `bloc_correlation`. The sum is standard normal whatever r, so rates stay exact
(one-factor Gaussian copula: Li, On default correlation, Journal of Fixed Income 9, 2000).

Every random number comes from a stream of its own, keyed by seed, purpose and name: to add, remove or reorder hazards
leaves the draws of the others as they are, and more draws leave the first ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from lodeplan.optimizer.prepare.calendar import DAYS_PER_YEAR, Calendar, Floats, first_day
from lodeplan.schemas.hazards import Distribution, Hazard, Sampling, Triangle

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Interruptions:
    """Interruptions by a hazard over all draws, one entry each, by draw and then by year."""

    draw: Ints
    year: Ints
    """It begins on 1 January of this year."""
    until: Ints
    """Ordinal of the first day it no longer holds, at most the first day after the horizon."""
    left_share: Floats
    """What is left while it holds."""

    def spans(self, calendar: Calendar) -> list[tuple[date, date | None]]:
        """First day, and first day no longer; None where it lasts to the horizon's end."""
        end = first_day(calendar.end)
        return [
            (date(year, 1, 1), date.fromordinal(until) if until < end else None)
            for year, until in zip(self.year.tolist(), self.until.tolist(), strict=True)
        ]


def draw_interruptions(name: str, hazard: Hazard, sampling: Sampling, calendar: Calendar) -> Interruptions:
    """Draw a hazard over the years from the second period's first on."""
    years = hazard_years(calendar)
    shape = (sampling.draws, len(years))
    duration_y = quantiles(hazard.duration_years, _stream(sampling.seed, "duration", name).random(shape))
    left_share = quantiles(hazard.availability_share, _stream(sampling.seed, "severity", name).random(shape))
    until = _until(duration_y, calendar)
    free_from = until + int(min(hazard.recovery_years, len(years) + 1) * DAYS_PER_YEAR)
    draw, column = np.nonzero(_begins(_wants_to_begin(name, hazard, sampling, shape), free_from, years))
    return Interruptions(draw, years[column], until[draw, column], left_share[draw, column])


def hazard_years(calendar: Calendar) -> Ints:
    """Years in which a hazard may begin: all but those of the first period."""
    return np.arange(calendar.starts[0] + calendar.lengths[0], calendar.end)


def quantiles(distribution: Distribution, level: Floats) -> Floats:
    """Values of a distribution at levels between 0 (included) and 1 (not included)."""
    if isinstance(distribution, Triangle):
        return _triangle(distribution, level)
    if isinstance(distribution, Mapping):
        cumulated = np.cumsum(list(distribution.values()))
        return np.array(list(distribution))[np.searchsorted(cumulated / cumulated[-1], level, side="right")]
    return np.full(level.shape, float(distribution))


def _triangle(distribution: Triangle, level: Floats) -> Floats:
    low, mode, high = distribution.low, distribution.mode, distribution.high
    rising = low + np.sqrt(level * (high - low) * (mode - low))
    falling = high - np.sqrt((1.0 - level) * (high - low) * (high - mode))
    return np.where(level * (high - low) < mode - low, rising, falling)


def _wants_to_begin(name: str, hazard: Hazard, sampling: Sampling, shape: tuple[int, int]) -> Bools:
    """Whether a hazard would begin in each year, if it is free to."""
    factor = _stream(sampling.seed, "onset", name).standard_normal(shape)
    if hazard.bloc is not None:
        common = _stream(sampling.seed, "bloc", hazard.bloc).standard_normal(shape)
        factor = np.sqrt(hazard.bloc_correlation) * common + np.sqrt(1.0 - hazard.bloc_correlation) * factor
    return np.asarray(factor < ndtri(hazard.yearly_rate))


def _begins(wants: Bools, free_from: Ints, years: Ints) -> Bools:
    """Whether it begins: it wants to, and what began before is over and recovered by 1 January."""
    begins = np.zeros_like(wants)
    free = np.zeros(len(wants), np.int64)
    for column, year in enumerate(years.tolist()):
        begins[:, column] = wants[:, column] & (free <= first_day(year))
        free = np.where(begins[:, column], free_from[:, column], free)
    return begins


def _until(duration_y: Floats, calendar: Calendar) -> Ints:
    """Ordinal of the first day after an interruption, from 1 January of each year on; shape (draws, years).

    Whole years are those of the calendar, the rest is that share of the last year's days; at least one day.
    """
    years = hazard_years(calendar)
    new_years_day = np.array([first_day(year) for year in range(calendar.end - len(years), calendar.end + 1)])
    days = np.append(np.diff(new_years_day), 0)
    whole = np.minimum(np.floor(duration_y), len(years)).astype(np.int64)
    last = np.minimum(np.arange(len(years)) + whole, len(years))
    rest = np.round((duration_y - np.floor(duration_y)) * days[last]).astype(np.int64)
    return np.asarray(np.maximum(new_years_day[last] + rest, new_years_day[:-1] + 1))


def _stream(seed: int, purpose: str, name: str) -> np.random.Generator:
    key = hashlib.sha256(f"{purpose}\n{name}".encode()).digest()[:16]
    return np.random.default_rng([seed, int.from_bytes(key, "big")])
