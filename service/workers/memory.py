"""Peak memory of a process, MiB, as the system keeps it (Linux)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_SHARE_OF_TIME = 0.01
"""Most of the time of a worker that it looks how much memory a fork shares: the system goes through all of it then."""


def peak_mib(pid: int) -> float | None:
    """Peak memory of the process; None where the system does not tell. Not from `wait4`, which includes the parent's
    memory at the time it started the child.
    """
    return _sum_mib(pid, "status", "VmHWM:")


def shared_mib(pid: int) -> float | None:
    """Memory that the process shares with others now."""
    return _sum_mib(pid, "smaps_rollup", "Shared_Clean:", "Shared_Dirty:")


@dataclass
class OwnPeak:
    """Peak memory of a fork without what it shares with the process it came from.

    The system keeps the peak of both together. What is shared only becomes less, as a fork gets a page of its own when
    it writes to one, so the peak less what is shared now is the peak of its own, or a little more.
    """

    pid: int
    _shared_mib: float = 0.0
    _next_look: float = 0.0

    def mib(self) -> float | None:
        """The peak so far; None once it has ended, or where the system does not tell."""
        peak = peak_mib(self.pid)
        if peak is None:
            return None
        begun = time.monotonic()
        if begun >= self._next_look:
            self._shared_mib = shared_mib(self.pid) or self._shared_mib
            self._next_look = begun + (time.monotonic() - begun) / _SHARE_OF_TIME
        return max(peak - self._shared_mib, 0.0)


def _sum_mib(pid: int, file: str, *names: str) -> float | None:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith(names)]
    return sum(found) / 1024 if found else None
