"""Whether the service lives, and whether it can work."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from service.dependencies import SessionOf
from service.problems import ApiError
from service.storage import Job

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """Good news; bad news is a problem."""

    status: Literal["ok"] = "ok"


@router.get("/healthz")
def live() -> Health:
    """Answer while the process lives."""
    return Health()


@router.get("/readyz")
def ready(session: SessionOf) -> Health:
    """Answer if the database does; 503 otherwise."""
    try:
        session.exec(select(Job.id).limit(1)).first()
    except SQLAlchemyError as error:
        detail = f"The database does not answer ({type(error).__name__})."
        raise ApiError(503, "not-ready", detail, headers={"retry-after": "5"}) from None
    return Health()
