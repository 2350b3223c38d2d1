"""Quotas of a tenant, checked in the transaction that adds something."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from lodeplan.service.http.errors import ApiError
from lodeplan.service.settings import Settings
from lodeplan.service.storage import now
from lodeplan.service.storage.quotas import count_results, count_submitted, count_waiting, take_turn_at_quotas


def check_quotas(session: Session, tenant: str, settings: Settings) -> None:
    """Raise `ApiError` (429) if the rows just added, and not yet committed, exceed a quota."""
    if not (settings.tenant_max_queued or settings.tenant_jobs_per_day or settings.tenant_max_results):
        return
    take_turn_at_quotas(session, tenant)
    if settings.tenant_max_queued and count_waiting(session, tenant) > settings.tenant_max_queued:
        raise _too_many(
            f"At most {settings.tenant_max_queued} jobs may be queued at a time. Wait until some have started.", 10
        )
    yesterday = now() - timedelta(days=1)
    if settings.tenant_jobs_per_day and count_submitted(session, tenant, yesterday) > settings.tenant_jobs_per_day:
        raise _too_many(f"At most {settings.tenant_jobs_per_day} jobs may be submitted in 24 hours.", 3600)
    if settings.tenant_max_results and count_results(session, tenant) >= settings.tenant_max_results:
        raise _too_many(
            f"At most {settings.tenant_max_results} results may be kept. Delete some jobs that have ended.", 60
        )


def _too_many(detail: str, retry_after_s: int) -> ApiError:
    return ApiError(429, "quota-reached", detail, headers={"retry-after": str(retry_after_s)})
