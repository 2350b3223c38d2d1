"""The watch over one attempt. Whatever it asks or tells the database it does in a thread of its own, so that the solve
is ended in time (deadline, memory, a lost lease, the end of the process) also while the database says nothing.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType

import sqlalchemy
import structlog

from lodeplan.schemas import SolverProgress
from lodeplan.schemas.jobs import JobState
from lodeplan.service.engine import Attempt
from lodeplan.service.jobs import attempts
from lodeplan.service.storage import OUTAGES, moves, open_session
from lodeplan.service.workers.child_process import LOOK_EVERY_S, Watch, Wish

PROGRESS_EVERY_S = 0.5
PROGRESS_EVERY_SHARE = 0.005
LONGEST_PAUSE_S = 30.0
"""Progress is written twice a second at first, and the more seldom the longer a solve takes: some 3,000 times a day."""
SILENT_ATTEMPT_S = 30.0
"""Time after which an attempt that has not asked for wishes counts as standing still."""
_LAST_WORD_S = 2.0
"""Time that the last progress gets to be written; the end of the attempt is written after it in any case."""

log = structlog.get_logger(__name__)

_WISHES = {JobState.RUNNING: Wish.GO_ON, JobState.STOPPING: Wish.STOP}


class AttemptWatch(Watch):
    """Watches one attempt: reads requests from the job's row, and writes progress to it at intervals."""

    def __init__(self, database: sqlalchemy.Engine, attempt: Attempt, may_go_on: Callable[[], bool]) -> None:
        self._database, self._attempt, self._may_go_on = database, attempt, may_go_on
        self._wish = Wish.GO_ON
        self._latest: SolverProgress | None = None
        self._written: SolverProgress | None = None
        self._next_write = 0.0
        self._ended = threading.Event()
        self._asked_at = self._begun_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> AttemptWatch:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(_LAST_WORD_S)

    def wish(self) -> Wish:
        """Return the request in the job's state as last known. If the worker is stopping, has lost its lease, or the
        job no longer exists, the solve should end."""
        self._asked_at = time.monotonic()
        return self._wish if self._may_go_on() else Wish.KILL

    def progress(self, progress: SolverProgress) -> None:
        """Keep the latest progress for the next write; numbers that it does not report keep their last value."""
        before = self._latest.model_dump(exclude_none=True) if self._latest else {}
        self._latest = SolverProgress(**{**before, **progress.model_dump(exclude_none=True)})

    def silent_s(self) -> float:
        """Time since the solve last asked for wishes, seconds."""
        return time.monotonic() - self._asked_at

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self._report()
            with _surviving():
                self._read_wish()
        self._next_write = 0.0
        self._report()

    def _read_wish(self) -> None:
        with open_session(self._database) as session:
            state = moves.state_on(session, self._attempt)
        self._wish = _WISHES.get(state, Wish.KILL) if state else Wish.KILL

    def _report(self) -> None:
        """Record the latest progress, if it is new; later, if the database is unavailable."""
        latest = self._latest
        if latest is None or latest is self._written or time.monotonic() < self._next_write:
            return
        age_s = time.monotonic() - self._begun_at
        self._next_write = time.monotonic() + min(max(PROGRESS_EVERY_S, PROGRESS_EVERY_SHARE * age_s), LONGEST_PAUSE_S)
        with _surviving(), open_session(self._database) as session:
            attempts.note_progress(session, self._attempt, latest, _in_words(latest))
            session.commit()
            self._written = latest


@contextlib.contextmanager
def _surviving() -> Iterator[None]:
    """Go on whatever goes wrong: a solve whose wishes nobody reads cannot be cancelled."""
    try:
        yield
    except OUTAGES:
        # The lease says so, once for all attempts.
        pass
    except Exception:
        log.exception("a look at the job broke off")


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
