"""Sentences and sections on a terminal, in a pipe or in a file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table

from lodeplan.schemas.report import Cell, Report, Section

_SENTENCE_WIDTH = 100
_PIPED_SENTENCE_WIDTH = 80
_PIPED_WIDTH = 10_000
"""In a pipe or a file each row of a table stays on one line, however long its names are."""


def new_console() -> Console:
    """Standard output, as wide as the terminal."""
    console = Console(highlight=False, emoji=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, emoji=False, markup=False, width=_PIPED_WIDTH)


def say(console: Console, sentences: Iterable[str], style: str | None = None) -> None:
    """Print each sentence as a paragraph, then an empty line."""
    if lines := wrapped(console, sentences):
        console.print("\n".join(lines), style=style)
        console.print()


def wrapped(console: Console, sentences: Iterable[str], indent: str = "") -> list[str]:
    """Wrap paragraphs to lines; lines after the first of a paragraph are indented."""
    width = min(console.width, _SENTENCE_WIDTH) if console.is_terminal else _PIPED_SENTENCE_WIDTH
    wrap = textwrap.TextWrapper(width, subsequent_indent=indent, break_on_hyphens=False)
    return [line for sentence in sentences for line in wrap.wrap(sentence)]


def print_report(report: Report, console: Console | None = None) -> None:
    """A report from its title to its check."""
    console = console or new_console()
    say(console, [report.title], "bold")
    say(console, [report.status])
    say(console, report.findings)
    for section in report.sections:
        print_section(console, section)
    for sentence in report.closing:
        say(console, [sentence])


def print_section(console: Console, section: Section) -> None:
    """The title, the table and the note of a section, without its details; or a sentence where it has no rows."""
    if not section.rows:
        say(console, [section.empty])
        return
    console.print(section.title, style="bold")
    console.print(_table(section))
    for line in wrapped(console, filter(None, [section.note, _left_out(section)])):
        console.print(line, style="dim")
    console.print()


def _left_out(section: Section) -> str:
    """How many rows are left out, and where they stand."""
    count = len(section.rows) - section.brief_rows
    if count <= 0:
        return ""
    where = f"; the table `{section.source}` has them" if section.source else ""
    return f"{count} more {'row is' if count == 1 else 'rows are'} left out{where}."


def _table(section: Section) -> Table:
    """Names too long for the page go on in the next line, whole; numbers are aligned to the right and never broken."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown = [at for at, column in enumerate(section.columns) if not column.detail]
    for at in shown:
        column = section.columns[at]
        table.add_column(
            column.title, justify="right" if column.number else "left", no_wrap=column.number, overflow="fold"
        )

    def add(row: list[Cell]) -> None:
        table.add_row(*(row[at].text for at in shown))

    for row in section.rows[: section.brief_rows]:
        add(row)
    if section.total:
        table.add_section()
        add(section.total)
    return table
