"""Batches: a job whose work is other jobs. It runs while one of them does, and has succeeded when all have ended."""

from __future__ import annotations

from sqlmodel import Session

from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.jobs import states, submissions
from lodeplan.service.jobs.prepared import BatchSubmission, Prepared
from lodeplan.service.kinds import kind_named
from lodeplan.service.storage import Job, moves, once_committed
from lodeplan.service.storage.jobs import find_solved
from lodeplan.service.telemetry import metrics

PRIORITY = -1
"""Lower than that of single jobs, for which somebody waits."""


def submit(session: Session, engine: JobEngine, submission: BatchSubmission) -> Job:
    """Add a batch to the session's transaction, see `BatchSubmission`."""
    batch = submissions.new_job(submission.base, submission.tenant, storage.new_id(), submission.sender)
    batch.priority = _priority_of(submission.base)
    session.add(batch)
    submissions.add_origin(session, batch, submission.base)
    session.add_all(submissions.first_events(batch))
    members = _new_members(batch.id, submission)
    submissions.add_new(session, members)
    attempts = [
        (Attempt(job.id, job.attempt), states.position_of(job), prepared.work_sha256) for job, prepared in members
    ]
    # Each update below would look through all that the session holds.
    session.expunge_all()
    wanted = [(prepared.work_sha256, prepared.scenario_gzip) for prepared in submission.jobs]
    known = find_solved(session, submission.tenant, wanted) if submission.reuse else {}
    for attempt, position, work in attempts:
        if work in known:
            submissions.answer_from(session, attempt, known[work])
        else:
            engine.enqueue(session, attempt, position)
    return moves.reload_job(session, batch.id)


def ask(session: Session, job: Job, wish: JobState) -> tuple[bool, list[Attempt]]:
    """Ask a job, or all jobs of a batch, to end; whether there was one to ask, and those attempts of a batch that
    will never start."""
    if kind_named(job.kind).has_members:
        return _ask_members(session, job.id, wish)
    ask_one = states.request_stop if wish is JobState.STOPPING else states.request_cancel
    return ask_one(session, job.id), []


def _ask_members(session: Session, batch_id: str, wish: JobState) -> tuple[bool, list[Attempt]]:
    # Locked in one order, and before the row of the batch: see `states.tell`.
    if not moves.lock_open_children(session, batch_id):
        return False, []
    cancelled = moves.cancel_queued_children(session, batch_id, storage.now(), "Cancelled before it started.")
    for _ in cancelled:
        once_committed(session, metrics.job_ended, JobState.CANCELLED)
    for job_id in moves.open_children(session, batch_id):
        if wish is JobState.STOPPING:
            states.request_stop(session, job_id)
        else:
            states.request_cancel(session, job_id)
    states.ask_batch(session, batch_id, wish)
    return True, cancelled


def _new_members(batch_id: str, submission: BatchSubmission) -> list[tuple[Job, Prepared]]:
    members = []
    for job_id, prepared in zip(storage.new_ids(len(submission.jobs)), submission.jobs, strict=True):
        job = submissions.new_job(prepared, submission.tenant, job_id, submission.sender)
        job.parent_id, job.priority = batch_id, _priority_of(prepared)
        members.append((job, prepared))
    return members


def _priority_of(prepared: Prepared) -> int:
    return PRIORITY if prepared.priority is None else prepared.priority
