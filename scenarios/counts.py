"""Counts of a scenario's entries, and of its numbers by source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from lodeplan.schemas.patterns import fits
from lodeplan.schemas.scenario import Provenance, Scenario

COLLECTIONS = {
    "commodities": "commodities",
    "places": "places",
    "facilities": "facilities",
    "projects": "projects",
    "routes": "routes",
    "tariff_measures": "tariffs",
    "stockpiles": "stockpiles",
    "demands": "demands",
    "recycling": "recycling",
    "limits": "limits",
    "futures": "futures",
    "hazards": "hazards",
}
"""The name of each count, and the collection it counts."""


def counts(scenario: Scenario) -> dict[str, int]:
    """Entries of each collection, minerals as `materials`, and numbers by where they come from.

    A number is one that the scenario states in a collection: an item of a list and a number by year count each,
    defaults do not. Numbers without provenance count as `numbers_unsourced`.
    """
    kinds = _numbers_by_kind(scenario)
    return {
        "materials": len({name for commodity in scenario.commodities.values() for name in commodity.minerals}),
        **{name: len(getattr(scenario, collection)) for name, collection in COLLECTIONS.items()},
        **{f"numbers_{kind}": kinds[kind] for kind in ("published", "derived", "assumed", "unsourced")},
    }


class Kinds:
    """Kinds of sources of a scenario's numbers."""

    def __init__(self, scenario: Scenario) -> None:
        self._sources = _Sources(scenario.provenance)

    def of(self, table: str, name: str, field: str) -> str:
        """Kind of a field of an entry: `published`, `derived`, `assumed`, or `unsourced`."""
        return _kind(field, self._sources.of(table, name))


def _numbers_by_kind(scenario: Scenario) -> Counter[str]:
    kinds: Counter[str] = Counter()
    sources = _Sources(scenario.provenance)
    for table in (*COLLECTIONS.values(), "events"):
        for name, entry in getattr(scenario, table).items():
            fitting = sources.of(table, name)
            for field in _numbers(entry.model_dump(exclude_unset=True), ()):
                kinds[_kind(field, fitting)] += 1
    return kinds


class _Sources:
    """Rows of provenance, found by table and name: thousands of rows mostly name one entry each."""

    def __init__(self, rows: Iterable[Provenance]) -> None:
        self._rows: dict[str, dict[str, list[tuple[int, Provenance]]]] = {}
        for number, row in enumerate(rows):
            self._rows.setdefault(row.table, {}).setdefault(row.name, []).append((number, row))
        self._patterns = {table: [name for name in names if "*" in name] for table, names in self._rows.items()}

    def of(self, table: str, name: str) -> list[Provenance]:
        """The rows for an entry, in the order they are given."""
        rows = self._rows.get(table, {})
        found = list(rows.get(name, [])) if "*" not in name else []
        for pattern in self._patterns.get(table, []):
            if fits(name, pattern):
                found += rows[pattern]
        return [row for _, row in sorted(found, key=lambda item: item[0])]


def _kind(field: str, sources: list[Provenance]) -> str:
    """The kind of the source that names the field most exactly: rather without patterns, and the first of equals."""
    parents = [field[: end or None] for end in (*_dots(field), 0)]
    fitting = [source for source in sources if any(fits(parent, source.field) for parent in parents)]
    return min(fitting, key=lambda source: ("*" in source.field, "*" in source.name)).kind if fitting else "unsourced"


def _dots(text: str) -> list[int]:
    return [position for position, char in enumerate(text) if char == "."]


def _numbers(value: Any, keys: tuple[str, ...]) -> Iterator[str]:
    """The dotted place of each number below a value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, (*keys, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _numbers(item, (*keys, str(index)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield ".".join(keys)
