"""Work of a child for a job: a function for each kind, from a task to an answer."""

from __future__ import annotations

from lodeplan.service.kinds import Answer, Task


def solve(task: Task) -> Answer:
    """The plan of a scenario. Raises `PlanError` if the independent check refuses it, `MemoryError` if it
    cannot fit."""
    from lodeplan import optimizer

    plan = optimizer.solve(
        task.scenario,
        gap=task.options.gap,
        time_limit_s=task.options.time_limit_s,
        on_progress=task.on_progress,
        should_stop=task.should_stop,
        memory_mib=task.memory_mib,
    )
    summary = plan.summary
    return Answer(plan.document(), summary.termination, summary.solution, summary.objective_kusd)
