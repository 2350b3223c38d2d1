"""Jobs: their states, and the updates that move them from one to the next.

Every move is a compare-and-set: it names the states it may start from and, for a worker, the attempt. A worker
that was given up changes no row, and its late result is dropped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from lodeplan.scenarios.validation import Warnings, find_warnings, warnings_in_words
from lodeplan.schemas import InputProblem, PlanDocument, Scenario, Solution, SolverProgress, Termination
from lodeplan.schemas.jobs import (
    MAX_JOB_WARNINGS,
    FailureCode,
    JobFailure,
    JobOptions,
    JobState,
    JobTrouble,
    JobTroubles,
    JobWarnings,
)
from lodeplan.schemas.order import in_order
from lodeplan.schemas.scenario import content_hash_of
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine, QueuePosition
from lodeplan.service.jobs.reuse import work_of
from lodeplan.service.kinds import SOLVE, Kind
from lodeplan.service.storage import LOCAL, Job, JobEvent, JobInput, JobResult, moves, once_committed
from lodeplan.service.storage.jobs import find_solved
from lodeplan.service.storage.plans import compress
from lodeplan.service.telemetry import metrics, tracing
from lodeplan.service.webhooks.announcing import announce

SOURCES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.QUEUED, JobState.RUNNING}),
    JobState.RUNNING: frozenset({JobState.QUEUED}),
    JobState.STOPPING: frozenset({JobState.RUNNING}),
    JobState.CANCELLING: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.SUCCEEDED: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.TIMED_OUT: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.FAILED: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.CANCELLED: frozenset({JobState.QUEUED, JobState.STOPPING, JobState.CANCELLING}),
}
"""The states from which each state can be reached."""

_VERDICTS = (Termination.INFEASIBLE, Termination.UNBOUNDED)
"""Terminations that show that a scenario has no plan, and why."""
MAX_LOST_WORKERS = 3
"""Workers a job may lose before it is not tried again."""
MAX_TROUBLED_WORKERS = 3
"""Workers on which the process of a job may be ended from outside before it is not tried again."""
MAX_TROUBLES = 5
"""How often that may happen, on whichever workers."""
MAX_STARTS = 20
"""Attempts that may fail for their machine in all, those included whose process did not start."""


@dataclass(frozen=True)
class Submission:
    """A valid request for a job."""

    scenario: Scenario
    options: JobOptions
    tenant: str = LOCAL
    label: str | None = None
    reuse: bool = False
    kind: Kind = SOLVE


@dataclass(frozen=True)
class Prepared:
    """A submission in the form in which it is stored: much smaller than the scenario in memory, so that there may be
    thousands."""

    scenario: str
    scenario_title: str
    scenario_hash: str
    scenario_gzip: bytes
    work_sha256: str
    options: JobOptions
    warnings: Warnings
    label: str | None = None
    kind: Kind = SOLVE

    @classmethod
    def of(cls, submission: Submission) -> Prepared:
        """Prepare a submission for storing."""
        scenario, options = submission.scenario, submission.options
        # Dumped once for the hash and the text: that takes a good part of the time of a submission.
        dump = in_order(scenario).model_dump(mode="json")
        scenario_hash = content_hash_of(dump)
        return cls(
            scenario=scenario.name,
            scenario_title=scenario.title,
            scenario_hash=scenario_hash,
            scenario_gzip=compress(_as_text(dump)),
            work_sha256=work_of(scenario, scenario_hash, options) if submission.kind.reusable else "",
            options=options,
            warnings=find_warnings(scenario),
            label=submission.label,
            kind=submission.kind,
        )


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


def canonical_json(scenario: Scenario) -> str:
    """Write the canonical JSON of a scenario: entries in order, no spaces. The first output stays first."""
    return _as_text(in_order(scenario).model_dump(mode="json"))


def _as_text(dump: dict[str, Any]) -> str:
    return json.dumps(dump, separators=(",", ":"), ensure_ascii=False)


def submit(session: Session, engine: JobEngine, submission: Submission) -> Job:
    """Add a job, the scenario it solves and its first attempt to the session's transaction; the caller commits.

    If the submission allows it, a job whose plan is known succeeds immediately.
    """
    prepared = Prepared.of(submission)
    job = new_job(prepared, submission.tenant, storage.new_id())
    add_new(session, [(job, prepared)])
    known = {}
    if submission.reuse and submission.kind.reusable:
        known = find_solved(session, job.tenant, [(prepared.work_sha256, prepared.scenario_gzip)])
    if known:
        answer_from(session, Attempt(job.id, job.attempt), known[prepared.work_sha256])
        session.refresh(job)
    else:
        engine.enqueue(session, Attempt(job.id, job.attempt), position_of(job))
    return job


def new_job(prepared: Prepared, tenant: str, job_id: str) -> Job:
    """A job that waits for a worker, not yet in any session."""
    warnings = prepared.warnings.open
    return Job(
        id=job_id,
        tenant=tenant,
        kind=prepared.kind.name,
        label=prepared.label,
        state=JobState.QUEUED,
        scenario=prepared.scenario,
        scenario_title=prepared.scenario_title,
        scenario_hash=prepared.scenario_hash,
        work_sha256=prepared.work_sha256,
        options=prepared.options,
        traceparent=tracing.traceparent(),
        created_at=storage.now(),
        last_event=2 if warnings else 1,
        warned=_warned(warnings) if warnings else None,
    )


def _warned(warnings: Sequence[InputProblem]) -> JobWarnings:
    """Return the warnings that a job carries."""
    first = list(warnings[:MAX_JOB_WARNINGS])
    return JobWarnings(first=first, count=len(warnings), words=warnings_in_words(warnings))


def add_new(session: Session, jobs: list[tuple[Job, Prepared]]) -> None:
    """Add new jobs with their scenarios and the first lines of their logs."""
    for job, prepared in jobs:
        session.add(job)
        session.add(JobInput(job_id=job.id, scenario_gzip=prepared.scenario_gzip))
        session.add_all(first_events(job))
        once_committed(session, metrics.job_submitted)
    # Written now, not at commit: the engine's insert uses the same connection and stands after these.
    session.flush()


def first_events(job: Job) -> list[JobEvent]:
    """Write the first lines in the log of a new job: that it is queued, and the warnings about its scenario."""
    texts = ["Queued.", "\n".join(f"Warning: {words}" for words in job.warned.words) if job.warned else ""]
    return [
        JobEvent(
            job_id=job.id,
            number=number,
            attempt=job.attempt,
            at=job.created_at,
            state=JobState.QUEUED if number == 1 else None,
            text=text,
        )
        for number, text in enumerate(filter(None, texts), start=1)
    ]


def answer_from(session: Session, attempt: Attempt, source_id: str) -> None:
    """End a new job with a copy of the plan of an identical one; a copy, because that job may be deleted one day."""
    source, result = moves.get_answer(session, source_id)
    text = f"Job {source_id} solved the same scenario; its plan is reused."
    _move(session, attempt, JobState.RUNNING, text, started_at=storage.now(), reused_from=source_id)
    document = result.document_gzip
    finish(session, attempt, Outcome(source.termination, source.solution, source.objective_kusd, document))


def record_finished(session: Session, scenario: Scenario, document: PlanDocument) -> Job:
    """Add a plan that was solved elsewhere as a job that has succeeded; the caller commits."""
    prepared = Prepared.of(Submission(scenario, JobOptions()))
    job = new_job(prepared, LOCAL, storage.new_id())
    add_new(session, [(job, prepared)])
    summary, attempt = document.summary, Attempt(job.id, job.attempt)
    _move(session, attempt, JobState.RUNNING, "Solved elsewhere.", started_at=job.created_at)
    stored = compress(document.model_dump_json(exclude_none=True))
    finish(session, attempt, Outcome(summary.termination, summary.solution, summary.objective_kusd, stored))
    session.refresh(job)
    return job


def start(session: Session, attempt: Attempt, worker_id: str) -> bool:
    """Claim an attempt for a worker; False if it is no longer wanted. True also if the worker has it already: an
    earlier commit may have succeeded without the worker learning of it."""
    text = f"Started, attempt {attempt.number}."
    if _move(session, attempt, JobState.RUNNING, text, started_at=storage.now(), worker_id=worker_id):
        return True
    return moves.is_held_by(session, attempt, worker_id)


def request_stop(session: Session, job_id: str) -> bool:
    """Ask a job to end with the best plan it has. A queued job has none and is cancelled."""
    return _request(session, job_id, JobState.STOPPING)


def request_cancel(session: Session, job_id: str) -> bool:
    """Ask a job to end without a plan."""
    return _request(session, job_id, JobState.CANCELLING)


def note_progress(session: Session, attempt: Attempt, progress: SolverProgress, text: str) -> None:
    """Record the latest progress of a running attempt."""
    running = (JobState.RUNNING, JobState.STOPPING)
    if moves.change_attempt(session, attempt, running, progress=progress):
        tell(session, attempt.job_id, text, progress=progress)


def tell(
    session: Session, job_id: str, text: str, *, state: JobState | None = None, progress: SolverProgress | None = None
) -> None:
    """Add an event to the job's log. Its number comes from the job's row, which stays locked until the commit."""
    job = moves.add_event(session, job_id, text, state, progress)
    if job:
        if state:
            _pass_on(session, job, state)
        if state and state.ended:
            once_committed(session, metrics.job_ended, state)


def _pass_on(session: Session, job: Row[Any], state: JobState) -> None:
    """Pass the new state of a job on to its batch and its webhooks. Locks are taken in one order, the job's row before
    that of its batch, or two transactions could wait for each other. The update that numbers the event locks the batch:
    if the last two jobs end at the same time, the second sees the first.
    """
    if job.parent_id is None:
        if state.ended:
            announce(session, job.id, job.tenant, state)
    elif state is JobState.RUNNING:
        start_batch(session, job.parent_id)
    elif state.ended:
        tell(session, job.parent_id, f"Job {job.id}: {state.value.replace('_', ' ')}.")
        if not moves.has_open_child(session, job.parent_id):
            end_batch(session, job.parent_id)


def start_batch(session: Session, batch_id: str) -> None:
    """Note that a job of a batch runs, if it is the first."""
    _move(session, Attempt(batch_id, 1), JobState.RUNNING, "The first job has started.", started_at=storage.now())


def end_batch(session: Session, batch_id: str) -> None:
    """End a batch whose jobs have all ended: it has succeeded unless it was cancelled."""
    batch = Attempt(batch_id, 1)
    start_batch(session, batch_id)
    ended_at = storage.now()
    if not _move(session, batch, JobState.SUCCEEDED, "All jobs have ended.", ended_at=ended_at):
        _move(session, batch, JobState.CANCELLED, "Cancelled.", ended_at=ended_at)


def ask_batch(session: Session, batch_id: str, wish: JobState) -> None:
    """Record what was asked of a batch after its jobs were asked; this may end the batch."""
    batch = Attempt(batch_id, 1)
    if moves.has_open_child(session, batch_id):
        _move(session, batch, wish, _WISHES[wish])
    # None of its jobs has run.
    elif not _move(session, batch, JobState.CANCELLED, "Cancelled before it started.", ended_at=storage.now()):
        _move(session, batch, wish, _WISHES[wish])
        end_batch(session, batch_id)


def requeue(session: Session, engine: JobEngine, attempt: Attempt) -> bool:
    """Queue a running job again as its next attempt, in the session's transaction, because its worker is shutting
    down."""
    job = moves.job_on(session, attempt)
    if job is None or job.state is not JobState.RUNNING:
        return False
    return _rerun(session, engine, job, "The worker is shutting down; the job waits for another one.")


def lose(session: Session, engine: JobEngine, attempt: Attempt) -> JobState | None:
    """Give up an attempt whose worker is gone, in the session's transaction; returns the new state of the job, or None
    if there was nothing to do. The job runs again as its next attempt, unless somebody asked it to end or it has lost
    `MAX_LOST_WORKERS` workers. A worker lost before the attempt began does not count.
    """
    job = moves.job_on(session, attempt)
    if job is None or job.state.ended:
        return None
    if job.state is JobState.QUEUED:
        lost = _rerun(session, engine, job, "The worker was lost before it began; the job waits for another one.")
        return JobState.QUEUED if lost else None
    if job.state is not JobState.RUNNING:
        text = _LOST_WISHES[job.state]
        lost = _move(session, attempt, JobState.CANCELLED, text, ended_at=storage.now())
        return JobState.CANCELLED if lost else None
    job.lost_workers += 1
    if job.lost_workers < MAX_LOST_WORKERS:
        lost = _rerun(session, engine, job, "The worker was lost; the job waits for another one.")
        return JobState.QUEUED if lost else None
    message = (
        f"{MAX_LOST_WORKERS} workers were lost while they ran this job, so it is not tried again. The most common "
        "cause is a lack of memory."
    )
    failure = JobFailure(code=FailureCode.LOST_WORKERS, message=message)
    values = {"ended_at": storage.now(), "failure": failure, "lost_workers": job.lost_workers}
    return JobState.FAILED if _move(session, attempt, JobState.FAILED, message, **values) else None


def give_back(session: Session, engine: JobEngine, attempt: Attempt, trouble: JobTrouble) -> JobState | None:
    """Give up an attempt that failed for its machine, in the session's transaction; returns the new state of the job,
    or None if the attempt was given up meanwhile. Nothing counts against the job unless it happens again and again."""
    job = moves.job_on(session, attempt)
    if job is None or job.state.ended:
        return None
    if job.state is not JobState.RUNNING:
        text = _TROUBLED_WISHES.get(job.state, "Cancelled.")
        moved = _move(session, attempt, JobState.CANCELLED, text, ended_at=storage.now())
        return JobState.CANCELLED if moved else None
    troubles = JobTroubles(attempts=[*(job.troubles.attempts if job.troubles else []), trouble])
    if not _is_dead(troubles):
        text = f"The machine of the worker was in trouble ({trouble.text}); the job waits for another try."
        return JobState.QUEUED if _rerun(session, engine, job, text, troubles=troubles) else None
    message = (
        f"{len(troubles.attempts)} attempts failed for the machines they ran on, so it is not tried again. The last "
        f"time: {trouble.text}"
    )
    failure = JobFailure(code=FailureCode.MACHINE_TROUBLE, message=message)
    values = {"ended_at": storage.now(), "failure": failure, "troubles": troubles}
    return JobState.FAILED if _move(session, attempt, JobState.FAILED, message, **values) else None


def _is_dead(troubles: JobTroubles) -> bool:
    begun = [each for each in troubles.attempts if each.began]
    workers = {each.worker_id for each in begun}
    return len(workers) >= MAX_TROUBLED_WORKERS or len(begun) >= MAX_TROUBLES or len(troubles.attempts) >= MAX_STARTS


def revive(session: Session, engine: JobEngine, attempt: Attempt, text: str) -> None:
    """Queue a restored job, which has no place in the queue, as its next attempt."""
    job = moves.job_on(session, attempt)
    if job and job.state in (JobState.QUEUED, JobState.RUNNING):
        _rerun(session, engine, job, text)


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


def position_of(job: Job) -> QueuePosition:
    """Return the position of a job in the queue."""
    return QueuePosition(job.tenant, job.priority)


def _rerun(session: Session, engine: JobEngine, seen: Job, text: str, **more: Any) -> bool:
    """Queue the next attempt, if the job has not changed since it was read."""
    following = Attempt(seen.id, seen.attempt + 1)
    fresh: dict[str, Any] = {"attempt": following.number, "progress": None, "started_at": None, "worker_id": None}
    fresh |= {"state": JobState.QUEUED, "lost_workers": seen.lost_workers, **more}
    moved = moves.change_attempt(session, Attempt(seen.id, seen.attempt), [seen.state], **fresh)
    if moved:
        tell(session, seen.id, text, state=JobState.QUEUED)
        engine.enqueue(session, following, position_of(seen))
    return moved


def _move(session: Session, of: Attempt, to: JobState, text: str, **values: Any) -> bool:
    moved = moves.change_attempt(session, of, SOURCES[to], **values, state=to)
    if moved:
        tell(session, of.job_id, text, state=to)
    return moved


def _request(session: Session, job_id: str, wish: JobState) -> bool:
    """Cancel a queued job, or move a running one to `wish`; returns whether either applied."""
    if moves.change_job(session, job_id, [JobState.QUEUED], state=JobState.CANCELLED, ended_at=storage.now()):
        tell(session, job_id, "Cancelled before it started.", state=JobState.CANCELLED)
        return True
    if moves.change_job(session, job_id, SOURCES[wish], state=wish):
        tell(session, job_id, _WISHES[wish], state=wish)
        return True
    return moves.is_in_state(session, job_id, wish)


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


_WISHES = {JobState.STOPPING: "Asked to stop.", JobState.CANCELLING: "Asked to cancel."}
_ENDINGS = {
    JobState.SUCCEEDED: "Succeeded.",
    JobState.CANCELLED: "Cancelled.",
    JobState.TIMED_OUT: "The time limit passed before a plan was found.",
}

_TROUBLED_WISHES = {
    JobState.STOPPING: "Cancelled: its process was lost before it stopped, and the plan with it.",
    JobState.CANCELLING: "Cancelled.",
}

_LOST_WISHES = {
    JobState.STOPPING: "Cancelled: the worker was lost before it stopped, and the plan with it.",
    JobState.CANCELLING: "Cancelled; the worker was lost meanwhile.",
}
