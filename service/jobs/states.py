"""States of jobs, and the updates that move a job from one to the next.

Every move is a compare-and-set: it names the states it may start from and, for a worker, the attempt. A worker
that was given up changes no row, and its late result is dropped.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from lodeplan.schemas import SolverProgress
from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, QueuePosition
from lodeplan.service.storage import Job, moves, once_committed
from lodeplan.service.telemetry import metrics
from lodeplan.service.webhooks.announcing import announce

SOURCES: dict[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.QUEUED, JobState.RUNNING}),
    JobState.RUNNING: frozenset({JobState.QUEUED}),
    JobState.STOPPING: frozenset({JobState.RUNNING}),
    JobState.CANCELLING: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.SUCCEEDED: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.TIMED_OUT: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.FAILED: frozenset({JobState.RUNNING, JobState.STOPPING}),
    JobState.CANCELLED: frozenset({JobState.QUEUED, JobState.STOPPING, JobState.CANCELLING}),
}
"""The states from which each state can be reached."""

_WISHES = {JobState.STOPPING: "Asked to stop.", JobState.CANCELLING: "Asked to cancel."}


def request_stop(session: Session, job_id: str) -> bool:
    """Ask a job to end with the best plan it has. A queued job has none and is cancelled."""
    return _request(session, job_id, JobState.STOPPING)


def request_cancel(session: Session, job_id: str) -> bool:
    """Ask a job to end without a plan."""
    return _request(session, job_id, JobState.CANCELLING)


def _request(session: Session, job_id: str, wish: JobState) -> bool:
    """Cancel a queued job, or move a running one to `wish`; returns whether either applied."""
    if moves.change_job(session, job_id, [JobState.QUEUED], state=JobState.CANCELLED, ended_at=storage.now()):
        tell(session, job_id, "Cancelled before it started.", state=JobState.CANCELLED)
        return True
    if moves.change_job(session, job_id, SOURCES[wish], state=wish):
        tell(session, job_id, _WISHES[wish], state=wish)
        return True
    return moves.is_in_state(session, job_id, wish)


def move(session: Session, of: Attempt, to: JobState, text: str, **values: Any) -> bool:
    """Move a job to a state, if its attempt is still this one and the state can be reached from its own; returns
    whether it moved."""
    moved = moves.change_attempt(session, of, SOURCES[to], **values, state=to)
    if moved:
        tell(session, of.job_id, text, state=to)
    return moved


def tell(
    session: Session, job_id: str, text: str, *, state: JobState | None = None, progress: SolverProgress | None = None
) -> None:
    """Add an event to the job's log. Its number comes from the job's row, which stays locked until the commit."""
    job = moves.add_event(session, job_id, text, state, progress)
    if job:
        if state:
            _pass_on(session, job, state)
        if state and state.ended:
            once_committed(session, metrics.job_ended, state)


def _pass_on(session: Session, job: Row[Any], state: JobState) -> None:
    """Pass the new state of a job on to its batch and its webhooks. Locks are taken in one order, the job's row before
    that of its batch, or two transactions could wait for each other. The update that numbers the event locks the batch:
    if the last two jobs end at the same time, the second sees the first.
    """
    if job.parent_id is None:
        if state.ended:
            announce(session, job.id, job.tenant, state)
    elif state is JobState.RUNNING:
        start_batch(session, job.parent_id)
    elif state.ended:
        tell(session, job.parent_id, f"Job {job.id}: {state.value.replace('_', ' ')}.")
        if not moves.has_open_child(session, job.parent_id):
            end_batch(session, job.parent_id)


def start_batch(session: Session, batch_id: str) -> None:
    """Note that a job of a batch runs, if it is the first."""
    move(session, Attempt(batch_id, 1), JobState.RUNNING, "The first job has started.", started_at=storage.now())


def end_batch(session: Session, batch_id: str) -> None:
    """End a batch whose jobs have all ended: it has succeeded unless it was cancelled."""
    batch = Attempt(batch_id, 1)
    start_batch(session, batch_id)
    ended_at = storage.now()
    if not move(session, batch, JobState.SUCCEEDED, "All jobs have ended.", ended_at=ended_at):
        move(session, batch, JobState.CANCELLED, "Cancelled.", ended_at=ended_at)


def ask_batch(session: Session, batch_id: str, wish: JobState) -> None:
    """Record what was asked of a batch after its jobs were asked; this may end the batch."""
    batch = Attempt(batch_id, 1)
    if moves.has_open_child(session, batch_id):
        move(session, batch, wish, _WISHES[wish])
    # None of its jobs has run.
    elif not move(session, batch, JobState.CANCELLED, "Cancelled before it started.", ended_at=storage.now()):
        move(session, batch, wish, _WISHES[wish])
        end_batch(session, batch_id)


def position_of(job: Job) -> QueuePosition:
    """Return the position of a job in the queue."""
    return QueuePosition(job.tenant, job.priority)
