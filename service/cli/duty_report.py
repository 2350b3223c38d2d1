"""The duty on an import on a terminal."""

from __future__ import annotations

from lodeplan.optimizer.report.duty import duty_sections, duty_sentences, duty_title, source_sentences
from lodeplan.schemas.duty import DutyAnswer
from lodeplan.service.cli.printing import new_console, print_section, say, wrapped


def print_answer(answer: DutyAnswer) -> None:
    """Print the answer to a question on standard output."""
    console = new_console()
    console.print("\n".join(wrapped(console, [duty_title(answer)])), style="bold")
    say(console, duty_sentences(answer, "--value"))
    for section in duty_sections(answer):
        print_section(console, section)
    if answer.sources:
        console.print("Sources", style="bold")
    for sentence in source_sentences(answer):
        console.print("\n".join(wrapped(console, [sentence], indent="  ")))
