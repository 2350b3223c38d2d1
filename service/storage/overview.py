"""Numbers and ids over all tenants, never what belongs to one. For the service itself and its operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy
from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from lodeplan.schemas.jobs import JobState
from lodeplan.service.storage.batches import OPEN
from lodeplan.service.storage.leases import is_live
from lodeplan.service.storage.tables import Job, WorkerRow
from lodeplan.service.storage.upkeep import BEGUN

_AT_ONCE = 500


def count_queued(session: Session, most: int) -> int:
    """Count the jobs of all tenants that wait for a worker, up to `most`."""
    waiting = select(Job.id).where(Job.state == JobState.QUEUED).limit(most).subquery()
    return session.exec(select(func.count()).select_from(waiting)).one()


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
