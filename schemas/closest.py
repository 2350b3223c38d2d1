"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

_MOST_COMPARED = 5_000
"""Most names to compare with; comparing one name with this many takes some hundredths of a second."""
_LONGEST_COMPARED = 500
"""Longest text to compare, characters. A comparison takes some hundred times the text's memory, and no name is this
long."""


def closest(name: str, known: Collection[str], count: int = 3) -> list[str]:
    """The known names most similar to this one, best first, ignoring case. Empty if there is too much to compare."""
    if len(known) > _MOST_COMPARED or len(name) > _LONGEST_COMPARED:
        return []
    by_lower: dict[str, str] = {}
    for item in known:
        by_lower.setdefault(item.lower(), item)
    found = get_close_matches(name.lower(), list(by_lower), n=count, cutoff=0.5)
    return [by_lower[item] for item in found]


def did_you_mean(name: str, known: Collection[str]) -> str | None:
    """A remedy that suggests similar names, or lists all known names if there are few."""
    near = closest(name, known)
    if near:
        return f"Did you mean {in_words(near)}?"
    if 0 < len(known) <= 12:
        return f"There is {in_words(sorted(known))}."
    return None


def in_words(names: Sequence[str]) -> str:
    """Names as `a`, `b` or `c`."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + " or " + quoted[-1]
