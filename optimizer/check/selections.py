"""Selection of places, names and tariff codes by lists (conventions, "Selections")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from lodeplan.schemas.scenario import Place


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


def selects_name(patterns: Iterable[str], name: str) -> bool:
    """True if one of the names or patterns with `*` matches this name."""
    return any(_expression(pattern).fullmatch(name) for pattern in patterns)


def selects_code(prefixes: Iterable[str], codes: Iterable[str]) -> bool:
    """True if one of a commodity's HTS codes starts with one of the entries; dots do not count."""
    bare = [code.replace(".", "") for code in codes]
    return any(code.startswith(prefix.replace(".", "")) for prefix in prefixes for code in bare)


def names_place(
    selected: Iterable[str], place: str, places: Mapping[str, Place], clubs: frozenset[str] = frozenset()
) -> bool:
    """True if the list contains the place itself, one of its groups, a club that counts now, or `*`."""
    meant = {"*", place, *clubs, *(places[place].groups if place in places else ())}
    return not meant.isdisjoint(selected)


def clubs_on(day: date, place: str, places: Mapping[str, Place]) -> frozenset[str]:
    """The clubs a place belongs to on a day, by its dated memberships."""
    memberships = places[place].memberships if place in places else {}
    return frozenset(club for club, term in memberships.items() if holds(term.onset, term.until, day))


def holds(onset: date | None, until: date | None, day: date) -> bool:
    """True if the day lies from `onset` (included) to `until` (not included)."""
    return (onset is None or onset <= day) and (until is None or day < until)


def members(place: str, places: Mapping[str, Place]) -> dict[str, float]:
    """Share of each member of a region; a plain place is its own only member."""
    return (places[place].members if place in places else {}) or {place: 1.0}


def place_share(selected: Iterable[str], place: str, places: Mapping[str, Place]) -> float:
    """Selected part of a place: 1 if it is named, else the sum of the shares of its selected members."""
    selected = list(selected)
    if names_place(selected, place, places):
        return 1.0
    return sum(share for member, share in members(place, places).items() if names_place(selected, member, places))
