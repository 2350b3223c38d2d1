"""Shutdown of a process: it takes no more jobs, lets running solves continue for a while, and queues the rest again."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn

from lodeplan.service.telemetry import metrics

log = structlog.get_logger(__name__)


class Shutdown:
    """Handler of signals: the first begins the drain, the second ends the wait, the third ends the process
    immediately."""

    def __init__(self, begin: Callable[[], object], hurry: Callable[[], object]) -> None:
        self._steps = iter((self._begin_with(begin), hurry))

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal: take the next step."""
        next(self._steps, lambda: os._exit(1))()

    def listen(self) -> None:
        """Register for the signals that ask a process to end."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)

    def _begin_with(self, begin: Callable[[], object]) -> Callable[[], object]:
        def told() -> None:
            metrics.draining()
            begin()

        return told


class DrainingServer(uvicorn.Server):
    """A server that continues to answer while the worker in the same process drains, and then ends."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], None], hurry: Callable[[], None]) -> None:
        super().__init__(config)
        self._shutdown = Shutdown(lambda: threading.Thread(target=self._end, args=(drain,)).start(), hurry)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take the signal as `Shutdown` does."""
        self._shutdown(sig, frame)

    def _end(self, drain: Callable[[], None]) -> None:
        try:
            drain()
        except Exception:
            log.exception("the drain broke off")
        self.should_exit = True
