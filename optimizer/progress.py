"""Times by step, and progress reports to the caller."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isinf
from pathlib import Path

from lodeplan.optimizer.solver import gap_of
from lodeplan.schemas.plan import SolverProgress

Listener = Callable[[SolverProgress], None]


@dataclass
class Progress:
    """The steps on the way to one plan, what time each took, and who hears of them. Time between steps is left out."""

    listener: Listener | None = None
    started: float = field(default_factory=time.monotonic)
    timings_s: dict[str, float] = field(default_factory=dict)
    _paused: float = 0.0

    def report(self, phase: str, objective: float | None = None, bound: float | None = None) -> None:
        """Tell the listener the phase, and objective and bound in kUSD once there are any."""
        if self.listener is None:
            return
        gap = None if objective is None or bound is None else gap_of(objective, bound)
        self.listener(
            SolverProgress(
                phase=phase,
                elapsed_s=time.monotonic() - self.started,
                objective_kusd=objective,
                bound_kusd=bound,
                gap=None if gap is None or isinf(gap) else gap,
                memory_mib=peak_memory_mib(),
            )
        )

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A step of this name, timed; what it took before for the same plan is added."""
        begun = time.monotonic()
        self.started = self.started + begun - self._paused if self.timings_s else begun
        self.report(name)
        try:
            yield
        finally:
            self._paused = time.monotonic()
            self.timings_s[name] = self.timings_s.get(name, 0.0) + self._paused - begun

    def ended(self) -> dict[str, float]:
        """The steps of the plan that is ready, and the time in `total`, seconds; the next plan begins from nothing."""
        timings = {**self.timings_s, "total": time.monotonic() - self.started}
        self.timings_s = {}
        return timings


def peak_memory_mib() -> float:
    """Peak resident memory of this process, MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike getrusage, it does not count what the parent held when it started us
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
