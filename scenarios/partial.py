"""A scenario whose shape is partly broken: the rest of it is still checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field, ValidationError

from scenarios.documents import Document, Keys
from scenarios.fields import COLLECTIONS, ENTRIES
from schemas.findings import Gaps
from schemas.problems import InputProblem
from schemas.references import find_problems
from schemas.scenario import Commodity, Demand, Horizon, Place, Scenario
from schemas.types import Name


class _Partial(Scenario):
    """A scenario in which anything may be absent."""

    name: str = ""
    home: Name = Field(default="-")
    horizon: Horizon = Horizon(first_year=1, period_years=[1])
    commodities: dict[Name, Commodity] = Field(default={})
    places: dict[Name, Place] = Field(default={})
    demands: dict[Name, Demand] = Field(default={})


def check_the_rest(document: Document, places: Sequence[Keys]) -> list[InputProblem]:
    """What does not fit together among the entries that could be read; `places` are those that could not.

    Problems of a whole section or collection say that checks which need it are still to come.
    """
    gaps = Gaps()
    data = dict(document.data)
    for keys in places:
        _leave_out(data, keys, gaps)
    try:
        found = find_problems(_Partial.model_validate(data), gaps)
    except ValidationError:
        gaps.whole.update(COLLECTIONS)
        found = []
    _say_what_waits(document, gaps)
    return found


def _leave_out(data: dict[str, Any], keys: Keys, gaps: Gaps) -> None:
    if not keys:
        return
    section, entries = keys[0], data.get(keys[0])
    if section in ENTRIES and len(keys) > 1 and isinstance(entries, dict):
        gaps.names.setdefault(section, set()).add(keys[1])
        data[section] = {name: entry for name, entry in entries.items() if name != keys[1]}
        return
    data.pop(section, None)
    if section in (*ENTRIES, "home", "horizon"):
        gaps.whole.add(section)


def _say_what_waits(document: Document, gaps: Gaps) -> None:
    for index, problem in enumerate(document.problems):
        if problem.path in gaps.whole:
            note = "What refers to it is checked once it can be read."
            remedy = f"{problem.remedy} {note}" if problem.remedy else note
            document.problems[index] = problem.model_copy(update={"remedy": remedy})
