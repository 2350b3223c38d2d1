"""A plan, and two plans side by side, on a terminal, in a pipe or in a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lodeplan.optimizer.report.plan import report_of
from lodeplan.optimizer.words.states import status
from lodeplan.schemas import Solution
from lodeplan.service.cli.printing import new_console, print_report, print_section, say

if TYPE_CHECKING:
    from rich.console import Console

    from lodeplan.optimizer import Plan
    from lodeplan.schemas.comparison import Comparison


def print_plan(plan: Plan, console: Console | None = None) -> None:
    """Print the report of a plan on standard output."""
    print_report(report_of(plan), console)


def print_comparison(comparison: Comparison) -> None:
    """Print the difference of two plans: in sentences, then in numbers. Without a plan: why there is none."""
    console = new_console()
    for summary, word in ((comparison.first, "first"), (comparison.second, "second")):
        if summary.solution is Solution.NONE:
            say(console, [f"The {word} scenario has no plan. {status(summary)}", *summary.conflict])
    say(console, comparison.difference)
    for section in comparison.sections:
        print_section(console, section)
