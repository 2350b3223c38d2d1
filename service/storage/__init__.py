"""Tables of the service, on SQLite or PostgreSQL, and how documents are kept in them.

Whatever is read for a client takes the tenant it is read for: there is no way to ask without one.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy
from sqlmodel import Session, col, select

from lodeplan.scenarios.reading.as_stored import read_as_stored
from lodeplan.schemas import PlanDocument, Scenario
from lodeplan.schemas.access import Scope
from lodeplan.schemas.jobs import JobState
from lodeplan.service.storage.batches import ENDED, OPEN, count_children, has_open_child, results_of_children
from lodeplan.service.storage.columns import database_clock
from lodeplan.service.storage.committed import once_committed
from lodeplan.service.storage.database import (
    OUTAGES,
    migrate,
    newest_revision,
    open_database,
    open_session,
    revision_of,
    revisions,
)
from lodeplan.service.storage.ids import ID_PATTERN, is_id, new_id, new_ids
from lodeplan.service.storage.plans import as_of_today, read_plan_gzip, summary_of_plan
from lodeplan.service.storage.tables import (
    LOCAL,
    ApiKey,
    AuditEntry,
    Delivery,
    Idempotency,
    Job,
    JobEvent,
    JobInput,
    JobResult,
    Webhook,
    WorkerRow,
)

__all__ = [
    "ENDED",
    "ID_PATTERN",
    "LOCAL",
    "OPEN",
    "OUTAGES",
    "ApiKey",
    "AuditEntry",
    "Delivery",
    "Idempotency",
    "Job",
    "JobEvent",
    "JobFilter",
    "JobInput",
    "JobResult",
    "Scope",
    "Webhook",
    "WorkerRow",
    "as_of_today",
    "attempts_of",
    "count_children",
    "count_queued",
    "database_clock",
    "delete_job",
    "get_job",
    "has_open_child",
    "is_id",
    "is_job_id",
    "list_jobs",
    "migrate",
    "new_id",
    "new_ids",
    "newest_revision",
    "now",
    "once_committed",
    "open_database",
    "open_session",
    "read_document",
    "read_events",
    "read_scenario",
    "results_of_children",
    "revision_of",
    "revisions",
    "summary_of_plan",
]

is_job_id = is_id


@dataclass(frozen=True)
class JobFilter:
    """Which jobs a list is to hold; without a parent those that belong to no batch."""

    parent_id: str | None = None
    state: JobState | None = None
    scenario: str | None = None


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def get_job(session: Session, tenant: str, job_id: str) -> Job | None:
    """The tenant's job of this id."""
    return session.exec(select(Job).where(Job.id == job_id, Job.tenant == tenant)).first()


def list_jobs(
    session: Session, tenant: str, limit: int, before: str | None = None, wanted: JobFilter | None = None
) -> list[Job]:
    """At most `limit` jobs of the tenant, newest first, older than the job `before`."""
    wanted = wanted or JobFilter()
    query = select(Job).where(Job.tenant == tenant, Job.parent_id == wanted.parent_id)
    if before:
        query = query.where(col(Job.id) < before)
    if wanted.state:
        query = query.where(Job.state == wanted.state)
    if wanted.scenario is not None:
        query = query.where(Job.scenario == wanted.scenario)
    return list(session.exec(query.order_by(col(Job.id).desc()).limit(limit)))


def count_queued(session: Session, most: int) -> int:
    """How many jobs of all tenants wait for a worker, counted no further than `most`."""
    waiting = select(Job.id).where(Job.state == JobState.QUEUED).limit(most).subquery()
    return session.exec(select(sqlalchemy.func.count()).select_from(waiting)).one()


def read_scenario(session: Session, job: Job) -> Scenario | None:
    """The scenario a job solves, with its patches applied, also if it is not valid any more."""
    row = session.get(JobInput, job.id)
    return read_as_stored(gzip.decompress(row.scenario_gzip)) if row else None


def read_document(session: Session, job: Job) -> PlanDocument | None:
    """The plan of a job, or None while there is none."""
    row = session.get(JobResult, job.id)
    return read_plan_gzip(row.document_gzip) if row else None


def read_events(session: Session, job: Job, after: int = 0) -> list[JobEvent]:
    """What happened to a job after the event of that number, oldest first."""
    query = select(JobEvent).where(JobEvent.job_id == job.id, col(JobEvent.number) > after)
    return list(session.exec(query.order_by(col(JobEvent.number))))


def attempts_of(session: Session, job: Job) -> list[tuple[str, int]]:
    """A job and, with a batch, its jobs: their ids, each with the number of its last attempt."""
    family = sqlalchemy.or_(col(Job.id) == job.id, col(Job.parent_id) == job.id)
    return list(session.exec(select(Job.id, Job.attempt).where(family)).all())


def delete_job(session: Session, job: Job) -> None:
    """Delete a job and all that belongs to it; with a batch, its jobs."""
    family = sqlalchemy.or_(col(Job.id) == job.id, col(Job.parent_id) == job.id)
    members = sqlalchemy.select(col(Job.id)).where(family)
    for table in (JobInput, JobResult, JobEvent, Idempotency, Delivery):
        session.execute(sqlalchemy.delete(table).where(col(table.job_id).in_(members)))
    session.execute(sqlalchemy.delete(Job).where(family))
