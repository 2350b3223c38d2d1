"""Tables as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from lodeplan.schemas import Table

BOM = "\ufeff"
"""A byte order mark, by which Excel reads the text as UTF-8."""

_RUNS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a cell that a spreadsheet takes for a formula, or skips to look for one."""
_ROWS_AT_ONCE = 1_000


def csv_rows(table: Table, *, bom: bool = False, line_end: str = "\r\n") -> Iterator[str]:
    """Yield a table as RFC 4180 in pieces: a header row, then the rows; absent values are empty. Text that a
    spreadsheet would run as a formula gets an apostrophe in front. Numbers stay numbers.
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
    """Yield the rows in batches of this size."""
    return (rows[begin : begin + _ROWS_AT_ONCE] for begin in range(0, len(rows), _ROWS_AT_ONCE))


def _harmless(cell: object) -> object:
    return "'" + cell if isinstance(cell, str) and cell.startswith(_RUNS) else cell
