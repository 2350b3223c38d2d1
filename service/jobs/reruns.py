"""Attempts that came to nothing: the job runs again, or fails where that would not help."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from lodeplan.schemas.jobs import FailureCode, JobFailure, JobState, JobTrouble, JobTroubles
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.jobs.states import move, position_of, tell
from lodeplan.service.storage import Job, moves

MAX_LOST_WORKERS = 3
"""Workers a job may lose before it is not tried again."""

MAX_TROUBLED_WORKERS = 3
"""Workers on which the process of a job may be ended from outside before it is not tried again."""

MAX_TROUBLES = 5
"""How often that may happen, on whichever workers."""

MAX_STARTS = 20
"""Attempts that may fail for their machine in all, those included whose process did not start."""

_LOST_WISHES = {
    JobState.STOPPING: "Cancelled: the worker was lost before it stopped, and the plan with it.",
    JobState.CANCELLING: "Cancelled; the worker was lost meanwhile.",
}

_TROUBLED_WISHES = {
    JobState.STOPPING: "Cancelled: its process was lost before it stopped, and the plan with it.",
    JobState.CANCELLING: "Cancelled.",
}


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
        lost = move(session, attempt, JobState.CANCELLED, text, ended_at=storage.now())
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
    values = {**_dead(failure), "lost_workers": job.lost_workers}
    return JobState.FAILED if move(session, attempt, JobState.FAILED, message, **values) else None


def give_back(session: Session, engine: JobEngine, attempt: Attempt, trouble: JobTrouble) -> JobState | None:
    """Give up an attempt that failed for its machine, in the session's transaction; returns the new state of the job,
    or None if the attempt was given up meanwhile. Nothing counts against the job unless it happens again and again."""
    job = moves.job_on(session, attempt)
    if job is None or job.state.ended:
        return None
    if job.state is not JobState.RUNNING:
        text = _TROUBLED_WISHES.get(job.state, "Cancelled.")
        moved = move(session, attempt, JobState.CANCELLED, text, ended_at=storage.now())
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
    values = {**_dead(failure), "troubles": troubles}
    return JobState.FAILED if move(session, attempt, JobState.FAILED, message, **values) else None


def _dead(failure: JobFailure) -> dict[str, Any]:
    """The end of a job that failed for its machines: a dead letter, which can be sent again."""
    moment = storage.now()
    return {"ended_at": moment, "dead_since": moment, "failure": failure}


def _is_dead(troubles: JobTroubles) -> bool:
    begun = [each for each in troubles.attempts if each.began]
    workers = {each.worker_id for each in begun}
    return len(workers) >= MAX_TROUBLED_WORKERS or len(begun) >= MAX_TROUBLES or len(troubles.attempts) >= MAX_STARTS


def revive(session: Session, engine: JobEngine, attempt: Attempt, text: str) -> None:
    """Queue a restored job, which has no place in the queue, as its next attempt."""
    job = moves.job_on(session, attempt)
    if job and job.state in (JobState.QUEUED, JobState.RUNNING):
        _rerun(session, engine, job, text)


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
