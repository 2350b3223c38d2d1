"""What the tools that write pages share: tables in Markdown, and rows of facts."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.us_2026_build.fact_tables import FOLDER

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
Row = dict[str, str]


def fact_rows(file: str) -> list[Row]:
    """The rows of a table of facts and of its parts, wherever below the folder of facts they lie."""
    stem = file.removesuffix(".csv")
    found: list[Row] = []
    for path in sorted([*FOLDER.rglob(file), *FOLDER.rglob(f"{stem}.*.csv")]):
        with path.open(encoding="utf-8", newline="") as stream:
            found += csv.DictReader(stream)
    return found


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def number(value: float | None) -> str:
    """A quantity to three digits, `-` where there is none."""
    return "-" if value is None else f"{float(f'{value:.3g}'):,.10g}"


def share(value: float | None) -> str:
    """A share in percent, `-` where there is none."""
    return "-" if value is None else f"{value:.0%}"


def prose(text: str) -> str:
    """A paragraph, wrapped as the pages are."""
    return textwrap.fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False) + "\n"


def bullets(lines: Iterable[str]) -> str:
    """A list in Markdown, wrapped as the pages are."""
    return "".join(
        textwrap.fill(line, 118, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False) + "\n"
        for line in lines
    )
