"""A folder of tables as a scenario: `scenario.yaml` for the sections, a CSV file for each collection."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios.documents import Document, Keys, Origin, label, parse_yaml, read_text_file, refuse
from scenarios.fields import COLLECTIONS, LISTS, Spot, find_spot
from schemas.closest import did_you_mean
from schemas.problems import InputProblem

HEAD = "scenario.yaml"


@dataclass(frozen=True)
class _Row:
    """A row of a table: its number as a spreadsheet shows it, and its cells that are not empty."""

    origin: Origin
    cells: dict[Keys, str]


def read_folder(folder: Path) -> Document:
    """The document of a folder; raises `InvalidInput` if it has no `scenario.yaml`."""
    head = folder / HEAD
    if not head.is_file():
        raise refuse("no_scenario", f"the folder has no {HEAD}.", file=label(folder))
    document = parse_yaml(read_text_file(head), label(head))
    for path in sorted(folder.glob("*.csv")):
        _read_table(document, path)
    return document


def _read_table(document: Document, path: Path) -> None:
    collection = path.name.split(".", 1)[0]
    if "base" in document.data:
        message = "a scenario with a `base` changes it by `patches`, not by tables."
        document.problems.append(
            InputProblem(code="table_with_base", path=collection, message=message, file=label(path))
        )
    elif collection not in COLLECTIONS:
        message, remedy = f"{path.name} is not a table of a scenario.", did_you_mean(collection, COLLECTIONS)
        problem = InputProblem(code="unknown_table", path=collection, message=message, file=label(path), remedy=remedy)
        document.problems.append(problem)
    elif collection in LISTS:
        _add_list(document, collection, path)
    else:
        _add_entries(document, collection, path)


def _add_list(document: Document, collection: str, path: Path) -> None:
    items = document.data.setdefault(collection, [])
    if not isinstance(items, list):
        return
    for row in _rows(document, collection, path):
        document.origins[collection, str(len(items))] = row.origin
        items.append({keys[0]: text for keys, text in row.cells.items()})


def _add_entries(document: Document, collection: str, path: Path) -> None:
    entries = document.data.setdefault(collection, {})
    if not isinstance(entries, dict):
        return
    for row in _rows(document, collection, path):
        name = row.cells.pop(("name",), None)
        if name is None:
            _note(document, "missing_name", collection, row.origin, "the row has no name.")
        elif name in entries:
            message = f"{name!r} is given twice; first {_place(document.origin((collection, name)))}."
            _note(document, "duplicate_name", collection, row.origin, message)
        else:
            document.origins[collection, name] = row.origin
            entries[name] = _nested(row.cells)


def _rows(document: Document, collection: str, path: Path) -> Iterator[_Row]:
    """The rows of a table that say anything, with the columns that are fields."""
    reader = csv.reader(io.StringIO(read_text_file(path), newline=""), strict=True)
    columns: list[Keys | None] = []
    file = label(path)
    try:
        for number, cells in enumerate(reader, start=1):
            origin = Origin(file, number)
            if number == 1:
                columns = _columns(document, collection, cells, origin)
                continue
            if any(cell.strip() for cell in cells[len(columns) :]):
                message = f"the row has {len(cells)} cells, the header {len(columns)}."
                _note(
                    document, "ragged_row", collection, origin, message, remedy="Put text with commas in double quotes."
                )
            pairs = zip(columns, (cell.strip() for cell in cells), strict=False)
            found = {keys: cell for keys, cell in pairs if keys and cell}
            if found:
                yield _Row(origin, found)
    except csv.Error as error:
        message = f"not a CSV table: {error}."
        _note(document, "broken_csv", collection, Origin(file, reader.line_num), message)


def _columns(document: Document, collection: str, header: list[str], origin: Origin) -> list[Keys | None]:
    """The keys of each column; None for a column that is left out because it is wrong."""
    found: list[Keys | None] = []
    names = [name.strip() for name in header]
    if collection not in LISTS and "name" not in names:
        _note(document, "missing_column", collection, origin, "the table has no column `name`.")
    for name in names:
        keys = tuple(name.split("."))
        wrong = _what_is_wrong(collection, names, name)
        if wrong:
            code, message, remedy = wrong
            _note(document, code, collection, origin, message, remedy=remedy)
        found.append(None if wrong or not name else keys)
    return found


def _what_is_wrong(collection: str, names: list[str], name: str) -> tuple[str, str, str | None] | None:
    if not name:
        return None
    if names.count(name) > 1:
        return "duplicate_column", f"the column `{name}` is given twice.", "Keep one of them."
    if any(other.startswith(f"{name}.") for other in names):
        return "duplicate_column", f"the column `{name}` and columns below it are both given.", "Keep one way."
    if name == "name" and collection not in LISTS:
        return None
    spot: Spot | None = find_spot((collection, "0"), {})
    for key in name.split("."):
        known = spot.field_names() if spot else []
        spot = spot.child(key) if spot else None
        if spot is None:
            remedy = did_you_mean(key, known)
            return "unknown_field", f"the column `{name}` is not a field of {collection}.", remedy
    return None


def _nested(cells: dict[Keys, str]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for keys, text in cells.items():
        inner = entry
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = text
    return entry


def _note(document: Document, code: str, path: str, origin: Origin, message: str, *, remedy: str | None = None) -> None:
    document.problems.append(
        InputProblem(code=code, path=path, message=message, file=origin.file, line=origin.line, remedy=remedy)
    )


def _place(origin: Origin) -> str:
    return f"in {Path(origin.file).name if origin.file else 'the scenario'}" + (
        f", line {origin.line}" if origin.line else ""
    )
