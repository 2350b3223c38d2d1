"""The worker's side of `fork_server`: a process that has loaded all that a solve needs, and the solves it forks."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO

import structlog

from lodeplan.service.workers.memory import OwnPeak

FORK_SERVER = (sys.executable, "-P", "-m", "lodeplan.service.workers.fork_server")
RETRY_S = 600.0
"""Time without a server after one that never came to fork, or refused to soon after its start."""
SETTLED_S = 60.0
"""Age from which a server that refuses to fork is followed by another one at once."""
PATIENCE_S = 10.0
"""Time that a server has for what takes it a moment; after that it is ended, and its forks with it."""

log = structlog.get_logger(__name__)


class NoFork(Exception):
    """Refusal of a fork: none was begun, and the solve has to be started in another way."""


class ForkServer:
    """A source of forks. Its server is started for the first of them, and anew once it has ended, refuses to fork, or
    has loaded packages that have changed since. After one that did not come to fork, or soon refused to, there is none
    for a while: to start one for each solve would cost more than it saves.
    """

    def __init__(self, command: Sequence[str] = FORK_SERVER) -> None:
        self._command = command
        self._server: _Server | None = None
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._closed = sys.platform != "linux"

    def start(self, flags: Sequence[str], files: Sequence[int], environment: Mapping[str, str]) -> Fork:
        """Ask for a fork in this environment whose arguments are the paths of the files and these flags. Raises
        `NoFork`.
        """
        server = self._serving(environment)
        arguments = [*(f"/dev/fd/{number}" for number in range(3, 3 + len(files))), *flags]
        try:
            return Fork(self, server, {"arguments": arguments, "environment": dict(environment)}, files)
        except OSError as error:
            # No more handles, or the server has just ended.
            self.leave(server)
            raise NoFork from error

    def leave(self, server: _Server, *, refused: bool = False) -> None:
        """Have further forks come from another server; those of this one go on."""
        now = time.monotonic()
        with self._lock:
            if server is self._server:
                self._server = None
                is_hopeless = not server.has_forked or (refused and now < server.begun_at + SETTLED_S)
                if is_hopeless and not server.is_killed:
                    self._not_before = now + RETRY_S
            server.dismiss()

    def close(self) -> None:
        """Have no more forks."""
        self._closed = True
        if server := self._server:
            self.leave(server)

    def _serving(self, environment: Mapping[str, str]) -> _Server:
        with self._lock:
            if self._closed or time.monotonic() < self._not_before:
                raise NoFork
            if self._server is None or self._server.is_killed:
                try:
                    self._server = _Server(self._command, environment)
                except (OSError, RuntimeError) as error:
                    raise NoFork from error
            return self._server


class _Server:
    """A server that runs, or ran. Raises `OSError` or `RuntimeError` if it cannot be started."""

    has_forked = False
    is_killed = False

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.begun_at = time.monotonic()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.settimeout(PATIENCE_S)
        started: queue.SimpleQueue[subprocess.Popen[str] | Exception] = queue.SimpleQueue()

        def start_and_watch() -> None:
            try:
                with theirs:
                    process = _started(command, theirs.fileno(), environment)
            except Exception as error:
                started.put(error)
                return
            started.put(process)
            _watch(process)

        # A thread for the life of the server, which the system ends with the thread that started it.
        try:
            threading.Thread(target=start_and_watch, name="fork server", daemon=True).start()
            process = started.get()
            if isinstance(process, Exception):
                raise process
        except Exception:
            theirs.close()
            self._requests.close()
            raise
        self._process = process

    def ask(self, descriptors: Sequence[int]) -> None:
        """Ask for a fork with these descriptors. Raises `OSError` if the server has ended."""
        socket.send_fds(self._requests, [str(len(descriptors)).encode()], descriptors)

    def dismiss(self) -> None:
        """Have it end with its last fork."""
        self._requests.close()

    def kill(self) -> None:
        """End it at once, and all its forks."""
        self.is_killed = True
        self._process.kill()


def _started(command: Sequence[str], requests: int, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, str(requests)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        pass_fds=(requests,),
        env=environment,
        start_new_session=True,
    )


def _watch(process: subprocess.Popen[str]) -> None:
    """Log what a server writes, until it has ended."""
    with process:
        for line in process.stderr or ():
            log.warning("fork server output", pid=process.pid, text=line.rstrip())
    if process.returncode:
        log.warning("a fork server has ended", pid=process.pid, exit_code=process.returncode)


class Fork:
    """A solve that a server forks, to be used as a process that was started. Raises `OSError` if it cannot be asked
    for."""

    pid: int | None = None
    """Its process id, once the server has told."""
    stdin: IO[str] | None
    stdout: IO[str] | None
    stderr: IO[str] | None

    def __init__(self, forks: ForkServer, server: _Server, order: Mapping[str, object], files: Sequence[int]) -> None:
        self._forks, self._server = forks, server
        self._handle: int | None = None
        self._memory: OwnPeak | None = None
        self._exit_code: int | None = None
        self._killed_at: float | None = None
        with contextlib.ExitStack() as given, contextlib.ExitStack() as kept:
            self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            kept.enter_context(self._control)
            given.enter_context(control)
            written = given.enter_context(os.fdopen(os.memfd_create("lodeplan-order"), "w+b", buffering=0))
            written.write(json.dumps(order).encode())
            written.seek(0)
            self.stdin, stdin = _pipe("w", given, kept)
            self.stdout, stdout = _pipe("r", given, kept)
            self.stderr, stderr = _pipe("r", given, kept)
            server.ask([control.fileno(), written.fileno(), stdin, stdout, stderr, *files])
            self._kept = kept.pop_all()

    def peak_memory_mib(self) -> float | None:
        """Peak of the memory that is its own, as far as known."""
        self._hear_now()
        return self._memory.mib() if self._memory else None

    def kill(self) -> None:
        """End it, or see to it that it does not begin."""
        now = time.monotonic()
        self._killed_at = self._killed_at or now
        self._hear_now()
        if self._handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        elif self._server.has_forked and now < self._killed_at + PATIENCE_S:
            # The server is about to begin it, or about not to.
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_WR)
        else:
            # Still loading, perhaps for long.
            self._server.kill()

    def wait(self) -> int:
        """Wait for its exit code, or minus the signal that ended it. Raises `NoFork` if it was not begun."""
        while self._exit_code is None:
            self._control.settimeout(PATIENCE_S if self._killed_at else None)
            try:
                self._hear()
            except TimeoutError:
                self._server.kill()
        return self._exit_code

    def close(self) -> None:
        """End it, wait for it, and give back what it took."""
        self.kill()
        self.wait()
        with contextlib.suppress(OSError):
            self._kept.close()

    def _hear_now(self) -> None:
        """Hear what the server has said."""
        self._control.settimeout(0)
        with contextlib.suppress(BlockingIOError, NoFork):
            while self._exit_code is None:
                self._hear()

    def _hear(self) -> None:
        """Hear the next word of the server: the process id, the exit code, or nothing as it has ended."""
        try:
            word, handles, _, _ = socket.recv_fds(self._control, 16, 1)
        except ConnectionError:
            word, handles = b"", []
        if word and self.pid is None:
            self.pid = int(word)
            self._memory = OwnPeak(self.pid)
            self._server.has_forked = True
            for handle in handles:
                self._handle = handle
                self._kept.callback(os.close, handle)
        elif word:
            self._exit_code = int(word)
        elif self.pid:
            # It ends with its server.
            self._forks.leave(self._server)
            self._exit_code = -signal.SIGKILL
        elif self._killed_at:
            self._exit_code = -signal.SIGKILL
        else:
            self._forks.leave(self._server, refused=True)
            raise NoFork


def _pipe(mode: str, given: contextlib.ExitStack, kept: contextlib.ExitStack) -> tuple[IO[str], int]:
    """A pipe to write to a fork, or to read from it: our end, and the fork's."""
    reading, writing = os.pipe()
    ours, theirs = (writing, reading) if mode == "w" else (reading, writing)
    given.callback(os.close, theirs)
    return kept.enter_context(open(ours, mode, encoding="utf-8", errors="replace")), theirs
