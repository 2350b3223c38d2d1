"""A worker's lease: a row in the database that says until when the worker counts as alive, renewed every tick. Other
workers trust it until it ends by the database's clock. The worker itself trusts it for no longer than that by its own
clock, counted from before it asked; so it gives up its attempts before any other worker may take them.
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
"""Time after the end of its lease at which a worker is no longer listed."""


class LeaseLost(Exception):
    """The lease ran out: work begun under it may belong to another worker by now."""


@dataclass
class Lease:
    """The lease of one worker. `renew` belongs to one thread; any may ask `holds`."""

    database: sqlalchemy.Engine
    duration_s: float
    slots: int = 1
    clock: Callable[[], float] = time.monotonic
    worker_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    trouble: str | None = None
    """Why the worker takes no jobs; written with the next renewal."""
    _held_until: float = float("-inf")
    _term: int = 0

    @property
    def tick_s(self) -> float:
        """Interval between renewals."""
        return self.duration_s / TICKS_A_LEASE

    @property
    def term(self) -> int:
        """Number of times the lease was lost: work begun in one term does not belong to the next."""
        return self._term

    def holds(self, term: int) -> bool:
        """True if the lease has held without interruption since this term."""
        return term == self._term and self.clock() < self._held_until

    def renew(self) -> float:
        """Take or extend the lease; returns the time by the database's clock. Raises SQLAlchemy's errors if the
        database is unavailable."""
        asked = self.clock()
        with open_session(self.database) as session:
            now_s = leases.prolong_lease(session, self.worker_id, self.duration_s, self.trouble)
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
        """Give up the lease and delete the worker's row."""
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
            trouble=self.trouble,
            lease_s=self.duration_s,
            lease_until_s=now_s + self.duration_s,
        )
