"""Tables of the service, on SQLite or PostgreSQL, and how documents are kept in them.

Whatever is read for a client takes the tenant it is read for: there is no way to ask without one.
"""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime

import sqlalchemy
from sqlmodel import Session, col, select

from schemas import PlanDocument, Scenario
from service.storage.columns import database_clock
from service.storage.committed import once_committed
from service.storage.database import (
    OUTAGES,
    migrate,
    newest_revision,
    open_database,
    open_session,
    revision_of,
    revisions,
)
from service.storage.tables import (
    LOCAL,
    ApiKey,
    AuditEntry,
    Delivery,
    Idempotency,
    Job,
    JobEvent,
    JobInput,
    JobResult,
    Scope,
    Webhook,
    WorkerRow,
)

__all__ = [
    "LOCAL",
    "OUTAGES",
    "ApiKey",
    "AuditEntry",
    "Delivery",
    "Idempotency",
    "Job",
    "JobEvent",
    "JobInput",
    "JobResult",
    "Scope",
    "Webhook",
    "WorkerRow",
    "database_clock",
    "delete_job",
    "get_job",
    "is_job_id",
    "list_jobs",
    "migrate",
    "newest_revision",
    "now",
    "once_committed",
    "open_database",
    "open_session",
    "read_document",
    "read_events",
    "read_scenario",
    "revision_of",
    "revisions",
]

_JOB_ID = re.compile("[0-9a-f]{31}")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def is_job_id(text: str) -> bool:
    """Whether a text looks like the id of a job; others, such as text that PostgreSQL refuses, need no query."""
    return _JOB_ID.fullmatch(text) is not None


def get_job(session: Session, tenant: str, job_id: str) -> Job | None:
    """The tenant's job of this id."""
    return session.exec(select(Job).where(Job.id == job_id, Job.tenant == tenant)).first()


def list_jobs(session: Session, tenant: str, limit: int, before: str | None = None) -> list[Job]:
    """At most `limit` jobs of the tenant, newest first, older than the job `before`."""
    query = select(Job).where(Job.tenant == tenant).order_by(col(Job.id).desc()).limit(limit)
    if before:
        query = query.where(col(Job.id) < before)
    return list(session.exec(query))


def read_scenario(session: Session, job: Job) -> Scenario | None:
    """The scenario a job solves, with its patches applied."""
    row = session.get(JobInput, job.id)
    return Scenario.model_validate_json(gzip.decompress(row.scenario_gzip)) if row else None


def read_document(session: Session, job: Job) -> PlanDocument | None:
    """The plan of a job, or None while there is none."""
    row = session.get(JobResult, job.id)
    return PlanDocument.model_validate_json(gzip.decompress(row.document_gzip)) if row else None


def read_events(session: Session, job: Job, after: int = 0) -> list[JobEvent]:
    """What happened to a job after the event of that number, oldest first."""
    query = select(JobEvent).where(JobEvent.job_id == job.id, col(JobEvent.number) > after)
    return list(session.exec(query.order_by(col(JobEvent.number))))


def delete_job(session: Session, job: Job) -> None:
    """Delete a job and all that belongs to it."""
    for table in (JobInput, JobResult, JobEvent, Idempotency, Delivery):
        session.execute(sqlalchemy.delete(table).where(col(table.job_id) == job.id))
    session.execute(sqlalchemy.delete(Job).where(col(Job.id) == job.id))
