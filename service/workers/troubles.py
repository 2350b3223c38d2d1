"""Causes of an attempt that came to nothing: the scenario's or the solver's, which is final, or the machine's,
which gives the attempt back to the queue."""

from __future__ import annotations

import gzip
import signal

OF_THE_SOLVER = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP})
"""Signals by which compiled code ends its own process. All others come from outside: from the system, for lack of
memory, or from somebody."""


def trouble_of(error: BaseException) -> str | None:
    """Say what is wrong with the machine if this error of a worker or its child is the machine's: no handles, no
    processes, no threads, no memory, no room, or packages that are not there. None if it is not."""
    if isinstance(error, gzip.BadGzipFile):
        return None
    is_thread = isinstance(error, RuntimeError) and "start new thread" in str(error)
    if is_thread or isinstance(error, OSError | ImportError | MemoryError):
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return None


def is_from_outside(exit_code: int) -> bool:
    """True if a process with this exit code, minus the signal that ended it, was ended by somebody else."""
    return exit_code < 0 and -exit_code not in OF_THE_SOLVER
