"""A report as Markdown, with tables as most programs that show Markdown read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lodeplan.schemas.report import Cell, Report, Section

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def markdown(report: Report) -> str:
    """The whole report; sections without rows are a sentence."""
    return "\n\n".join(_blocks(report)) + "\n"


def _blocks(report: Report) -> Iterator[str]:
    yield f"# {_plain(report.title)}"
    yield _plain(report.status)
    yield from (_plain(sentence) for sentence in report.findings)
    for section in report.sections:
        yield from section_blocks(section)
    yield from (_plain(sentence) for sentence in report.closing)


def section_blocks(section: Section) -> Iterator[str]:
    """The title, the note and the table of a section."""
    yield f"## {_plain(section.title)}"
    if not section.rows:
        yield _plain(section.empty)
        return
    if section.note:
        yield _plain(section.note)
    heads = _row([column.title for column in section.columns])
    rule = _row(["---:" if column.number else "---" for column in section.columns], escape=False)
    rows = [_row([cell.text for cell in row]) for row in section.rows]
    total = [_bold(section.total)] if section.total else []
    yield "\n".join([heads, rule, *rows, *total])


def _bold(cells: Sequence[Cell]) -> str:
    return _row([f"**{_plain(cell.text)}**" if cell.text else "" for cell in cells], escape=False)


def _row(texts: Sequence[str], *, escape: bool = True) -> str:
    return f"| {' | '.join(_plain(text) if escape else text for text in texts)} |"


def _plain(text: str) -> str:
    """A text that is read as it stands: names come from whoever wrote the scenario."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
