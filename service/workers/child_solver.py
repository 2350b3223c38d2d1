"""Solving of one attempt in a child process, with its result in terms of a job."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from lodeplan.schemas import InputProblem, Termination
from lodeplan.schemas.jobs import FailureCode, JobFailure, JobTrouble, ProblemError
from lodeplan.service.jobs.attempts import Outcome, failure_of
from lodeplan.service.telemetry import metrics
from lodeplan.service.workers.child_messages import FailedLine, FinishedLine
from lodeplan.service.workers.child_process import (
    CHILD,
    ChildEnd,
    HardLimits,
    Watch,
    Work,
    death_of,
    no_start,
    probe_child,
    run_child,
)
from lodeplan.service.workers.forks import ForkServer
from lodeplan.service.workers.troubles import is_from_outside, trouble_of

MIB_PER_MB = 1e6 / 2**20
_PLACES_KEPT = 100
"""Most errors in a scenario that a failed job lists."""
_VALUE_KEPT = 200
"""Most characters of a value quoted there."""

Solver = Callable[[Work, Watch], Outcome]

log = structlog.get_logger(__name__)


@dataclass
class ChildSolver:
    """Solves in a child process; kills it `hard_limit_margin_s` after its time limit, or when it holds more than
    `memory_mb` of memory. The time limit is `longest_s` if the job and the scenario ask for more or for none."""

    hard_limit_margin_s: float
    command: Sequence[str] = CHILD
    memory_mb: float | None = None
    longest_s: float | None = None
    forks: ForkServer | None = None
    """Source of processes that have started already; where it has none, the command starts one."""
    threads: int = 1
    """Threads that a solve may use, whatever its scenario asks for."""

    def __call__(self, work: Work, watch: Watch) -> Outcome:
        """Solve and return the outcome."""
        limit_s = self._limit_s(work)
        options = work.options.model_copy(update={"time_limit_s": limit_s})
        memory_mib = self.memory_mb * MIB_PER_MB if self.memory_mb else None
        work = replace(work, options=options, threads=self.threads, memory_mib=memory_mib)
        deadline = time.monotonic() + limit_s + self.hard_limit_margin_s if limit_s else None
        begun = time.monotonic()
        try:
            ended = run_child(self.command, work, watch, HardLimits(deadline, memory_mib), self.forks)
        except (OSError, RuntimeError, MemoryError) as error:
            trouble = trouble_of(error)
            if trouble is None:
                raise
            return Outcome(trouble=JobTrouble(attempt=0, began=False, text=trouble))
        took_s = time.monotonic() - begun
        metrics.solve_ended(took_s, ended.peak_memory_mib)
        # Where the system does not tell, the attempt counts as one that kept one processor busy.
        return replace(_outcome(ended, memory_mib), cpu_s=took_s if ended.cpu_s is None else ended.cpu_s)

    def probe(self) -> None:
        """Start a child that does nothing; raises `OSError` or `RuntimeError` if it does not start."""
        probe_child(self.command, self.forks)

    def close(self) -> None:
        """Keep no process for solves to come."""
        if self.forks:
            self.forks.close()

    def _limit_s(self, work: Work) -> float | None:
        asked = work.options.time_limit_s or work.asked.get("time_limit_s")
        return min((limit for limit in (asked, self.longest_s) if limit), default=None)


def _outcome(ended: ChildEnd, limit_mib: float | None) -> Outcome:
    """Interpret the child's last line, or its death without one."""
    memory, last = ended.peak_memory_mib, ended.last
    if ended.killed_for is Termination.MEMORY_LIMIT:
        message = (
            f"The solve used {memory or 0:.0f} MiB of memory and was ended at its limit of {limit_mib or 0:.0f} MiB "
            "(LODEPLAN_MEMORY_MB). A smaller scenario needs less memory."
        )
        failure = JobFailure(code=FailureCode.OUT_OF_MEMORY, message=message, peak_memory_mib=memory)
        return Outcome(ended.killed_for, failure=failure)
    if ended.killed_for:
        return Outcome(ended.killed_for)
    if isinstance(last, FinishedLine) and ended.document_gzip:
        failed = failure_of(last.termination, last.solution)
        if failed:
            failed = failed.model_copy(update={"peak_memory_mib": memory})
        return Outcome(
            last.termination, last.solution, last.objective_kusd, ended.document_gzip, failed, last.scenario_hash
        )
    if isinstance(last, FailedLine) and last.code is FailureCode.MACHINE_TROUBLE:
        log.error("a solve lacked something of the machine", message=last.message, trace=last.trace)
        return _troubled(last.message)
    if isinstance(last, FailedLine):
        log.error("solve failed", code=last.code, message=last.message, trace=last.trace)
        return Outcome(failure=_failure_of(last).model_copy(update={"peak_memory_mib": memory}))
    if not ended.began:
        return _troubled(no_start(ended.exit_code, ended.errors), began=False)
    death = death_of(ended.exit_code, memory)
    if is_from_outside(ended.exit_code) and memory and limit_mib and memory > limit_mib:
        # The system was quicker than we.
        return Outcome(failure=death.model_copy(update={"code": FailureCode.OUT_OF_MEMORY}))
    if is_from_outside(ended.exit_code):
        return _troubled(death.message)
    log.error("the solver crashed", exit_code=ended.exit_code, output=ended.errors)
    return Outcome(failure=death)


def _troubled(text: str, *, began: bool = True) -> Outcome:
    return Outcome(trouble=JobTrouble(attempt=0, began=began, text=text))


def _failure_of(last: FailedLine) -> JobFailure:
    """Read the failure that a child reported; for an invalid scenario with all its errors."""
    message = last.message
    if last.code is FailureCode.SCENARIO_NO_LONGER_VALID:
        count = len(last.problems)
        message = (
            "The scenario was valid when the job was accepted. By the rules of this version of Lodeplan "
            f"{'one thing is' if count == 1 else f'{count} things are'} wrong with it."
        )
    places = [_place_of(problem) for problem in last.problems[:_PLACES_KEPT]]
    return JobFailure(code=last.code, message=message, problems=places or None)


def _place_of(problem: InputProblem) -> ProblemError:
    value = problem.value
    if not isinstance(value, bool | int | float | None):
        value = str(value)[:_VALUE_KEPT]
    return ProblemError(
        pointer=problem.pointer, code=problem.code, detail=problem.message, value=value, allowed=problem.allowed,
        remedy=problem.remedy,
    )  # fmt: skip
