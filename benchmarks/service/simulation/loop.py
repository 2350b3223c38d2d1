"""An event loop of asyncio for one actor: it waits for nothing but the simulator."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.service.simulation.scheduler import Event, Simulator


class Loop(asyncio.BaseEventLoop):
    """The loop of one actor. While it waits, the loops of others run in the same thread."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator, self._selector = simulator, self
        self._woken = Event(simulator)
        self._last: Any = None
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        """The time by which its timers go."""
        return self._simulator.now

    def select(self, timeout_s: float | None) -> list[Any]:
        """Let the others go on until the next timer, or until somebody calls."""
        asyncio._set_running_loop(None)
        if timeout_s is None or timeout_s > 0:
            self._woken.wait(timeout_s)
        self._woken.clear()
        asyncio._set_running_loop(self)
        return []

    def run_in_executor(  # type: ignore[override]
        self, _executor: Any, act: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        """Run a function in a thread, one after the other."""
        future, before = self.create_future(), self._last

        def run() -> None:
            if before and not before.dead:
                self._simulator.wait(before.ended, None)
            try:
                answer = act(*arguments)
            except Exception as error:
                self.call_soon_threadsafe(_fail, future, error)
            else:
                self.call_soon_threadsafe(_answer, future, answer)

        self._last = self._simulator.spawn(self._simulator.actor().process, "rows", run)
        return future

    def run_once(self) -> None:
        """Take one turn."""
        super()._run_once()

    def _process_events(self, _events: Any) -> None:
        pass

    def _write_to_self(self) -> None:
        self._woken.set()


def run_in_loop(simulator: Simulator, work: Coroutine[Any, Any, Any]) -> Any:
    """`asyncio.run`, for the current actor."""
    loop = Loop(simulator)
    asyncio._set_running_loop(loop)
    try:
        task = loop.create_task(work)
        while not task.done():
            loop.run_once()
        return task.result()
    finally:
        asyncio._set_running_loop(loop)
        with contextlib.suppress(RuntimeError):
            # Where it does not want to be ended it waits, and nobody will go on with it.
            work.close()
        asyncio._set_running_loop(None)


def _answer(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
