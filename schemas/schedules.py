"""Schedules: requests that are submitted again and again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from lodeplan.schemas.jobs import Label
from lodeplan.schemas.types import Strict


class ScheduleRequest(Strict):
    """Request for a schedule."""

    name: Label = Field(description="Your name for it; also the label of its jobs that have none.")
    cron: str = Field(
        max_length=100,
        description="Times in the five fields of cron: minute, hour, day of the month, month, day of the week; or "
        "`@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.",
    )
    zone: str = Field(
        default="UTC", max_length=100, description="Time zone whose clock the times are read on, such as Europe/Paris."
    )
    request: dict[str, Any] = Field(description="The request for a job or a batch, as `POST /jobs` takes it.")


class ScheduleView(Strict):
    """A schedule as a client sees it."""

    id: str
    name: str
    cron: str
    zone: str
    paused: bool
    next_at: datetime | None = Field(default=None, description="Next time; absent while it is paused.")
    last_due_at: datetime | None = Field(default=None, description="The last time that has passed.")
    last_job_id: str | None = Field(default=None, description="The last job that was submitted.")
    last_refusal: str | None = Field(default=None, description="Why the last time came to no job.")
    created_at: datetime
    created_by: str = Field(description="Caller who made it, as the audit log names callers.")
    request: str = Field(description="Path of the request.")
    jobs: str = Field(description="Path of the list of its jobs.")


class ScheduleList(Strict):
    """The schedules of a tenant, newest first."""

    schedules: list[ScheduleView]
