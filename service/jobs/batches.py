"""Batches: a job whose work is other jobs. It runs while one of them does, and has succeeded when all have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlmodel import Session, col, select

from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.jobs import states
from lodeplan.service.jobs.reuse import find_identical
from lodeplan.service.jobs.states import Prepared
from lodeplan.service.storage import LOCAL, Job, JobEvent, once_committed
from lodeplan.service.telemetry import metrics

PRIORITY = -1
"""Below that of single jobs: somebody waits for those."""


@dataclass(frozen=True)
class BatchSubmission:
    """A request for a batch that was found valid: the scenario that is shared, and the jobs."""

    base: Prepared
    jobs: Sequence[Prepared]
    tenant: str = LOCAL
    reuse: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    """How much the shared scenario holds."""


def submit(session: Session, engine: JobEngine, submission: BatchSubmission) -> Job:
    """Add a batch with all its jobs to the session's transaction; the caller commits."""
    batch = _new_batch(submission)
    session.add(batch)
    session.add_all(states.first_events(batch))
    members = _new_members(batch.id, submission)
    states.add_new(session, members)
    attempts = [(Attempt(job.id, job.attempt), states.place_of(job), prepared.work_sha256) for job, prepared in members]
    # Each update below would look through all that the session holds.
    session.expunge_all()
    wanted = [(prepared.work_sha256, prepared.scenario_gzip) for prepared in submission.jobs]
    known = find_identical(session, submission.tenant, wanted) if submission.reuse else {}
    for attempt, place, work in attempts:
        if work in known:
            states.answer_from(session, attempt, known[work])
        else:
            engine.enqueue(session, attempt, place)
    return session.exec(select(Job).where(Job.id == batch.id)).one()


def request(session: Session, batch_id: str, wish: JobState) -> tuple[bool, list[Attempt]]:
    """Ask all jobs of a batch to end; whether there was one to ask, and the attempts that will never start."""
    of_batch = select(Job.id).where(Job.parent_id == batch_id, col(Job.state).in_(storage.OPEN))
    # Locked in one order, and before the row of the batch: see `states.tell`.
    if not session.exec(of_batch.order_by(col(Job.id)).with_for_update()).all():
        return False, []
    cancelled = _cancel_queued(session, batch_id)
    for job_id in session.exec(of_batch).all():
        if wish is JobState.STOPPING:
            states.request_stop(session, job_id)
        else:
            states.request_cancel(session, job_id)
    states.ask_batch(session, batch_id, wish)
    return True, cancelled


def _new_batch(submission: BatchSubmission) -> Job:
    batch = states.new_job(submission.base, submission.tenant, storage.new_id())
    batch.kind = "batch"
    return batch


def _new_members(batch_id: str, submission: BatchSubmission) -> list[tuple[Job, Prepared]]:
    members = []
    for job_id, prepared in zip(storage.new_ids(len(submission.jobs)), submission.jobs, strict=True):
        job = states.new_job(prepared, submission.tenant, job_id)
        job.parent_id, job.priority = batch_id, PRIORITY
        members.append((job, prepared))
    return members


def _cancel_queued(session: Session, batch_id: str) -> list[Attempt]:
    """Cancel all jobs of a batch that wait, with one statement: there may be thousands."""
    moment = storage.now()
    statement = (
        update(Job)
        .where(col(Job.parent_id) == batch_id, col(Job.state) == JobState.QUEUED)
        .values(state=JobState.CANCELLED, ended_at=moment, last_event=col(Job.last_event) + 1)
        .returning(col(Job.id), col(Job.last_event), col(Job.attempt))
    )
    rows = session.execute(statement, execution_options={"synchronize_session": False}).all()
    for job_id, number, attempt in rows:
        once_committed(session, metrics.job_ended, JobState.CANCELLED)
        event = JobEvent(job_id=job_id, number=number, attempt=attempt, at=moment, text="Cancelled before it started.")
        event.state = JobState.CANCELLED
        session.add(event)
    session.flush()
    return [Attempt(job_id, attempt) for job_id, _, attempt in rows]
