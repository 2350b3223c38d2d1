"""Tables as CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from lodeplan.schemas import Table

BOM = "\ufeff"
"""Before the text, it has Excel read it as UTF-8."""

_RUNS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula, or looks for one behind it."""
_ROWS_AT_ONCE = 1_000


def csv_rows(table: Table, *, bom: bool = False, line_end: str = "\r\n") -> Iterator[str]:
    """RFC 4180 in pieces: a row of names, then the rows; what is absent is empty.

    A text that a spreadsheet would run has an apostrophe before it. Numbers stay numbers.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    text.write(BOM if bom else "")
    writer.writerow([_harmless(column.name) for column in table.columns])
    for rows in batches(table.rows):
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def batches(rows: list[list[object]]) -> Iterable[list[list[object]]]:
    """The rows, so many at a time."""
    return (rows[begin : begin + _ROWS_AT_ONCE] for begin in range(0, len(rows), _ROWS_AT_ONCE))


def _harmless(cell: object) -> object:
    return "'" + cell if isinstance(cell, str) and cell.startswith(_RUNS) else cell
