"""A solve that by its size cannot fit in the memory of its slot fails at once, and its owner reads why."""

import json
from collections.abc import Callable

import pytest
from child_here import run_child_here
from job_service import toy
from solved import shipped
from test_slot_threads import Patience, fake  # noqa: F401  (a fixture)

from lodeplan.schemas import Scenario
from lodeplan.schemas.jobs import FailureCode, JobOptions
from lodeplan.service.jobs import submissions
from lodeplan.service.packing import compress
from lodeplan.service.workers import child_solver
from lodeplan.service.workers.child_process import Work
from lodeplan.service.workers.child_solver import ChildSolver


def work_of(scenario: Scenario) -> Work:
    return Work(compress(submissions.canonical_json(scenario)), JobOptions())


def test_a_solve_that_cannot_fit_fails_with_what_it_needs_and_which_setting_to_raise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(child_solver, "run_child", lambda *arguments: run_child_here(*arguments[:4]))

    failure = ChildSolver(60, memory_mb=180)(work_of(shipped("us-2026-lite")), Patience()).failure

    assert failure is not None
    assert failure.code is FailureCode.OUT_OF_MEMORY
    for told in ("MiB at least, and may hold 172 MiB", "80 nodes", "Fewer futures", "raise LODEPLAN_MEMORY_MB"):
        assert told in failure.message


def test_a_child_is_told_the_memory_that_it_may_hold(fake: Callable[..., ChildSolver]) -> None:  # noqa: F811
    failure = fake(memory_mb=2**20)(work_of(toy("tell")), Patience()).failure

    assert failure is not None
    assert json.loads(failure.message)["arguments"][-2:] == ["--memory-mib", "1000000.0"]
