"""Dead letters of the caller's tenant: jobs that failed for their machines, and sending them again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from lodeplan.schemas.jobs import JobView
from lodeplan.schemas.queue import DeadLetterPage, Resent
from lodeplan.service import storage
from lodeplan.service.access import audit
from lodeplan.service.access.quotas import check_queue, count_jobs
from lodeplan.service.api.dependencies import CallerOf, CursorOf, EngineOf, JobIdOf, SessionOf, SettingsOf, TenantOf
from lodeplan.service.api.routers.jobs import find_job
from lodeplan.service.engine import JobEngine
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import API, job_path, job_view, job_views, json_text
from lodeplan.service.jobs.queue import resend
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, JobFilter

router = APIRouter(prefix="/dead-letters", tags=["jobs"])

_DEAD = JobFilter(everywhere=True, dead=True)
_RESENT_AT_ONCE = 100


@router.get("", response_model=DeadLetterPage)
def list_dead_letters(
    session: SessionOf,
    tenant: TenantOf,
    cursor: CursorOf = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """List jobs that failed because workers or their machines did, and were not sent again, newest first, those of
    batches included; follow `next` for older ones."""
    found = storage.list_jobs(session, tenant, limit + 1, cursor, _DEAD)
    more = f"{API}/dead-letters?limit={limit}&cursor={found[limit - 1].id}" if len(found) > limit else None
    page = DeadLetterPage.model_construct(jobs=job_views(session, found[:limit]), next=more)
    return Response(json_text(page), media_type="application/json")


@router.post("/{job_id}:resend", status_code=202, response_model_exclude_none=True)
def resend_dead_letter(
    response: Response, session: SessionOf, engine: EngineOf, settings: SettingsOf, caller: CallerOf, job_id: JobIdOf
) -> JobView:
    """Send a dead letter again, as a new job with the same scenario and options."""
    check_queue(session, 1, settings)
    fresh = _resend(session, engine, settings, find_job(session, caller.tenant, job_id), caller.actor)
    if fresh is None:
        raise ApiError(409, "not-dead", "The job did not fail for its machines, or was sent again already.")
    view = job_view(session, fresh)
    session.commit()
    response.headers["location"] = job_path(view.id)
    return view


@router.post(":resend", status_code=202, response_model_exclude_none=True)
def resend_all(session: SessionOf, engine: EngineOf, settings: SettingsOf, caller: CallerOf) -> Resent:
    """Send the latest dead letters again, up to 100, all in one transaction."""
    found = storage.list_jobs(session, caller.tenant, _RESENT_AT_ONCE + 1, wanted=_DEAD)
    check_queue(session, len(found[:_RESENT_AT_ONCE]), settings)
    fresh = [
        job
        for dead in found[:_RESENT_AT_ONCE]
        if (job := _resend(session, engine, settings, dead, caller.actor)) is not None
    ]
    views = job_views(session, fresh)
    session.commit()
    return Resent(jobs=views, left=len(found) > _RESENT_AT_ONCE)


def _resend(session: Session, engine: JobEngine, settings: Settings, dead: Job, by: str) -> Job | None:
    """Send one again within the quotas of its tenant; raises `ApiError` (429)."""
    fresh = resend(session, engine, dead, by)
    if fresh:
        count_jobs(session, dead.tenant, 1, settings)
        audit.record(session, "job.resend", dead.id, f"as {fresh.id}")
    return fresh
