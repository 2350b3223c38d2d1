"""Submissions: valid requests for jobs, and the jobs that are made of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from lodeplan.scenarios.validation import warnings_in_words
from lodeplan.schemas import InputProblem, PlanDocument, Scenario
from lodeplan.schemas.jobs import MAX_JOB_WARNINGS, JobOptions, JobState, JobWarnings
from lodeplan.schemas.origin import Origin
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.jobs.attempts import Outcome, finish
from lodeplan.service.jobs.prepared import Prepared, PreparedSubmission, Sender, Submission, canonical_json
from lodeplan.service.jobs.states import move, position_of
from lodeplan.service.packing import compress
from lodeplan.service.storage import LOCAL, Job, JobEvent, JobInput, JobOrigin, moves, once_committed
from lodeplan.service.storage.jobs import find_solved
from lodeplan.service.telemetry import metrics, tracing

__all__ = [
    "Prepared",
    "Submission",
    "add_new",
    "add_origin",
    "answer_from",
    "canonical_json",
    "first_events",
    "new_job",
    "record_finished",
    "submit",
]


def submit(session: Session, engine: JobEngine, submission: PreparedSubmission) -> Job:
    """Add a job to the session's transaction, see `PreparedSubmission`."""
    prepared = submission.job
    job = new_job(prepared, submission.tenant, storage.new_id(), submission.sender)
    add_new(session, [(job, prepared)])
    known = {}
    if submission.reuse and prepared.kind.reusable:
        known = find_solved(session, job.tenant, [(prepared.work_sha256, prepared.scenario_gzip)])
    if known:
        answer_from(session, Attempt(job.id, job.attempt), known[prepared.work_sha256])
        session.refresh(job)
    else:
        engine.enqueue(session, Attempt(job.id, job.attempt), position_of(job))
    return job


def record_finished(session: Session, scenario: Scenario, document: PlanDocument, origin: Origin | None = None) -> Job:
    """Add a plan that was solved elsewhere as a job that has succeeded; the caller commits."""
    prepared = Prepared.of(Submission(scenario, JobOptions(), origin=origin))
    job = new_job(prepared, LOCAL, storage.new_id())
    add_new(session, [(job, prepared)])
    summary, attempt = document.summary, Attempt(job.id, job.attempt)
    move(session, attempt, JobState.RUNNING, "Solved elsewhere.", started_at=job.created_at)
    stored = compress(document.model_dump_json(exclude_none=True))
    finish(session, attempt, Outcome(summary.termination, summary.solution, summary.objective_kusd, stored))
    session.refresh(job)
    return job


def new_job(prepared: Prepared, tenant: str, job_id: str, sender: Sender = Sender()) -> Job:  # noqa: B008
    """A job that waits for a worker, not yet in any session."""
    warned = prepared.warned or _warned(prepared.warnings.open)
    return Job(
        id=job_id,
        tenant=tenant,
        kind=prepared.kind.name,
        label=prepared.label,
        priority=prepared.priority or 0,
        state=JobState.QUEUED,
        scenario=prepared.scenario,
        scenario_title=prepared.scenario_title,
        scenario_hash=prepared.scenario_hash,
        work_sha256=prepared.work_sha256,
        options=prepared.options,
        traceparent=tracing.traceparent(),
        submitted_by=sender.by,
        rerun_of=sender.rerun_of,
        schedule_id=sender.schedule_id,
        created_at=storage.now(),
        last_event=2 if warned else 1,
        warned=warned,
    )


def _warned(warnings: Sequence[InputProblem]) -> JobWarnings | None:
    """Return the warnings that a job carries; None if there are none."""
    if not warnings:
        return None
    first = list(warnings[:MAX_JOB_WARNINGS])
    return JobWarnings(first=first, count=len(warnings), words=warnings_in_words(warnings))


def add_new(session: Session, jobs: list[tuple[Job, Prepared]]) -> None:
    """Add new jobs with their scenarios and the first lines of their logs."""
    for job, prepared in jobs:
        session.add(job)
        session.add(JobInput(job_id=job.id, scenario_gzip=prepared.scenario_gzip))
        add_origin(session, job, prepared)
        session.add_all(first_events(job))
        once_committed(session, metrics.job_submitted)
    # Written now, not at commit: the engine's insert uses the same connection and stands after these.
    session.flush()


def add_origin(session: Session, job: Job, prepared: Prepared) -> None:
    """Store where the scenario of a new job, or of a batch, comes from."""
    if prepared.origin_gzip:
        session.add(JobOrigin(job_id=job.id, origin_gzip=prepared.origin_gzip))


def first_events(job: Job) -> list[JobEvent]:
    """Write the first lines in the log of a new job: that it is queued, and the warnings about its scenario."""
    texts = ["Queued.", "\n".join(f"Warning: {words}" for words in job.warned.words) if job.warned else ""]
    return [
        JobEvent(
            job_id=job.id,
            number=number,
            attempt=job.attempt,
            at=job.created_at,
            state=JobState.QUEUED if number == 1 else None,
            text=text,
        )
        for number, text in enumerate(filter(None, texts), start=1)
    ]


def answer_from(session: Session, attempt: Attempt, source_id: str) -> None:
    """End a new job with a copy of the plan of an identical one; a copy, because that job may be deleted one day."""
    source, result = moves.get_answer(session, source_id)
    text = f"Job {source_id} solved the same scenario; its plan is reused."
    move(session, attempt, JobState.RUNNING, text, started_at=storage.now(), reused_from=source_id)
    document = result.document_gzip
    finish(session, attempt, Outcome(source.termination, source.solution, source.objective_kusd, document))
