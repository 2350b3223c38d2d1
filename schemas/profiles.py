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
