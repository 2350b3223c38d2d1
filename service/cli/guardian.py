"""A process that watches a command, and reports how it died when the command no longer can."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from types import FrameType
from typing import IO, NoReturn

from lodeplan.service.cli.exits import ENDED_BY_CTRL_C, Exit, SolveFailed, explain
from lodeplan.service.cli.progress import CLEAR_LINE
from lodeplan.service.workers.child import ORPHANED_EXIT_CODE, die_with_parent

_CTRL_C = {signal.SIGINT}


def run_guarded(command: Callable[[], NoReturn]) -> int:
    """Run a command, which ends by `SystemExit`, in a child process, and wait for it; returns its exit code.

    The child gets each Ctrl-C once, from this process, and ends with it. If a signal ends the child, as the system does
    when memory runs out, a sentence on standard error says so and the code is that of an error. Where processes cannot
    be forked (Windows) the command runs in this one. Call it before there are threads.
    """
    if not hasattr(os, "fork"):
        command()
    with _file_for_last_words() as last_words:
        reading, writing = os.pipe()
        # Ctrl-C waits until both sides can deal with it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _CTRL_C)
        child = os.fork()
        if child == 0:
            os.close(writing)
            _depend_on(reading)
            faulthandler.enable(last_words)
            _end_at_once(command)
        os.close(reading)
        return _watched(child, last_words)


def _file_for_last_words() -> IO[bytes]:
    """A file without a name; where no temporary folder can be written to, one that forgets all."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "r+b")


def _depend_on(guardian: int) -> None:
    """End with the guardian, which holds the other end of this pipe; Ctrl-C in a terminal is for it alone."""
    os.setsid()
    die_with_parent()

    def end_as_orphan() -> None:
        os.read(guardian, 1)
        os._exit(ORPHANED_EXIT_CODE)

    threading.Thread(target=end_as_orphan, daemon=True).start()


def _end_at_once(command: Callable[[], NoReturn]) -> NoReturn:
    """Run the command and end this process without taking apart what it holds, which takes a quarter of a second."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _CTRL_C)
        command()
    except SystemExit as ended:
        code = int(ended.code or 0)
    except KeyboardInterrupt:
        code = ENDED_BY_CTRL_C
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        # The reader needs no more, as in `| head`; Typer ends other commands with the same code.
        code = 1
    except OSError as error:
        if code != Exit.ERROR:  # else the command failed on the same, and said so
            code = explain(error)
    os._exit(code)


def _watched(child: int, last_words: IO[bytes]) -> int:
    """Wait for the child, pass Ctrl-C on to it meanwhile, and return its exit code."""

    def pass_on(_signal: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGINT)

    signal.signal(signal.SIGINT, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _CTRL_C)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    if sys.stderr.isatty():
        print(CLEAR_LINE, end="", file=sys.stderr, flush=True)
    from lodeplan.service.workers.child_process import death_of

    peak_mib = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    last_words.seek(0)
    return explain(SolveFailed(death_of(code, peak_mib).message, last_words.read().decode(errors="replace")))
