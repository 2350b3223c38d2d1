"""Jobs: submit, watch, stop, cancel, delete."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

import sqlalchemy
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from sqlmodel import Session

import scenarios
from scenarios.catalogue import find_shipped
from schemas import InvalidInput, Scenario
from schemas.jobs import JobPage, JobRequest, JobState, JobView, Problem, Validation
from service import jobs, storage
from service.bodies import read_job_request
from service.dependencies import CursorOf, DatabaseOf, EngineOf, JobIdOf, SessionOf, TenantOf
from service.engine import Attempt, JobEngine
from service.jobs import Submission
from service.problems import MEDIA_TYPE, ApiError, invalid_input, no_such_job
from service.storage import Job
from service.views import API, is_known, job_path, job_view, json_text, tag_of, tagged

LOOK_EVERY_S = 0.25

_REQUEST_BODY = {
    "required": True,
    "content": {
        media_type: {"schema": JobRequest.model_json_schema(ref_template="#/components/schemas/{model}")}
        for media_type in ("application/json", "application/yaml")
    },
}

PROBLEM: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {}}}
}

router = APIRouter(tags=["jobs"], responses=PROBLEM)


@router.post("/jobs", status_code=202, response_model_exclude_none=True, openapi_extra={"requestBody": _REQUEST_BODY})
async def submit_job(
    request: Request,
    response: Response,
    database: DatabaseOf,
    engine: EngineOf,
    tenant: TenantOf,
    validate_only: bool = False,
) -> JobView | Validation:
    """Check a request, and queue it as a job; with `validate_only` check it and do no more (200).

    The body is JSON or YAML, by its media type. What is wrong with the scenario comes back as one problem (422)
    with all errors.
    """
    wanted = await read_job_request(request)
    scenario = await asyncio.to_thread(_load, wanted)
    if validate_only:
        response.status_code = 200
        return Validation(scenario=scenario.name, scenario_hash=scenario.content_hash())
    view = await asyncio.to_thread(_submit, database, engine, Submission(scenario, wanted.options, tenant))
    response.headers["location"] = job_path(view.id)
    response.headers["retry-after"] = "1"
    return view


@router.get("/jobs", response_model_exclude_none=True)
def list_jobs(
    session: SessionOf, tenant: TenantOf, cursor: CursorOf, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> JobPage:
    """List jobs, newest first; follow `next` for older ones."""
    found = storage.list_jobs(session, tenant, limit + 1, before=cursor)
    page = found[:limit]
    more = f"{API}/jobs?limit={limit}&cursor={page[-1].id}" if len(found) > limit else None
    return JobPage(jobs=[job_view(job) for job in page], next=more)


@router.get("/jobs/{job_id}", response_model=JobView)
async def show_job(
    request: Request,
    database: DatabaseOf,
    tenant: TenantOf,
    job_id: JobIdOf,
    wait: Annotated[float, Query(ge=0, le=60)] = 0,
) -> Response:
    """Show a job.

    `wait` holds the answer back, at most that many seconds, until the job has ended or, with `If-None-Match`,
    until it differs from what the client holds.
    """
    until = time.monotonic() + wait
    while True:
        view = await asyncio.to_thread(_read_view, database, tenant, job_id)
        text = json_text(view)
        tag = tag_of(text)
        changed = "if-none-match" in request.headers and not is_known(request, tag)
        left_s = until - time.monotonic()
        if view.state.ended or changed or left_s <= 0 or await request.is_disconnected():
            return tagged(request, text, "application/json", tag)
        await asyncio.sleep(min(LOOK_EVERY_S, left_s))


@router.get("/jobs/{job_id}/log", response_class=PlainTextResponse)
def show_log(session: SessionOf, tenant: TenantOf, job_id: JobIdOf) -> str:
    """Show what happened to a job, one line an event."""
    events = storage.read_events(session, find_job(session, tenant, job_id))
    return "".join(f"{event.at:%Y-%m-%dT%H:%M:%SZ} {event.text}\n" for event in events)


@router.post("/jobs/{job_id}:stop", status_code=202, response_model_exclude_none=True)
def stop_job(session: SessionOf, engine: EngineOf, tenant: TenantOf, job_id: JobIdOf) -> JobView:
    """Have a job end with the best plan it holds; a queued one is cancelled."""
    job = find_job(session, tenant, job_id)
    return _asked(session, engine, job, jobs.request_stop(session, job_id))


@router.post("/jobs/{job_id}:cancel", status_code=202, response_model_exclude_none=True)
def cancel_job(session: SessionOf, engine: EngineOf, tenant: TenantOf, job_id: JobIdOf) -> JobView:
    """Have a job end without a plan."""
    job = find_job(session, tenant, job_id)
    return _asked(session, engine, job, jobs.request_cancel(session, job_id))


@router.delete("/jobs/{job_id}", status_code=204)
def delete_job(session: SessionOf, engine: EngineOf, tenant: TenantOf, job_id: JobIdOf) -> None:
    """Delete a job that has ended, and its result."""
    job = find_job(session, tenant, job_id)
    if not job.state.ended:
        detail = f"The job is {job.state}. Cancel it first, and wait for its end."
        raise ApiError(409, "job-not-ended", detail)
    storage.delete_job(session, job)
    session.commit()
    engine.forget([Attempt(job_id, number) for number in range(1, job.attempt + 1)])


def find_job(session: Session, tenant: str, job_id: str) -> Job:
    """The tenant's job of this id; raises `ApiError` (404), also for a job of somebody else."""
    job = storage.get_job(session, tenant, job_id)
    if job is None:
        raise no_such_job(job_id)
    return job


def _load(wanted: JobRequest) -> Scenario:
    try:
        # Never a path: a client may read no file of this machine.
        source = find_shipped(wanted.scenario) if isinstance(wanted.scenario, str) else wanted.scenario
        return scenarios.load(source, wanted.patches)
    except InvalidInput as error:
        raise invalid_input(error, "/scenario") from None


def _submit(database: sqlalchemy.Engine, engine: JobEngine, submission: Submission) -> JobView:
    with storage.open_session(database) as session:
        job = jobs.submit(session, engine, submission)
        session.commit()
        return job_view(job)


def _read_view(database: sqlalchemy.Engine, tenant: str, job_id: str) -> JobView:
    with storage.open_session(database) as session:
        return job_view(find_job(session, tenant, job_id))


def _asked(session: Session, engine: JobEngine, job: Job, accepted: bool) -> JobView:
    session.commit()
    session.refresh(job)
    if not accepted:
        raise ApiError(409, "job-ended", f"The job is {job.state}: nothing is left to end.")
    if job.state is JobState.CANCELLED:
        # It never ran; a worker would draw it from the queue for nothing.
        engine.forget([Attempt(job.id, job.attempt)])
    return job_view(job)
