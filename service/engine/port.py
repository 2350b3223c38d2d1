"""What the service asks of a job engine. The job's row is the truth; an engine only carries attempts to workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Attempt:
    """One try at a job. Numbers count from 1."""

    job_id: str
    number: int


Handler = Callable[[Attempt], None]


class JobEngine(Protocol):
    """Carries attempts from the process that takes requests to the processes that solve."""

    def prepare(self) -> None:
        """Make the engine's own tables, if they are missing or old."""

    def enqueue(self, session: Session, attempt: Attempt) -> None:
        """Queue an attempt within the caller's transaction: it exists if, and only if, that commits."""

    def forget(self, attempts: Sequence[Attempt]) -> None:
        """Delete what the engine keeps of attempts that have ended."""

    def start_worker(self, handler: Handler, slots: int) -> None:
        """Give queued attempts to `handler`, in threads, at most `slots` at once; returns at once."""

    def is_working(self) -> bool:
        """Whether attempts are being taken from the queue in this process."""

    def stop(self, patience_s: float) -> None:
        """Take no more attempts, and wait that long for handlers to return; attempts may still be queued."""

    def close(self) -> None:
        """Let go of everything."""
