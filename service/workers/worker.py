"""A worker: takes attempts from the job engine, solves them, and records how they ended.

It holds a lease while it does so. Before anything that needs the lease it checks `Lease.holds`; if that check races,
the attempt's number in the job's row still rejects late updates.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy
import structlog
from prometheus_client import start_http_server
from sqlmodel import Session

from lodeplan.schemas.jobs import FailureCode, JobFailure, JobState, JobTrouble
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs import attempts, reruns
from lodeplan.service.jobs.allowances import Allowance, count_cpu
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.jobs.reuse import work_of_stored
from lodeplan.service.kinds import kind_named
from lodeplan.service.settings import Settings
from lodeplan.service.storage import OUTAGES, once_committed, open_session, overview, upkeep
from lodeplan.service.telemetry import logs, metrics, tracing
from lodeplan.service.webhooks.sending import Deliverer
from lodeplan.service.workers.attempt_watch import SILENT_ATTEMPT_S, AttemptWatch
from lodeplan.service.workers.child_process import Work
from lodeplan.service.workers.child_solver import ChildSolver, Solver
from lodeplan.service.workers.fitness import Fitness
from lodeplan.service.workers.forks import ForkServer
from lodeplan.service.workers.leases import Lease, LeaseLost
from lodeplan.service.workers.reaper import Reaper
from lodeplan.service.workers.retention import Retention
from lodeplan.service.workers.scheduler import Scheduler
from lodeplan.service.workers.shutdown import Farewell, Shutdown
from lodeplan.service.workers.troubles import trouble_of

PATIENCE_S = 10.0
LEASE_S = 15.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass
class Worker:
    """Runs attempts with `solve`, several at a time in several threads."""

    database: sqlalchemy.Engine
    engine: JobEngine
    solve: Solver
    lease_s: float = LEASE_S
    deliverer: Deliverer | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    upkeep: Callable[[threading.Event], None] | None = None
    """Runs in parallel to the solves until its event is set."""
    schedules: Callable[[threading.Event], None] | None = None
    """Submits what is due on schedule, as `upkeep` runs."""
    lease_database: sqlalchemy.Engine | None = None
    """The same database with connections for the lease alone."""
    allowance: Allowance = field(default_factory=Allowance)
    """What the jobs of each tenant may use."""
    _paused: bool = False
    _at_work: set[Attempt] = field(default_factory=set)
    _watches: set[AttemptWatch] = field(default_factory=set)
    _renewals: queue.SimpleQueue[float | None] = field(default_factory=queue.SimpleQueue)
    """Times of renewals, for the reaper; None at the end."""
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.fitness = Fitness(getattr(self.solve, "probe", _nothing))

    def start(self, slots: int) -> None:
        """Start taking attempts, at most `slots` at a time; returns immediately."""
        metrics.slots_offered(slots)
        self.lease = Lease(self.lease_database or self.database, self.lease_s, slots)
        self.reaper = Reaper(self.database, self.engine, self.lease, self.at_work)
        # Before the first attempt: whoever has one and no lease counts as dead.
        self.reaper.notice_beat(self.lease.renew())
        self._heart = threading.Thread(target=self._keep_beating, name="lease", daemon=True)
        self._heart.start()
        threading.Thread(target=self._keep_reaping, name="reaper", daemon=True).start()
        for name, loop in (("upkeep", self.upkeep), ("schedules", self.schedules)):
            if loop:
                threading.Thread(target=loop, args=(self.stopping,), name=name, daemon=True).start()
        self.engine.start_worker(self.handle, slots, self.lease.worker_id, self._may_take)
        if self.deliverer:
            self.deliverer.start()

    def is_working(self) -> bool:
        """True if attempts are being taken and solved."""
        return self.engine.is_working() and not self.stopping.is_set()

    def trouble(self) -> str | None:
        """Say why no attempts are taken, while the machine is in trouble."""
        return self.fitness.trouble

    def stop(self, drain_s: float = 0) -> None:
        """Take no more attempts; let running solves continue for `drain_s`, then end them and queue their jobs
        again."""
        if not self.can_record():
            # Nothing is won by waiting: what the solves came to could not be recorded.
            drain_s = 0
        if drain_s:
            log.info("draining", up_to_s=drain_s)
        self.fitness.stop()
        until = time.monotonic() + drain_s + PATIENCE_S
        hurry = threading.Timer(drain_s, self.hurry)
        hurry.daemon = True
        hurry.start() if drain_s else self.hurry()
        self.engine.stop(drain_s + PATIENCE_S)
        hurry.cancel()
        self.hurry()
        while self._at_work and time.monotonic() < until:
            time.sleep(_FIRST_PAUSE_S)
        getattr(self.solve, "close", _nothing)()
        if self.deliverer:
            self.deliverer.stop()
        self._stopped.set()
        self._heart.join()
        self._renewals.put(None)
        with contextlib.suppress(*OUTAGES):
            self.lease.release()

    def hurry(self) -> None:
        """End running solves now and queue their jobs again."""
        self.stopping.set()

    def at_work(self) -> set[Attempt]:
        """The attempts being run now."""
        return set(self._at_work)

    def beat(self) -> None:
        """Renew the lease and look for abandoned jobs, one after the other."""
        with _surviving():
            self._tell_of_trouble()
            now_s = self.lease.renew()
            if not self.stopping.is_set():
                self.reaper.look(now_s)

    def handle(self, attempt: Attempt) -> None:
        """Solve one attempt, if it is still wanted."""
        term = self.lease.term
        with structlog.contextvars.bound_contextvars(job=attempt.job_id, attempt=attempt.number), self._has(attempt):
            try:
                work = self._insist(term, lambda session: self._claim(session, attempt))
                if work is None:
                    log.info("attempt is no longer wanted")
                    return
                with metrics.slot_taken(), tracing.span("attempt", work.traceparent, **_named(attempt)):
                    log.info("attempt started")
                    outcome = self._solved(attempt, work, term)
                    self._judge_machine(outcome)
                    state = self._insist(term, lambda session: self._settle(session, attempt, outcome))
            except LeaseLost:
                log.warning("attempt lost, and what came of it dropped: the lease ran out")
                return
            if state is None:
                metrics.late_result_dropped()
                log.warning("a late result was dropped")
            else:
                failure = outcome.failure.code if outcome.failure else None
                log.info("attempt ended", state=state, termination=outcome.termination, failure=failure)

    def can_record(self) -> bool:
        """True while the lease is held: what comes of a solve can be recorded; and once all is, so that whoever flushes
        traces then is not taken for one that stands still."""
        return self._stopped.is_set() or self.lease.holds(self.lease.term)

    def stands_still(self) -> str | None:
        """Say what no longer moves, in a sentence; None if all does."""
        if not self.can_record():
            return "The worker in this process cannot renew its lease: its database says nothing, or something else."
        late = [watch for watch in list(self._watches) if watch.silent_s() > SILENT_ATTEMPT_S]
        if late:
            return f"{len(late)} solves of the worker in this process have not reported for {SILENT_ATTEMPT_S:g} s."
        return None

    def _may_take(self) -> bool:
        """True while an attempt that comes from the queue can be claimed and solved here."""
        return self.fitness.trouble is None and self.lease.holds(self.lease.term) and not self._is_paused()

    def _is_paused(self) -> bool:
        """True while an operator has paused the queue; as before while the database is away."""
        with contextlib.suppress(*OUTAGES), open_session(self.database) as session:
            paused = overview.get_pause(session) is not None
            if paused != self._paused:
                self._paused = paused
                log.info("the queue is paused" if paused else "the queue runs again")
        return self._paused

    def _may_go_on(self, term: int) -> bool:
        return not self.stopping.is_set() and self.lease.holds(term)

    def _keep_beating(self) -> None:
        """Renew the lease every tick, whatever the reaper waits for."""
        next_beat = time.monotonic() + self.lease.tick_s
        while not self._stopped.wait(max(0, next_beat - time.monotonic())):
            next_beat = time.monotonic() + self.lease.tick_s
            with _surviving():
                self._tell_of_trouble()
                self._renewals.put(self.lease.renew())

    def _keep_reaping(self) -> None:
        """Look for abandoned jobs after each renewal; after the last one, if several came meanwhile."""
        while (renewed_s := self._renewals.get()) is not None:
            while not self._renewals.empty() and (later_s := self._renewals.get()) is not None:
                renewed_s = later_s
            if not self.stopping.is_set():
                with _surviving():
                    self.reaper.look(renewed_s)

    @contextlib.contextmanager
    def _has(self, attempt: Attempt) -> Iterator[None]:
        self._at_work.add(attempt)
        try:
            yield
        finally:
            self._at_work.discard(attempt)

    def _insist(self, term: int, act: Callable[[Session], T]) -> T:
        """Run a function in a transaction, and retry while the database is unavailable. Raises `LeaseLost`."""
        pause_s = _FIRST_PAUSE_S
        while self.lease.holds(term):
            try:
                with open_session(self.database) as session:
                    answer = act(session)
                    session.commit()
                    return answer
            except OUTAGES as error:
                log.warning("the database is away; another try follows", pause_s=pause_s, error=str(error))
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        raise LeaseLost

    def _claim(self, session: Session, attempt: Attempt) -> Work | None:
        if not attempts.start(session, attempt, self.lease.worker_id):
            return None
        found = upkeep.get_work(session, attempt)
        if found is None:
            return None
        job, kept = found
        if refusal := self.allowance.refusal(session, job):
            attempts.finish(session, attempt, Outcome(failure=refusal))
            return None
        kind = kind_named(job.kind)
        if kind.reusable:
            # The plan will be of this version, whichever took the job in.
            job.work_sha256 = work_of_stored(kept.scenario_gzip, job.scenario_hash, job.options)
        return Work(kept.scenario_gzip, job.options, job.traceparent, kind)

    def _tell_of_threads(self, attempt: Attempt, work: Work, term: int) -> None:
        """Say in the job's log when its scenario asks for more threads than a slot has."""
        most = getattr(self.solve, "threads", None)
        asked = work.asked.get("threads") if most else None
        if most and asked and asked > most:
            text = (
                f"The scenario asks for {asked} threads (solve.threads) and a slot here has {most} "
                f"(LODEPLAN_SLOT_THREADS): the solve uses {most}."
            )
            self._insist(term, lambda session: attempts.remark(session, attempt, text))

    def _solved(self, attempt: Attempt, work: Work, term: int) -> Outcome:
        try:
            self._tell_of_threads(attempt, work, term)
            with AttemptWatch(self.database, attempt, lambda: self._may_go_on(term)) as watch:
                self._watches.add(watch)
                try:
                    return self.solve(work, watch)
                finally:
                    self._watches.discard(watch)
        except LeaseLost:
            raise
        except Exception as error:
            # Whatever goes wrong here is not the job's, which must not stay `running` for it.
            log.exception("attempt broke off")
            if trouble := trouble_of(error):
                return Outcome(trouble=JobTrouble(attempt=attempt.number, began=True, text=trouble))
            message = f"The worker had an internal error ({type(error).__name__}); the service's log has the details."
            return Outcome(failure=JobFailure(code=FailureCode.INTERNAL_ERROR, message=message))

    def _tell_of_trouble(self) -> None:
        """Have the next renewal of the lease say how the machine fares."""
        self.fitness.beat()
        self.lease.trouble = self.fitness.trouble

    def _judge_machine(self, outcome: Outcome) -> None:
        """Count trouble against this worker, before its job may be taken again."""
        if outcome.trouble:
            self.fitness.note_trouble(outcome.trouble.text)
        elif outcome.solution or outcome.failure:
            self.fitness.note_success()

    def _settle(self, session: Session, attempt: Attempt, outcome: Outcome) -> JobState | None:
        """Record the result of the attempt and what it used, as `_record`."""
        state = self._record(session, attempt, self.allowance.settle(session, attempt, outcome))
        if state is not None:
            count_cpu(session, attempt, outcome.cpu_s)
        return state

    def _record(self, session: Session, attempt: Attempt, outcome: Outcome) -> JobState | None:
        """Record the result of the attempt; returns the job's new state, or None if the attempt was given up
        meanwhile."""
        if outcome.trouble:
            own = {"attempt": attempt.number, "worker_id": self.lease.worker_id}
            return reruns.give_back(session, self.engine, attempt, outcome.trouble.model_copy(update=own))
        given_back = self.stopping.is_set() and outcome.solution is None and outcome.failure is None
        if given_back and reruns.requeue(session, self.engine, attempt):
            once_committed(session, metrics.attempt_given_back)
            return JobState.QUEUED
        return attempts.finish(session, attempt, outcome)


def _nothing() -> None:
    """The probe and the close of a solver without processes."""


def _named(attempt: Attempt) -> dict[str, str | int]:
    """Return the attributes of an attempt's span."""
    return {"lodeplan.job": attempt.job_id, "lodeplan.attempt": attempt.number}


@contextlib.contextmanager
def _surviving() -> Iterator[None]:
    """Log whatever goes wrong, and go on: without its threads a worker would lose all that it solves."""
    try:
        yield
    except OUTAGES as error:
        log.warning("the database is away", error=str(error))
    except Exception:
        log.exception("a beat broke off")


def make_worker(database: sqlalchemy.Engine, engine: JobEngine, settings: Settings) -> Worker:
    """Build a worker that solves in child processes and sends due webhook messages."""
    solver = ChildSolver(
        settings.hard_limit_margin_s,
        memory_mb=settings.solve_memory_mb,
        longest_s=settings.max_solve_s or None,
        forks=ForkServer() if settings.fork_solves else None,
        threads=settings.slot_threads,
    )
    upkeep = Retention(database, engine, settings).loop
    deliverer = Deliverer(storage.open_beside(database, connections=2, answer_s=storage.REQUEST_S), settings)
    lease_database = storage.open_beside(database, connections=1, answer_s=settings.lease_s / 3)
    worker = Worker(database, engine, solver, settings.lease_s, deliverer, upkeep=upkeep, lease_database=lease_database)
    worker.schedules = Scheduler(database, engine, settings).loop
    worker.allowance = Allowance(settings.tenant_cpu_s_per_day, settings.tenant_max_stored_mb)
    return worker


def run(settings: Settings | None = None) -> None:
    """Run a worker until a signal (SIGINT, SIGTERM) ends it; used by `lodeplan worker`."""
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level, settings.log_lines_per_s)
    tracing.configure()
    database = storage.open_database(settings.sqlalchemy_url, answer_s=storage.REQUEST_S)
    storage.migrate(database)
    engine = DbosEngine(database, settings.tenant_slots)
    engine.prepare()
    worker = make_worker(database, engine, settings)
    shutdown = Shutdown(Farewell(settings.drain_s, worker.can_record).begin, worker.hurry)
    shutdown.listen()
    if settings.metrics_port:
        _serve_metrics(settings)
    worker.start(settings.slots)
    log.info("worker ready", slots=settings.slots, metrics_port=settings.metrics_port or None)
    shutdown.wait()
    worker.stop(settings.drain_s)
    engine.close()
    tracing.flush()
    log.info("worker stopped")


def _serve_metrics(settings: Settings) -> None:
    host, port = settings.metrics_host, settings.metrics_port
    try:
        start_http_server(port, host, metrics.PROCESS)
    except OSError as error:
        reason = f"{error.strerror}: change LODEPLAN_METRICS_PORT or LODEPLAN_METRICS_HOST"
        raise OSError(error.errno, reason, f"http://{host}:{port}/metrics") from None
