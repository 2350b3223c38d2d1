"""A table of a result as a section, as it is."""

from __future__ import annotations

from typing import Any

from lodeplan.optimizer.report.cells import number, words
from lodeplan.schemas.plan import Column, Table
from lodeplan.schemas.report import Cell, Heading, Section


def whole_table(table: Table) -> Section:
    """All columns and rows of a table."""
    rows = [[_cell(value, column) for value, column in zip(row, table.columns, strict=True)] for row in table.rows]
    return Section(
        name=table.name,
        title=table.title,
        columns=[_heading(column, index, table) for index, column in enumerate(table.columns)],
        rows=rows,
        note=table.note or "",
        source=table.name,
    )


def _heading(column: Column, index: int, table: Table) -> Heading:
    title = f"{column.name}, {column.unit}" if column.unit else column.name
    return Heading(title=title, number=any(_is_number(row[index]) for row in table.rows))


def _cell(value: Any, column: Column) -> Cell:
    return number(value, column.unit) if value is None or _is_number(value) else words(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
