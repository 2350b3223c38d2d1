"""The cells of a table: parted by commas, semicolons or tabs, decimals with a point or a comma."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise

_SEP_LINE = re.compile(r'"?sep=(.)"?[,;\t]*\r?\n', re.IGNORECASE)
_SEPARATORS = ",;\t"

_DECIMAL_COMMA = re.compile(r"[-+]?[0-9]*,[0-9]+(?:[eE][-+]?[0-9]+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_POINT = re.compile(r"[-+]?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_POINT_OR_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}\.[0-9]{3}")
_DIGITS = re.compile(r"[-+]?[0-9]+")


@dataclass(frozen=True)
class Sheet:
    """The rows of a table with their numbers, from 1, as a spreadsheet shows them; the first is the header."""

    separator: str
    rows: list[tuple[int, list[str]]]
    broken: str | None = None
    """Reason why the rows after these cannot be read."""

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return self.rows[0][1] if self.rows else []

    @property
    def body(self) -> list[tuple[int, list[str]]]:
        """The rows that say anything."""
        return [(number, cells) for number, cells in self.rows[1:] if any(cells)]


def read_sheet(text: str, known: Collection[str]) -> Sheet:
    """The cells of a text, without blanks around them. `known` are names that columns may have: whichever sign parts
    the first row into most of them parts all rows."""
    said = _SEP_LINE.match(text)
    first = 1
    if said:
        separator, text, first = said[1], text[said.end() :], 2
    else:
        separator = max(_SEPARATORS, key=lambda sign: _count_known(text, sign, known))
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(reader, start=first):
            rows.append((number, [cell.strip() for cell in cells]))
    except csv.Error as error:
        return Sheet(separator, rows, f"not a CSV table: {error}.")
    return Sheet(separator, rows)


def as_name(text: str) -> str:
    """A column's name as a field is written: `Cost kUSD per t` is `cost_kusd_per_t`."""
    return re.sub(r"[^a-z0-9.]+", "_", text.strip().lower()).strip("_")


def _count_known(text: str, separator: str, known: Collection[str]) -> int:
    try:
        header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    except csv.Error:
        return 0
    return sum(as_name(cell).split(".")[0] in known for cell in header)


def ragged_rows(sheet: Sheet) -> Iterator[tuple[int, str, str]]:
    """Rows with more or fewer cells than the header: their number, what is wrong, and what to do.

    In such a row cells may stand in a wrong column. Rows may be longer only if all end in the same blank cells and
    none holds two numbers side by side that may be one.
    """
    width, body = len(sheet.header), sheet.body
    lengths = {len(cells) for _, cells in body}
    all_end_blank = len(lengths) == 1 and min(lengths) > width and not any(any(cells[width:]) for _, cells in body)
    if all_end_blank and not any(_split_numbers(cells) for _, cells in body):
        return
    for number, cells in body:
        if len(cells) == width:
            continue
        message = f"the row has {len(cells)} cells, the header {width}."
        split = _split_numbers(cells) if sheet.separator == "," and len(cells) > width else None
        if split:
            remedy = f"If `{split}` is one number, write {split.replace(',', '.')}."
        elif len(cells) > width:
            remedy = (
                f"Put text that contains `{_shown(sheet.separator)}` in double quotes; remove blank cells at the end."
            )
        else:
            remedy = f"Write a `{_shown(sheet.separator)}` for each blank cell, also at the end."
        yield number, message, remedy


def _split_numbers(cells: list[str]) -> str | None:
    """The first two cells side by side that may be one number with a decimal comma, as `10,5`."""
    for left, right in pairwise(cells):
        if _DIGITS.fullmatch(left) and right.isascii() and right.isdecimal():
            return f"{left},{right}"
    return None


def _shown(separator: str) -> str:
    return "tab" if separator == "\t" else separator


class Decimals:
    """Decimal sign of a table: a comma is possible only where another character separates the columns."""

    def __init__(self, separator: str, numbers: Collection[str]) -> None:
        """`numbers` are the cells of columns that hold numbers."""
        found = [item for cell in numbers for item in _numbers_in(cell)] if separator != "," else []
        commas = [item for item in found if _DECIMAL_COMMA.fullmatch(item)]
        # Between tabs `1,234` may be a thousand; a spreadsheet that writes semicolons has decimal commas.
        self.by_comma = any(separator == ";" or not _THOUSANDS.fullmatch(item) for item in commas)

        # `10.5` or `0.125` are no thousands, so that `1.000` in the same table is none either.
        points = [item for item in found if _POINT.fullmatch(item)]
        self.by_point = separator == "," or any(not _POINT_OR_THOUSANDS.fullmatch(item) for item in points)

    def read(self, cell: str) -> str:
        """The cell with decimal points."""
        if not self.by_comma:
            return cell
        parts = re.split(r"([;=])", cell)
        return "".join(part.replace(",", ".") if _DECIMAL_COMMA.fullmatch(part.strip()) else part for part in parts)

    def doubt(self, cell: str) -> tuple[str, str, str] | None:
        """Code, message and remedy if a number in the cell may be read in two ways."""
        form = _POINT if self.by_comma else _POINT_OR_THOUSANDS
        found = next((item for item in _numbers_in(cell) if form.fullmatch(item)), None)
        if found is None or (self.by_point and not self.by_comma):
            return None
        whole = found.replace(".", "")
        if self.by_comma:
            message = f"the table uses decimal commas, but {found} has a point."
            return "two_decimal_signs", message, f"Write {found.replace('.', ',')}, or {whole} if that is meant."
        decimal = found.rstrip("0") + "0" if not found.endswith("0") or found.endswith("000") else found.rstrip("0")
        message = f"the table does not show whether the point in {found} separates thousands or decimals."
        return "thousands_or_decimals", message, f"Write {whole} or {decimal}, whichever is meant."


def _numbers_in(cell: str) -> list[str]:
    """Find possible numbers in a cell: `2026=10,5; 2027=11` has 2026, 10,5 and so on."""
    return [part.strip() for part in re.split(r"[;=]", cell)]
