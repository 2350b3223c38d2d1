"""Jobs: their states, and the updates that move them from one to the next.

Every move is a compare-and-set: it names the states it may start from and, for a worker, the attempt. A worker
that was given up changes no row, and its late result is dropped.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import CursorResult, update
from sqlmodel import Session, col, select

from schemas import PlanDocument, Scenario, Solution, SolverProgress, Termination
from schemas.jobs import FailureCode, JobFailure, JobOptions, JobState
from service import storage
from service.engine import Attempt, JobEngine
from service.storage import Job, JobInput, JobLogLine, JobResult

SOURCES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING}),
    JobState.RUNNING: frozenset({JobState.QUEUED}),
    JobState.STOPPING: frozenset({JobState.RUNNING}),
    JobState.CANCELLING: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.SUCCEEDED: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.TIMED_OUT: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.FAILED: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.CANCELLED: frozenset({JobState.QUEUED, JobState.STOPPING, JobState.CANCELLING}),
}
"""The states from which each state can be reached."""

GZIP_LEVEL = 6


@dataclass(frozen=True)
class Submission:
    """A request that was found valid."""

    scenario: Scenario
    options: JobOptions


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: with a document, with a failure, or with neither if it was killed at a limit."""

    termination: Termination | None = None
    solution: Solution | None = None
    objective_kusd: float | None = None
    document_gzip: bytes | None = None
    failure: JobFailure | None = None


def canonical_json(scenario: Scenario) -> str:
    """The one JSON text of a scenario: sorted keys, no spaces."""
    data = scenario.model_dump(mode="json")
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def compress(text: str) -> bytes:
    """Gzip-compressed UTF-8; the same text always gives the same bytes."""
    return gzip.compress(text.encode(), compresslevel=GZIP_LEVEL, mtime=0)


def submit(session: Session, engine: JobEngine, submission: Submission) -> Job:
    """Add a job, the scenario it solves and its first attempt to the session's transaction; the caller commits."""
    job = _new_job(session, submission.scenario, submission.options)
    engine.enqueue(session, Attempt(job.id, job.attempt))
    return job


def record_finished(session: Session, scenario: Scenario, document: PlanDocument) -> Job:
    """Add a plan that was solved elsewhere as a job that has succeeded; the caller commits."""
    job = _new_job(session, scenario, JobOptions())
    summary = document.summary
    stored = compress(document.model_dump_json())
    session.add(JobResult(job_id=job.id, document_gzip=stored))
    job.state = JobState.SUCCEEDED
    job.started_at = job.ended_at = job.created_at
    job.termination, job.solution = summary.termination, summary.solution
    job.objective_kusd = summary.objective_kusd
    job.result_sha256 = hashlib.sha256(stored).hexdigest()
    session.add(job)
    session.flush()
    return job


def start(session: Session, attempt: Attempt) -> bool:
    """Claim an attempt for a worker; False if it is no longer wanted."""
    return _move(session, attempt, JobState.RUNNING, {"started_at": storage.now()})


def request_stop(session: Session, job_id: str) -> bool:
    """Ask a job to end with the best plan it has. A queued one has none, and is cancelled."""
    return _request(session, job_id, JobState.STOPPING)


def request_cancel(session: Session, job_id: str) -> bool:
    """Ask a job to end without a plan."""
    return _request(session, job_id, JobState.CANCELLING)


def note_progress(session: Session, attempt: Attempt, progress: SolverProgress) -> None:
    """Record the latest progress of a running attempt."""
    running = (JobState.RUNNING, JobState.STOPPING)
    statement = update(Job).where(*_is(attempt), col(Job.state).in_(running))
    session.execute(statement.values(progress=progress))


def note(session: Session, job_id: str, text: str) -> None:
    """Add a line to the job's log."""
    session.add(JobLogLine(job_id=job_id, at=storage.now(), text=text))


def state_of(session: Session, attempt: Attempt) -> JobState | None:
    """The state of the job, or None if the job is gone or on another attempt."""
    found = session.exec(select(Job.state).where(*_is(attempt))).first()
    return JobState(found) if found else None


def requeue(session: Session, engine: JobEngine, attempt: Attempt) -> bool:
    """Give an attempt back, as the next one, in the session's transaction."""
    fresh = {"attempt": attempt.number + 1, "progress": None, "started_at": None}
    moved = _move(session, attempt, JobState.QUEUED, fresh)
    if moved:
        engine.enqueue(session, Attempt(attempt.job_id, attempt.number + 1))
        note(session, attempt.job_id, "The worker went away; the job waits for another.")
    return moved


def finish(session: Session, attempt: Attempt, outcome: Outcome) -> JobState | None:
    """Record the end of an attempt; the state it ended in, or None if the attempt was given up meanwhile."""
    while True:
        state = state_of(session, attempt)
        if state is None or state.ended:
            return None
        final = final_state(state, outcome)
        if _finish_from(session, attempt, (state, final), outcome):
            return final


def final_state(state: JobState, outcome: Outcome) -> JobState:
    """What an outcome means for a job that was in this state."""
    if state is JobState.CANCELLING:
        return JobState.CANCELLED
    if outcome.failure:
        return JobState.FAILED
    if outcome.termination is Termination.INFEASIBLE or outcome.solution in (Solution.OPTIMAL, Solution.FEASIBLE):
        return JobState.SUCCEEDED
    if state is JobState.STOPPING:
        return JobState.CANCELLED
    return JobState.TIMED_OUT


def failure_of(termination: Termination, solution: Solution) -> JobFailure | None:
    """The failure in how a solver stopped, if it is one."""
    if solution is not Solution.NONE:
        return None
    if termination is Termination.MEMORY_LIMIT:
        message = "The solver reached its memory limit before it had a plan. A smaller scenario needs less."
        return JobFailure(code=FailureCode.OUT_OF_MEMORY, message=message)
    if termination is Termination.UNBOUNDED:
        message = "The costs have no lower bound: some flow earns money without limit. Look for negative costs."
        return JobFailure(code=FailureCode.SOLVER_ERROR, message=message)
    if termination is Termination.ERROR:
        return JobFailure(code=FailureCode.SOLVER_ERROR, message="The solver gave up on this scenario.")
    return None


def _new_job(session: Session, scenario: Scenario, options: JobOptions) -> Job:
    text = canonical_json(scenario)
    job = Job(
        id=_new_id(),
        kind="solve",
        state=JobState.QUEUED,
        scenario=scenario.name,
        scenario_title=scenario.title,
        scenario_hash=scenario.content_hash(),
        options=options,
        created_at=storage.now(),
    )
    session.add(job)
    session.add(JobInput(job_id=job.id, scenario_gzip=compress(text)))
    # Written now, not at commit: the engine's insert uses the same connection and stands after these.
    session.flush()
    return job


def _new_id() -> str:
    """An id that sorts by time, and that nobody can guess: 44 bits of milliseconds, 80 bits of chance."""
    return f"{time.time_ns() // 1_000_000:011x}{secrets.token_hex(10)}"


def _is(attempt: Attempt) -> tuple[Any, ...]:
    return (col(Job.id) == attempt.job_id, col(Job.attempt) == attempt.number)


def _move(session: Session, attempt: Attempt, to: JobState, values: dict[str, Any]) -> bool:
    statement = update(Job).where(*_is(attempt), col(Job.state).in_(SOURCES[to]))
    return _changed(session, statement.values({**values, "state": to}))


def _request(session: Session, job_id: str, wish: JobState) -> bool:
    """Move a queued job to its end, and a running one to `wish`; whether either was so."""
    queued = update(Job).where(col(Job.id) == job_id, col(Job.state) == JobState.QUEUED)
    if _changed(session, queued.values(state=JobState.CANCELLED, ended_at=storage.now())):
        note(session, job_id, "Cancelled before it started.")
        return True
    running = update(Job).where(col(Job.id) == job_id, col(Job.state).in_(SOURCES[wish]))
    if _changed(session, running.values(state=wish)):
        note(session, job_id, "Asked to stop." if wish is JobState.STOPPING else "Asked to cancel.")
        return True
    return session.exec(select(Job.id).where(Job.id == job_id, Job.state == wish)).first() is not None


def _finish_from(session: Session, attempt: Attempt, move: tuple[JobState, JobState], outcome: Outcome) -> bool:
    state, final = move
    failure = outcome.failure if final is JobState.FAILED else None
    kept = outcome.document_gzip if final in (JobState.SUCCEEDED, JobState.TIMED_OUT) else None
    statement = update(Job).where(*_is(attempt), col(Job.state) == state)
    values = {
        "state": final,
        "ended_at": storage.now(),
        "termination": outcome.termination,
        "solution": outcome.solution,
        "objective_kusd": outcome.objective_kusd,
        "failure": failure,
        "result_sha256": hashlib.sha256(kept).hexdigest() if kept else None,
    }
    if not _changed(session, statement.values(**values)):
        return False
    if kept:
        session.add(JobResult(job_id=attempt.job_id, document_gzip=kept))
    note(session, attempt.job_id, failure.message if failure else _ENDINGS[final])
    return True


_ENDINGS = {
    JobState.SUCCEEDED: "Succeeded.",
    JobState.CANCELLED: "Cancelled.",
    JobState.TIMED_OUT: "The time limit passed before there was a plan.",
}


def _changed(session: Session, statement: Any) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1
