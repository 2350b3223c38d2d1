"""A worker: takes attempts from the job engine, solves them, and records how they ended."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, field

import sqlalchemy
import structlog

from schemas import SolverProgress
from schemas.jobs import FailureCode, JobFailure, JobOptions, JobState
from service import jobs, logs, storage
from service.engine import Attempt, JobEngine
from service.engine.dbos import DbosEngine
from service.jobs import Outcome
from service.settings import Settings
from service.solving import ChildSolver, Solver, Watch, Wish, Work
from service.storage import Job, JobInput, open_session
from service.webhooks.sending import Deliverer

PROGRESS_EVERY_S = 0.5
PATIENCE_S = 10.0

log = structlog.get_logger(__name__)


@dataclass
class Worker:
    """Runs attempts with `solve`; several at once in several threads."""

    database: sqlalchemy.Engine
    engine: JobEngine
    solve: Solver
    deliverer: Deliverer | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self, slots: int) -> None:
        """Take attempts, at most `slots` at once; returns at once."""
        self.engine.start_worker(self.handle, slots)
        if self.deliverer:
            self.deliverer.start()

    def stop(self) -> None:
        """End running solves, give their jobs back, and take no more."""
        self.stopping.set()
        self.engine.stop(PATIENCE_S)
        if self.deliverer:
            self.deliverer.stop()

    def handle(self, attempt: Attempt) -> None:
        """Solve one attempt, if it is still wanted."""
        with structlog.contextvars.bound_contextvars(job=attempt.job_id, attempt=attempt.number):
            work = self._claim(attempt)
            if work is None:
                log.info("attempt is no longer wanted")
                return
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
            return Work(kept.scenario_gzip, JobOptions.model_validate(job.options))

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
                log.info("attempt given back")
                return
            final = jobs.finish(session, attempt, outcome)
            session.commit()
        if final is None:
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
    """A worker that solves in child processes, and sends what webhooks are due."""
    return Worker(database, engine, ChildSolver(settings.hard_limit_margin_s), Deliverer(database, settings))


def run(settings: Settings | None = None) -> None:
    """Work until a signal (SIGINT, SIGTERM) ends it; what `lodeplan worker` does."""
    settings = settings or Settings.from_environment()
    logs.configure(settings.log_level)
    database = storage.open_database(settings.sqlalchemy_url)
    storage.migrate(database)
    engine = DbosEngine(database)
    engine.prepare()
    worker = make_worker(database, engine, settings)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    worker.start(settings.slots)
    log.info("worker ready", slots=settings.slots)
    ended.wait()
    worker.stop()
    log.info("worker stopped")
