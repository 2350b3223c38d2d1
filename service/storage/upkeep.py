"""Queries for a worker's upkeep: jobs that no worker is working on, and old rows. For the service itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast

import sqlalchemy
from sqlalchemy import CursorResult, func, or_, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col, exists, select

from lodeplan.schemas.jobs import JobState
from lodeplan.service.engine import Attempt
from lodeplan.service.storage.batches import OPEN
from lodeplan.service.storage.leases import is_live
from lodeplan.service.storage.tables import AuditEntry, Delivery, Idempotency, Job, JobInput, Schedule, Usage, WorkerRow

BEGUN = (JobState.RUNNING, JobState.STOPPING, JobState.CANCELLING)
_PATIENCE = "SET LOCAL lock_timeout = '1s'"
_RETENTION_LOCK = 5_627_102
# A job without a scenario of its own is made of others, and no worker has it in hand.
_IS_RUN_BY_WORKERS = select(JobInput.job_id).where(col(JobInput.job_id) == col(Job.id)).exists()


def wait_little(session: Session) -> None:
    """Have the session's transaction fail soon where somebody has locked what it wants, on PostgreSQL."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sqlalchemy.text(_PATIENCE))


def get_work(session: Session, attempt: Attempt) -> tuple[Job, JobInput] | None:
    """A job and its scenario, for the worker that has claimed it; None if they were deleted meanwhile."""
    job, kept = session.get(Job, attempt.job_id), session.get(JobInput, attempt.job_id)
    return None if job is None or kept is None else (job, kept)


def begun_by(session: Session, worker_id: str, most: int) -> list[Attempt]:
    """Attempts this worker is said to run."""
    return _begun(session, col(Job.worker_id) == worker_id, most)


def begun_by_lost_workers(session: Session, most: int) -> list[Attempt]:
    """Attempts that are said to run, on workers without a lease. One statement sees both: a worker that has its lease
    again and begins an attempt between two would look lost."""
    live = select(WorkerRow.id).where(is_live())
    return _begun(session, or_(col(Job.worker_id).is_(None), col(Job.worker_id).not_in(live)), most)


def _begun(session: Session, which: sqlalchemy.ColumnElement[bool], most: int) -> list[Attempt]:
    query = select(Job.id, Job.attempt).where(col(Job.state).in_(BEGUN), _IS_RUN_BY_WORKERS, which)
    return [Attempt(*row) for row in session.exec(query.limit(most))]


def states_of(session: Session, job_ids: Collection[str]) -> dict[Attempt, JobState]:
    """These jobs on the attempts they are on, each with its state."""
    query = select(Job.id, Job.attempt, Job.state).where(col(Job.id).in_(job_ids))
    return {Attempt(job_id, number): JobState(state) for job_id, number, state in session.exec(query)}


def queued_after(session: Session, job_id: str, most: int) -> list[Attempt]:
    """At most so many attempts that are said to wait for a worker, of jobs after this one."""
    query = select(Job.id, Job.attempt).where(Job.state == JobState.QUEUED, _IS_RUN_BY_WORKERS)
    return [Attempt(*row) for row in session.exec(query.where(col(Job.id) > job_id).order_by(col(Job.id)).limit(most))]


def due_schedules(session: Session, at_s: float, most: int) -> list[Schedule]:
    """At most so many schedules that are due, the longest due first, detached from the session."""
    due = select(Schedule).where(col(Schedule.due_at_s) <= at_s, ~col(Schedule.paused))
    found = list(session.exec(due.order_by(col(Schedule.due_at_s)).limit(most)))
    for schedule in found:
        session.expunge(schedule)
    return found


def is_still_due(session: Session, seen: Schedule) -> bool:
    """True if nobody has moved a schedule on since it was read."""
    return session.exec(select(Schedule.id).where(*_unmoved(seen))).first() is not None


def move_schedule(session: Session, seen: Schedule, **values: Any) -> bool:
    """Move a schedule on, if nobody has since it was read; whether this did."""
    moved = session.execute(sqlalchemy.update(Schedule).where(*_unmoved(seen)).values(**values))
    return cast("CursorResult[Any]", moved).rowcount == 1


def note_job(session: Session, schedule: Schedule, job_id: str) -> None:
    """Note the job that a schedule, which was just moved on, has submitted."""
    session.execute(sqlalchemy.update(Schedule).where(col(Schedule.id) == schedule.id).values(last_job_id=job_id))


def is_open(session: Session, job_id: str | None) -> bool:
    """True if a job has not ended."""
    query = select(Job.id).where(Job.id == job_id, col(Job.state).in_(OPEN))
    return job_id is not None and session.exec(query).first() is not None


def _unmoved(seen: Schedule) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    return (col(Schedule.id) == seen.id, col(Schedule.due_at_s) == seen.due_at_s, ~col(Schedule.paused))


def take_turn_at_retention(session: Session) -> bool:
    """Take the turn to delete old rows, which lasts until the transaction ends; False if another worker has it."""
    if session.connection().dialect.name != "postgresql":
        # SQLite lets one write at a time anyway.
        return True
    return bool(session.execute(select(func.pg_try_advisory_xact_lock(_RETENTION_LOCK))).scalar())


def old_jobs(session: Session, before: datetime, most: int) -> list[Job]:
    """Find jobs that ended before this time, except jobs of batches that have not ended and batches that still have
    jobs."""
    parent, child = aliased(Job), aliased(Job)
    parent_is_younger = exists().where(
        col(parent.id) == col(Job.parent_id), or_(col(parent.ended_at).is_(None), col(parent.ended_at) >= before)
    )
    has_children = exists().where(col(child.parent_id) == col(Job.id))
    query = select(Job).where(col(Job.ended_at) < before, ~parent_is_younger, ~has_children)
    return list(session.exec(query.order_by(col(Job.ended_at)).limit(most)))


def delete_old_keys(session: Session, before: datetime, most: int) -> int:
    """Delete idempotency keys older than this; how many."""
    return _delete_older(session, Idempotency, most, col(Idempotency.created_at) < before)


def delete_old_deliveries(session: Session, before: datetime, most: int) -> int:
    """Delete ended deliveries to webhooks older than this; how many."""
    return _delete_older(session, Delivery, most, col(Delivery.created_at) < before, col(Delivery.due_at_s).is_(None))


def delete_old_audit(session: Session, before: datetime, most: int) -> int:
    """Delete audit entries older than this; how many."""
    return _delete_older(session, AuditEntry, most, col(AuditEntry.at) < before)


def delete_old_usage(session: Session, before: datetime, most: int) -> int:
    """Delete the use of tenants in hours before this time; how many rows."""
    return _delete_older(session, Usage, most, col(Usage.hour) < before)


def _delete_older(session: Session, table: type[SQLModel], most: int, *conditions: Any) -> int:
    keys = list(sqlalchemy.inspect(table).primary_key)
    old = sqlalchemy.select(*keys).where(*conditions).limit(most)
    # None of them is held in the session: to have the database return their keys, in any order, would be of no use.
    statement = sqlalchemy.delete(table).where(tuple_(*keys).in_(old))
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount
