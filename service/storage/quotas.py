"""Counts of a tenant's jobs and results."""

from __future__ import annotations

import zlib
from datetime import datetime

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, select

from lodeplan.schemas.jobs import JobState
from lodeplan.service.kinds import KINDS
from lodeplan.service.storage.tables import Job

_QUOTA_LOCK = 5_627_102


def take_turn_at_quotas(session: Session, tenant: str) -> None:
    """Make other transactions of the tenant wait until this one has ended; otherwise each would count without the
    other's rows. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sqlalchemy.select(func.pg_advisory_xact_lock(_QUOTA_LOCK, zlib.crc32(tenant.encode()) - 2**31)))


def count_waiting(session: Session, tenant: str) -> int:
    """Jobs of the tenant that wait for a worker."""
    return _count(session, tenant, col(Job.state) == JobState.QUEUED)


def count_submitted(session: Session, tenant: str, since: datetime) -> int:
    """Jobs of the tenant submitted since then."""
    return _count(session, tenant, col(Job.created_at) > since)


def count_results(session: Session, tenant: str) -> int:
    """Results of the tenant that are kept."""
    return _count(session, tenant, col(Job.result_sha256).is_not(None))


def _count(session: Session, tenant: str, which: sqlalchemy.ColumnElement[bool]) -> int:
    # What is made of other jobs is no work of its own.
    no_work = [kind.name for kind in KINDS.values() if kind.has_members]
    wanted = select(func.count()).select_from(Job).where(Job.tenant == tenant, col(Job.kind).not_in(no_work), which)
    return session.exec(wanted).one()
