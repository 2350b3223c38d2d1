"""Numbers and ids over all tenants, never what belongs to one. For the service itself and its operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import sqlalchemy
from sqlalchemy import CursorResult, func, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from lodeplan.schemas.jobs import JobState
from lodeplan.service.storage.batches import OPEN
from lodeplan.service.storage.clock import now
from lodeplan.service.storage.leases import is_live
from lodeplan.service.storage.tables import Job, QueuePause, Schedule, WorkerRow
from lodeplan.service.storage.upkeep import BEGUN

_AT_ONCE = 500


def count_queued(session: Session, most: int) -> int:
    """Count the jobs of all tenants that wait for a worker, up to `most`."""
    waiting = select(Job.id).where(Job.state == JobState.QUEUED).limit(most).subquery()
    return session.exec(select(func.count()).select_from(waiting)).one()


def get_pause(session: Session) -> QueuePause | None:
    """The pause of the queue, or None while it runs."""
    return session.exec(select(QueuePause)).first()


def set_pause(session: Session, by: str, reason: str) -> bool:
    """Pause the queue; False if it is paused already."""
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(QueuePause).values(id=1, since=now(), by=by, reason=reason).on_conflict_do_nothing()
    return session.execute(row.returning(QueuePause.id)).first() is not None


def end_pause(session: Session) -> bool:
    """Let the queue run; False if it was not paused."""
    return cast("CursorResult[Any]", session.execute(sqlalchemy.delete(QueuePause))).rowcount == 1


def list_live_workers(session: Session) -> list[WorkerRow]:
    """The workers that hold a lease, the oldest first."""
    return list(session.exec(select(WorkerRow).where(is_live()).order_by(col(WorkerRow.started_at))))


def count_dead_letters(session: Session) -> int:
    """Count the jobs of all tenants that failed for their machines and were not sent again."""
    return session.exec(select(func.count()).where(col(Job.dead_since).is_not(None))).one()


def list_dead_letters(session: Session, tenant: str | None, most: int) -> list[Job]:
    """At most so many jobs of a tenant, or of all, that failed for their machines and were not sent again, the latest
    first."""
    dead = select(Job).where(col(Job.dead_since).is_not(None))
    if tenant is not None:
        dead = dead.where(Job.tenant == tenant)
    return list(session.exec(dead.order_by(col(Job.id).desc()).limit(most)))


def list_all_schedules(session: Session, tenant: str | None) -> list[Schedule]:
    """The schedules of a tenant, or of all, by tenant and name."""
    found = select(Schedule).order_by(col(Schedule.tenant), col(Schedule.name), col(Schedule.id))
    return list(session.exec(found if tenant is None else found.where(Schedule.tenant == tenant)))


def latest_events(session: Session, job_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of the latest event by job; deleted jobs are missing."""
    found: dict[str, int] = {}
    for begin in range(0, len(job_ids), _AT_ONCE):
        some = col(Job.id).in_(job_ids[begin : begin + _AT_ONCE])
        found.update(session.exec(select(Job.id, Job.last_event).where(some)).all())
    return found


def count_states(session: Session) -> dict[JobState, int]:
    """Count jobs by state; states without a job are left out."""
    counted = select(Job.state, func.count()).group_by(col(Job.state))
    return {JobState(state): count for state, count in session.exec(counted)}


def oldest_queued(session: Session) -> datetime | None:
    """Return the time at which the oldest queued job was submitted."""
    return session.exec(select(func.min(Job.created_at)).where(Job.state == JobState.QUEUED)).one()


def count_workers(session: Session) -> tuple[int, int]:
    """Count the workers with a live lease, and their slots."""
    alive = select(func.count(), func.coalesce(func.sum(WorkerRow.slots), 0))
    workers, slots = session.exec(alive.where(is_live())).one()
    return workers, slots


def count_troubled_workers(session: Session) -> int:
    """Count the live workers that take no jobs because their machine is in trouble."""
    troubled = select(func.count()).select_from(WorkerRow).where(is_live(), col(WorkerRow.trouble).is_not(None))
    return session.exec(troubled).one()


def count_begun(session: Session) -> int:
    """Count the jobs that run or are about to end."""
    return session.exec(select(func.count()).where(col(Job.state).in_(BEGUN))).one()


def count_running(session: Session) -> int:
    """Count the jobs that workers have in hand; what is made of other jobs is in no hand."""
    return session.exec(select(func.count()).where(col(Job.state).in_(BEGUN), col(Job.worker_id).is_not(None))).one()


def jobs_of_lost_workers(session: Session, most: int) -> list[str]:
    """Find jobs that are marked as running on workers without a lease."""
    has_worker = select(WorkerRow.id).where(col(WorkerRow.id) == col(Job.worker_id), is_live())
    is_parent = col(Job.id).in_(select(Job.parent_id).where(col(Job.parent_id).is_not(None)))
    lost = select(Job.id).where(col(Job.state).in_(BEGUN), or_(col(Job.worker_id).is_(None), ~has_worker.exists()))
    return list(session.exec(lost.where(~is_parent).limit(most)))


def all_attempts(session: Session) -> list[tuple[str, int]]:
    """Every job with the number of its last attempt."""
    return list(session.exec(select(Job.id, Job.attempt)))


def open_attempts(session: Session) -> list[tuple[str, int, JobState]]:
    """Jobs that have not ended and are not made of others, each with the number of its attempt and its state."""
    parents = set(session.exec(select(Job.parent_id).where(col(Job.parent_id).is_not(None)).distinct()))
    found = session.exec(select(Job.id, Job.attempt, Job.state).where(col(Job.state).in_(OPEN))).all()
    return [(job_id, number, JobState(state)) for job_id, number, state in found if job_id not in parents]


def try_to_write(session: Session) -> None:
    """Change something to what it is; raises what SQLAlchemy does if the database cannot be written to."""
    session.execute(sqlalchemy.text("update alembic_version set version_num = version_num"))
