"""Tables of the service, on SQLite or PostgreSQL, and how documents are kept in them."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy
from pydantic import BaseModel
from sqlalchemy import JSON, Column, DateTime, Dialect, Enum, LargeBinary, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, Session, SQLModel, col, create_engine, select

from schemas import InputProblem, InvalidInput, PlanDocument, Scenario
from schemas.jobs import JobFailure, JobOptions, JobState
from schemas.plan import Solution, SolverProgress, Termination

BUSY_TIMEOUT_S = 30
_JOB_ID = re.compile("[0-9a-f]{31}")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone of what it stores; this puts it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment with its zone."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


class AsJson(TypeDecorator[BaseModel]):
    """A pydantic model, kept as JSON without its empty fields."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def __init__(self, model: type[BaseModel]) -> None:
        super().__init__()
        self.model = model

    def process_bind_param(self, value: BaseModel | None, dialect: Dialect) -> Any:
        """Plain data."""
        return value.model_dump(mode="json", exclude_none=True) if value else None

    def process_result_value(self, value: Any, dialect: Dialect) -> BaseModel | None:
        """The model."""
        return self.model.model_validate(value) if value is not None else None


def _enum_column(kind: type[StrEnum], **more: Any) -> Column[Any]:
    """A column of the values of an enum, as text."""
    return Column(Enum(kind, native_enum=False, length=20, values_callable=lambda kind: [*kind]), **more)


class Job(SQLModel, table=True):
    """One job: the truth about its state. Big documents stand in tables of their own, so that a poll is cheap."""

    id: str = Field(primary_key=True, description="Sorts by the moment of submission.")
    kind: str
    state: JobState = Field(sa_column=_enum_column(JobState, nullable=False, index=True))
    scenario: str
    scenario_title: str
    scenario_hash: str = Field(index=True)
    options: JobOptions = Field(sa_column=Column(AsJson(JobOptions), nullable=False))
    attempt: int = 1
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    progress: SolverProgress | None = Field(default=None, sa_column=Column(AsJson(SolverProgress)))
    termination: Termination | None = Field(default=None, sa_column=_enum_column(Termination))
    solution: Solution | None = Field(default=None, sa_column=_enum_column(Solution))
    objective_kusd: float | None = None
    failure: JobFailure | None = Field(default=None, sa_column=Column(AsJson(JobFailure)))
    result_sha256: str | None = Field(default=None, description="Of the stored bytes; set with the result.")


class JobInput(SQLModel, table=True):
    """The scenario of a job with its patches applied, as gzip-compressed canonical JSON."""

    __tablename__ = "job_input"

    job_id: str = Field(primary_key=True)
    scenario_gzip: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class JobResult(SQLModel, table=True):
    """The plan of a job that has ended, as gzip-compressed JSON of a `PlanDocument`."""

    __tablename__ = "job_result"

    job_id: str = Field(primary_key=True)
    document_gzip: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class JobLogLine(SQLModel, table=True):
    """One line of a job's log, for its reader."""

    __tablename__ = "job_log"

    id: int | None = Field(default=None, primary_key=True)
    job_id: str = Field(index=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    text: str


def open_database(url: str) -> sqlalchemy.Engine:
    """The database of this URL, as SQLAlchemy's engine; several threads may use it."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    database = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(database, "connect")
    def prepare_connection(connection: Any, _record: Any) -> None:
        # IMMEDIATE: a transaction that writes waits for its turn at its start, and cannot fail at its end.
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_TIMEOUT_S * 1000}"):
            connection.execute(f"PRAGMA {pragma}")

    return database


def create_tables(database: sqlalchemy.Engine) -> None:
    """Make the tables that are missing; raises `InvalidInput` if the database cannot be reached."""
    try:
        SQLModel.metadata.create_all(database)
    except OperationalError as error:
        problem = InputProblem(
            code="unreachable_database",
            path="LODEPLAN_DATABASE_URL",
            message=f"the database cannot be reached: {str(error.orig).strip()}.",
            value=database.url.render_as_string(hide_password=True),
            remedy="Start the database, or correct the address.",
        )
        raise InvalidInput([problem]) from None


def open_session(database: sqlalchemy.Engine) -> Session:
    """A session whose objects can be read after it has closed."""
    return Session(database, expire_on_commit=False)


def is_job_id(text: str) -> bool:
    """Whether a text looks like the id of a job; others, such as text that PostgreSQL refuses, need no query."""
    return _JOB_ID.fullmatch(text) is not None


def get_job(session: Session, job_id: str) -> Job | None:
    """The job of this id."""
    return session.get(Job, job_id)


def list_jobs(session: Session, limit: int, before: str | None = None) -> list[Job]:
    """At most `limit` jobs, newest first, older than the job `before`."""
    query = select(Job).order_by(col(Job.id).desc()).limit(limit)
    if before:
        query = query.where(col(Job.id) < before)
    return list(session.exec(query))


def read_scenario(session: Session, job_id: str) -> Scenario | None:
    """The scenario a job solves, with its patches applied."""
    row = session.get(JobInput, job_id)
    return Scenario.model_validate_json(gzip.decompress(row.scenario_gzip)) if row else None


def read_document(session: Session, job_id: str) -> PlanDocument | None:
    """The plan of a job, or None while there is none."""
    row = session.get(JobResult, job_id)
    return PlanDocument.model_validate_json(gzip.decompress(row.document_gzip)) if row else None


def read_log(session: Session, job_id: str) -> list[JobLogLine]:
    """The log of a job, oldest line first."""
    query = select(JobLogLine).where(col(JobLogLine.job_id) == job_id).order_by(col(JobLogLine.id))
    return list(session.exec(query))


def delete_job(session: Session, job_id: str) -> None:
    """Delete a job and all that belongs to it."""
    session.execute(sqlalchemy.delete(Job).where(col(Job.id) == job_id))
    for table in (JobInput, JobResult, JobLogLine):
        session.execute(sqlalchemy.delete(table).where(col(table.job_id) == job_id))
