"""A folder of tables as a scenario: `scenario.yaml` for the sections, a CSV file for each collection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lodeplan.scenarios.reading.cells import Decimals, Sheet, as_name, ragged_rows, read_sheet
from lodeplan.scenarios.reading.columns import (
    fields_meant,
    holds_numbers,
    is_year,
    known_columns,
    quoted,
    respelled_columns,
    what_is_wrong,
    year_columns,
)
from lodeplan.scenarios.reading.documents import Document, Keys, Origin, label, parse_yaml, read_text_file, refuse
from lodeplan.scenarios.reading.fields import LISTS
from lodeplan.scenarios.reading.folders import HEAD, tables_in
from lodeplan.schemas.problems import InputProblem


@dataclass(frozen=True)
class _Row:
    """A row of a table: its number as a spreadsheet shows it, and its cells that are not empty."""

    origin: Origin
    cells: dict[Keys, str]


@dataclass(frozen=True)
class _Column:
    """A column that is a field: its keys, and whether numbers stand in it."""

    keys: Keys
    has_numbers: bool


def read_folder(folder: Path) -> Document:
    """The document of a folder; raises `InvalidInput` if it has no `scenario.yaml`."""
    head = folder / HEAD
    if not head.is_file():
        raise refuse("no_scenario", f"the folder has no {HEAD}.", file=label(folder), remedy=_other_head(folder))
    document = parse_yaml(read_text_file(head), label(head))
    tables, problems = tables_in(folder)
    document.problems += problems
    for path in tables:
        _read_table(document, path)
    return document


def _other_head(folder: Path) -> str | None:
    others = [path.name for path in sorted(folder.iterdir()) if path.stem.lower() == Path(HEAD).stem]
    return f"Rename {others[0]} to {HEAD}." if others else None


def _read_table(document: Document, path: Path) -> None:
    collection = path.name.split(".", 1)[0]
    if "base" in document.data:
        message = "a scenario with a `base` may change it only with `patches`, not with tables."
        document.problems.append(
            InputProblem(code="table_with_base", path=collection, message=message, file=label(path))
        )
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
    sheet, file = read_sheet(read_text_file(path), known_columns(collection)), label(path)
    columns = _columns(document, collection, sheet, Origin(file, sheet.rows[0][0] if sheet.rows else 1))
    for number, message, remedy in ragged_rows(sheet):
        _note(document, "ragged_row", collection, Origin(file, number), message, remedy=remedy)
    if collection in LISTS or any(column and column.keys == ("name",) for column in columns):
        yield from _fields_of(document, collection, file, sheet, columns)
    if sheet.broken:
        origin = Origin(file, sheet.rows[-1][0] + 1 if sheet.rows else 1)
        _note(document, "broken_csv", collection, origin, sheet.broken)


def _fields_of(
    document: Document, collection: str, file: str, sheet: Sheet, columns: Sequence[_Column | None]
) -> Iterator[_Row]:
    pairs = [pair for _, cells in sheet.body for pair in zip(columns, cells, strict=False)]
    decimals = Decimals(sheet.separator, [cell for column, cell in pairs if column and column.has_numbers and cell])
    for number, cells in sheet.body:
        origin, found = Origin(file, number), {}
        for column, cell in zip(columns, cells, strict=False):
            if column and cell:
                found[column.keys] = decimals.read(cell) if column.has_numbers else cell
                doubt = decimals.doubt(cell) if column.has_numbers else None
                if doubt:
                    code, message, remedy = doubt
                    _note(document, code, collection, origin, message, remedy=remedy)
        if found:
            yield _Row(origin, found)


def _columns(document: Document, collection: str, sheet: Sheet, origin: Origin) -> list[_Column | None]:
    """The columns that are fields; None for one that is left out because it is wrong, or has neither name nor cells."""
    names = sheet.header
    respelled = respelled_columns(collection, names)
    if respelled:
        said = f"columns are not written as fields are: {quoted(respelled)}."
        rewrite = f"Write {quoted(respelled.values())}."
        _note(document, "respelled_columns", collection, origin, said, remedy=rewrite)
        # They are read as what is meant, so that only their spelling is said to be wrong.
        names = [respelled.get(name, name) for name in names]
    if collection not in LISTS and "name" not in map(as_name, names):
        _note(document, "missing_column", collection, origin, "the table has no column `name`.")
    years = year_columns(collection, names)
    if years:
        _note(document, "year_column", collection, origin, years[0], remedy=years[1])
    found: list[_Column | None] = []
    for index, name in enumerate(names):
        has_cells = not name and any(len(cells) > index and cells[index] for _, cells in sheet.body)
        wrong = what_is_wrong(collection, names, index, has_cells=has_cells)
        if wrong:
            code, message, remedy = wrong
            _note(document, code, collection, origin, message, remedy=remedy)
        is_left_out = not name or bool(wrong) or is_year(name)
        if name and is_left_out:
            document.misnamed.update((collection, field) for field in fields_meant(collection, name))
        keys = tuple(name.split("."))
        found.append(None if is_left_out else _Column(keys, holds_numbers(collection, keys)))
    return found


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
