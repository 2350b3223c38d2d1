"""A kind of job made up for tests: it counts entries of the scenario, and solves nothing. Run, it is a child that
knows it; with the word `check`, a process that checks requests."""

import sys
from typing import Literal

from lodeplan.schemas import Column, SolverProgress, Table
from lodeplan.schemas.jobs import JobOptions, ScenarioRequest
from lodeplan.schemas.plan import TablesDocument
from lodeplan.service.kinds import KINDS, Answer, Kind, Task


class CountOptions(JobOptions):
    of: list[Literal["commodities", "routes", "nothing"]] = ["commodities"]


class CountRequest(ScenarioRequest):
    kind: Literal["count"]
    options: CountOptions = CountOptions()


def count(task: Task) -> Answer:
    assert isinstance(task.options, CountOptions)
    task.on_progress(SolverProgress(phase="count", elapsed_s=0.1))
    if "nothing" in task.options.of:
        raise ValueError("there is nothing to count")
    rows = [[name, len(getattr(task.scenario, name))] for name in task.options.of]
    columns = [Column(name="collection"), Column(name="entries")]
    table = Table(name="counts", title="How much there is", columns=columns, rows=rows)
    summary = {"entries": sum(entries for _, entries in rows)}
    return Answer(TablesDocument(kind="count", summary=summary, tables=[table]))


COUNT = Kind("count", CountRequest, "toy_kind:count", mark="count")

if __name__ == "__main__":
    import toy_kind

    from lodeplan.service.checking import process
    from lodeplan.service.workers import child

    # The module that `run` names, not this one again.
    KINDS["count"] = toy_kind.COUNT
    (process if "check" in sys.argv else child).main()
