"""Processes that check requests, beside the server: started when needed, used again, and replaced."""

from __future__ import annotations

import asyncio
import atexit
import os
import pickle
import socket
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from lodeplan.service.checking.process import SIZE_BYTES
from lodeplan.service.checking.tasks import Done, Task
from lodeplan.service.checking.turns import Turns
from lodeplan.service.children import environment_of_child
from lodeplan.service.http.errors import ApiError
from lodeplan.service.telemetry import metrics

T = TypeVar("T")
Command = tuple[str, ...]

COMMAND: Command = (sys.executable, "-P", "-m", "lodeplan.service.checking.process")
SILENT_TIMES = 20
"""A process that has said nothing for so many times the processor time of a check is given up."""
START_S = 120.0
"""Time in which a process has to be ready; packages may come from a slow disk."""
_RETRY_S = 5
_LARGE_BYTES = 500_000
"""Answers over this are unpacked in a thread."""

log = structlog.get_logger(__name__)


class Died(Exception):
    """A process ended without an answer."""


class Checker:
    """A process that does one task at a time, as its parent sees it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=environment_of_child(os.environ),
                # Ctrl-C in a terminal is for the server.
                start_new_session=True,
            )
        self._socket.setblocking(False)

    @property
    def is_alive(self) -> bool:
        """True if it has not ended."""
        return self._process.poll() is None

    async def greet(self) -> None:
        """Wait until it is ready; raises `Died`."""
        await self._exactly(SIZE_BYTES)

    async def ask(self, message: bytes) -> bytes:
        """Send a message and return the answer; raises `Died`."""
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self._socket, len(message).to_bytes(SIZE_BYTES, "big"))
            await loop.sock_sendall(self._socket, message)
        except OSError:
            raise Died from None
        return await self._exactly(int.from_bytes(await self._exactly(SIZE_BYTES), "big"))

    async def _exactly(self, count: int) -> bytes:
        loop = asyncio.get_running_loop()
        found = bytearray(count)
        view, left = memoryview(found), count
        while left:
            try:
                received = await loop.sock_recv_into(self._socket, view[count - left :])
            except OSError:
                received = 0
            if not received:
                raise Died
            left -= received
        return bytes(found)

    def end(self) -> int:
        """End it, whatever it does; returns its exit code."""
        self._process.kill()
        self._socket.close()
        return self._process.wait()


_idle: defaultdict[Command, deque[Checker]] = defaultdict(deque)
"""Processes that wait for a task, by command: all servers of this process share them."""


@atexit.register
def _end_all() -> None:
    for waiting in _idle.values():
        while waiting:
            waiting.pop().end()


class Checkers:
    """Processes of one server. `spent` is told the processor time of each check, seconds, in the context of whoever
    asked for it. Belongs to an event loop's thread."""

    def __init__(
        self, places: int = 3, limit_s: float = 30, command: Command = COMMAND,
        spent: Callable[[float], object] = lambda _seconds: None,
    ) -> None:  # fmt: skip
        self._places, self._limit_s, self._command, self._spent = places, limit_s, command, spent
        self._turns = Turns(places)
        self._busy = 0
        self._starting: set[asyncio.Task[None]] = set()

    def warm_up(self) -> None:
        """Start the processes that are missing, in advance: each takes a second to be ready."""
        for _ in range(self._places - self._busy - len(_idle[self._command]) - len(self._starting)):
            starting = asyncio.create_task(self._start())
            self._starting.add(starting)
            starting.add_done_callback(self._has_started)

    async def run(self, tenant: str, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in a process, in the turn of the tenant, and return what it returns.

        Raises what it raises, or `ApiError`: 413 if it takes too much time or memory, 429 or 503 if its turn did not
        come, 503 if the process ended. A caller that is cancelled takes the process along.
        """
        async with self._turns.take(tenant):
            begun = time.monotonic()
            try:
                done = await self._do(Task(function, arguments, self._limit_s))
            except BaseException:
                self._spent(time.monotonic() - begun)
                raise
        self._spent(done.processor_s)
        if done.trace:
            log.error("a check failed", trace=done.trace)
            raise RuntimeError(f"{function.__name__} failed in its process")
        if done.refusal:
            raise done.refusal
        result: T = done.result
        return result

    async def _do(self, task: Task) -> Done:
        checker = await self._checker()
        self._busy += 1
        try:
            async with asyncio.timeout(self._limit_s * SILENT_TIMES):
                answer = await checker.ask(pickle.dumps(task))
            done = await _unpacked(answer)
        except BaseException as error:
            metrics.check_given_up()
            code = await self._replace(checker)
            if isinstance(error, Died | TimeoutError):
                log.error("a process that checks requests ended", exit_code=code)
                raise _gone() from None
            raise
        if done.is_last:
            await self._replace(checker)
        else:
            self._busy -= 1
            _idle[self._command].append(checker)
        return done

    async def _replace(self, checker: Checker) -> int:
        """End a process and wait until there is another: whose check it was must not take what is there for others
        meanwhile. Returns the exit code."""
        try:
            code = await asyncio.shield(asyncio.to_thread(checker.end))
        finally:
            self._busy -= 1
        self.warm_up()
        if self._starting:
            await asyncio.wait(self._starting)
        return code

    async def _checker(self) -> Checker:
        """A process that waits, or else the next that is ready; raises `ApiError` (503) if none starts."""
        while True:
            while _idle[self._command]:
                # The one that was used last: it has read what is asked for most.
                checker = _idle[self._command].pop()
                if checker.is_alive:
                    return checker
                checker.end()
            self.warm_up()
            ready, _ = await asyncio.wait(self._starting, return_when=asyncio.FIRST_COMPLETED)
            if not _idle[self._command] and all(task.exception() for task in ready):
                raise _gone()

    async def _start(self) -> None:
        checker = Checker(self._command)
        try:
            async with asyncio.timeout(START_S):
                await checker.greet()
        except BaseException:
            checker.end()
            raise
        _idle[self._command].append(checker)

    def _has_started(self, starting: asyncio.Task[None]) -> None:
        self._starting.discard(starting)
        if not starting.cancelled() and (error := starting.exception()):
            log.error("a process that checks requests does not start", error=repr(error))


def _gone() -> ApiError:
    detail = "The process that checks this request ended or did not start. Try again, or send a smaller request."
    return ApiError(503, "busy", detail, headers={"retry-after": str(_RETRY_S)})


async def _unpacked(answer: bytes) -> Done:
    done: Done = await asyncio.to_thread(pickle.loads, answer) if len(answer) > _LARGE_BYTES else pickle.loads(answer)
    return done
