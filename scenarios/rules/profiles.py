"""Numbers that a scenario gives once or by year."""

from __future__ import annotations

from collections.abc import Mapping

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
