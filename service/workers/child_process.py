"""A watched child process that solves: it reports progress, accepts stop and cancel, and is held to limits."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property, partial
from typing import IO, Any, Protocol

import structlog
from pydantic import ValidationError

from lodeplan.schemas import SolverProgress, Termination
from lodeplan.schemas.jobs import FailureCode, JobFailure, JobOptions
from lodeplan.service.children import environment_of_child
from lodeplan.service.kinds import SOLVE, Kind
from lodeplan.service.telemetry import tracing
from lodeplan.service.workers import memory
from lodeplan.service.workers.child import PROBE, STOP
from lodeplan.service.workers.child_messages import ChildLine, FailedLine, FinishedLine, ProgressLine, read_line
from lodeplan.service.workers.forks import ForkServer, NoFork
from lodeplan.service.workers.processor import cpu_s

LOOK_EVERY_S = 0.25
MEMORY_EVERY_S = 0.05
KEPT_LINES = 100
LAST_WORDS_S = 2.0
"""Time that what a child wrote last gets to be read; more than none only if something keeps its output open."""
START_S = 120.0
"""Time in which a child has to say its first word; packages may come from a slow disk."""
CHILD = (sys.executable, "-P", "-m", "lodeplan.service.workers.child")

log = structlog.get_logger(__name__)


class Wish(Enum):
    """Requests to a running solve."""

    GO_ON = auto()
    STOP = auto()
    KILL = auto()


@dataclass(frozen=True)
class Work:
    """The work of an attempt."""

    scenario_gzip: bytes
    options: JobOptions
    traceparent: str | None = None
    kind: Kind = SOLVE
    threads: int = 1
    """Threads that it may use, whatever the scenario asks for."""
    memory_mib: float | None = None
    """Memory that it may hold: a solve that cannot fit does not begin."""

    @cached_property
    def asked(self) -> dict[str, Any]:
        """The scenario's own `solve` options, as they are stored."""
        asked: dict[str, Any] = json.loads(gzip.decompress(self.scenario_gzip)).get("solve", {})
        return asked


class Watch(Protocol):
    """Supervisor of a running solve."""

    def wish(self) -> Wish:
        """Return the current request; called several times a second."""

    def progress(self, progress: SolverProgress) -> None:
        """Receive the latest progress."""


@dataclass(frozen=True)
class HardLimits:
    """Limits at which a child is killed."""

    deadline: float | None = None
    """Time by the monotonic clock, seconds."""
    memory_mib: float | None = None


@dataclass(frozen=True)
class ChildEnd:
    """End of a child: its last message, the reason it was killed and its output, as far as they exist."""

    last: FinishedLine | FailedLine | None
    killed_for: Termination | None
    exit_code: int
    peak_memory_mib: float | None
    document_gzip: bytes
    errors: str
    """The last lines it wrote to standard error."""
    began: bool = True
    """Whether it said anything at all."""
    cpu_s: float | None = None
    """Processor time that it used, seconds, where the system tells."""


def run_child(
    command: Sequence[str], work: Work, watch: Watch, limits: HardLimits, forks: ForkServer | None = None
) -> ChildEnd:
    """Solve in a child process; returns when it has ended. It is a fork where there is a server that forks one, else it
    is started by the command. Scenario and plan pass through unnamed files, which leave nothing behind however this
    process ends.
    """
    return _run(command, forks, _Errand(_flags(work), gzip.decompress(work.scenario_gzip), watch, limits))


def probe_child(command: Sequence[str], forks: ForkServer | None = None) -> None:
    """Start a child that does nothing, with all that a solve needs of the machine; raises `OSError` if it does not
    start."""
    ended = _run(command, forks, _Errand([PROBE], b"", _Patience(), HardLimits()))
    if not ended.began:
        raise OSError(no_start(ended.exit_code, ended.errors))


@dataclass(frozen=True)
class _Errand:
    """Arguments and scenario of a child, and what it is held to."""

    flags: Sequence[str]
    scenario: bytes
    watch: Watch
    limits: HardLimits


def _run(command: Sequence[str], forks: ForkServer | None, errand: _Errand) -> ChildEnd:
    if forks:
        with contextlib.suppress(NoFork):
            return _follow(forks.start, errand)
    return _follow(partial(_Started, command), errand)


_Start = Callable[[Sequence[str], Sequence[int], Mapping[str, str]], "_Process"]
"""Start a process with flags, files whose paths stand before them, and an environment."""


def _follow(start: _Start, errand: _Errand) -> ChildEnd:
    with _nameless_file() as scenario, _nameless_file() as document:
        scenario.write(errand.scenario)
        scenario.seek(0)
        process = start(errand.flags, (scenario.fileno(), document.fileno()), child_environment())
        with _Child(process) as child:
            last = child.follow(errand.watch, errand.limits)
            exit_code = child.exit_code
        document.seek(0)
        return ChildEnd(
            last,
            child.killed_for,
            exit_code,
            child.peak_memory_mib,
            document.read(),
            child.errors,
            child.began,
            child.cpu_s,
        )


class _Patience:
    """Watch that wants nothing."""

    def wish(self) -> Wish:
        return Wish.GO_ON

    def progress(self, progress: SolverProgress) -> None:
        pass


def no_start(exit_code: int, errors: str) -> str:
    """Say that a child did not start, with the last line that it wrote."""
    lines = errors.strip().splitlines()
    how = f"signal {_signal_name(-exit_code)}" if exit_code < 0 else f"exit code {exit_code}"
    return f"A solving process did not start ({how}{'; ' + lines[-1][:200] if lines else ''})."


def child_environment() -> dict[str, str]:
    """The environment of a child, with the current span in it."""
    return environment_of_child(tracing.child_environment())


def _nameless_file() -> IO[bytes]:
    """Create an unnamed file, in memory if the system can (Linux), so that a full disk does not end a solve."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("lodeplan"), "w+b")
    return tempfile.TemporaryFile()


def _flags(work: Work) -> list[str]:
    options = work.options.model_dump_json(exclude_none=True)
    memory = [] if work.memory_mib is None else ["--memory-mib", str(work.memory_mib)]
    return ["--kind", work.kind.name, "--options", options, "--threads", str(work.threads), *memory]


def death_of(exit_code: int, memory_mib: float | None) -> JobFailure:
    """Return the failure of a child that ended without a message."""
    held = f" It held {memory_mib:.0f} MiB of memory." if memory_mib else ""
    if exit_code == -signal.SIGKILL:
        code = FailureCode.KILLED
        message = f"The system killed the solve (SIGKILL). The most common cause is a lack of memory.{held}"
    elif exit_code < 0:
        code, message = FailureCode.CRASHED, f"The solve was ended by signal {_signal_name(-exit_code)}.{held}"
    else:
        code, message = FailureCode.CRASHED, f"The solve ended without an answer (exit code {exit_code}).{held}"
    return JobFailure(code=code, message=message, peak_memory_mib=memory_mib)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


class _Process(Protocol):
    """A process that solves."""

    stdin: IO[str] | None
    stdout: IO[str] | None
    stderr: IO[str] | None

    @property
    def pid(self) -> int | None:
        """Its process id, once known."""

    def peak_memory_mib(self) -> float | None:
        """Peak of the memory that it holds, where the system tells."""

    def kill(self) -> None:
        """End it."""

    def wait(self) -> int:
        """Wait for its exit code, or minus the signal that ended it."""

    def close(self) -> None:
        """End it, wait for it, and close its pipes."""


class _Started:
    """A process that a command starts."""

    def __init__(
        self, command: Sequence[str], flags: Sequence[str], files: Sequence[int], environment: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(
            [*command, *(f"/dev/fd/{number}" for number in files), *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            pass_fds=files,
            env=environment,
            # Ctrl-C in a terminal is for the worker, which ends its children itself.
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.stdin, self.stdout, self.stderr = self._process.stdin, self._process.stdout, self._process.stderr

    def peak_memory_mib(self) -> float | None:
        return memory.peak_mib(self.pid)

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        return self._process.wait()

    def close(self) -> None:
        self.kill()
        self.wait()
        for stream in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()


@dataclass
class _Child:
    """A running child, its pipes read by threads so that neither side ever waits for the other."""

    process: _Process
    killed_for: Termination | None = None
    peak_memory_mib: float | None = None
    cpu_s: float | None = None
    began: bool = False
    _lines: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)
    _errors: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    _asked_to_stop: bool = False

    def __enter__(self) -> _Child:
        threads = ((self._read_output, self.process.stdout), (self._read_errors, self.process.stderr))
        self._start_by = time.monotonic() + START_S
        try:
            self._readers = [threading.Thread(target=read, args=(stream,), daemon=True) for read, stream in threads]
            for reader in self._readers:
                reader.start()
        except RuntimeError:
            # No more threads: without them nobody would hear the child.
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.close()

    @property
    def exit_code(self) -> int:
        """Wait for its exit code, or minus the signal that ended it."""
        return self.process.wait()

    @property
    def errors(self) -> str:
        """The last lines it wrote to standard error; waits a moment for what is on its way."""
        self._readers[1].join(LAST_WORDS_S)
        return "".join(self._errors)

    def follow(self, watch: Watch, limits: HardLimits) -> FinishedLine | FailedLine | None:
        """Pass on messages and requests until the child ends; returns its last message, if any."""
        last: FinishedLine | FailedLine | None = None
        next_look = 0.0
        while True:
            self._hold(limits)
            if time.monotonic() >= next_look:
                self._look(watch)
                next_look = time.monotonic() + LOOK_EVERY_S
            try:
                text = self._lines.get(timeout=MEMORY_EVERY_S)
            except queue.Empty:
                continue
            if text is None:
                self._note_cpu()
                return last
            line = _parse(text)
            self.began = self.began or line is not None
            if isinstance(line, ProgressLine):
                watch.progress(line.progress)
            elif isinstance(line, FinishedLine | FailedLine):
                last = line

    def _hold(self, limits: HardLimits) -> None:
        held = self.peak_memory_mib = self.process.peak_memory_mib() or self.peak_memory_mib
        self._note_cpu()
        if self.killed_for:
            self.process.kill()
        elif limits.memory_mib and held and held > limits.memory_mib:
            self._kill(Termination.MEMORY_LIMIT)
        elif limits.deadline and time.monotonic() > limits.deadline:
            self._kill(Termination.TIME_LIMIT)
        elif not self.began and time.monotonic() > self._start_by:
            # By no limit of the job: it ends as one that did not start.
            self.process.kill()

    def _note_cpu(self) -> None:
        if self.process.pid is not None:
            self.cpu_s = cpu_s(self.process.pid) or self.cpu_s

    def _look(self, watch: Watch) -> None:
        wish = watch.wish()
        if wish is Wish.KILL:
            self._kill(Termination.INTERRUPTED)
        elif wish is Wish.STOP and not self._asked_to_stop:
            self._asked_to_stop = True
            # It may have ended meanwhile.
            with contextlib.suppress(OSError):
                if self.process.stdin:
                    self.process.stdin.write(STOP + "\n")
                    self.process.stdin.flush()

    def _kill(self, reason: Termination) -> None:
        if not self.killed_for:
            self.killed_for = reason
            self.process.kill()

    def _read_output(self, stream: IO[str]) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self, stream: IO[str]) -> None:
        # Closed under this thread where something that outlives the child keeps its output open.
        with contextlib.suppress(ValueError):
            for line in stream:
                self._errors.append(line)
                log.info("solver output", pid=self.process.pid, text=line.rstrip())


def _parse(text: str) -> ChildLine | None:
    try:
        return read_line.validate_json(text)
    except ValidationError:
        log.warning("a child sent an unreadable message", text=text.rstrip())
        return None
