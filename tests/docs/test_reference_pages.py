"""Generated pages hold the words of their tools; a page that takes a second is written again."""

import pytest

from tools import coverage, decisions, library, validation, validation_base, validation_held_out, validation_official
from tools.pages import REFERENCE

LIBRARY = (REFERENCE / "library.md").read_text(encoding="utf-8")
VALIDATION = (REFERENCE / "validation.md").read_text(encoding="utf-8")
TEXTS = {
    name: text
    for module in (validation, validation_base, validation_held_out, validation_official)
    for name, text in vars(module).items()
    if name.isupper() and isinstance(text, str) and text.endswith("\n")
}


def test_the_page_on_coverage_is_what_its_tool_writes() -> None:
    assert coverage.page() == coverage.PAGE.read_text(encoding="utf-8"), "run `python -m tools.coverage`"


@pytest.mark.parametrize("name", TEXTS)
def test_the_page_on_validation_has_the_paragraphs_of_its_tool(name: str) -> None:
    assert TEXTS[name] in VALIDATION, "run `python -m tools.validation`"


def test_the_page_on_validation_gives_the_reasons_of_the_facts() -> None:
    _, _, section = VALIDATION.partition("explained\n")
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in section.split("\n## ")[0].split("\n")]
    told = {(row[0], row[1]): row[4] for row in rows if len(row) == 5 and "/" in row[0]}
    notes = validation_base.explanations()
    assert told
    assert told == {key: notes[key] for key in told}, "run `python -m tools.validation`"


def test_the_page_on_decisions_begins_as_its_tool_says() -> None:
    assert decisions.PAGE.read_text(encoding="utf-8").startswith(decisions.INTRODUCTION), (
        "run `python -m tools.decisions`"
    )


def test_the_page_of_the_library_introduces_and_describes_each_scenario_as_it_does_itself() -> None:
    names = library.members()
    assert library.INTRODUCTION in LIBRARY, "run `python -m tools.library`"
    assert LIBRARY.endswith("\n".join(library.paragraphs(names)) + "\n"), "run `python -m tools.library`"


@pytest.mark.parametrize("finding", [library.CLEAN_DEFENCE, library.UNCERTAINTY, library.STOCKS_ALONE])
def test_the_page_of_the_library_has_the_findings_of_its_tool(finding: tuple[str, str]) -> None:
    title, reading = finding
    assert all(part in LIBRARY for part in (*title.split("{share}"), reading)), "run `python -m tools.library`"
