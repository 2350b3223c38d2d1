"""Screening before validation: refuses scenarios that are too large, and texts with control characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lodeplan.scenarios.reading.documents import Document, Keys, refuse
from lodeplan.scenarios.reading.fields import COLLECTIONS
from lodeplan.schemas.problems import MAX_PROBLEMS, join_path

MAX_ENTRIES = 200_000
"""Entries of all collections together, rows of `provenance` too."""
MAX_ITEMS = 9_998
"""Keys of a mapping or items of a list within an entry; as many as there are years to give numbers for."""
MAX_TEXT = 100_000
"""Characters of a text, a cell with numbers by year too."""

MAX_PAIRS = 5_000_000
"""Rules times the things they may select: both are compared, pair by pair, in checks and again in the model."""
MAX_PATTERN_PAIRS = 50_000_000
"""Patterns with `*` times the largest collection: each is held against every name."""
MAX_SURVIVALS = 100_000
"""Survival limits times places: each pair may stand for a future."""
_RULES = ("tariffs", "limits", "events", "hazards")
_SELECTED = ("commodities", "places", "facilities", "projects", "routes")

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def screen(document: Document) -> None:
    """Note texts with control characters; raise `InvalidInput` where there is too much of something."""
    data = document.data
    collections = [data[name] for name in COLLECTIONS if isinstance(data.get(name), dict | list)]
    entries = sum(map(len, collections))
    if entries > MAX_ENTRIES:
        raise _too_many("scenario", f"the collections hold {entries:,} entries.", f"at most {MAX_ENTRIES:,} in all")
    _screen_pairs(data)
    patterns = 0
    for keys, value in _values(data):
        is_collection = len(keys) == 1 and keys[0] in COLLECTIONS
        if isinstance(value, dict | list) and len(value) > MAX_ITEMS and not is_collection:
            path = join_path(keys) or "scenario"
            raise _too_many(path, f"{len(value):,} things are listed here.", f"at most {MAX_ITEMS:,}")
        texts = [value, *keys[-1:]] if isinstance(value, str) else keys[-1:]
        patterns += value.count("*") if isinstance(value, str) and len(value) > 1 else 0
        for text in texts:
            _screen_text(document, keys, text)
    largest = max((_count(data, name) for name in COLLECTIONS), default=0)
    if patterns * largest > MAX_PATTERN_PAIRS:
        message = f"{patterns:,} patterns with `*` would have to be compared with {largest:,} names."
        raise _too_many("scenario", message, f"at most {MAX_PATTERN_PAIRS:,} in all")


def _screen_pairs(data: dict[str, Any]) -> None:
    rules, selected = (sum(_count(data, name) for name in names) for names in (_RULES, _SELECTED))
    if rules * selected > MAX_PAIRS:
        message = f"{rules:,} tariffs, limits, events and hazards would have to be compared with {selected:,} entries."
        raise _too_many("scenario", message, f"at most {MAX_PAIRS:,} pairs in all")

    limits = data.get("limits")
    entries = limits.values() if isinstance(limits, dict) else limits if isinstance(limits, list) else []
    survivals = sum(isinstance(entry, dict) and entry.get("kind") == "survival" for entry in entries)
    if survivals * _count(data, "places") > MAX_SURVIVALS:
        message = f"{survivals:,} survival limits would make a future for each of {_count(data, 'places'):,} places."
        raise _too_many("limits", message, f"at most {MAX_SURVIVALS:,} futures in all")


def _count(data: dict[str, Any], collection: str) -> int:
    found = data.get(collection)
    return len(found) if isinstance(found, dict | list) else 0


def _values(data: Any) -> Iterator[tuple[Keys, Any]]:
    """All that stands in raw data, each thing before what is below it, in the order written."""
    waiting: list[tuple[Keys, Any]] = [((), data)]
    while waiting:
        keys, value = waiting.pop()
        yield keys, value
        if isinstance(value, dict):
            waiting += [((*keys, key), value[key]) for key in reversed(value)]
        elif isinstance(value, list):
            waiting += [((*keys, str(index)), value[index]) for index in reversed(range(len(value)))]


def _screen_text(document: Document, keys: Keys, text: str) -> None:
    if len(text) > MAX_TEXT:
        path = join_path([key[:80] for key in keys])
        raise _too_many(path, f"this text has {len(text):,} characters.", f"at most {MAX_TEXT:,}")
    found = _CONTROL.search(text)
    if found and len(document.problems) <= MAX_PROBLEMS:
        message = f"the text contains the control character U+{ord(found[0]):04X}."
        remedy = "Remove it: of control characters only line breaks and tabs are allowed."
        document.problem("control_character", keys, message, value=text[:100], remedy=remedy)


def _too_many(path: str, message: str, allowed: str) -> Exception:
    return refuse("too_many", message, path=path, allowed=allowed)
