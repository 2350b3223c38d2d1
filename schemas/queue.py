"""The queue as operators see it, and dead letters."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from lodeplan.schemas.jobs import JobView
from lodeplan.schemas.types import Strict


class PauseRequest(Strict):
    """Request to pause the queue."""

    reason: str = Field(default="", max_length=200, description="Reason, for the other operators and the audit log.")


class WorkerView(Strict):
    """A worker that holds a lease."""

    id: str
    host: str
    pid: int
    version: str
    slots: int = Field(description="Solves that it may run at a time.")
    started_at: datetime
    trouble: str | None = Field(default=None, description="Why it takes no jobs, while its machine is in trouble.")


class QueueView(Strict):
    """The queue of all tenants."""

    paused: bool = Field(description="True while workers take no jobs from it.")
    since: datetime | None = None
    by: str | None = Field(default=None, description="Operator who paused it.")
    reason: str | None = None
    drained: bool = Field(description="True if it is paused and no job runs.")
    waiting: int = Field(description="Jobs that wait for a worker.")
    running: int = Field(description="Jobs that run or are about to end.")
    workers: list[WorkerView]


class DeadLetterPage(Strict):
    """Jobs that failed for their machines and were not sent again, the latest first."""

    jobs: list[JobView]
    next: str | None = Field(default=None, description="Path of the next page; absent on the last.")


class Resent(Strict):
    """Jobs that were sent again."""

    jobs: list[JobView] = Field(description="The new jobs; `rerun_of` names the dead letter of each.")
    left: bool = Field(description="True if there are more; ask again.")
