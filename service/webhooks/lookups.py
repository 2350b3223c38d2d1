"""Look-ups of names for webhooks, in a bounded number of threads: the resolver of the system may hang for a minute, and
nothing can interrupt it."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field

from lodeplan.service.webhooks.addresses import RefusedAddressError, look_up

AT_ONCE = 12
OF_A_TENANT = 3
TAKES_AT_MOST_S = 5.0


class NoThread(Exception):
    """No thread is free for a look-up; nothing was tried."""


@dataclass
class LookUps:
    """Look-ups of all tenants. One that hangs keeps its thread, and counts for its tenant, until the resolver
    returns."""

    _running: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def addresses(self, tenant: str, host: str, port: int) -> list[str]:
        """Look up the addresses of a host. Raises `NoThread`, `RefusedAddressError`, or `TimeoutError` if it takes too
        long."""
        with self._lock:
            if self._running.total() >= AT_ONCE or self._running[tenant] >= OF_A_TENANT:
                raise NoThread
            self._running[tenant] += 1
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[str]] = loop.create_future()
        # A thread of its own, which no end of the process waits for.
        arguments = (tenant, host, port, loop, found)
        thread = threading.Thread(target=self._look_up, args=arguments, name="look-up", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The machine has no more threads.
            self._end(tenant)
            raise NoThread from None
        async with asyncio.timeout(TAKES_AT_MOST_S):
            return await found

    def _look_up(
        self, tenant: str, host: str, port: int, loop: asyncio.AbstractEventLoop, found: asyncio.Future[list[str]]
    ) -> None:
        answer: list[str] | RefusedAddressError
        try:
            answer = look_up(host, port)
        except RefusedAddressError as refused:
            answer = refused
        finally:
            self._end(tenant)
        try:
            loop.call_soon_threadsafe(_tell, found, answer)
        except RuntimeError:
            # The loop has ended, and nobody waits any more.
            return

    def _end(self, tenant: str) -> None:
        with self._lock:
            self._running[tenant] -= 1


def _tell(found: asyncio.Future[list[str]], answer: list[str] | RefusedAddressError) -> None:
    if found.done():
        return
    if isinstance(answer, RefusedAddressError):
        found.set_exception(answer)
    else:
        found.set_result(answer)
