"""The job engine's port, simulated: a table in the same database, as DBOS has, and a poller in each worker."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.service.simulation.scheduler import Process, Simulator
from lodeplan.service.engine import Attempt, Handler, QueuePosition
from lodeplan.service.storage import OUTAGES, open_session

POLL_S = 1.0
PURGED_AT_ONCE = 500
_AGAIN_S = 1.0
_MINE = "job_id = :job_id and number = :number"


class SimulatedEngine:
    """One process's end of the queue."""

    def __init__(self, database: sqlalchemy.Engine, simulator: Simulator, process: Process) -> None:
        self._database, self._simulator, self.process = database, simulator, process
        self._handler: Handler | None = None
        self._running = 0
        self._may_take: Callable[[], bool] = lambda: True
        self._given_twice: list[SimulatedEngine] = []
        """Engines of other workers that are given what this one takes next, as well."""

    def prepare(self) -> None:
        """The table is there."""

    def enqueue(self, session: Session, attempt: Attempt, position: QueuePosition = QueuePosition()) -> None:  # noqa: B008
        """Insert a row."""
        row = _key(attempt) | {"tenant": position.tenant, "priority": position.priority}
        session.execute(
            text(
                "insert into simulated_queue select :job_id, :number, :tenant, :priority, "
                "coalesce(max(place), 0) + 1, 'waiting', '' from simulated_queue"
            ),
            row,
        )

    def forget(self, attempts: Sequence[Attempt]) -> None:
        """Delete rows."""
        if attempts:
            self._change(f"delete from simulated_queue where {_MINE}", [_key(attempt) for attempt in attempts])

    def taken(self) -> Mapping[Attempt, str]:
        """Rows that a worker has."""
        rows = self._rows("select job_id, number, worker from simulated_queue where status = 'taken' order by place")
        return {Attempt(job_id, number): worker for job_id, number, worker in rows}

    def known(self, attempts: Sequence[Attempt]) -> set[Attempt]:
        """Rows that wait or that a worker has."""
        rows = self._rows("select job_id, number from simulated_queue where status != 'handled'")
        return {Attempt(*row) for row in rows} & set(attempts)

    def depth(self) -> int:
        """Count the rows that wait."""
        return len(self._rows("select 1 from simulated_queue where status = 'waiting'"))

    def purge(self) -> int:
        """Delete rows that were handled."""
        found = self._rows("select job_id, number from simulated_queue where status = 'handled'")[:PURGED_AT_ONCE]
        self.forget([Attempt(*row) for row in found])
        return len(found)

    def start_worker(
        self, handler: Handler, slots: int, worker_id: str, may_take: Callable[[], bool] = lambda: True
    ) -> None:
        """Poll, in a thread."""
        self._handler, self._may_take = handler, may_take
        self._simulator.spawn(self.process, "queue", lambda: self._poll(slots, worker_id))

    def is_working(self) -> bool:
        """Whether it polls."""
        return self._handler is not None

    def stop(self, patience_s: float) -> None:
        """Take nothing more, and wait for what is being handled."""
        self._handler = None
        until = self._simulator.now + patience_s
        while self._running and self._simulator.now < until:
            self._simulator.pause(POLL_S / 2)

    def close(self) -> None:
        """Nothing is held."""
        self._handler = None

    def take(self, worker_id: str, most: int) -> list[Attempt]:
        """Take rows for a worker, the most urgent first."""
        with open_session(self._database) as session:
            query = "select job_id, number from simulated_queue where status = 'waiting' order by priority desc, place"
            found = [Attempt(*row) for row in session.execute(text(f"{query} limit :most"), {"most": most})]
            take = f"update simulated_queue set status = 'taken', worker = :worker where {_MINE} and status = 'waiting'"
            mine = [
                attempt
                for attempt in found
                if session.execute(text(take), _key(attempt) | {"worker": worker_id}).rowcount  # type: ignore[attr-defined]
            ]
            session.commit()
        return mine

    def give_twice(self, other: "SimulatedEngine") -> None:
        """Have the next attempt that is taken here go to another worker too."""
        self._given_twice.append(other)

    def handle(self, attempt: Attempt) -> None:
        """Have this process handle an attempt, in a thread."""
        self._running += 1
        self._simulator.spawn(self.process, "attempt", lambda: self._handle(attempt))

    def settle(self, attempt: Attempt) -> None:
        """Note that an attempt was handled."""
        self._change(f"update simulated_queue set status = 'handled' where {_MINE}", [_key(attempt)])

    def _poll(self, slots: int, worker_id: str) -> None:
        while self._handler:
            if self._running < slots and self._may_take():
                try:
                    for attempt in self.take(worker_id, slots - self._running):
                        self.handle(attempt)
                        self._hand_on(attempt)
                except OUTAGES:
                    pass
            self._simulator.pause(POLL_S)

    def _hand_on(self, attempt: Attempt) -> None:
        while self._given_twice:
            other = self._given_twice.pop()
            if other.is_working() and not other.process.is_dead:
                self._simulator.note(f"{attempt.job_id[-4:]}.{attempt.number} goes to {other.process.name} as well")
                other.handle(attempt)

    def _handle(self, attempt: Attempt) -> None:
        handler = self._handler
        try:
            if handler:
                handler(attempt)
        finally:
            self._running -= 1
        while handler:
            try:
                self.settle(attempt)
                return
            except OUTAGES:
                self._simulator.pause(_AGAIN_S)

    def _rows(self, query: str) -> list[Any]:
        with open_session(self._database) as session:
            return list(session.execute(text(query)))

    def _change(self, statement: str, rows: list[dict[str, Any]]) -> None:
        with open_session(self._database) as session:
            session.execute(text(statement), rows)
            session.commit()


def _key(attempt: Attempt) -> dict[str, Any]:
    return {"job_id": attempt.job_id, "number": attempt.number}
