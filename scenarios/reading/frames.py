"""Data that come from data frames, in which an empty cell has a mark of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lodeplan.scenarios.reading.documents import MAX_DEPTH, Document, Keys, from_mapping


def from_python(data: Any) -> Document:
    """The document in Python data.

    NaT and NA are marks of nothing but an empty cell, and mean that the field is not given. NaN is such a mark too,
    but also what comes of a wrong calculation: one problem says how many there are.
    """
    found: list[Keys] = []
    document = from_mapping(_without_marks(data, (), found))
    if found:
        count = "one value is" if len(found) == 1 else f"{len(found):,} values, this one first, are"
        message = f"{count} NaN: an empty cell of a data frame, or a failed calculation."
        remedy = "Leave out missing values: `{key: value for key, value in row.items() if pandas.notna(value)}`."
        document.problem("not_finite", found[0], message, remedy=remedy)
    return document


def _without_marks(value: Any, keys: Keys, found: list[Keys]) -> Any:
    """The data without the marks; the keys of each NaN are added to `found`."""
    if len(keys) > MAX_DEPTH:
        return value  # refused later
    if isinstance(value, Mapping):
        kept = {}
        for key, item in value.items():
            if isinstance(item, float) and math.isnan(item):
                found.append((*keys, str(key)))
            elif type(item).__name__ not in ("NaTType", "NAType"):
                kept[key] = _without_marks(item, (*keys, str(key)), found)
        return kept
    if isinstance(value, list | tuple):
        return [_without_marks(item, (*keys, str(index)), found) for index, item in enumerate(value)]
    return value
