"""Interface between the service and a job engine. The job's row is the truth; an engine only carries attempts to
workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Attempt:
    """One attempt at a job. Numbers count from 1."""

    job_id: str
    number: int


@dataclass(frozen=True)
class QueuePosition:
    """Position of an attempt in the queue: tenants take turns, and within a tenant higher priority goes first."""

    tenant: str = "local"
    priority: int = 0


Handler = Callable[[Attempt], None]


class JobEngine(Protocol):
    """Carries attempts from the process that takes requests to the processes that solve.

    While the database is unavailable every method but `stop` raises, as SQLAlchemy does; none waits for it to return.
    """

    def prepare(self) -> None:
        """Make the engine's own tables, if they are missing or old."""

    def enqueue(self, session: Session, attempt: Attempt, position: QueuePosition = QueuePosition()) -> None:
        """Queue an attempt within the caller's transaction: it exists if, and only if, that commits."""

    def forget(self, attempts: Sequence[Attempt]) -> None:
        """Delete the engine's records of these attempts. An attempt that is running continues."""

    def taken(self) -> Mapping[Attempt, str]:
        """Return the attempts that were given to a worker and are not finished, with the worker's id."""

    def known(self, attempts: Sequence[Attempt]) -> set[Attempt]:
        """Return those of the attempts that wait in the queue or were given to a worker and are not finished."""

    def depth(self) -> int:
        """Count the attempts that wait in the queue."""

    def purge(self) -> int:
        """Delete some of the finished attempts; returns their number."""

    def start_worker(
        self, handler: Handler, slots: int, worker_id: str, may_take: Callable[[], bool] = lambda: True
    ) -> None:
        """Give queued attempts to `handler`, in threads, at most `slots` at a time; returns immediately.

        None is taken from the queue while `may_take` says no; those at work continue, and one on its way may come.
        """

    def is_working(self) -> bool:
        """True if this process is taking attempts from the queue."""

    def stop(self, patience_s: float) -> None:
        """Take no more attempts, and wait that long for handlers to return; attempts may still be queued."""

    def close(self) -> None:
        """Release all resources."""
