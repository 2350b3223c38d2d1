"""Compare-and-set: updates that change the row of a job only if it is as its writer believes. For the service itself.

`jobs.states` says which states may follow which; here is how a row is changed so that two writers cannot both be right.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Row, update
from sqlmodel import Session, col, select

from lodeplan.schemas import SolverProgress
from lodeplan.schemas.jobs import JobState
from lodeplan.service.engine import Attempt
from lodeplan.service.storage.batches import OPEN
from lodeplan.service.storage.clock import now
from lodeplan.service.storage.tables import Job, JobEvent, JobResult

_TOLD = ("id", "tenant", "parent_id", "attempt", "last_event")


def change_attempt(session: Session, attempt: Attempt, states: Collection[JobState], /, **values: Any) -> bool:
    """Change the job if it is on this attempt and in one of these states; whether it was."""
    return _changed(session, update(Job).where(*_is(attempt), col(Job.state).in_(states)).values(**values))


def change_job(session: Session, job_id: str, states: Collection[JobState], /, **values: Any) -> bool:
    """Change the job, on whichever attempt, if it is in one of these states; whether it was."""
    return _changed(session, update(Job).where(col(Job.id) == job_id, col(Job.state).in_(states)).values(**values))


def add_event(
    session: Session, job_id: str, text: str, state: JobState | None, progress: SolverProgress | None
) -> Row[Any] | None:
    """Add an event to the log of a job; the job's `id`, `tenant`, `parent_id`, `attempt` and `last_event`, or None if
    it is gone. The number of the event comes from the job's row, which stays locked until the commit."""
    count = update(Job).where(col(Job.id) == job_id).values(last_event=col(Job.last_event) + 1)
    job = session.execute(count.returning(*[col(getattr(Job, name)) for name in _TOLD])).first()
    if job:
        event = JobEvent(job_id=job_id, number=job.last_event, attempt=job.attempt, at=now(), text=text)
        event.state, event.progress = state, progress
        session.add(event)
        session.flush()
    return job


def is_held_by(session: Session, attempt: Attempt, worker_id: str) -> bool:
    """True if this worker runs the attempt."""
    held = select(Job.id).where(*_is(attempt), Job.state == JobState.RUNNING, Job.worker_id == worker_id)
    return session.exec(held).first() is not None


def is_in_state(session: Session, job_id: str, state: JobState) -> bool:
    """True if the job is in this state."""
    return session.exec(select(Job.id).where(Job.id == job_id, Job.state == state)).first() is not None


def state_on(session: Session, attempt: Attempt) -> JobState | None:
    """The state of the job, or None if the job is gone or on another attempt."""
    found = session.exec(select(Job.state).where(*_is(attempt))).first()
    return JobState(found) if found else None


def job_on(session: Session, attempt: Attempt) -> Job | None:
    """Return the job, detached from the session, if it is on this attempt."""
    job = session.exec(select(Job).where(*_is(attempt))).first()
    if job:
        session.expunge(job)
    return job


def reload_job(session: Session, job_id: str) -> Job:
    """A job as the database has it after such changes."""
    return session.exec(select(Job).where(Job.id == job_id)).one()


def tenant_of(session: Session, job_id: str) -> str | None:
    """The tenant of a job, or None if the job is gone."""
    return session.exec(select(Job.tenant).where(Job.id == job_id)).first()


def get_answer(session: Session, job_id: str) -> tuple[Job, JobResult]:
    """A job that has solved something, and its result."""
    job, result = session.get(Job, job_id), session.get(JobResult, job_id)
    assert job is not None
    assert result is not None
    return job, result


def has_open_child(session: Session, batch_id: str) -> bool:
    """True if a job of the batch has not ended."""
    query = select(Job.id).where(Job.parent_id == batch_id, col(Job.state).in_(OPEN)).limit(1)
    return session.exec(query).first() is not None


def lock_open_children(session: Session, batch_id: str) -> bool:
    """Lock the jobs of a batch that have not ended, in one order; whether there is one."""
    query = select(Job.id).where(Job.parent_id == batch_id, col(Job.state).in_(OPEN))
    return bool(session.exec(query.order_by(col(Job.id)).with_for_update()).all())


def open_children(session: Session, batch_id: str) -> list[str]:
    """The jobs of a batch that have not ended."""
    return list(session.exec(select(Job.id).where(Job.parent_id == batch_id, col(Job.state).in_(OPEN))).all())


def cancel_queued_children(session: Session, batch_id: str, moment: datetime, text: str) -> list[Attempt]:
    """Cancel all jobs of a batch that wait, and say so in their logs; with one statement, as there may be thousands."""
    statement = (
        update(Job)
        .where(col(Job.parent_id) == batch_id, col(Job.state) == JobState.QUEUED)
        .values(state=JobState.CANCELLED, ended_at=moment, last_event=col(Job.last_event) + 1)
        .returning(col(Job.id), col(Job.last_event), col(Job.attempt))
    )
    rows = session.execute(statement, execution_options={"synchronize_session": False}).all()
    for job_id, number, attempt in rows:
        event = JobEvent(job_id=job_id, number=number, attempt=attempt, at=moment, text=text)
        event.state = JobState.CANCELLED
        session.add(event)
    session.flush()
    return [Attempt(job_id, attempt) for job_id, _, attempt in rows]


def _is(attempt: Attempt) -> tuple[Any, ...]:
    return (col(Job.id) == attempt.job_id, col(Job.attempt) == attempt.number)


def _changed(session: Session, statement: Any) -> bool:
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1
