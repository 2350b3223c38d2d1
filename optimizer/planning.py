"""The one call: from a scenario to a checked plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.problem import Problem, Source
from lodeplan.optimizer.progress import Listener
from lodeplan.scenarios import check_options
from lodeplan.schemas.patches import Patch
from lodeplan.schemas.problems import Gathered


def solve(
    source: Source,
    patches: Sequence[Patch] = (),
    *,
    gap: float | None = None,
    time_limit_s: float | None = None,
    on_progress: Listener | None = None,
    should_stop: Callable[[], bool] | None = None,
    memory_mib: float | None = None,
) -> Plan:
    """Solve a scenario and check the plan.

    `source` is a shipped name, a path to a file or folder, a mapping, or a `Scenario`; `patches` change it first.
    `gap` (fraction) and `time_limit_s` (seconds of search) override the scenario's. `should_stop` is asked during the
    search: true ends it with the best plan so far. `memory_mib` is what this process may hold: a solve that cannot fit,
    by its size, is refused before its model is built. Warnings about the scenario are in `summary.warnings`. `Problem`
    does the same in steps.

    Raises `schemas.InvalidInput` with all errors in scenario and options, `PlanError` when the independent check
    refuses the plan, `MemoryError` for a solve that cannot fit. An infeasible scenario, or one whose cost falls without
    limit, is not an error: the plan gives the reason.
    """
    wrong = Gathered()
    with wrong:
        check_options(gap, time_limit_s)
    with wrong:
        problem = Problem(source, patches, on_progress=on_progress)
    wrong.refuse()
    return problem.solve(gap=gap, time_limit_s=time_limit_s, should_stop=should_stop, memory_mib=memory_mib)
