"""What is refused before the schema looks at it: more than anyone writes, and signs that are no text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scenarios.documents import Document, Keys, refuse
from scenarios.fields import COLLECTIONS
from schemas.problems import MAX_PROBLEMS, join_path

MAX_ENTRIES = 200_000
"""Entries of all collections together, rows of `provenance` too."""
MAX_ITEMS = 9_998
"""Keys of a mapping or items of a list within an entry; as many as there are years to give numbers for."""
MAX_TEXT = 100_000
"""Characters of a text, a cell with numbers by year too."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def screen(document: Document) -> None:
    """Note texts with control characters; raise `InvalidInput` where there is too much of something."""
    data = document.data
    collections = [data[name] for name in COLLECTIONS if isinstance(data.get(name), dict | list)]
    entries = sum(map(len, collections))
    if entries > MAX_ENTRIES:
        raise _too_many("scenario", f"the collections hold {entries:,} entries.", f"at most {MAX_ENTRIES:,} in all")
    for keys, value in _values(data):
        is_collection = len(keys) == 1 and keys[0] in COLLECTIONS
        if isinstance(value, dict | list) and len(value) > MAX_ITEMS and not is_collection:
            path = join_path(keys) or "scenario"
            raise _too_many(path, f"{len(value):,} things are listed here.", f"at most {MAX_ITEMS:,}")
        texts = [value, *keys[-1:]] if isinstance(value, str) else keys[-1:]
        for text in texts:
            _screen_text(document, keys, text)


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
        message = f"the text has the control character U+{ord(found[0]):04X}."
        remedy = "Take it away: only line breaks and tabs may stand in texts."
        document.problem("control_character", keys, message, value=text[:100], remedy=remedy)


def _too_many(path: str, message: str, allowed: str) -> Exception:
    return refuse("too_many", message, path=path, allowed=allowed)
