"""Items of lists: each must be a single name; `allies, covered` in one item is two names and matches nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.selections import matching
from lodeplan.schemas.scenario import Scenario

_OTHER_SIGNS = re.compile(r"[,|\n\t，、；]")
"""What people put between names that is not `;`."""


def looks_like_several(name: str) -> bool:
    """True if a text contains a character that people put between names."""
    return _OTHER_SIGNS.search(name) is not None


def check(findings: Findings) -> None:
    """Items with such a sign, unless something has exactly that name. Groups are made by being named in a list, so
    theirs cannot have one."""
    known: set[str] | None = None
    for keys, item in _items(findings.scenario, ()):
        if looks_like_several(item):
            known = _names(findings) if known is None else known
            if keys[0] == "places" or not matching([item], known):
                findings.several.add((keys, item))
                findings.doubtful.add(keys[:2])
                message = "this is read as a single name, and nothing has that name."
                findings.note("several_in_one", keys, message, value=item, remedy="Separate names by `;`.")


def _names(findings: Findings) -> set[str]:
    """What a list may name: entries, programmes, clubs, futures that survival limits stand for."""
    scenario, selections = findings.scenario, findings.selections
    collections = [name for name in Scenario.model_fields if isinstance(getattr(scenario, name), dict)]
    known = {name for collection in collections for name in findings.names(collection)}
    known.update(measure.programme for measure in scenario.tariffs.values())
    return known | selections.clubs.keys() | selections.survival_futures.keys()


def _items(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts in lists within a value, each with the keys of its list."""
    if isinstance(value, BaseModel):
        value = value.__dict__
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, BaseModel | dict | list):
                yield from _items(inner, (*keys, key))
    elif isinstance(value, list) and value:
        if isinstance(value[0], str):
            yield from ((keys, item) for item in value)
        elif keys[0] != "provenance":
            for number, inner in enumerate(value):
                yield from _items(inner, (*keys, str(number)))
