"""Shutdown of a process: it takes no more jobs, lets running solves continue for a while, and queues the rest again."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import structlog
import uvicorn

from lodeplan.service.telemetry import metrics

SILENT_FAREWELL_S = 5.0
"""Time that a process has to end once it can record nothing any more."""
LONGEST_FAREWELL_S = 30.0
"""Time that it has beyond its drain."""
_LOOK_EVERY_S = 0.25

log = structlog.get_logger(__name__)


class Shutdown:
    """Handler of signals: the first begins the drain, the second ends the wait, the third ends the process
    immediately.

    A thread takes the steps: a handler runs in the middle of whatever the main thread does, and would wait for ever
    for a lock that this one holds.
    """

    def __init__(self, begin: Callable[[], object], hurry: Callable[[], object]) -> None:
        self._begin, self._hurry = begin, hurry
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._told = threading.Event()
        threading.Thread(target=self._take_steps, name="signals", daemon=True).start()

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: have the next step taken."""
        self._signals.put(number)

    def listen(self) -> None:
        """Register for the signals that ask a process to end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)

    def wait(self) -> None:
        """Wait, in the main thread, until the first step has been taken.

        It wakes now and then: the system may give a signal to any thread, and Python handles it in this one alone, once
        it runs.
        """
        while not self._told.wait(_LOOK_EVERY_S):
            pass

    def _take_steps(self) -> None:
        self._signals.get()
        with _logged("the beginning of the drain"):
            metrics.draining()
            self._begin()
        self._told.set()
        self._signals.get()
        with _logged("the end of the drain"):
            self._hurry()
        self._signals.get()
        os._exit(1)


@contextlib.contextmanager
def _logged(what: str) -> Iterator[None]:
    """Log what goes wrong, and go on to the next step."""
    try:
        yield
    except Exception:
        log.exception(f"{what} broke off")


@dataclass(frozen=True)
class Farewell:
    """The last word on when a process ends that was told to: threads may wait for a database that says nothing. What
    it has not recorded by then is solved again elsewhere."""

    drain_s: float
    can_record: Callable[[], bool]
    """False if what running solves come to can no longer be recorded."""

    def begin(self) -> None:
        """Watch, in a thread, that the process ends in time."""
        threading.Thread(target=self._watch, name="farewell", daemon=True).start()

    def _watch(self) -> None:
        begun = time.monotonic()
        while time.monotonic() < begun + self.drain_s + LONGEST_FAREWELL_S:
            time.sleep(_LOOK_EVERY_S)
            if time.monotonic() > begun + SILENT_FAREWELL_S and not self.can_record():
                break
        log.error("ended without a clean shutdown: something hangs", after_s=time.monotonic() - begun)
        os._exit(1)


class DrainingServer(uvicorn.Server):
    """A server that continues to answer while the worker in the same process drains, and then ends."""

    def __init__(
        self, config: uvicorn.Config, drain: Callable[[], None], hurry: Callable[[], None], farewell: Farewell
    ) -> None:
        super().__init__(config)
        self._drain, self._farewell = drain, farewell
        self._shutdown = Shutdown(self._begin, hurry)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take the signal as `Shutdown` does."""
        self._shutdown(sig, frame)

    def _begin(self) -> None:
        self._farewell.begin()
        threading.Thread(target=self._end, daemon=True).start()

    def _end(self) -> None:
        try:
            self._drain()
        except Exception:
            log.exception("the drain broke off")
        self.should_exit = True
