"""A scenario whose shape is partly broken: the rest of it is still checked."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from pydantic import Field, ValidationError

from lodeplan.scenarios.reading.documents import Document, Keys
from lodeplan.scenarios.reading.fields import COLLECTIONS, ENTRIES, entry_type
from lodeplan.scenarios.rules import find_problems, find_unknown_names
from lodeplan.scenarios.rules.findings import Gaps
from lodeplan.schemas.problems import InputProblem
from lodeplan.schemas.scenario import Commodity, Demand, Horizon, Place, Scenario
from lodeplan.schemas.types import Name


class _Partial(Scenario, defer_build=True):
    """A scenario in which anything may be absent."""

    name: str = ""
    home: Name = Field(default="-")
    horizon: Horizon = Horizon(first_year=1, period_years=[1])
    commodities: dict[Name, Commodity] = Field(default={})
    places: dict[Name, Place] = Field(default={})
    demands: dict[Name, Demand] = Field(default={})


def check_the_rest(document: Document, places: Sequence[Keys]) -> list[InputProblem]:
    """Check the readable part of a scenario for consistency; `places` are the unreadable parts.

    A broken entry is left out, but its names are still looked up if it is whole without its broken fields.
    Problems of a whole section or collection say that checks which need it are still to come.
    """
    gaps = Gaps()
    data = _without(document.data, places, gaps)
    try:
        found = find_problems(_Partial.model_validate(data), gaps)
        mended = _Partial.model_validate({**data, **_mended_entries(document.data, places, data)})
        seen = {(problem.code, problem.path, str(problem.value)) for problem in found}
        names = find_unknown_names(mended, gaps)
        found += [item for item in names if (item.code, item.path, str(item.value)) not in seen]
    except ValidationError:
        gaps.whole.update(COLLECTIONS)
        found = []
    _say_what_waits(document, gaps)
    return found


def _without(data: dict[str, Any], places: Sequence[Keys], gaps: Gaps) -> dict[str, Any]:
    """The data without broken entries and sections; these are noted as gaps."""
    left_out: set[str] = set()
    for keys in filter(None, places):
        if keys[0] in ENTRIES and len(keys) > 1 and isinstance(data.get(keys[0]), dict):
            gaps.names.setdefault(keys[0], set()).add(keys[1])
        else:
            left_out.add(keys[0])
    gaps.whole.update(left_out & {*ENTRIES, "home", "horizon", "risk", "sampling"})
    rest = {section: value for section, value in data.items() if section not in left_out}
    for section in gaps.names.keys() & rest.keys():
        broken = gaps.names[section]
        rest[section] = {name: entry for name, entry in rest[section].items() if name not in broken}
    return rest


def _mended_entries(broken: dict[str, Any], places: Sequence[Keys], rest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By collection, the entries of `rest` and those that can be read without their broken fields."""
    copies: dict[Keys, Any] = {}
    for keys in places:
        if len(keys) > 2 and keys[0] in ENTRIES and keys[0] in rest:
            if keys[:2] not in copies:
                copies[keys[:2]] = deepcopy(broken[keys[0]][keys[1]])
            _take_away(copies[keys[:2]], keys[2:])
    mended: dict[str, dict[str, Any]] = {}
    for (section, name), entry in copies.items():
        try:
            entry_type(section).validate_python(entry)
        except ValidationError:
            continue
        if section not in mended:
            mended[section] = dict(rest[section])
        mended[section][name] = entry
    return mended


def _take_away(value: Any, keys: Keys) -> None:
    """Remove what stands at these keys, or the last thing around it that can be removed."""
    for depth, key in enumerate(keys):
        if not isinstance(value, dict):
            return
        below = value.get(key)
        if depth == len(keys) - 1 or not isinstance(below, dict):
            value.pop(key, None)
        value = below


def _say_what_waits(document: Document, gaps: Gaps) -> None:
    for index, problem in enumerate(document.problems):
        if problem.path in gaps.whole:
            note = "References to it are checked once it can be read."
            remedy = f"{problem.remedy} {note}" if problem.remedy else note
            document.problems[index] = problem.model_copy(update={"remedy": remedy})
