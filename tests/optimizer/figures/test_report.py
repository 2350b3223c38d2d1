"""A plan is told once, and a terminal, a page, Markdown and a notebook show the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.console import Console
from solved import TEXTBOOK, solved

from lodeplan import optimizer
from lodeplan.optimizer import Plan
from lodeplan.optimizer.report.markdown import markdown, section_blocks
from lodeplan.optimizer.report.plan import report_of
from lodeplan.optimizer.studies.compare import compare
from lodeplan.schemas.report import Cell, Heading, Report, Section
from lodeplan.service.cli.printing import print_report, print_section


def printed(report: Report, width: int = 400) -> str:
    console = Console(width=width, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        print_report(report, console)
    return captured.get()


def squeezed(text: str) -> str:
    return " ".join(text.split())


def section(report: Report, name: str) -> Section:
    (found,) = [each for each in report.sections if each.name == name]
    return found


@pytest.mark.parametrize("name", TEXTBOOK)
def test_every_row_of_every_section_has_a_cell_for_each_column(name: str) -> None:
    report = report_of(solved(name))
    assert report.sections
    for each in report.sections:
        assert each.empty
        assert all(len(row) == len(each.columns) for row in [*each.rows, *([each.total] if each.total else [])])
        for row in each.rows:
            for cell, column in zip(row, each.columns, strict=True):
                assert cell.value is None or column.number, (each.name, column.title)


@pytest.mark.parametrize("name", TEXTBOOK)
def test_terminal_and_markdown_show_every_sentence_title_and_number(name: str) -> None:
    report = report_of(solved(name))
    on_terminal, in_markdown = squeezed(printed(report)), squeezed(re.sub(r"\\(.)", r"\1", markdown(report)))
    for text in [report.title, report.status, *report.findings, *report.closing]:
        assert squeezed(text) in on_terminal
        assert squeezed(text) in in_markdown
    for each in report.sections:
        for said in [each.title, each.note] if each.rows else [each.empty]:
            assert squeezed(said) in on_terminal
            assert squeezed(said) in in_markdown
        for at, row in enumerate(each.rows):
            for cell, column in zip(row, each.columns, strict=True):
                assert cell.text in in_markdown
                assert column.detail or at >= each.brief_rows or squeezed(cell.text) in on_terminal


def test_a_plan_that_is_none_says_why_and_has_no_sections() -> None:
    patch = {"op": "set", "path": "stockpiles.store.end_value_kusd_per_t", "value": 50}
    report = report_of(optimizer.solve("golden-toy", [patch]))
    assert report.status.startswith("Unbounded")
    assert report.findings
    assert (report.sections, report.closing) == ([], [])


def test_numbers_of_the_report_are_those_of_the_plan() -> None:
    plan = solved("golden-toy")
    report = report_of(plan)
    totals = {row[0].text: row[1].value for row in section(report, "totals").rows}
    assert totals["Objective"] == plan.summary.objective_kusd
    assert totals["Saving"] == pytest.approx(704.2436, abs=1e-4)
    terms = sum(row[1].value or 0.0 for row in section(report, "cost_terms").rows)
    assert terms == pytest.approx(plan.summary.expected_cost_kusd)
    shares = sum(row[2].value or 0.0 for row in section(report, "cost_terms").rows)
    assert shares == pytest.approx(1)


def test_a_plan_read_without_its_scenario_is_told_by_names() -> None:
    plan = solved("golden-toy")
    report = report_of(Plan.from_document(plan.document()))
    assert report.title == "golden-toy"
    assert section(report, "main_sources").rows[0][1].text == "CHN"


def test_a_notebook_shows_the_report() -> None:
    plan = solved("golden-toy")
    assert plan._repr_markdown_() == markdown(report_of(plan))


def toy_section(rows: list[list[Cell]], **more: Any) -> Section:
    columns = [Heading(title="Name"), Heading(title="Amount, t", number=True), Heading(title="More", detail=True)]
    return Section(name="toy", title="A toy", columns=columns, rows=rows, **more)


def test_names_cannot_break_a_table_of_markdown_or_be_read_as_markup() -> None:
    hostile = "a|b *c* <script> [x](y) `d`\n# e"
    (_, table) = section_blocks(toy_section([[Cell(text=hostile), Cell(text="1"), Cell(text="")]]))
    head, rule, row = table.splitlines()
    assert len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", head)) == 4
    assert rule == "| --- | ---: | --- |"
    assert re.sub(r"\\(.)", r"\1", row).startswith("| a|b *c* <script> [x](y) `d` # e |")
    assert not re.search(r"(?<!\\)[*<>\[\]`#]", row)


def test_a_terminal_leaves_details_and_later_rows_out_and_says_where_they_are() -> None:
    rows = [[Cell(text=f"row {number}"), Cell(text=str(number)), Cell(text="detail")] for number in range(5)]
    total = [Cell(text="All"), Cell(text="10"), Cell(text="")]
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        print_section(console, toy_section(rows, brief_rows=3, source="ship", total=total))
    said = captured.get()
    assert "row 2" in said
    assert "row 3" not in said
    assert "detail" not in said
    assert "All" in said
    assert "2 more rows are left out; the table `ship` has them." in said


def test_a_comparison_has_both_numbers_and_their_difference() -> None:
    forced = solved("golden-toy", [{"op": "set", "path": "projects.'home refinery'.forced_track", "value": "fast"}])
    first = solved("golden-toy")
    found = compare(first, forced)
    cost, moved = ({each.name: each for each in found.sections}[name] for name in ("cost_terms", "moved_sources"))
    assert cost.total is not None
    assert cost.total[3].value == pytest.approx(
        (forced.summary.expected_cost_kusd or 0) - (first.summary.expected_cost_kusd or 0)
    )
    for row in [*cost.rows, *moved.rows]:
        before, after, difference = (cell.value or 0.0 for cell in row[-3:])
        assert difference == pytest.approx(after - before)
    assert sum(row[-1].value or 0.0 for row in cost.rows) == pytest.approx(cost.total[3].value)
