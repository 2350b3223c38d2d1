"""Events of a job as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import sqlalchemy
from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from lodeplan.schemas.jobs import EventData, ProblemError
from lodeplan.service import storage
from lodeplan.service.api.dependencies import AccessOf, DatabaseOf, JobIdOf, TenantOf
from lodeplan.service.api.routers.jobs import find_job
from lodeplan.service.api.waiting import wait_for_change
from lodeplan.service.http.errors import ApiError
from lodeplan.service.storage import Job, JobEvent

router = APIRouter(tags=["jobs"])

LOOK_AGAIN_S = 60.0
"""Time to wait for a change before reading the job anyway."""
EVENTS_AT_ONCE = 200
"""Most events read from the database at a time."""
_HIGHEST = 2**31 - 1


async def get_last_event(
    last: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            description="Number of the last event received; the events after it are sent.",
            json_schema_extra={"pattern": "^[0-9]{0,10}$"},
        ),
    ] = None,
) -> int:
    """Read the number of the last event that a client has; raises `ApiError` (422)."""
    if not last:
        return 0
    if last.isascii() and last.isdigit() and len(last) <= 10:
        return min(int(last), _HIGHEST)
    detail = "Last-Event-ID must be the `id` of an event of this job."
    error = ProblemError(pointer="/header/last-event-id", code="bad_event_id", detail=detail, value=last)
    raise ApiError(422, "invalid-request", "A header of the request is not valid.", [error])


async def get_known_job(database: DatabaseOf, tenant: TenantOf, job_id: JobIdOf) -> str:
    """The id of a job that exists, found before the stream starts; raises `ApiError` (404)."""
    await asyncio.to_thread(_read, database, (tenant, job_id), _HIGHEST)
    return job_id


async def count_stream(access: AccessOf, tenant: TenantOf) -> AsyncIterator[None]:
    """Count the stream until it has ended; raises `ApiError` (429)."""
    with access.streams.opened(tenant):
        yield


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses={200: {"description": "Events `state`, `progress` and `note` until the job has ended."}},
)
async def stream_events(
    request: Request,
    database: DatabaseOf,
    tenant: TenantOf,
    job_id: Annotated[str, Depends(get_known_job)],
    after: Annotated[int, Depends(get_last_event)],
    _counted: Annotated[None, Depends(count_stream)],
) -> AsyncIterator[ServerSentEvent]:
    """Send the events of a job as server-sent events, from the first or after `Last-Event-ID`, until the job ends.

    The `id` of an event is its number within the job. Events are `state` (a new state), `progress` and `note`.
    """
    while not request.scope.get("is_head"):
        try:
            job, events = await asyncio.to_thread(_read, database, (tenant, job_id), after)
        except ApiError:
            return  # deleted in mid-stream
        for event in events:
            after = event.number
            yield _sent(event)
        if job.state.ended and after >= job.last_event:
            return
        if len(events) == EVENTS_AT_ONCE:
            continue
        if not await wait_for_change(request, job_id, job.last_event, LOOK_AGAIN_S):
            return  # the key has ended


def _read(database: sqlalchemy.Engine, whose: tuple[str, str], after: int) -> tuple[Job, list[JobEvent]]:
    """Read the job, then its events: at least all that its `last_event` counts; some may be newer than it."""
    with storage.open_session(database) as session:
        job = find_job(session, *whose)
        return job, storage.read_events(session, job, after, EVENTS_AT_ONCE)


def _sent(event: JobEvent) -> ServerSentEvent:
    name = "state" if event.state else "progress" if event.progress else "note"
    data = EventData(at=event.at, attempt=event.attempt, text=event.text, state=event.state, progress=event.progress)
    return ServerSentEvent(raw_data=data.model_dump_json(exclude_none=True), event=name, id=str(event.number))
