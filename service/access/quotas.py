"""Quotas of a tenant, checked in the transaction that adds something."""

from __future__ import annotations

from sqlmodel import Session

from lodeplan.service.http.errors import ApiError
from lodeplan.service.settings import Settings
from lodeplan.service.storage import quotas
from lodeplan.service.storage.overview import count_queued
from lodeplan.service.storage.schedules import count_schedules

_LATER_S = 3600
QUEUE_FULL_RETRY_S = 30


def check_queue(session: Session, jobs: int, settings: Settings) -> None:
    """Raise `ApiError` (503) if with so many more jobs more would wait than may."""
    if settings.max_queued and count_queued(session, settings.max_queued) + jobs > settings.max_queued:
        raise queue_full(settings)


def queue_full(settings: Settings) -> ApiError:
    """503: as many jobs wait for a worker as may."""
    detail = f"The queue is full: at most {settings.max_queued} jobs may wait for a worker (LODEPLAN_MAX_QUEUED)."
    return ApiError(503, "queue-full", detail, headers={"retry-after": str(QUEUE_FULL_RETRY_S)})


def count_jobs(session: Session, tenant: str, jobs: int, settings: Settings) -> None:
    """Count the jobs whose rows were just added, and not yet committed, as used by the tenant; raises `ApiError` (429)
    if they exceed a quota."""
    if _has_quota(settings):
        quotas.take_turn_at_quotas(session, tenant)
    quotas.add_usage(session, tenant, jobs=jobs)
    _check_use(session, tenant, settings)
    _check_holdings(session, tenant, settings)


def check_schedules(session: Session, tenant: str, settings: Settings) -> None:
    """Raise `ApiError` if the tenant has too many schedules (409) or keeps too much (429), with one whose row was just
    added and not yet committed."""
    quotas.take_turn_at_quotas(session, tenant)
    most = settings.tenant_max_schedules
    if count_schedules(session, tenant) > most:
        raise ApiError(409, "too-many-schedules", f"A tenant may have at most {most} schedules. Delete one first.")
    _check_holdings(session, tenant, settings)


def _has_quota(settings: Settings) -> bool:
    return bool(
        settings.tenant_max_queued
        or settings.tenant_jobs_per_day
        or settings.tenant_cpu_s_per_day
        or settings.tenant_max_results
        or settings.tenant_max_stored_mb
    )


def _check_use(session: Session, tenant: str, settings: Settings) -> None:
    """Raise if the tenant used too much within a day."""
    most_jobs, most_cpu_s = settings.tenant_jobs_per_day, settings.tenant_cpu_s_per_day
    if not (most_jobs or most_cpu_s):
        return
    jobs, cpu_s = quotas.used_in_a_day(session, tenant)
    if most_jobs and jobs > most_jobs:
        raise _too_many(
            f"At most {most_jobs} jobs may be submitted in 24 hours. Jobs that were deleted count too.", _LATER_S
        )
    if most_cpu_s and cpu_s >= most_cpu_s:
        raise _too_many(
            f"At most {most_cpu_s:g} s of processor time may be used in 24 hours, and {cpu_s:.0f} s were used. Try "
            "again in some hours.",
            _LATER_S,
        )


def _check_holdings(session: Session, tenant: str, settings: Settings) -> None:
    """Raise if the tenant keeps too much."""
    if settings.tenant_max_queued and quotas.count_waiting(session, tenant) > settings.tenant_max_queued:
        raise _too_many(
            f"At most {settings.tenant_max_queued} jobs may be queued at a time. Wait until some have started.", 10
        )
    if settings.tenant_max_results and quotas.count_results(session, tenant) > settings.tenant_max_results:
        raise _too_many(
            f"At most {settings.tenant_max_results} results may be kept, and a job that has not ended counts as one. "
            "Delete some jobs that have ended.",
            60,
        )
    most_mb = settings.tenant_max_stored_mb
    if most_mb and quotas.stored_bytes(session, tenant) > most_mb * 1e6:
        raise _too_many(
            f"At most {most_mb:g} MB of scenarios and results may be kept. Delete some jobs that have ended.", 60
        )


def _too_many(detail: str, retry_after_s: int) -> ApiError:
    return ApiError(429, "quota-reached", detail, headers={"retry-after": str(retry_after_s)})
