"""Two plans, and their difference in sentences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.cli.exits import exit_of
from service.cli.solving import Limits, solve_with_progress

if TYPE_CHECKING:
    from schemas import Patch


def compare_plans(sources: tuple[str, str], patches: Sequence[Patch], limits: Limits, as_json: bool) -> int:
    """Solve the first source as it is and the second with the patches, print the difference; the exit code.

    The code is that of the first plan that is not optimal. Raises `InvalidInput`.
    """
    from optimizer.compare import explain_difference
    from schemas import Solution
    from service.cli.report import print_comparison

    first = solve_with_progress(sources[0], (), limits)
    second = solve_with_progress(sources[1], patches, limits)
    plans = (first, second)
    sentences = [] if any(p.summary.solution is Solution.NONE for p in plans) else explain_difference(first, second)
    if as_json:
        record = {
            name: plan.summary.model_dump(mode="json") for name, plan in zip(("first", "second"), plans, strict=True)
        }
        print(json.dumps({"difference": sentences, **record}, indent=1))
    else:
        print_comparison(first, second, sentences)
    return next((code for code in map(exit_of, (p.summary for p in plans)) if code), exit_of(second.summary))
