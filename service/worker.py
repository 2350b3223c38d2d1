"""A worker: takes attempts from the job engine, solves them, and records how they ended."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy
import structlog
from prometheus_client import start_http_server

from schemas import SolverProgress
from schemas.jobs import FailureCode, JobFailure, JobOptions, JobState
from service import jobs, logs, storage
from service.draining import Farewell
from service.engine import Attempt, JobEngine
from service.engine.dbos import DbosEngine
from service.jobs import Outcome
from service.retention import Retention
from service.settings import Settings
from service.solving import ChildSolver, Solver, Watch, Wish, Work
from service.storage import Job, JobInput, open_session
from service.telemetry import metrics, tracing

PROGRESS_EVERY_S = 0.5
PATIENCE_S = 10.0

log = structlog.get_logger(__name__)


@dataclass
class Worker:
    """Runs attempts with `solve`; several at once in several threads."""

    database: sqlalchemy.Engine
    engine: JobEngine
    solve: Solver
    stopping: threading.Event = field(default_factory=threading.Event)
    upkeep: Callable[[threading.Event], None] | None = None
    """Runs beside the solves, until its event is set."""

    def start(self, slots: int) -> None:
        """Take attempts, at most `slots` at once; returns at once."""
        metrics.slots_offered(slots)
        if self.upkeep:
            threading.Thread(target=self.upkeep, args=(self.stopping,), name="upkeep", daemon=True).start()
        self.engine.start_worker(self.handle, slots)

    def is_working(self) -> bool:
        """Whether attempts are taken and solved."""
        return self.engine.is_working() and not self.stopping.is_set()

    def stop(self, drain_s: float = 0) -> None:
        """Take no more attempts; let running solves go on for `drain_s`, then end them and give their jobs back."""
        if drain_s:
            log.info("draining", up_to_s=drain_s)
        hurry = threading.Timer(drain_s, self.hurry)
        hurry.daemon = True
        hurry.start() if drain_s else self.hurry()
        self.engine.stop(drain_s + PATIENCE_S)
        hurry.cancel()
        self.hurry()

    def hurry(self) -> None:
        """End running solves now; their jobs are given back."""
        self.stopping.set()

    def handle(self, attempt: Attempt) -> None:
        """Solve one attempt, if it is still wanted."""
        with structlog.contextvars.bound_contextvars(job=attempt.job_id, attempt=attempt.number):
            work = self._claim(attempt)
            if work is None:
                log.info("attempt is no longer wanted")
                return
            with metrics.slot_taken(), tracing.span("attempt", work.traceparent, **_named(attempt)):
                log.info("attempt started")
                self._record(attempt, self._solved(attempt, work))

    def _claim(self, attempt: Attempt) -> Work | None:
        with open_session(self.database) as session:
            if not jobs.start(session, attempt):
                return None
            job, kept = session.get(Job, attempt.job_id), session.get(JobInput, attempt.job_id)
            if job is None or kept is None:
                return None
            session.commit()
            return Work(kept.scenario_gzip, JobOptions.model_validate(job.options), job.traceparent)

    def _solved(self, attempt: Attempt, work: Work) -> Outcome:
        watch = _AttemptWatch(self.database, attempt, self.stopping)
        try:
            outcome = self.solve(work, watch)
            watch.write_progress()
            return outcome
        except Exception as error:
            # Whatever goes wrong here is ours, and the job must not stay `running` for it.
            log.exception("attempt broke off")
            message = f"The worker ended on an error of its own ({type(error).__name__}); the service's log has it."
            return Outcome(failure=JobFailure(code=FailureCode.INTERNAL_ERROR, message=message))

    def _record(self, attempt: Attempt, outcome: Outcome) -> None:
        with open_session(self.database) as session:
            given_back = self.stopping.is_set() and outcome.solution is None and outcome.failure is None
            if given_back and jobs.requeue(session, self.engine, attempt):
                session.commit()
                metrics.attempt_given_back()
                log.info("attempt given back")
                return
            final = jobs.finish(session, attempt, outcome)
            session.commit()
        if final is None:
            metrics.late_result_dropped()
            log.warning("a late result was dropped")
        else:
            failure = outcome.failure.code if outcome.failure else None
            log.info("attempt ended", state=final, termination=outcome.termination, failure=failure)


@dataclass
class _AttemptWatch(Watch):
    """Reads wishes from the job's row, and writes progress to it, not too often."""

    database: sqlalchemy.Engine
    attempt: Attempt
    stopping: threading.Event
    _next_write: float = 0.0
    _latest: SolverProgress | None = None
    _is_written: bool = True

    def wish(self) -> Wish:
        """What the job's state says; a worker that stops, and a job that is gone, want the solve ended."""
        if time.monotonic() >= self._next_write:
            self.write_progress()
        if self.stopping.is_set():
            return Wish.KILL
        with open_session(self.database) as session:
            state = jobs.state_of(session, self.attempt)
        return _WISHES.get(state, Wish.KILL) if state else Wish.KILL

    def progress(self, progress: SolverProgress) -> None:
        """Keep the latest for the next look; numbers it does not tell stay as they were told before."""
        before = self._latest.model_dump(exclude_none=True) if self._latest else {}
        self._latest = SolverProgress(**{**before, **progress.model_dump(exclude_none=True)})
        self._is_written = False

    def write_progress(self) -> None:
        """Record the latest progress, if it is not recorded yet."""
        if self._latest is None or self._is_written:
            return
        with open_session(self.database) as session:
            jobs.note_progress(session, self.attempt, self._latest, _in_words(self._latest))
            session.commit()
        self._next_write = time.monotonic() + PROGRESS_EVERY_S
        self._is_written = True


def _named(attempt: Attempt) -> dict[str, str | int]:
    """An attempt as attributes of a span."""
    return {"lodeplan.job": attempt.job_id, "lodeplan.attempt": attempt.number}


_WISHES = {JobState.RUNNING: Wish.GO_ON, JobState.STOPPING: Wish.STOP}


def _in_words(progress: SolverProgress) -> str:
    words = [f"{progress.elapsed_s:8.1f} s  {progress.phase}"]
    if progress.objective_kusd is not None:
        words.append(f"plan {progress.objective_kusd:.6g} kUSD")
    if progress.bound_kusd is not None:
        words.append(f"bound {progress.bound_kusd:.6g} kUSD")
    if progress.gap is not None:
        words.append(f"gap {progress.gap:.3%}")
    if progress.memory_mib is not None:
        words.append(f"{progress.memory_mib:.0f} MiB")
    return "  ".join(words)


def make_worker(database: sqlalchemy.Engine, engine: JobEngine, settings: Settings) -> Worker:
    """A worker that solves in child processes."""
    upkeep = Retention(database, engine, settings).loop
    return Worker(database, engine, ChildSolver(settings.hard_limit_margin_s), upkeep=upkeep)


def run(settings: Settings | None = None) -> None:
    """Work until a signal (SIGINT, SIGTERM) ends it; what `lodeplan worker` does."""
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level)
    tracing.configure()
    database = storage.open_database(settings.sqlalchemy_url)
    storage.migrate(database)
    engine = DbosEngine(database)
    engine.prepare()
    worker = make_worker(database, engine, settings)
    ended = threading.Event()
    Farewell(ended.set, worker.hurry).listen()
    if settings.metrics_port:
        _serve_metrics(settings)
    worker.start(settings.slots)
    log.info("worker ready", slots=settings.slots, metrics_port=settings.metrics_port or None)
    ended.wait()
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
