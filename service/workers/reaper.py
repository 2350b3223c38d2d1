"""The reaper: in every worker, each tick, it finds jobs that should be running but that no worker is working on. It
looks only at the present state, never at past events, so a missed event does no harm. All its actions are
compare-and-set, so two reapers, or one that dies halfway, are harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy
import structlog

from lodeplan.schemas.jobs import JobState
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.jobs import reruns
from lodeplan.service.storage import OUTAGES, leases, open_session, upkeep
from lodeplan.service.telemetry import metrics
from lodeplan.service.workers.leases import FORGOTTEN_AFTER_S, Lease

LOOKED_AT_ONCE = 500

log = structlog.get_logger(__name__)


@dataclass
class Reaper:
    """Reaper of one worker; `at_work` returns the attempts that the worker is running."""

    database: sqlalchemy.Engine
    engine: JobEngine
    lease: Lease
    at_work: Callable[[], set[Attempt]]
    _beat: tuple[float, float] | None = None
    _quiet_until: float = float("-inf")
    _dropped: set[Attempt] = field(default_factory=set)
    _next_sweep: float = float("-inf")
    _last_queued: str = ""

    def look(self, database_s: float) -> None:
        """Look once, directly after the lease was renewed at that time of the database's clock."""
        quiet = self.notice_beat(database_s)
        # First of all what concerns this worker alone, and is true whatever became of the others.
        self._give_up(self._left_behind())
        if quiet:
            return
        # Before the leases are read: whoever takes or begins an attempt has had one since.
        taken = self.engine.taken()
        lost, live, database_s = self._of_lost_workers()
        if self._is_quiet(database_s):
            # It jumped since, and may have made them look dead.
            return
        self._give_up(lost)
        self._settle_taken(taken, live)
        if self.lease.clock() >= self._next_sweep:
            # Nobody waits for these, and they cost more than the others.
            self._next_sweep = self.lease.clock() + self.lease.duration_s
            self._give_up(self._stranded())
            self.engine.purge()
            self._forget_workers()

    def notice_beat(self, database_s: float) -> bool:
        """Record that the lease was renewed at that time of the database's clock; returns whether to leave the other
        workers alone for now."""
        quiet = self._is_quiet(database_s)
        self._beat = self.lease.clock(), database_s
        return quiet

    def _is_quiet(self, database_s: float) -> bool:
        """True if this worker's own beat was late or the database's clock jumped. The other workers then had no chance
        to renew their leases, and get one now."""
        now = self.lease.clock()
        if self._beat is not None:
            passed_s = (now - self._beat[0], database_s - self._beat[1])
            if max(passed_s) > self.lease.duration_s / 2 or min(passed_s) < 0:
                log.warning("a beat came late", passed_s=passed_s)
                self._quiet_until = now + self.lease.duration_s
        return now < self._quiet_until

    def _left_behind(self) -> list[Attempt]:
        """Find jobs that are marked as running on this worker but are not: it lost its lease, or could not record their
        end."""
        with open_session(self.database) as session:
            begun = upkeep.begun_by(session, self.lease.worker_id, LOOKED_AT_ONCE)
        return [attempt for attempt in begun if attempt not in self.at_work()]

    def _of_lost_workers(self) -> tuple[list[Attempt], set[str], float]:
        """Find jobs that are marked as running on workers without a lease; with the workers that have one, and the time
        by the database's clock directly after reading them."""
        with open_session(self.database) as session:
            lost = upkeep.begun_by_lost_workers(session, LOOKED_AT_ONCE)
            return lost, leases.live_worker_ids(session), leases.database_time_s(session)

    def _settle_taken(self, taken: Mapping[Attempt, str], live: set[str]) -> None:
        """Settle attempts that a worker without a lease took from the queue, or that this worker took without running
        them: give up those that had not begun, and delete those that are no longer needed."""
        with open_session(self.database) as session:
            found = upkeep.states_of(session, {attempt.job_id for attempt in taken})
        mine = {attempt for attempt, worker_id in taken.items() if worker_id == self.lease.worker_id}
        dropped = mine - self.at_work()
        # An attempt of this worker may be on its way to the handler; one that still is after a tick was dropped.
        lost_here = dropped & self._dropped
        lost = [attempt for attempt, worker_id in taken.items() if worker_id not in live or attempt in lost_here]
        self._dropped = dropped
        self._give_up(attempt for attempt in lost if found.get(attempt) is JobState.QUEUED)
        self.engine.forget([attempt for attempt in lost if attempt not in found or found[attempt].ended])

    def _stranded(self) -> list[Attempt]:
        """Find, among some of the jobs marked as queued, those that the engine does not know."""
        with open_session(self.database) as session:
            queued = upkeep.queued_after(session, self._last_queued, LOOKED_AT_ONCE)
        self._last_queued = queued[-1].job_id if len(queued) == LOOKED_AT_ONCE else ""
        known = self.engine.known(queued)
        return [attempt for attempt in queued if attempt not in known]

    def _give_up(self, attempts: Iterable[Attempt]) -> None:
        """Give up attempts, each in its own transaction; one whose row is locked waits for the next tick."""
        for attempt in attempts:
            try:
                with open_session(self.database) as session:
                    upkeep.wait_little(session)
                    state = reruns.lose(session, self.engine, attempt)
                    session.commit()
                if state:
                    metrics.attempt_lost()
                    metrics.reaper_acted(state)
                    log.warning("attempt given up", job=attempt.job_id, attempt=attempt.number, state=state)
                    self.engine.forget([attempt])
            except OUTAGES as error:
                log.warning("attempt not given up yet", job=attempt.job_id, error=str(error))

    def _forget_workers(self) -> None:
        with open_session(self.database) as session:
            leases.delete_old_workers(session, FORGOTTEN_AFTER_S)
            session.commit()
