"""Numbers that a scenario gives once or by year."""

from __future__ import annotations

from collections.abc import Mapping

from lodeplan.schemas.scenario import Horizon

TOLERANCE = 1e-6
"""By which shares and probabilities may miss 1."""


def numbers(profile: float | Mapping[int, float] | None) -> list[float]:
    """The numbers given, without their years; none for an absent profile."""
    if isinstance(profile, Mapping):
        return list(profile.values())
    return [] if profile is None else [profile]


def largest(profile: float | Mapping[int, float]) -> float:
    """The largest of the numbers given."""
    return max(numbers(profile))


def in_year(profile: float | Mapping[int, float], year: int) -> float:
    """The number of the latest year up to this one; before the first, the first."""
    if not isinstance(profile, Mapping):
        return profile
    return profile[max((known for known in profile if known <= year), default=min(profile))]


def largest_within(profile: float | Mapping[int, float], horizon: Horizon) -> float:
    """The largest of the numbers that hold in some year of the horizon."""
    if not isinstance(profile, Mapping):
        return profile
    first, end = horizon.first_year, horizon.first_year + sum(horizon.period_years)
    return max([in_year(profile, first), *(number for year, number in profile.items() if first <= year < end)])
