"""Dependencies of request handlers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import sqlalchemy
from fastapi import Depends, Query, Request
from pydantic import AfterValidator
from sqlmodel import Session

from lodeplan.schemas.jobs import JobState
from lodeplan.schemas.types import refused
from lodeplan.service import storage
from lodeplan.service.access import CALLER, Caller
from lodeplan.service.access.gate import Access
from lodeplan.service.api.idempotency import get_key
from lodeplan.service.api.intake import Intake
from lodeplan.service.checking.unstorable_text import is_unstorable
from lodeplan.service.engine import JobEngine
from lodeplan.service.http.errors import ApiError, no_such_job
from lodeplan.service.kinds import KINDS
from lodeplan.service.settings import Settings
from lodeplan.service.storage import LOCAL, JobFilter

EVERYWHERE = "*"
"""Stands for jobs in batches and outside, in place of the id of a batch."""

_ID: dict[str, Any] = {"pattern": storage.ID_PATTERN}
"""Shown to clients instead of FastAPI's message, which would not help."""


def get_database(request: Request) -> sqlalchemy.Engine:
    """The service's database."""
    database: sqlalchemy.Engine = request.app.state.database
    return database


def get_engine(request: Request) -> JobEngine:
    """The service's job engine."""
    engine: JobEngine = request.app.state.engine
    return engine


def get_settings(request: Request) -> Settings:
    """The service's settings."""
    settings: Settings = request.app.state.settings
    return settings


def get_intake(request: Request) -> Intake:
    """The intake, where jobs are submitted."""
    intake: Intake = request.app.state.intake
    return intake


def get_session(request: Request) -> Iterator[Session]:
    """A session that closes once the answer is prepared, before it is sent; nothing is committed by itself."""
    with storage.open_session(get_database(request)) as session:
        yield session


async def get_job_id(job_id: str) -> str:
    """The id in the path; raises `ApiError` (404) if it cannot be an id, before the database is asked."""
    if not storage.is_job_id(job_id):
        raise no_such_job(job_id)
    return job_id


def _checked_cursor(cursor: str) -> str:
    if not storage.is_id(cursor):
        raise refused(
            "bad_cursor", "Take the cursor from `next` of the previous page; leave it out for the first page."
        )
    return cursor


def _checked_batch(parent: str) -> str:
    if parent != EVERYWHERE and not storage.is_id(parent):
        raise refused("bad_parent", "This is not the id of a batch, nor `*` for jobs in batches and outside.")
    return parent


def _checked_name(scenario: str) -> str:
    if is_unstorable(scenario):
        raise refused("bad_scenario", "This is not a valid name of a scenario.")
    return scenario


def _checked_label(label: str) -> str:
    if is_unstorable(label):
        raise refused("bad_label", "No label can be like this.")
    return label


def _checked_schedule(schedule: str) -> str:
    if not storage.is_id(schedule):
        raise refused("bad_schedule", "This is not the id of a schedule.")
    return schedule


async def get_filter(
    parent: Annotated[
        Annotated[str, AfterValidator(_checked_batch)] | None,
        Query(
            description="Id of a batch, to list its jobs, or `*` for jobs in batches and outside; without it, only "
            "jobs outside batches.",
            json_schema_extra={"pattern": f"{storage.ID_PATTERN}|^[*]$"},
        ),
    ] = None,
    state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
    scenario: Annotated[
        Annotated[str, AfterValidator(_checked_name)] | None,
        Query(description="Only jobs whose scenario has this name.", max_length=1000),
    ] = None,
    label: Annotated[
        Annotated[str, AfterValidator(_checked_label)] | None,
        Query(description="Only jobs with this label; `*` stands for any text. Capitals do not count.", max_length=200),
    ] = None,
    scenario_hash: Annotated[
        str | None,
        Query(
            alias="hash",
            description="Only jobs whose `scenario_hash` begins like this: 6 to 64 digits.",
            pattern="^[0-9a-f]{6,64}$",
        ),
    ] = None,
    kind: Annotated[
        Literal[tuple(KINDS)] | None,  # type: ignore[valid-type]
        Query(description="Only jobs of this kind."),
    ] = None,
    schedule: Annotated[
        Annotated[str, AfterValidator(_checked_schedule)] | None,
        Query(description="Only jobs of the schedule with this id.", json_schema_extra=_ID),
    ] = None,
) -> JobFilter:
    """The filter of a list of jobs."""
    everywhere = parent == EVERYWHERE
    return JobFilter(
        None if everywhere else parent, state, scenario, label, scenario_hash, kind, schedule, everywhere=everywhere
    )


def get_caller(request: Request) -> Caller:
    """The caller of the request, as the gate found; raises `ApiError` (401) if there is none."""
    caller: Caller | None = request.scope.get(CALLER)
    if caller is None:
        raise ApiError(401, "not-authenticated", "This request needs a key or token.")
    return caller


CallerOf = Annotated[Caller, Depends(get_caller)]


def get_tenant(caller: CallerOf) -> str:
    """The tenant of the request."""
    return caller.tenant


def get_access(request: Request) -> Access:
    """The state of the gate."""
    access: Access = request.app.state.access
    return access


def allow_operator(caller: CallerOf) -> None:
    """Admit only callers who may read data of all tenants, such as metrics: admins of the tenant `local`, which
    includes everybody while there is no log-in. Raises `ApiError` (403)."""
    if not caller.is_operator:
        raise ApiError(403, "not-allowed", f"This needs a key of the tenant {LOCAL} with the scope admin.")


DatabaseOf = Annotated[sqlalchemy.Engine, Depends(get_database)]
EngineOf = Annotated[JobEngine, Depends(get_engine)]
AccessOf = Annotated[Access, Depends(get_access)]
SettingsOf = Annotated[Settings, Depends(get_settings)]
TenantOf = Annotated[str, Depends(get_tenant)]
# Of the function, not of the request: a client that reads slowly would hold a connection to the database.
SessionOf = Annotated[Session, Depends(get_session, scope="function")]
JobIdOf = Annotated[str, Depends(get_job_id)]
FilterOf = Annotated[JobFilter, Depends(get_filter)]
IntakeOf = Annotated[Intake, Depends(get_intake)]
KeyOf = Annotated[str | None, Depends(get_key)]
CursorOf = Annotated[
    Annotated[str, AfterValidator(_checked_cursor)] | None,
    Query(description="From `next` of a page.", json_schema_extra=_ID),
]
