"""Sorting of a scenario into one order, regardless of the order it was written in. Entries of a scenario and names in a
list have no order: their position must not decide between two plans of equal cost. Order is kept where it matters:
steps, shares by year, and the first output (the main product).
"""

from __future__ import annotations

from types import NoneType
from typing import Any, TypeVar

from pydantic import BaseModel

FIRST_COUNTS = frozenset({"outputs"})
"""Fields whose first entry has a meaning."""

PLAIN = frozenset({str, int, float, bool, NoneType})
"""Types of values with nothing below them, and so with no order; most values are of these."""

AnyModel = TypeVar("AnyModel", bound=BaseModel)


def in_order(entry: AnyModel) -> AnyModel:
    """Sort mappings by key and lists of names, at all levels; returns the same object if nothing moves."""
    moved = {}
    for name in type(entry).model_fields:
        value = getattr(entry, name)
        if type(value) in PLAIN:
            continue
        ordered = _ordered(value, first_counts=name in FIRST_COUNTS)
        if ordered is not value:
            moved[name] = ordered
    return entry.model_copy(update=moved) if moved else entry


def _ordered(value: Any, *, first_counts: bool = False) -> Any:
    """Sort a field's value; returns the same object if it is sorted already."""
    if isinstance(value, BaseModel):
        return in_order(value)
    if isinstance(value, dict):
        first = list(value)[:1] if first_counts else []
        keys = [*first, *sorted(key for key in value if key not in first)]
        items = {key: _ordered(value[key]) for key in keys}
        same = list(value) == keys and all(items[key] is value[key] for key in keys)
        return value if same else items
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return value if value == sorted(value) else sorted(value)
    if isinstance(value, list):
        found = [_ordered(item) for item in value]
        return value if all(new is old for new, old in zip(found, value, strict=True)) else found
    return value
