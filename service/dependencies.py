"""What a request handler may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import sqlalchemy
from fastapi import Depends, Request
from sqlmodel import Session

from service import storage
from service.engine import JobEngine


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


DatabaseOf = Annotated[sqlalchemy.Engine, Depends(get_database)]
EngineOf = Annotated[JobEngine, Depends(get_engine)]
SessionOf = Annotated[Session, Depends(get_session)]
