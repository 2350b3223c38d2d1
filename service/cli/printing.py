"""Sentences and tables on a terminal, in a pipe or in a file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

_SENTENCE_WIDTH = 100
_PIPED_SENTENCE_WIDTH = 80
_PIPED_WIDTH = 10_000
"""In a pipe or a file a row of a table stays on its line, however long its names are."""


def new_console() -> Console:
    """Standard output, as wide as the terminal."""
    console = Console(highlight=False, emoji=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, emoji=False, markup=False, width=_PIPED_WIDTH)


def say(console: Console, sentences: Iterable[str], style: str | None = None) -> None:
    """Each sentence as a paragraph, then an empty line."""
    if lines := wrapped(console, sentences):
        console.print("\n".join(lines), style=style)
        console.print()


def wrapped(console: Console, sentences: Iterable[str], indent: str = "") -> list[str]:
    """The lines of paragraphs; from the second line of one on they are indented."""
    width = min(console.width, _SENTENCE_WIDTH) if console.is_terminal else _PIPED_SENTENCE_WIDTH
    return [line for sentence in sentences for line in textwrap.wrap(sentence, width, subsequent_indent=indent)]


def section(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], if_empty: str = ""
) -> None:
    """A table under a title, or a sentence where it has no rows; `columns` as in `new_table`."""
    if not rows:
        say(console, [if_empty] if if_empty else [])
        return
    console.print(title, style="bold")
    table = new_table(columns)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print()


def new_table(columns: Sequence[str]) -> Table:
    """A table without rows; names too long for the page go on in the next line, whole.

    A column whose name starts with `>` holds numbers: aligned to the right, never broken.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=any(columns[0:1]))
    for column in columns:
        is_number = column.startswith(">")
        table.add_column(
            column.removeprefix(">"), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold"
        )
    return table
