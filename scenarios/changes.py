"""Differences between two scenarios, value by value, each with a title and a unit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from lodeplan.scenarios.reading.fields import COLLECTIONS, find_spot
from lodeplan.schemas.origin import MAX_CHANGES, ValueChange
from lodeplan.schemas.problems import join_path

Data = Mapping[str, Any]
Keys = tuple[str | int, ...]
Difference = tuple[Keys, Any, Any]

_UNITS = {
    "kusd_per_t_gross": "kUSD/t gross",
    "kusd_per_t2_y": "kUSD/t per t/y",
    "kusd_per_t_y": "kUSD/t per year",
    "kusd_per_t": "kUSD/t",
    "kusd_per_y": "kUSD/y",
    "kusd": "kUSD",
    "t_per_y": "t/y",
    "t_per_t": "t/t",
    "slots_per_y": "slots/y",
    "share_per_y": "fraction/y",
    "yearly_rate": "fraction/y",
    "share": "fraction",
    "rate": "fraction",
    "probability": "fraction",
    "gap": "fraction",
    "years": "years",
    "days": "days",
    "s": "s",
    "t": "t",
}
"""Units by the end of a field's name, the longer ends first."""
_UNIT = re.compile(rf"(?:^|_)({'|'.join(_UNITS)})(?:_by_origin|$)")


def find_changes(before: Data, after: Data) -> tuple[list[ValueChange], int]:
    """The values that differ between two scenarios, as dumped by pydantic in mode `json`: the first of them, at most
    `MAX_CHANGES`, and their number."""
    found = _differences(before, after, ())
    first = [_change(after, before, *each) for each in islice(found, MAX_CHANGES)]
    return first, len(first) + sum(1 for _ in found)


def unit_of(path: list[str]) -> str:
    """The unit of a value, by the name of its field; empty if it has none."""
    for key in reversed(path):
        if found := _UNIT.search(key):
            return _UNITS[found[1]]
        if not key.isdecimal():
            return ""
    return ""


def _differences(before: Any, after: Any, keys: Keys) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(before.get(key), after.get(key), (*keys, key))
    elif _are_entries(before) and _are_entries(after):
        yield from _differences_of_lists(before, after, keys)
    else:
        yield keys, before, after


def _are_entries(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _differences_of_lists(before: list[Any], after: list[Any], keys: Keys) -> Iterator[Difference]:
    """The differences of two lists of entries; what is equal at both ends tells where something was put or removed."""
    shorter = min(len(before), len(after))
    head = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    tail = next((at for at in range(shorter - head) if before[-1 - at] != after[-1 - at]), shorter - head)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    for at in range(max(len(old), len(new))):
        was, now = (part[at] if at < len(part) else None for part in (old, new))
        yield from _differences(was, now, (*keys, head + at))


def _change(after: Data, before: Data, keys: Keys, was: Any, now: Any) -> ValueChange:
    path = [str(key) for key in keys]
    is_entry = isinstance(was, Mapping) or isinstance(now, Mapping)
    return ValueChange(
        path=join_path(keys),
        title=_title(path, after) or _title(path, before),
        unit="" if is_entry else unit_of(path),
        before=was,
        after=now,
    )


def _title(path: list[str], scenario: Data) -> str:
    """The title of the entry that a path is in, or its name; elsewhere the description of the field."""
    if path[0] in COLLECTIONS:
        entries = scenario.get(path[0])
        entry = entries.get(path[1]) if isinstance(entries, Mapping) and len(path) > 1 else None
        return str(entry.get("title") or path[1]) if isinstance(entry, Mapping) else ""
    spot = find_spot(path, scenario)
    return (spot.field.description or "") if spot and spot.field else ""
