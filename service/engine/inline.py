"""A job engine without threads or tables, for unit tests: attempts run when the test says so."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from service.engine.port import Attempt, Handler


class InlineEngine:
    """Keeps attempts in a list; `run_pending` hands them to the handler in the caller's thread."""

    def __init__(self) -> None:
        self.pending: list[Attempt] = []
        self._handler: Handler | None = None

    def prepare(self) -> None:
        """Nothing to make."""

    def enqueue(self, session: Session, attempt: Attempt) -> None:
        """Append; a test that rolls back sees a pending attempt whose job is missing, which a worker drops."""
        self.pending.append(attempt)

    def forget(self, attempts: Sequence[Attempt]) -> None:
        """Drop them from the list."""
        self.pending = [attempt for attempt in self.pending if attempt not in attempts]

    def start_worker(self, handler: Handler, slots: int) -> None:
        """Remember the handler."""
        self._handler = handler

    def is_working(self) -> bool:
        """Whether there is a handler."""
        return self._handler is not None

    def stop(self, patience_s: float) -> None:
        """Forget the handler."""
        self._handler = None

    def close(self) -> None:
        """Nothing is held."""

    def run_pending(self) -> None:
        """Run every pending attempt, in order, also those that a handler adds."""
        while self.pending and self._handler:
            self._handler(self.pending.pop(0))
