"""Reliability of a plan, and the time and size of its solve."""

from __future__ import annotations

from collections.abc import Mapping

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.tables.specs import SPECS
from lodeplan.optimizer.words.numbers import listed
from lodeplan.schemas.plan import Size, Summary

BRANCHES = 3


def check_sentences(summary: Summary) -> list[str]:
    """Result of the independent check."""
    if summary.check is None:
        return ["This plan has not been checked."]
    return [
        "The independent check agrees: it recomputed every limit and cost from the scenario and the tables. The "
        f"largest violation is {summary.check.max_violation:.1g} of the size of its limit; the objective differs by "
        f"{summary.check.cost_difference_rel:.1g} of it."
    ]


def branch_sentences(summary: Summary) -> list[str]:
    """Branches that were searched apart, the first few."""
    branches = summary.check.branches if summary.check else []
    more = [f"{len(branches) - BRANCHES} more branches were searched so."] if len(branches) > BRANCHES else []
    return [*branches[:BRANCHES], *more]


def run_sentence(summary: Summary) -> str:
    """Time of the solve, and size of the model."""
    return " ".join(filter(None, (_took(summary.timings_s), _size(summary.size))))


def untold(plan: Plan) -> list[str]:
    """Data that the earlier version which made a plan did not store, by the titles of its tables."""
    return [f"{SPECS[name].title}: {note}" for name, note in plan.notes.items()]


def _took(timings_s: Mapping[str, float]) -> str:
    """Time of the solve, and its longer phases."""
    if "total" not in timings_s:
        return ""
    phases = [f"{phase} {seconds:.1f}" for phase, seconds in timings_s.items() if seconds >= 0.05 and phase != "total"]
    return f"The solve took {timings_s['total']:.1f} s" + (f" ({', '.join(phases)})." if phases else ".")


def _size(size: Size | None) -> str:
    if size is None:
        return ""
    counts = {"row": size.rows, "column": size.columns, "yes/no decision": size.binaries, "node": size.nodes}
    return f"The model has {listed([f'{count:,} {what}' + 's' * (count != 1) for what, count in counts.items()])}."
