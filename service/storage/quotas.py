"""Use and holdings of a tenant, for its quotas."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import func
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from lodeplan.schemas.jobs import JobState
from lodeplan.service.kinds import KINDS
from lodeplan.service.storage.batches import OPEN
from lodeplan.service.storage.clock import now
from lodeplan.service.storage.tables import Job, JobInput, JobOrigin, JobResult, Schedule, Usage

_QUOTA_LOCK = 5_627_102


def take_turn_at_quotas(session: Session, tenant: str) -> None:
    """Make other transactions of the tenant wait until this one has ended; otherwise each would count without the
    other's rows. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sqlalchemy.select(func.pg_advisory_xact_lock(_QUOTA_LOCK, zlib.crc32(tenant.encode()) - 2**31)))


def add_usage(session: Session, tenant: str, *, jobs: int = 0, cpu_s: float = 0.0) -> None:
    """Add to what the tenant used in this hour. The row stays locked until the transaction ends: do it last."""
    insert: Any = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(Usage).values(tenant=tenant, hour=_hour_of(now()), jobs=jobs, cpu_s=cpu_s)
    more = {"jobs": col(Usage.jobs) + row.excluded.jobs, "cpu_s": col(Usage.cpu_s) + row.excluded.cpu_s}
    session.execute(row.on_conflict_do_update(index_elements=["tenant", "hour"], set_=more))


def used_in_a_day(session: Session, tenant: str) -> tuple[int, float]:
    """Jobs that the tenant submitted in the last 24 hours, and the processor time of its attempts that ended, seconds.
    The hour in which the 24 began counts in full, so that no 24 hours hold more than a quota."""
    totals = select(func.coalesce(func.sum(Usage.jobs), 0), func.coalesce(func.sum(Usage.cpu_s), 0.0))
    since = _hour_of(now() - timedelta(days=1))
    jobs, cpu_s = session.exec(totals.where(Usage.tenant == tenant, col(Usage.hour) >= since)).one()
    return int(jobs), float(cpu_s)


def count_waiting(session: Session, tenant: str) -> int:
    """Jobs of the tenant that wait for a worker."""
    return _count(session, tenant, col(Job.state) == JobState.QUEUED)


def count_results(session: Session, tenant: str) -> int:
    """Results of the tenant that are kept, and jobs that may still have one."""
    return _count(session, tenant, sqlalchemy.or_(col(Job.result_sha256).is_not(None), col(Job.state).in_(OPEN)))


def stored_bytes(session: Session, tenant: str) -> int:
    """Size of the scenarios and results that the tenant keeps, and of the requests of its schedules, as they are
    stored."""
    kept = select(func.coalesce(func.sum(func.length(Schedule.request_gzip)), 0))
    held: int = session.exec(kept.where(Schedule.tenant == tenant)).one()
    for row, document in (
        (JobInput.job_id, JobInput.scenario_gzip),
        (JobOrigin.job_id, JobOrigin.origin_gzip),
        (JobResult.job_id, JobResult.document_gzip),
    ):
        sizes = select(func.coalesce(func.sum(func.length(document)), 0)).join(Job, col(Job.id) == row)
        held += session.exec(sizes.where(Job.tenant == tenant)).one()
    return held


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _count(session: Session, tenant: str, which: sqlalchemy.ColumnElement[bool]) -> int:
    # What is made of other jobs is no work of its own.
    no_work = [kind.name for kind in KINDS.values() if kind.has_members]
    wanted = select(func.count()).select_from(Job).where(Job.tenant == tenant, col(Job.kind).not_in(no_work), which)
    return session.exec(wanted).one()
