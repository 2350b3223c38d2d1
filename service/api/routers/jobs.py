"""Jobs: submit, watch, stop, cancel, delete."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Annotated
from urllib.parse import urlencode

import sqlalchemy
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from sqlmodel import Session

from lodeplan.schemas.jobs import JobPage, JobState, JobView
from lodeplan.schemas.validation import Validation
from lodeplan.service import storage
from lodeplan.service.access import audit
from lodeplan.service.access.refusals import not_authenticated
from lodeplan.service.api.dependencies import (
    EVERYWHERE,
    AccessOf,
    CursorOf,
    DatabaseOf,
    EngineOf,
    FilterOf,
    IntakeOf,
    JobIdOf,
    KeyOf,
    SessionOf,
    TenantOf,
    get_intake,
)
from lodeplan.service.api.idempotency import keyed
from lodeplan.service.api.leaving import ClientGone
from lodeplan.service.api.openapi import body_of
from lodeplan.service.api.query_parameters import body_checked_by
from lodeplan.service.api.waiting import wait_for_change
from lodeplan.service.checking.checks import validate
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.http.errors import ApiError, no_such_job
from lodeplan.service.http.views import API, is_known, job_path, job_view, job_views, json_text, tagged
from lodeplan.service.jobs import batches
from lodeplan.service.kinds import KINDS, kind_named
from lodeplan.service.packing import tag_of
from lodeplan.service.storage import Job, JobFilter
from lodeplan.service.telemetry.requests import CANCELLED

router = APIRouter(tags=["jobs"])

_EVENTS_AT_ONCE = 500
_ACTIONS = {JobState.STOPPING: "job.stop", JobState.CANCELLING: "job.cancel"}


@router.post(
    "/jobs",
    status_code=202,
    response_model=JobView,
    responses={200: {"model": Validation, "description": "The request is valid (only with `validate_only`)."}},
    openapi_extra=body_of(*[kind.request for kind in KINDS.values()]),
)
@body_checked_by(lambda request: get_intake(request).errors_in(request, validate))
async def submit_job(
    request: Request,
    intake: IntakeOf,
    tenant: TenantOf,
    key: KeyOf,
    validate_only: Annotated[bool, Query(description="Check the request without creating a job.")] = False,
) -> Response:
    """Check a request and queue it as a job or a batch of jobs; with `validate_only` only check it (200). The body is
    JSON or YAML, according to its media type. All errors in the scenario come back in one problem (422). A request that
    is sent again with the same Idempotency-Key gets the first answer again.
    """
    try:
        if validate_only:
            return Response(await intake.validate(request, tenant), media_type="application/json")
        once = await keyed(request, tenant, key)
        text = await intake.known_answer(once)
        if text is None:
            text = await intake.submit(await intake.prepare(request, tenant), once)
    except ClientGone:
        return Response(status_code=CANCELLED)
    headers = {"location": job_path(json.loads(text)["id"]), "retry-after": "1"}
    return Response(text, 202, headers, "application/json")


@router.get("/jobs", response_model=JobPage)
def list_jobs(
    session: SessionOf,
    tenant: TenantOf,
    wanted: FilterOf,
    cursor: CursorOf = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """List jobs, newest first; follow `next` for older ones. The jobs of a batch are listed with its id as `parent`.
    Several filters narrow the list together."""
    found = storage.list_jobs(session, tenant, limit + 1, cursor, wanted)
    more = _next_page(wanted, limit, found[limit - 1]) if len(found) > limit else None
    page = JobPage.model_construct(jobs=job_views(session, found[:limit]), next=more)
    return Response(json_text(page), media_type="application/json")


@router.get("/jobs/{job_id}", response_model=JobView)
async def show_job(
    request: Request,
    database: DatabaseOf,
    access: AccessOf,
    tenant: TenantOf,
    job_id: JobIdOf,
    wait: Annotated[float, Query(ge=0, le=60)] = 0,
) -> Response:
    """Show a job.

    `wait` holds the answer back, at most that many seconds, until the job has ended or, with `If-None-Match`,
    until it differs from what the client holds.
    """
    until = time.monotonic() + wait
    with access.streams.opened(tenant) if wait else nullcontext():
        while True:
            view, last_event = await asyncio.to_thread(_read_view, database, tenant, job_id)
            text = json_text(view)
            tag = tag_of(text)
            changed = "if-none-match" in request.headers and not is_known(request, tag)
            left_s = until - time.monotonic()
            if view.state.ended or changed or left_s <= 0 or await request.is_disconnected():
                return tagged(request, text, "application/json", tag)
            if not await wait_for_change(request, job_id, last_event, left_s):
                raise not_authenticated("The key was revoked or has expired.")


@router.get("/jobs/{job_id}/log", response_class=PlainTextResponse)
def show_log(database: DatabaseOf, tenant: TenantOf, job_id: JobIdOf) -> str:
    """Show the log of a job, one line per event."""
    with storage.open_session(database) as session:
        job = find_job(session, tenant, job_id)
    return "".join(_log_lines(database, job))


def _log_lines(database: sqlalchemy.Engine, job: Job) -> Iterator[str]:
    """Yield the log in portions: the rows of a long one would take far more memory than its text."""
    after = 0
    while True:
        with storage.open_session(database) as session:
            events = storage.read_events(session, job, after, _EVENTS_AT_ONCE)
        if not events:
            return
        after = events[-1].number
        yield "".join(f"{event.at:%Y-%m-%dT%H:%M:%SZ} {event.text}\n" for event in events)


@router.post("/jobs/{job_id}:stop", status_code=202, response_model_exclude_none=True)
def stop_job(session: SessionOf, engine: EngineOf, tenant: TenantOf, job_id: JobIdOf) -> JobView:
    """Stop a job; it ends with the best plan found so far. A queued job is cancelled. For a batch this applies to all
    its jobs."""
    return _ask(session, engine, find_job(session, tenant, job_id), JobState.STOPPING)


@router.post("/jobs/{job_id}:cancel", status_code=202, response_model_exclude_none=True)
def cancel_job(session: SessionOf, engine: EngineOf, tenant: TenantOf, job_id: JobIdOf) -> JobView:
    """Cancel a job; it ends without a plan. For a batch this applies to all its jobs."""
    return _ask(session, engine, find_job(session, tenant, job_id), JobState.CANCELLING)


@router.delete("/jobs/{job_id}", status_code=204)
def delete_job(session: SessionOf, engine: EngineOf, tenant: TenantOf, job_id: JobIdOf) -> None:
    """Delete a job that has ended and its result; for a batch also its jobs."""
    job = find_job(session, tenant, job_id)
    if job.parent_id:
        raise ApiError(
            409, "part-of-batch", f"The job is part of the batch {job.parent_id}. Only the whole batch can be deleted."
        )
    if not job.state.ended:
        detail = f"The job is {job.state}. Cancel it first and wait until it has ended."
        raise ApiError(409, "job-not-ended", detail)
    attempts = storage.attempts_of(session, job)
    storage.delete_job(session, job)
    audit.record(session, "job.delete", job_id)
    session.commit()
    engine.forget([Attempt(member, number) for member, last in attempts for number in range(1, last + 1)])


def find_job(session: Session, tenant: str, job_id: str) -> Job:
    """Return the tenant's job of this id; raises `ApiError` (404), also for a job of another tenant."""
    job = storage.get_job(session, tenant, job_id)
    if job is None:
        raise no_such_job(job_id)
    return job


def _next_page(wanted: JobFilter, limit: int, last: Job) -> str:
    asked = {
        "parent": EVERYWHERE if wanted.everywhere else wanted.parent_id,
        "state": wanted.state,
        "scenario": wanted.scenario,
        "label": wanted.label,
        "hash": wanted.hash_begins,
        "kind": wanted.kind,
        "schedule": wanted.schedule_id,
    }
    query = {name: value for name, value in asked.items() if value is not None}
    return f"{API}/jobs?{urlencode({**query, 'limit': limit, 'cursor': last.id})}"


def _read_view(database: sqlalchemy.Engine, tenant: str, job_id: str) -> tuple[JobView, int]:
    with storage.open_session(database) as session:
        job = find_job(session, tenant, job_id)
        return job_view(session, job), job.last_event


def _ask(session: Session, engine: JobEngine, job: Job, wish: JobState) -> JobView:
    """Ask a job to end; raises `ApiError` (409) if it has ended already."""
    accepted, unstarted = batches.ask(session, job, wish)
    if accepted:
        audit.record(session, _ACTIONS[wish], job.id)
    tenant, job_id = job.tenant, job.id
    session.commit()
    session.expire(job)
    # Somebody else may have deleted it by now.
    job = find_job(session, tenant, job_id)
    if not accepted:
        raise ApiError(409, "job-ended", f"The job has already ended; its state is {job.state}.")
    if not kind_named(job.kind).has_members and job.state is JobState.CANCELLED:
        unstarted = [Attempt(job.id, job.attempt)]
    if unstarted:
        # They never ran; a worker would draw them from the queue for nothing.
        engine.forget(unstarted)
    return job_view(session, job)
