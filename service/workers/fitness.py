"""Fitness of a worker to solve: after trouble of its machine it takes no more attempts until a child starts again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from lodeplan.service.telemetry import metrics

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0

log = structlog.get_logger(__name__)


@dataclass
class Fitness:
    """Fitness of one worker. `probe` starts a child that does nothing, and raises if it does not start.

    The pause before a probe doubles with each trouble, also where probes succeed, and is short again once an attempt
    has ended without trouble: a worker on which children start and then die takes ever fewer jobs from the others.
    """

    probe: Callable[[], None]
    first_pause_s: float = FIRST_PAUSE_S
    trouble: str | None = None
    """What is wrong now, in words; None while attempts are taken."""
    _pause_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def note_trouble(self, text: str) -> None:
        """An attempt failed for the machine: take no more, and look from time to time whether children start."""
        metrics.machine_troubled()
        with self._lock:
            is_new, self.trouble = self.trouble is None, text
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S) or self.first_pause_s
            if is_new and not self._stopped.is_set():
                metrics.worker_paused(True)
                log.error("the worker takes no jobs: something is wrong with its machine", trouble=text)
                # A machine without threads has none for this one either; the beat tries again.
                self._try_to_watch()

    def note_success(self) -> None:
        """An attempt ended without trouble of the machine."""
        with self._lock:
            if self.trouble is None:
                self._pause_s = 0.0

    def beat(self) -> None:
        """Called every tick of the lease: sees to it that somebody looks whether children start again."""
        with self._lock:
            if self.trouble is not None and not self._stopped.is_set():
                self._try_to_watch()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    _watcher: threading.Thread | None = None

    def _try_to_watch(self) -> None:
        if self._watcher and self._watcher.is_alive():
            return
        self._watcher = threading.Thread(target=self._wait_until_fit, name="probe", daemon=True)
        try:
            self._watcher.start()
        except RuntimeError:
            self._watcher = None

    def _wait_until_fit(self) -> None:
        while not self._stopped.wait(self._pause_s):
            try:
                self.probe()
            except Exception as error:
                with self._lock:
                    self.trouble = str(error) or type(error).__name__
                    self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                log.warning("the worker still takes no jobs", trouble=self.trouble, next_try_s=self._pause_s)
                continue
            with self._lock:
                self.trouble = self._watcher = None
                metrics.worker_paused(False)
            log.info("the worker takes jobs again")
            return
