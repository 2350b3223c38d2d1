"""Scenarios of jobs, where they come from, and solving them again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import cache
from typing import Annotated, Any

import sqlalchemy
from fastapi import APIRouter, Request, Response
from pydantic import Field, create_model

from lodeplan.schemas import Scenario
from lodeplan.schemas.jobs import MAX_PRIORITY, JobView, RerunRequest
from lodeplan.schemas.origin import JobChanges
from lodeplan.service import storage
from lodeplan.service.api.bodies import errors_in, read_body
from lodeplan.service.api.dependencies import DatabaseOf, IntakeOf, JobIdOf, KeyOf, SessionOf, TenantOf
from lodeplan.service.api.idempotency import keyed
from lodeplan.service.api.intake import Intake
from lodeplan.service.api.leaving import ClientGone
from lodeplan.service.api.openapi import body_of
from lodeplan.service.api.query_parameters import body_checked_by
from lodeplan.service.api.routers.jobs import find_job
from lodeplan.service.api.streaming import not_modified, stored_json
from lodeplan.service.checking.checks import Ask
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import API, job_path, json_text, tagged
from lodeplan.service.jobs.again import Stored
from lodeplan.service.jobs.prepared import BatchSubmission, PreparedSubmission, Sender
from lodeplan.service.kinds import kind_named
from lodeplan.service.packing import tag_of
from lodeplan.service.storage import Job
from lodeplan.service.telemetry.requests import CANCELLED

router = APIRouter(tags=["jobs"])


@router.get("/jobs/{job_id}/scenario", response_model=Scenario)
def show_job_scenario(request: Request, session: SessionOf, tenant: TenantOf, job_id: JobIdOf) -> Response:
    """Return the scenario of a job as it is solved: whole, with its patches applied."""
    job = find_job(session, tenant, job_id)
    stored_gzip = storage.get_scenario(session, job)
    if stored_gzip is None:
        raise _no_scenario(job)
    tag = tag_of(f"{job.id} scenario")  # It never changes.
    return not_modified(request, tag) or stored_json(request, stored_gzip, tag)


@router.get("/jobs/{job_id}/changes", response_model=JobChanges)
def show_changes(request: Request, session: SessionOf, tenant: TenantOf, job_id: JobIdOf) -> Response:
    """Return what differs between the scenario of a job and what it is based on, value by value, and the patches that
    did it. The base is the shipped scenario of the request, as it was then, or else the scenario in the request."""
    text = json_text(Stored.of(session, find_job(session, tenant, job_id)).changes())
    return tagged(request, text, "application/json", tag_of(text))


@router.post(
    "/jobs/{job_id}:rerun", status_code=202, response_model=JobView, openapi_extra=body_of(RerunRequest, required=False)
)
@body_checked_by(errors_in(RerunRequest))
async def rerun_job(
    request: Request, database: DatabaseOf, intake: IntakeOf, tenant: TenantOf, job_id: JobIdOf, key: KeyOf
) -> Response:
    """Solve the scenario of a job again, as a new job, also with other options. The body may be left out. With `newest`
    the patches are applied to the base as it is shipped today; otherwise the stored scenario is solved."""
    stored = await asyncio.to_thread(_read, database, tenant, job_id)
    if stored.scenario_gzip is None:
        raise _no_scenario(stored.job)
    most = intake.settings.tenant_max_priority
    wanted = await _read_wanted(request, _model(stored.job.kind, most))
    if wanted.priority is None:
        wanted = wanted.model_copy(update={"priority": min(stored.job.priority, most)})
    try:
        once = await keyed(request, tenant, key)
        text = await intake.known_answer(once)
        if text is None:
            text = await intake.submit(await _submission(request, intake, stored, wanted), once)
    except ClientGone:
        return Response(status_code=CANCELLED)
    headers = {"location": job_path(json.loads(text)["id"]), "retry-after": "1"}
    return Response(text, 202, headers, "application/json")


async def _submission(
    request: Request, intake: Intake, stored: Stored, wanted: RerunRequest
) -> PreparedSubmission | BatchSubmission:
    """Prepare the new job; raises `ApiError`."""
    if not wanted.newest:
        return await asyncio.to_thread(stored.again, wanted)
    if stored.asked is None:
        detail = "The job has no shipped base that could be newer. Leave out `newest` to solve its stored scenario."
        raise ApiError(409, "no-base", detail)
    job = stored.job
    body = {
        "kind": job.kind,
        "scenario": stored.asked,
        "patches": [patch.model_dump(mode="json") for patch in stored.patches],
        "options": stored.options_with(wanted.options),
        "reuse": wanted.reuse,
        "priority": wanted.priority,
    }
    label = job.label if wanted.label is None else wanted.label
    ask = Ask(json.dumps(body | ({"label": label} if label else {})).encode(), "json", job.tenant)
    return replace(await intake.prepare_ask(request, ask), sender=Sender(rerun_of=job.id))


def _read(database: sqlalchemy.Engine, tenant: str, job_id: str) -> Stored:
    with storage.open_session(database) as session:
        return Stored.of(session, find_job(session, tenant, job_id))


async def _read_wanted(request: Request, model: type[RerunRequest]) -> RerunRequest:
    """Read the body, if there is one; raises `ApiError` with all its errors."""
    return await read_body(request, model) if await request.body() else model()


@cache
def _model(kind: str, max_priority: int) -> type[RerunRequest]:
    """The model of the body for a kind of job, with the options of that kind and the priorities that may be asked."""
    options: Any = kind_named(kind).options
    priority: Any = Annotated[int, Field(ge=-MAX_PRIORITY, le=max_priority)] | None
    return create_model("RerunRequest", __base__=RerunRequest, options=(options, options()), priority=(priority, None))


def _no_scenario(job: Job) -> ApiError:
    detail = f"The job is a batch. Its jobs have scenarios: {API}/jobs?parent={job.id} lists them."
    return ApiError(404, "no-scenario", detail)
