"""Health checks: the process is alive, and the service is ready to work."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError

from lodeplan.service import storage
from lodeplan.service.api.pulse import ANSWER_S
from lodeplan.service.http.errors import ApiError

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Answer of a health check that passed; failures are problems."""

    status: Literal["ok"] = "ok"
    queue: Literal["paused"] | None = Field(
        default=None, description="Present while an operator has paused the queue: requests are taken and wait."
    )


@router.get("/healthz", response_model_exclude_none=True)
async def live() -> Health:
    """Answer 200 while the process is alive. This needs no thread and no database."""
    return Health()


@router.get("/readyz", response_model_exclude_none=True)
async def ready(request: Request) -> Health:
    """Answer 200 if the service is ready; 503 if the database does not answer or is not current, if the worker in this
    process has died, takes no jobs because its machine is in trouble, or something in it stands still, or once a
    signal has asked the process to end. `queue` says when an operator has paused the queue.
    """
    state = request.app.state
    if state.draining.is_set():
        raise _not_ready("The service is shutting down.")
    try:
        revision, is_paused = await state.pulse.beat()
    except TimeoutError:
        raise _not_ready(f"The database has not answered for {ANSWER_S:g} s.") from None
    except SQLAlchemyError as error:
        raise _not_ready(f"The database does not answer ({type(error).__name__}).") from None
    wanted = storage.newest_revision()
    # A version that is not known is of a newer program, which upgrades the others one by one: this one goes on.
    if revision is None or (revision != wanted and revision in storage.revisions()):
        raise _not_ready(f"The tables are of version {revision}, not {wanted}. Run lodeplan migrate.")
    if state.worker and (trouble := state.worker.trouble()):
        raise _not_ready(f"The worker in this process takes no jobs: its machine is in trouble. {trouble}")
    if state.worker and not state.worker.is_working():
        raise _not_ready("The worker in this process is not taking jobs.")
    still = state.worker.stands_still() if state.worker else None
    if still:
        raise _not_ready(still)
    return Health(queue="paused" if is_paused else None)


def _not_ready(detail: str) -> ApiError:
    return ApiError(503, "not-ready", detail, headers={"retry-after": "5"})
