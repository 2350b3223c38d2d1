"""Reader of stored plans of every version, which it brings up to date one version at a time. Each version of plan
documents has a step to the next. Data that the writing program did not store are present but empty, with a sentence
that says so: no other code has to know of versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from lodeplan.optimizer.tables import renames
from lodeplan.optimizer.tables.specs import SPECS
from lodeplan.optimizer.words.numbers import listed
from lodeplan.schemas.plan import PLAN_VERSION, PlanDocument, Solution, Table, Termination, plan_version_of
from lodeplan.schemas.problems import InputProblem, InvalidInput

Data = dict[str, Any]

_NOT_TOLD = "Lodeplan {version} wrote this plan, and {what}."
_NOTHING_FOUND = "No plan was found before the search was ended."
"""How the findings of earlier programs begin where they said by this sentence alone that nothing was found."""
_WAS_NO_PLAN = (
    "An earlier version of Lodeplan stored this as a plan, but it is not one: the cost of the scenario can fall "
    "without limit. Solve it again to see what earns money."
)


def read_document(text: bytes) -> PlanDocument:
    """The plan in a document of any version, as of today's; raises `InvalidInput` for one of a later version."""
    version = plan_version_of(text[:100])
    if version == PLAN_VERSION:
        document = PlanDocument.model_validate_json(text)
        if _is_whole(document):
            return _saying_what_was_found(document)
    data: Data = json.loads(text)
    version = written_as = int(data.get("plan_version", version))
    if version > PLAN_VERSION:
        raise _newer(version)
    while version < PLAN_VERSION:
        data = _STEPS[version](data)
        version += 1
    document = PlanDocument.model_validate({**_completed(data, written_as), "plan_version": PLAN_VERSION})
    return _saying_what_was_found(document)


def _from_1(data: Data) -> Data:
    """Version 1 took an unbounded scenario's best point for a plan, and told the lengths of periods in `nodes` only."""
    summary = data["summary"]
    if summary["termination"] == Termination.UNBOUNDED and summary["solution"] != Solution.NONE:
        return {"summary": _without_plan(summary), "tables": []}
    tables = [_with_period_lengths(table, data["tables"]) for table in data["tables"]]
    return {**data, "tables": [_with_planned_flows(table, data["tables"], _release(data)) for table in tables]}


_STEPS: Mapping[int, Callable[[Data], Data]] = {1: _from_1}
"""By version, what makes a document of the next one of it."""
_ABOUT_THE_RUN = ("scenario", "scenario_hash", "termination", "size", "timings_s", "peak_memory_mib", "versions")


def _without_plan(summary: Data) -> Data:
    kept = {name: summary[name] for name in _ABOUT_THE_RUN if name in summary}
    return {**kept, "solution": Solution.NONE.value, "conflict": [_WAS_NO_PLAN]}


def _with_period_lengths(table: Data, tables: list[Data]) -> Data:
    """A table by year with the lengths of the periods, in `years`, which version 1 told among the nodes only."""
    names = [column["name"] for column in table["columns"]]
    nodes = next((one for one in tables if one["name"] == "nodes"), None)
    if "year" not in names or "years" in names or nodes is None:
        return table
    places = [column["name"] for column in nodes["columns"]]
    lengths = {row[places.index("period")]: row[places.index("length_y")] for row in nodes["rows"]}
    at = names.index("year")
    rows = [[*row, lengths.get(row[at])] for row in table["rows"]]
    return {**table, "columns": [*table["columns"], {"name": "years"}], "rows": rows}


def _saying_what_was_found(document: PlanDocument) -> PlanDocument:
    """A document whose summary says it if nothing was found, as earlier programs did in the first finding only."""
    summary = document.summary
    if summary.nothing_found or not any(sentence.startswith(_NOTHING_FOUND) for sentence in summary.findings[:1]):
        return document
    return document.model_copy(update={"summary": summary.model_copy(update={"nothing_found": True})})


def _with_planned_flows(table: Data, tables: list[Data], release: str) -> Data:
    """Flows by year with those on the planned path to the end; version 1 told them as far as the base path goes."""
    names = [column["name"] for column in table["columns"]]
    nodes = next((one for one in tables if one["name"] == "nodes"), None)
    wanted = ["year", "base_t_per_y", "expected_t_per_y"]
    if nodes is None or not {*wanted} <= {*names}:
        return table
    year, base, expected = map(names.index, wanted)
    period, future = ([column["name"] for column in nodes["columns"]].index(name) for name in ("period", "future"))
    told = {row[period] for row in nodes["rows"] if not row[future]} | {row[year] for row in table["rows"] if row[base]}
    beyond = sorted({row[year] for row in table["rows"]} - told)
    if not beyond:
        return table
    rows = [[*row[:base], row[expected], *row[base + 1 :]] if row[year] in beyond else row for row in table["rows"]]
    what = f"did not tell `base_t_per_y` from {beyond[0]} on: here it is the mean over all futures"
    return {**table, "rows": rows, "note": _NOT_TOLD.format(version=release, what=what)}


def _is_whole(document: PlanDocument) -> bool:
    """Whether a document has every table and column of today, or no plan to have them."""
    if document.summary.solution is Solution.NONE:
        return True
    stored = {table.name: {column.name for column in table.columns} for table in document.tables}
    return all(stored.get(name, set()) >= {column.name for column in spec.columns} for name, spec in SPECS.items())


def _release(data: Data) -> str:
    """The release of Lodeplan that wrote a document."""
    return str(data["summary"].get("versions", {}).get("lodeplan", "of an earlier version"))


def _completed(data: Data, written_as: int) -> Data:
    """A plan with its tables in today's order, and their columns; tables that nobody writes any more stand last.

    `written_as`: the version that the document was written as.
    """
    if data["summary"]["solution"] == Solution.NONE:
        return data
    release = _release(data)
    stored = {table["name"]: table for table in data["tables"]}
    known = [_with_columns(stored.pop(name, None), spec, written_as, release) for name, spec in SPECS.items()]
    return {**data, "tables": [*known, *stored.values()]}


def _with_columns(stored: Data | None, spec: Table, written_as: int, release: str) -> Data:
    """A table with the columns of its spec and then any others, and a note on those that it did not have."""
    described: Data = spec.model_dump(mode="json", exclude={"rows"}, exclude_none=True)
    if stored is None:
        return {**described, "rows": [], "note": _NOT_TOLD.format(version=release, what="did not have this table yet")}
    places = {column["name"]: at for at, column in enumerate(stored["columns"])}
    wanted = [column.name for column in spec.columns]
    at = [_place_of(name, spec.name, places, written_as) for name in wanted]
    others = [place for place in places.values() if place not in at]
    columns = [*described["columns"], *(stored["columns"][place] for place in others)]
    rows = [[None if place is None else row[place] for place in (*at, *others)] for row in stored["rows"]]
    missing = [f"`{name}`" for name, place in zip(wanted, at, strict=True) if place is None]
    notes = [stored["note"]] if stored.get("note") else []
    if missing:
        notes.append(_NOT_TOLD.format(version=release, what=f"did not tell {listed(missing, len(missing))} yet"))
    return {**described, "columns": columns, "rows": rows, "note": " ".join(notes) or None}


def _place_of(column: str, table: str, places: Mapping[str, int], written_as: int) -> int | None:
    """Where a stored table has a column, under its name of today or of then; None where it has not."""
    since = [r for r in renames.RENAMES if r.table == table and r.plan_version > written_as]
    names = [column, *(r.old for r in since if r.new == column)]
    return next((places[name] for name in names if name in places), None)


def _newer(version: int) -> InvalidInput:
    problem = InputProblem(
        code="newer_plan",
        path="plan_version",
        message="a later version of Lodeplan wrote this plan.",
        value=version,
        allowed=f"at most {PLAN_VERSION}",
        remedy="Read it with that version.",
    )
    return InvalidInput([problem])
