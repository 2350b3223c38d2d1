"""The tables of the service."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field, SQLModel

from lodeplan.schemas.access import LOCAL, Scope
from lodeplan.schemas.jobs import JobFailure, JobOptions, JobState, JobTroubles, JobWarnings, StoredOptions
from lodeplan.schemas.plan import Solution, SolverProgress, Termination
from lodeplan.service.storage.columns import AsJson, UtcDateTime, enum_column


class Job(SQLModel, table=True):
    """A job and its true state. Large documents are in tables of their own, so that polling is cheap."""

    __table_args__ = (
        Index("ix_job_tenant_id", "tenant", "id"),
        Index("ix_job_tenant_work", "tenant", "work_sha256"),
        Index("ix_job_parent_id_id", "parent_id", "id"),
        Index("ix_job_parent_id_state", "parent_id", "state"),
    )

    id: str = Field(primary_key=True, description="Ids sort by time of submission.")
    tenant: str = Field(default=LOCAL, description="The only tenant that may see it.")
    kind: str
    parent_id: str | None = Field(default=None, description="The batch it belongs to.")
    label: str | None = Field(default=None, description="The client's name for it.")
    priority: int = Field(default=0, description="Higher runs earlier, within its tenant.")
    state: JobState = Field(sa_column=enum_column(JobState, nullable=False, index=True))
    scenario: str
    scenario_title: str
    scenario_hash: str = Field(index=True)
    work_sha256: str = Field(
        default="", description="Hash of the scenario, the options and the versions: the same work gives the same plan."
    )
    reused_from: str | None = Field(default=None, description="The job that solved it, if this one did not.")
    options: JobOptions = Field(sa_column=Column(AsJson(StoredOptions), nullable=False))
    attempt: int = Field(default=1, description="The fence: updates by any other attempt change nothing.")
    lost_workers: int = Field(default=0, description="Number of attempts whose worker died.")
    troubles: JobTroubles | None = Field(
        default=None, sa_column=Column(AsJson(JobTroubles)), description="Attempts that failed for their machine."
    )
    worker_id: str | None = Field(default=None, index=True, description="Worker that runs the attempt.")
    last_event: int = Field(default=0, description="Number of the latest line in its log.")
    traceparent: str | None = Field(default=None, description="The span of its submission, as W3C writes it.")
    submitted_by: str | None = Field(default=None, description="Who asked for it, as the audit log names callers.")
    rerun_of: str | None = Field(default=None, description="The job whose scenario it solves again.")
    schedule_id: str | None = Field(default=None, description="The schedule that submitted it.")
    dead_since: datetime | None = Field(
        default=None,
        sa_column=Column(UtcDateTime, index=True),
        description="When it failed for its machines; empty once it was sent again.",
    )
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, index=True))
    progress: SolverProgress | None = Field(default=None, sa_column=Column(AsJson(SolverProgress)))
    termination: Termination | None = Field(default=None, sa_column=enum_column(Termination))
    solution: Solution | None = Field(default=None, sa_column=enum_column(Solution))
    objective_kusd: float | None = None
    failure: JobFailure | None = Field(default=None, sa_column=Column(AsJson(JobFailure)))
    warned: JobWarnings | None = Field(
        default=None,
        sa_column=Column(AsJson(JobWarnings)),
        description="Warnings about its scenario; empty also for jobs from before these were stored.",
    )
    result_sha256: str | None = Field(default=None, description="Hash of the stored bytes; set with the result.")


class JobInput(SQLModel, table=True):
    """The scenario of a job with its patches applied, as gzip-compressed canonical JSON."""

    __tablename__ = "job_input"

    job_id: str = Field(primary_key=True)
    scenario_gzip: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class JobOrigin(SQLModel, table=True):
    """The origin of the scenario of a job, or of a batch, as gzip-compressed JSON of an `Origin`."""

    __tablename__ = "job_origin"

    job_id: str = Field(primary_key=True)
    origin_gzip: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class JobResult(SQLModel, table=True):
    """The plan of a job that has ended, as gzip-compressed JSON of a `PlanDocument`."""

    __tablename__ = "job_result"

    job_id: str = Field(primary_key=True)
    document_gzip: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class JobEvent(SQLModel, table=True):
    """An event in the log of a job. Numbers count from 1 within the job and are assigned under the lock of its row, so
    that no reader ever sees a number before a lower one."""

    __tablename__ = "job_event"

    job_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    attempt: int
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    state: JobState | None = Field(
        default=None, sa_column=enum_column(JobState), description="The new state, if it changed."
    )
    progress: SolverProgress | None = Field(default=None, sa_column=Column(AsJson(SolverProgress)))
    text: str = Field(description="Text for readers.")


class WorkerRow(SQLModel, table=True):
    """A worker process and its lease: until when it counts as alive."""

    __tablename__ = "worker"

    id: str = Field(primary_key=True, description="The same as the engine's executor id; new at every start.")
    host: str
    pid: int
    version: str
    slots: int
    started_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    lease_s: float = Field(description="Length of its lease, seconds.")
    trouble: str | None = Field(default=None, description="Why it takes no jobs, while its machine is in trouble.")
    lease_until_s: float = Field(description="By the clock of the database, seconds since 1970.", index=True)


class Idempotency(SQLModel, table=True):
    """An idempotency key of a tenant, with the answer it got."""

    tenant: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    body_sha256: str
    job_id: str = Field(index=True)
    answer: str = Field(description="The answer to the client, as JSON; a repeated request gets the same.")
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))


class Webhook(SQLModel, table=True):
    """A webhook: an address that is notified when jobs end."""

    id: str = Field(primary_key=True)
    tenant: str = Field(index=True)
    url: str
    secret: str
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Delivery(SQLModel, table=True):
    """One message to a webhook: due, delivered or given up."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (Index("ix_webhook_delivery_webhook_id_due_at_s", "webhook_id", "due_at_s"),)

    id: str = Field(primary_key=True)
    webhook_id: str
    job_id: str = Field(index=True)
    tenant: str
    kind: str
    tries: int = 0
    due_at_s: float | None = Field(default=None, index=True, description="By the database's clock; none once ended.")
    delivered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    status: int | None = Field(default=None, description="HTTP status of the latest answer.")
    error: str | None = None
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))


class ApiKey(SQLModel, table=True):
    """A key of a tenant, known by its beginning and the hash of the rest."""

    __tablename__ = "api_key"

    id: str = Field(
        default_factory=lambda: secrets.token_hex(6),
        primary_key=True,
        description="The beginning of the key; no secret.",
    )
    tenant: str = Field(index=True)
    name: str
    scope: Scope = Field(sa_column=enum_column(Scope, nullable=False))
    parent_id: str | None = Field(default=None, index=True, description="Of a session: the key it was opened with.")
    secret_sha256: str
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class Usage(SQLModel, table=True):
    """Use of the service by a tenant within an hour. It is only added to: deleting a job takes nothing back."""

    tenant: str = Field(primary_key=True)
    hour: datetime = Field(
        sa_column=Column(UtcDateTime, primary_key=True), description="The beginning of the hour, in UTC."
    )
    jobs: int = Field(description="Jobs submitted, those of batches included.")
    cpu_s: float = Field(description="Processor time of attempts that ended, seconds.")


class AuditEntry(SQLModel, table=True):
    """An entry of the audit log."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    tenant: str = Field(index=True)
    actor: str
    action: str
    target: str
    detail: str = ""


class QueuePause(SQLModel, table=True):
    """The pause of the queue: while there is this row, no worker takes jobs."""

    __tablename__ = "queue_pause"

    id: int = Field(default=1, primary_key=True)
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    by: str
    reason: str


class Schedule(SQLModel, table=True):
    """A request that is submitted again and again, at the times of a cron expression."""

    id: str = Field(primary_key=True)
    tenant: str = Field(index=True)
    name: str
    cron: str
    zone: str = Field(description="Name of the time zone in which the expression is read.")
    request_gzip: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str
    paused: bool = False
    due_at_s: float = Field(index=True, description="The fence: next time, seconds since 1970.")
    last_due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_job_id: str | None = None
    last_refusal: str | None = Field(default=None, description="Why the last time came to no job.")
