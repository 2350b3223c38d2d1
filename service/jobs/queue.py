"""The queue in the hands of an operator, and dead letters: jobs that failed for their machines."""

from __future__ import annotations

from sqlmodel import Session

from lodeplan.schemas.jobs import RerunRequest
from lodeplan.schemas.queue import QueueView, WorkerView
from lodeplan.service import storage
from lodeplan.service.engine import JobEngine
from lodeplan.service.jobs.again import Stored
from lodeplan.service.jobs.prepared import Sender
from lodeplan.service.jobs.submissions import submit
from lodeplan.service.storage import Job, overview

_MOST_COUNTED = 1_000_000


def show_queue(session: Session) -> QueueView:
    """The queue of all tenants as it is now."""
    pause, running = overview.get_pause(session), overview.count_running(session)
    return QueueView(
        paused=pause is not None,
        since=pause.since if pause else None,
        by=pause.by if pause else None,
        reason=(pause.reason or None) if pause else None,
        drained=pause is not None and not running,
        waiting=overview.count_queued(session, _MOST_COUNTED),
        running=running,
        workers=[
            WorkerView.model_validate(worker.model_dump(include=set(WorkerView.model_fields)))
            for worker in overview.list_live_workers(session)
        ],
    )


def resend(session: Session, engine: JobEngine, dead: Job, by: str) -> Job | None:
    """Send a dead letter again as a new job, in the session's transaction; None if it is none, or was sent again."""
    if not storage.take_dead_letter(session, dead):
        return None
    again = Stored.of(session, dead).again(RerunRequest(priority=dead.priority), Sender(by=by))
    return submit(session, engine, again)
