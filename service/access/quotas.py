"""How much a tenant may have; checked in the transaction that adds to it."""

from __future__ import annotations

import zlib
from datetime import timedelta

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, select

from lodeplan.schemas.jobs import JobState
from lodeplan.service.http.problems import ApiError
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, now

_QUOTA_LOCK = 5_627_102


def check_quotas(session: Session, tenant: str, settings: Settings) -> None:
    """Raise `ApiError` (429) if what was just added, and not yet committed, is too much."""
    if not (settings.tenant_max_queued or settings.tenant_jobs_per_day or settings.tenant_max_results):
        return
    _take_turn(session, tenant)
    queued = col(Job.state) == JobState.QUEUED
    if settings.tenant_max_queued and _count(session, tenant, queued) > settings.tenant_max_queued:
        raise _too_many(f"{settings.tenant_max_queued} jobs may wait at once. Wait until some have started.", 10)
    today = col(Job.created_at) > now() - timedelta(days=1)
    if settings.tenant_jobs_per_day and _count(session, tenant, today) > settings.tenant_jobs_per_day:
        raise _too_many(f"{settings.tenant_jobs_per_day} jobs may be submitted in 24 hours.", 3600)
    stored = col(Job.result_sha256).is_not(None)
    if settings.tenant_max_results and _count(session, tenant, stored) >= settings.tenant_max_results:
        raise _too_many(f"{settings.tenant_max_results} results may be kept. Delete some jobs that have ended.", 60)


def _take_turn(session: Session, tenant: str) -> None:
    """Have others of the tenant wait until this transaction has ended, or each would count without the other's.

    SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sqlalchemy.select(func.pg_advisory_xact_lock(_QUOTA_LOCK, zlib.crc32(tenant.encode()) - 2**31)))


def _count(session: Session, tenant: str, which: sqlalchemy.ColumnElement[bool]) -> int:
    # A batch is no work of its own.
    wanted = select(func.count()).select_from(Job).where(Job.tenant == tenant, Job.kind != "batch", which)
    return session.exec(wanted).one()


def _too_many(detail: str, retry_after_s: int) -> ApiError:
    return ApiError(429, "quota-reached", detail, headers={"retry-after": str(retry_after_s)})
