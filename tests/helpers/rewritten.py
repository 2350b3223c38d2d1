"""The same scenario in other words: what must not change an optimum."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from lodeplan.schemas.scenario import Scenario

Data = dict[str, Any]

ORDERED = ("outputs", "steps", "capex_spending_share", "ramp_up_share", "period_years", "patches")
"""Where the order says something: the first output is the main one."""


def shuffled(data: Any, random: Random, key: str = "") -> Any:
    """The same with every mapping and every list of names in another order, but where the order says something."""
    if isinstance(data, dict):
        names = list(data)
        if key not in ORDERED:
            random.shuffle(names)
        return {name: shuffled(data[name], random, str(name)) for name in names}
    if isinstance(data, list) and key not in ORDERED:
        return random.sample(data, len(data))
    return data


def with_years_written_otherwise(data: Data, random: Random) -> Data:
    """The same with numbers by year said in other ways, and first days of a year as the year."""
    first, lengths = data["horizon"]["first_year"], data["horizon"]["period_years"]
    return _rewritten(deepcopy(data), random, first, first + sum(lengths), "")


def _rewritten(data: Any, random: Random, first: int, end: int, key: str) -> Any:
    if isinstance(data, dict) and not (key in BY_YEAR and _years(data)):
        return {name: _rewritten(value, random, first, end, str(name)) for name, value in data.items()}
    if isinstance(data, list):
        return [_rewritten(value, random, first, end, "") for value in data]
    if key in BY_YEAR and not isinstance(data, bool) and isinstance(data, int | float | dict):
        return _by_year(data, random, first, end)
    if key in ("onset", "until") and isinstance(data, str) and data.endswith("-01-01"):
        return random.choice((data, data[:4], int(data[:4])))
    return data


def _years(data: Data) -> bool:
    return bool(data) and all(isinstance(name, int) for name in data)


def _by_year(stated: Any, random: Random, first: int, end: int) -> Any:
    """The same numbers: each year by itself, as text, with years as text, or from long before on."""
    steps = dict(sorted(stated.items())) if isinstance(stated, dict) else {first: stated}

    def value(year: int) -> float:
        before = [number for start, number in steps.items() if start <= year]
        return before[-1] if before else next(iter(steps.values()))

    spelt = {year: value(year) for year in range(first, end)}
    early = {first - 30: next(iter(steps.values())), **steps}
    as_text = "; ".join(f"{year}={number!r}" for year, number in spelt.items())
    return random.choice((spelt, early, as_text, {str(year): number for year, number in spelt.items()}))


def _fields_by_year() -> frozenset[str]:
    """Names of fields that take a number or numbers by year, told by the scenario's schema."""
    found: set[str] = set()
    schema = Scenario.model_json_schema()
    for entry in [schema, *schema["$defs"].values()]:
        for name, field in entry.get("properties", {}).items():
            ways = field.get("anyOf", [])
            years = [way for way in ways if way.get("type") == "object" and "additionalProperties" in way]
            if any(way.get("type") == "number" for way in ways) and years:
                found.add(name)
    return frozenset(found - {"shortage_penalty_kusd_per_t"})


BY_YEAR = _fields_by_year()
