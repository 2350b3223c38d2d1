"""Attempts of workers at a job: their start, their progress and their end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from lodeplan.schemas import Solution, SolverProgress, Termination
from lodeplan.schemas.jobs import FailureCode, JobFailure, JobState, JobTrouble
from lodeplan.service import storage
from lodeplan.service.engine import Attempt
from lodeplan.service.jobs.states import move, tell
from lodeplan.service.storage import JobResult, moves

_VERDICTS = (Termination.INFEASIBLE, Termination.UNBOUNDED)
"""Terminations that show that a scenario has no plan, and why."""

_ENDINGS = {
    JobState.SUCCEEDED: "Succeeded.",
    JobState.CANCELLED: "Cancelled.",
    JobState.TIMED_OUT: "The time limit passed before a plan was found.",
}


@dataclass(frozen=True)
class Outcome:
    """Result of an attempt: a document, a failure, or neither if it was killed at a limit."""

    termination: Termination | None = None
    solution: Solution | None = None
    objective_kusd: float | None = None
    document_gzip: bytes | None = None
    failure: JobFailure | None = None
    scenario_hash: str | None = None
    """Hash of the scenario by the version that solved it, which may differ from the one that accepted the job."""
    trouble: JobTrouble | None = None
    """What went wrong with the machine; the attempt then says nothing about the job."""
    cpu_s: float = 0.0
    """Processor time that the attempt used, seconds."""


def start(session: Session, attempt: Attempt, worker_id: str) -> bool:
    """Claim an attempt for a worker; False if it is no longer wanted. True also if the worker has it already: an
    earlier commit may have succeeded without the worker learning of it."""
    text = f"Started, attempt {attempt.number}."
    if move(session, attempt, JobState.RUNNING, text, started_at=storage.now(), worker_id=worker_id):
        return True
    return moves.is_held_by(session, attempt, worker_id)


def note_progress(session: Session, attempt: Attempt, progress: SolverProgress, text: str) -> None:
    """Record the latest progress of a running attempt."""
    running = (JobState.RUNNING, JobState.STOPPING)
    if moves.change_attempt(session, attempt, running, progress=progress):
        tell(session, attempt.job_id, text, progress=progress)


def remark(session: Session, attempt: Attempt, text: str) -> None:
    """Add a line to the log of the job, unless the attempt was given up or has ended."""
    state = moves.state_on(session, attempt)
    if state is not None and not state.ended:
        tell(session, attempt.job_id, text)


def finish(session: Session, attempt: Attempt, outcome: Outcome) -> JobState | None:
    """Record the end of an attempt; returns the job's state, or None if the attempt was given up meanwhile."""
    while True:
        state = moves.state_on(session, attempt)
        if state is None or state.ended:
            return None
        final = final_state(state, outcome)
        if _finish_from(session, attempt, (state, final), outcome):
            return final


def final_state(state: JobState, outcome: Outcome) -> JobState:
    """Return the final state of a job, from its current state and the outcome of its attempt."""
    if state is JobState.CANCELLING:
        return JobState.CANCELLED
    if outcome.failure:
        return JobState.FAILED
    if outcome.document_gzip and outcome.solution is None and outcome.termination is None:
        # An answer that is no plan says by itself how it came about.
        return JobState.SUCCEEDED
    if outcome.termination in _VERDICTS or outcome.solution in (Solution.OPTIMAL, Solution.FEASIBLE):
        return JobState.SUCCEEDED
    if state is JobState.STOPPING:
        return JobState.CANCELLED
    return JobState.TIMED_OUT


def _finish_from(session: Session, attempt: Attempt, move: tuple[JobState, JobState], outcome: Outcome) -> bool:
    state, final = move
    failure = outcome.failure if final is JobState.FAILED else None
    kept = outcome.document_gzip if final in (JobState.SUCCEEDED, JobState.TIMED_OUT) else None
    values: dict[str, Any] = {
        "state": final,
        "ended_at": storage.now(),
        "termination": outcome.termination,
        "solution": outcome.solution,
        "objective_kusd": outcome.objective_kusd,
        "failure": failure,
        "result_sha256": hashlib.sha256(kept).hexdigest() if kept else None,
    }
    if outcome.scenario_hash:
        values["scenario_hash"] = outcome.scenario_hash
    if not moves.change_attempt(session, attempt, [state], **values):
        return False
    if kept:
        session.add(JobResult(job_id=attempt.job_id, document_gzip=kept))
    for place in (failure.problems if failure else None) or ():
        tell(session, attempt.job_id, str(place))
    tell(session, attempt.job_id, failure.message if failure else _ENDINGS[final], state=final)
    return True


def failure_of(termination: Termination | None, solution: Solution | None) -> JobFailure | None:
    """Return the failure that a termination of the solver stands for, if any."""
    if solution is not Solution.NONE:
        return None
    if termination is Termination.MEMORY_LIMIT:
        message = "The solver reached its memory limit before it found a plan. A smaller scenario needs less memory."
        return JobFailure(code=FailureCode.OUT_OF_MEMORY, message=message)
    if termination is Termination.ERROR:
        return JobFailure(code=FailureCode.SOLVER_ERROR, message="The solver gave up on this scenario.")
    return None
