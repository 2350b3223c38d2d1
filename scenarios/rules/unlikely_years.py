"""Unlikely years and dates in a scenario: around 2026, 26, 206 and 2072 are probably mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.timing import end_year
from lodeplan.schemas.closest import closest, in_words
from lodeplan.schemas.order import PLAIN

_FAR_YEARS = 100
"""Before the first year: no rule that still holds and no number that still counts is older."""
_GAP_YEARS = 10
"""After the year before it: numbers that go on beyond the horizon come in shorter steps."""
_CENTURY = 100
_OPEN_END = 9990
"""First of the years that stand for no end at all."""
_FIELDS = {"earliest_start", "latest_start", "committed_start", "earliest", "latest"}
"""Fields that hold a year and nothing else."""


def warn(findings: Findings) -> None:
    """Years that are centuries off, and numbers for a year that the horizon ends long before."""
    horizon = findings.scenario.horizon
    first, end = horizon.first_year, end_year(horizon)
    inside = [str(year) for year in range(first, min(end, first + _FAR_YEARS))]
    for collection, entries in findings.scenario:
        for name, entry in entries.items() if isinstance(entries, Mapping) else ():
            for keys, year in _unlikely(entry, [collection, name], first, end):
                side = f"before the horizon, which begins with {first}"
                if year >= end:
                    side = f"after the horizon, which ends with {end - 1}"
                meant = _meant(year, inside, first)
                remedy = f"Did you mean {in_words(meant)}?" if meant else "Write the year with four digits."
                findings.note("unlikely_year", keys, f"the year {year} is long {side}.", value=year, remedy=remedy)


def _unlikely(value: Any, keys: list[str], first: int, end: int) -> Iterator[tuple[list[str], int]]:
    """Where a year stands that nobody means, and the year."""
    if isinstance(value, BaseModel):
        for field, item in value:
            if field in _FIELDS and isinstance(item, int):
                item = date(item, 1, 1)
            if type(item) in PLAIN:
                continue
            yield from _unlikely(item, [*keys, field], first, end)
    elif isinstance(value, date):
        if _is_far(value.year, first, end):
            yield keys, value.year
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unlikely(item, [*keys, str(index)], first, end)
    elif isinstance(value, Mapping):
        if value and all(isinstance(key, int) for key in value):
            yield from (([*keys, str(year)], year) for year in _unlikely_keys(list(value), first, end))
        else:
            for key, item in value.items():
                yield from _unlikely(item, [*keys, str(key)], first, end)


def _is_far(year: int, first: int, end: int) -> bool:
    return year < first - _FAR_YEARS or end + _FAR_YEARS < year < _OPEN_END


def _unlikely_keys(given: list[int], first: int, end: int) -> Iterator[int]:
    """Of the years that numbers are given for. That all are after the horizon is said by another warning."""
    years = sorted(given)
    for place, year in enumerate(years):
        is_late = year >= end > years[0] and place > 0 and year - years[place - 1] >= _GAP_YEARS
        if is_late or year < first - _FAR_YEARS:
            yield year


def _meant(year: int, inside: list[str], first: int) -> list[str]:
    """Years of the horizon that the writer may have had in mind: without a century, digits swapped or left out."""
    whole = str(first // _CENTURY * _CENTURY + year)
    if year < _CENTURY and whole in inside:
        return [whole]
    text = str(year)
    swapped = [other for other in inside if sorted(other) == sorted(text)]
    longer = [other for other in inside if text in {other[:place] + other[place + 1 :] for place in range(len(other))}]
    return (swapped or longer or closest(text, inside))[:2]
