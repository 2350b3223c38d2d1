"""Fork solves from a process that has loaded all that they need: `python -m lodeplan.service.workers.fork_server FD`.

Each message on the socket FD asks for one fork and brings its descriptors: a socket for what is said about the fork, a
file with its order, and what are to be its descriptors from 0 up. The fork has a session of its own and ends with this
process. This process has one thread, now and at each fork, so that a fork begins with all that it knows in order; it
runs no job itself, so no job leaves anything behind in it.

About each fork this process says its process id, with a handle on it, and then its exit code. When the worker shuts its
end of that socket, or dies, the fork is killed. When the worker closes FD, this process ends after its last fork.
"""

from __future__ import annotations

import errno
import fcntl
import gc
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from lodeplan.service.workers.child import ORPHANED_EXIT_CODE, die_with_parent, name_process

FORK_NAME = "lodeplan-solve"
"""Name of a fork in the list of processes."""
MOST_DESCRIPTORS = 16
"""Descriptors that a message may bring."""


def main() -> None:
    """Load what a solve needs, and fork a solve for each message."""
    die_with_parent()
    from lodeplan.service.workers import child

    child.load_all()
    serve(socket.socket(fileno=int(sys.argv[1])), child.main)


def serve(requests: socket.socket, run: Callable[[], None]) -> None:
    """Have a fork do `run` for each request, with its arguments in `sys.argv`; returns when all have ended and no more
    can come. Raises `RuntimeError` where this process has several threads, `OSError` or `AttributeError` where the
    system has no handles on processes.
    """
    os.close(os.pidfd_open(os.getpid()))
    if count_threads() != 1:
        raise RuntimeError("what is loaded has started threads: a fork would miss them")
    # What is loaded stays; to look through it for garbage would copy the pages that forks share.
    gc.collect()
    gc.freeze()
    _Server(requests, run).serve()


def count_threads() -> int:
    """Count the threads of this process, also those that Python does not know."""
    return len(os.listdir("/proc/self/task"))


def loaded_packages() -> dict[str, tuple[int, int] | None]:
    """Size and time of change of the files of Lodeplan that are loaded, and of the folders of all that is."""
    places = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name != "__main__":
            places.add(file if name.partition(".")[0] == "lodeplan" else os.path.dirname(file))
    return {place: _change_of(place) for place in places}


def _change_of(place: str) -> tuple[int, int] | None:
    try:
        found = os.stat(place)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@dataclass(eq=False)
class _Fork:
    """A fork, a handle on it, and the socket on which it is spoken of."""

    pid: int
    handle: int
    control: socket.socket
    has_ended: bool = False
    is_let_go: bool = False


@dataclass
class _Server:
    """The forks of this process. One that has ended keeps its process id until the worker lets go of it."""

    requests: socket.socket
    run: Callable[[], None]
    _selector: selectors.BaseSelector = field(default_factory=selectors.PollSelector)
    _forks: set[_Fork] = field(default_factory=set)
    _loaded: dict[str, tuple[int, int] | None] = field(default_factory=loaded_packages)
    _pid: int = field(default_factory=os.getpid)

    def serve(self) -> None:
        """Fork, and tell of forks, until there is nothing more to wait for."""
        self._await(self.requests, self._take)
        while self._selector.get_map():
            for key, _ in self._selector.select():
                key.data()

    def _await(self, what: socket.socket | int, then: Callable[[], None]) -> None:
        self._selector.register(what, selectors.EVENT_READ, then)

    def _take(self) -> None:
        """Answer a message, which says how many descriptors it brings; the worker sees its socket close where no fork
        comes of it."""
        message, descriptors, _, _ = socket.recv_fds(self.requests, 16, MOST_DESCRIPTORS)
        try:
            if not message or self._is_outdated():
                self._selector.unregister(self.requests)
                self.requests.close()
            elif len(descriptors) != int(message):
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            else:
                self._fork(*descriptors)
        except OSError:
            traceback.print_exc()
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _is_outdated(self) -> bool:
        return count_threads() != 1 or any(_change_of(place) != change for place, change in self._loaded.items())

    def _fork(self, control: int, order: int, *ends: int) -> None:
        """Make a fork and tell its id. Raises `OSError` if there is none."""
        pid = os.fork()
        if pid == 0:
            os.close(control)
            self._be_fork(order, ends)
        try:
            fork = _Fork(pid, os.pidfd_open(pid), socket.socket(fileno=os.dup(control)))
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        self._forks.add(fork)
        self._await(fork.handle, lambda: self._note_end(fork))
        self._await(fork.control, lambda: self._let_go(fork))
        # A worker that is gone has closed its end, which the wait for it tells.
        with suppress(OSError):
            socket.send_fds(fork.control, [str(pid).encode()], [fork.handle])

    def _note_end(self, fork: _Fork) -> None:
        """Tell the exit code of a fork, or minus the signal that ended it."""
        self._selector.unregister(fork.handle)
        os.close(fork.handle)
        if ended := os.waitid(os.P_PID, fork.pid, os.WEXITED | os.WNOWAIT):
            code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            with suppress(OSError):
                fork.control.send(str(code).encode())
        fork.has_ended = True
        self._forget(fork)

    def _let_go(self, fork: _Fork) -> None:
        """The worker wants no more of a fork, or is gone."""
        self._selector.unregister(fork.control)
        fork.is_let_go = True
        if not fork.has_ended:
            signal.pidfd_send_signal(fork.handle, signal.SIGKILL)
        self._forget(fork)

    def _forget(self, fork: _Fork) -> None:
        if fork.has_ended and fork.is_let_go:
            os.waitpid(fork.pid, 0)
            fork.control.close()
            self._forks.discard(fork)

    def _be_fork(self, order: int, ends: Sequence[int]) -> NoReturn:
        """Do the work of a fork, and end as a program does."""
        try:
            os.setsid()
            die_with_parent()
            if os.getppid() != self._pid:
                os._exit(ORPHANED_EXIT_CODE)
            name_process(FORK_NAME)
            self._leave_server()
            _obey(Path(f"/dev/fd/{order}").read_bytes())
            os.close(order)
            _place(ends)
            code = _exit_code_of(self.run)
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            traceback.print_exc()
            code = 1
        # Not the interpreter's own end, which takes apart all that is loaded.
        os._exit(code)

    def _leave_server(self) -> None:
        """Close what belongs to the server and to other forks."""
        self.requests.close()
        for fork in self._forks:
            fork.control.close()
            if not fork.has_ended:
                os.close(fork.handle)
        self._forks.clear()


def _obey(order: bytes) -> None:
    """Take arguments and environment from an order."""
    told = json.loads(order)
    sys.argv[1:] = told["arguments"]
    os.environ.clear()
    os.environ.update(told["environment"])


def _place(descriptors: Sequence[int]) -> None:
    """Make these the descriptors from 0 up."""
    beyond = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, len(descriptors)) for descriptor in descriptors]
    for descriptor in descriptors:
        os.close(descriptor)
    for number, descriptor in enumerate(beyond):
        os.dup2(descriptor, number)
        os.close(descriptor)


def _exit_code_of(run: Callable[[], None]) -> int:
    """The exit code of a program that does this; says what it failed for."""
    try:
        run()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
