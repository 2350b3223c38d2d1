"""The queue of all tenants: look at it, pause it, let it run. For operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlmodel import Session

from lodeplan.schemas.queue import PauseRequest, QueueView
from lodeplan.service.access import audit
from lodeplan.service.api.bodies import errors_in, read_body
from lodeplan.service.api.dependencies import CallerOf, SessionOf, allow_operator
from lodeplan.service.api.openapi import body_of
from lodeplan.service.api.query_parameters import body_checked_by
from lodeplan.service.http.errors import ApiError
from lodeplan.service.jobs.queue import show_queue
from lodeplan.service.storage.overview import end_pause, set_pause

router = APIRouter(tags=["operators"], dependencies=[Depends(allow_operator)])


async def read_pause(request: Request) -> PauseRequest:
    """Read the body, if there is one; raises `ApiError`."""
    return await read_body(request, PauseRequest) if await request.body() else PauseRequest()


@router.get("/queue", response_model_exclude_none=True)
def read_queue(session: SessionOf) -> QueueView:
    """Show whether the queue is paused and drained, how many jobs wait and run, and the live workers."""
    return show_queue(session)


@router.post("/queue:pause", response_model_exclude_none=True, openapi_extra=body_of(PauseRequest, required=False))
@body_checked_by(errors_in(PauseRequest))
def pause_queue(
    wanted: Annotated[PauseRequest, Depends(read_pause)], session: SessionOf, caller: CallerOf
) -> QueueView:
    """Pause the queue: requests are taken and wait, running jobs go on, and no worker begins another. It is drained
    once none runs. The body may be left out."""
    if not set_pause(session, caller.actor, wanted.reason):
        raise ApiError(409, "queue-paused", "The queue is paused already. GET /api/v1/queue says since when.")
    return _changed(session, "queue.pause", wanted.reason)


@router.post("/queue:resume", response_model_exclude_none=True)
def resume_queue(session: SessionOf) -> QueueView:
    """Let the queue run again."""
    if not end_pause(session):
        raise ApiError(409, "queue-not-paused", "The queue is not paused.")
    return _changed(session, "queue.resume", "")


def _changed(session: Session, action: str, detail: str) -> QueueView:
    audit.record(session, action, "queue", detail)
    session.commit()
    return show_queue(session)
