"""A job engine without threads or tables, for unit tests: attempts run when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.orm import Session

from lodeplan.service.engine.port import Attempt, Handler, QueuePosition


class InlineEngine:
    """Keeps attempts in lists; `run_pending` hands them to the handler in the caller's thread."""

    def __init__(self) -> None:
        self.pending: list[Attempt] = []
        self.positions: dict[Attempt, QueuePosition] = {}
        self.in_hand: dict[Attempt, str] = {}
        """Attempts given to a worker; a test may put one here to stand for a worker that died with it."""
        self.handled: list[Attempt] = []
        self._handler: Handler | None = None
        self._worker_id = ""
        self._may_take: Callable[[], bool] = lambda: True

    def prepare(self) -> None:
        """Nothing to make."""

    def enqueue(self, session: Session, attempt: Attempt, position: QueuePosition = QueuePosition()) -> None:  # noqa: B008
        """Append; a test that rolls back sees a pending attempt whose job is missing, which a worker drops."""
        self.pending.append(attempt)
        self.positions[attempt] = position

    def forget(self, attempts: Sequence[Attempt]) -> None:
        """Drop them from the lists."""
        self.pending = [attempt for attempt in self.pending if attempt not in attempts]
        self.handled = [attempt for attempt in self.handled if attempt not in attempts]
        self.in_hand = {attempt: worker for attempt, worker in self.in_hand.items() if attempt not in attempts}

    def taken(self) -> Mapping[Attempt, str]:
        """Those being handled."""
        return dict(self.in_hand)

    def known(self, attempts: Sequence[Attempt]) -> set[Attempt]:
        """Those pending or being handled."""
        return {attempt for attempt in attempts if attempt in self.pending or attempt in self.in_hand}

    def depth(self) -> int:
        """The length of the list."""
        return len(self.pending)

    def purge(self) -> int:
        """Drop what was handled."""
        count, self.handled = len(self.handled), []
        return count

    def start_worker(
        self, handler: Handler, slots: int, worker_id: str, may_take: Callable[[], bool] = lambda: True
    ) -> None:
        """Remember the handler."""
        self._handler, self._worker_id, self._may_take = handler, worker_id, may_take

    def is_working(self) -> bool:
        """True if there is a handler."""
        return self._handler is not None

    def stop(self, patience_s: float) -> None:
        """Forget the handler."""
        self._handler = None

    def close(self) -> None:
        """Nothing is held."""

    def run_pending(self) -> None:
        """Run every pending attempt that may be taken, in order, also those that a handler adds."""
        while self.pending and self._handler and self._may_take():
            attempt = self.pending.pop(0)
            self.in_hand[attempt] = self._worker_id
            self._handler(attempt)
            self.in_hand.pop(attempt, None)
            self.handled.append(attempt)
