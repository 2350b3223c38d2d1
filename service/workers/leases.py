"""A worker's lease: the word, kept in the database and renewed every tick, that the worker lives.

Others believe it until its end by the database's clock. The worker itself believes it no longer than that by a clock
of its own, counted from before it asked; so it gives up its attempts before anybody else may take them.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

import sqlalchemy

from lodeplan.service import storage
from lodeplan.service.storage import WorkerRow, leases, open_session
from lodeplan.service.storage.leases import TICKS_A_LEASE

FORGOTTEN_AFTER_S = 3600.0
"""A worker whose lease ended so long ago is no longer listed."""


class LeaseLost(Exception):
    """The lease ran out: what was begun under it may be somebody else's by now."""


@dataclass
class Lease:
    """The lease of one worker. `renew` belongs to one thread; any may ask `holds`."""

    database: sqlalchemy.Engine
    duration_s: float
    slots: int = 1
    clock: Callable[[], float] = time.monotonic
    worker_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    _held_until: float = float("-inf")
    _term: int = 0

    @property
    def tick_s(self) -> float:
        """How often it is to be renewed."""
        return self.duration_s / TICKS_A_LEASE

    @property
    def term(self) -> int:
        """Counts how often the lease was lost: what was begun in one term does not belong to the next."""
        return self._term

    def holds(self, term: int) -> bool:
        """Whether the lease has held since this term, and does now."""
        return term == self._term and self.clock() < self._held_until

    def renew(self) -> float:
        """Take or prolong the lease; the time by the database's clock. Raises what SQLAlchemy does if the database
        is away."""
        asked = self.clock()
        with open_session(self.database) as session:
            now_s = leases.prolong_lease(session, self.worker_id, self.duration_s)
            if now_s is None:
                # The first time, or so late that the row was taken for a dead worker's.
                now_s = leases.database_time_s(session)
                session.add(self._row(now_s))
            session.commit()
        if self.clock() >= self._held_until:
            self._term += 1
        self._held_until = asked + self.duration_s
        return now_s

    def release(self) -> None:
        """Give the lease up; nothing of the worker remains."""
        self._held_until = float("-inf")
        with open_session(self.database) as session:
            leases.delete_worker(session, self.worker_id)
            session.commit()

    def _row(self, now_s: float) -> WorkerRow:
        return WorkerRow(
            id=self.worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=version("lodeplan"),
            slots=self.slots,
            started_at=storage.now(),
            lease_s=self.duration_s,
            lease_until_s=now_s + self.duration_s,
        )
