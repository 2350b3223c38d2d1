"""Sentences on how a solve ended and what it found."""

from __future__ import annotations

from lodeplan.schemas.plan import Solution, Summary, Termination

TERMINATIONS: dict[Termination, str] = {
    Termination.OPTIMAL: "The search is complete.",
    Termination.TIME_LIMIT: "The search stopped at the time limit.",
    Termination.INTERRUPTED: "The search was stopped on request.",
    Termination.MEMORY_LIMIT: "The search stopped at the memory limit.",
    Termination.SEARCH_LIMIT: "The search stopped at a limit on its steps.",
    Termination.INFEASIBLE: "Infeasible: no plan meets all limits.",
    Termination.UNBOUNDED: "Unbounded: something earns money without end, so no plan is the best.",
    Termination.ERROR: "The solver failed.",
}
"""Why the search ended."""

SOLUTIONS: dict[Solution, str] = {
    Solution.OPTIMAL: "The plan is optimal within the gap asked for.",
    Solution.FEASIBLE: "The plan meets all limits, but is not proven optimal.",
    Solution.NONE: "There is no plan.",
}
"""What it holds."""

_NEVER_A_PLAN = (Termination.INFEASIBLE, Termination.UNBOUNDED)


def status(summary: Summary) -> str:
    """Describe why the search ended, and what it found if that is a plan or might have been one."""
    ended = TERMINATIONS[summary.termination]
    if summary.nothing_found or summary.termination in _NEVER_A_PLAN:
        return ended
    return f"{ended} {SOLUTIONS[summary.solution]}"
