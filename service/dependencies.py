"""What a request handler may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import sqlalchemy
from fastapi import Depends, Query, Request
from sqlmodel import Session

from schemas.jobs import ProblemError
from service import storage
from service.engine import JobEngine
from service.problems import ApiError, no_such_job


def get_database(request: Request) -> sqlalchemy.Engine:
    """The service's database."""
    database: sqlalchemy.Engine = request.app.state.database
    return database


def get_engine(request: Request) -> JobEngine:
    """The service's job engine."""
    engine: JobEngine = request.app.state.engine
    return engine


def get_session(request: Request) -> Iterator[Session]:
    """A session that closes after the request; nothing is committed by itself."""
    with storage.open_session(get_database(request)) as session:
        yield session


async def get_job_id(job_id: str) -> str:
    """The id in the path; raises `ApiError` (404) before the database sees what cannot be one."""
    if not storage.is_job_id(job_id):
        raise no_such_job(job_id)
    return job_id


async def get_cursor(cursor: Annotated[str | None, Query(description="From `next` of a page.")] = None) -> str | None:
    """Where a page of jobs begins; raises `ApiError` (422)."""
    if cursor is None or storage.is_job_id(cursor):
        return cursor
    detail = "A cursor is the one in `next` of the page before; leave it out for the first page."
    error = ProblemError(pointer="/query/cursor", code="bad_cursor", detail=detail, value=cursor)
    raise ApiError(422, "invalid-request", "A parameter of the request is not valid.", [error])


def get_tenant() -> str:
    """Whose jobs the request is about."""
    return storage.LOCAL


def allow_operator() -> None:
    """Who may read what concerns all tenants at once, such as metrics: everybody, while there is no log-in."""


DatabaseOf = Annotated[sqlalchemy.Engine, Depends(get_database)]
EngineOf = Annotated[JobEngine, Depends(get_engine)]
TenantOf = Annotated[str, Depends(get_tenant)]
SessionOf = Annotated[Session, Depends(get_session)]
JobIdOf = Annotated[str, Depends(get_job_id)]
CursorOf = Annotated[str | None, Depends(get_cursor)]
