"""What the service asks of a job engine. The job's row is the truth; an engine only carries attempts to workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Attempt:
    """One try at a job. Numbers count from 1."""

    job_id: str
    number: int


@dataclass(frozen=True)
class QueuePosition:
    """Where in the queue an attempt stands: tenants take turns, and within a tenant higher priority goes first."""

    tenant: str = "local"
    priority: int = 0


Handler = Callable[[Attempt], None]


class JobEngine(Protocol):
    """Carries attempts from the process that takes requests to the processes that solve.

    While the database is away every method but `stop` raises, as SQLAlchemy does, and none waits for its return.
    """

    def prepare(self) -> None:
        """Make the engine's own tables, if they are missing or old."""

    def enqueue(self, session: Session, attempt: Attempt, position: QueuePosition = QueuePosition()) -> None:
        """Queue an attempt within the caller's transaction: it exists if, and only if, that commits."""

    def forget(self, attempts: Sequence[Attempt]) -> None:
        """Delete what the engine keeps of these attempts. One that a handler runs goes on running."""

    def taken(self) -> Mapping[Attempt, str]:
        """Attempts that were given to a worker and have not been handled to the end, and the worker's id."""

    def known(self, attempts: Sequence[Attempt]) -> set[Attempt]:
        """Those of the attempts that wait in the queue, or were given to a worker and not handled to the end."""

    def depth(self) -> int:
        """How many attempts wait in the queue."""

    def purge(self) -> int:
        """Delete some of the attempts that were handled to the end; how many."""

    def start_worker(self, handler: Handler, slots: int, worker_id: str) -> None:
        """Give queued attempts to `handler`, in threads, at most `slots` at once; returns at once."""

    def is_working(self) -> bool:
        """Whether attempts are being taken from the queue in this process."""

    def stop(self, patience_s: float) -> None:
        """Take no more attempts, and wait that long for handlers to return; attempts may still be queued."""

    def close(self) -> None:
        """Let go of everything."""
