"""Whether the numbers of a scenario make sense: each rule asks a question that a colleague would ask."""

from __future__ import annotations

from schemas.findings import Findings


def note_warnings(findings: Findings) -> None:
    """Note numbers and futures that are allowed, but probably not meant, of a scenario without problems."""
