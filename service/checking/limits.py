"""Limits of a process that checks requests: processor time of each check, and memory in all."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

MEMORY_MB = 2_000
"""Memory that a process may hold, MB; the largest bodies that are read need a third of it."""
KEEP_MB = 500
"""A process that holds more after a check is replaced."""
BATCH_TIMES = 10
"""How much longer than a single job the jobs of a batch may take together."""
_GRACE_S = 10
"""After this much more processor time the system ends a check that hears nothing, seconds."""

_allowed_s = 0.0


class TookTooLong(BaseException):
    """A check has taken the processor time that it may. Nothing that handles errors may take it for one of its own."""


@contextlib.contextmanager
def processor_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in the main thread once the block has taken so much processor time."""
    global _allowed_s
    signal.signal(signal.SIGPROF, _stop)
    _allowed_s = seconds
    _allow(seconds)
    try:
        yield
    finally:
        _allowed_s = 0.0
        signal.setitimer(signal.ITIMER_PROF, 0)


def allow_for_batch() -> None:
    """Allow the check that is being done to take as long as one of a batch may; without a limit this does nothing."""
    if _allowed_s:
        _allow(_allowed_s * BATCH_TIMES)


def limit_memory() -> None:
    """Let requests for more memory fail in this process; they raise `MemoryError`."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = MEMORY_MB * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


def holds_too_much() -> bool:
    """True if this process should be replaced, for what its checks have left in memory (Linux)."""
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * 4096 > KEEP_MB * 1_000_000
    return False


def _allow(seconds: float) -> None:
    import resource

    signal.setitimer(signal.ITIMER_PROF, seconds)
    # Code outside Python does not hear the timer. The system counts from the start of the process.
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    last = int(used.ru_utime + used.ru_stime + seconds + _GRACE_S)
    resource.setrlimit(resource.RLIMIT_CPU, (last if hard < 0 else min(last, hard), hard))


def _stop(*_: object) -> None:
    raise TookTooLong
