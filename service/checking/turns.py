"""Turns of tenants at what only some may use at a time."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lodeplan.service.http.errors import ApiError

MOST_WAITING = 100
"""Requests of one tenant that may wait for their turn."""
WAIT_S = 60.0
"""Time after which a request that still waits is sent away, seconds."""
_RETRY_S = 10


class Turns:
    """Turns at some places: each tenant's requests in the order in which they came, one tenant after the other, and
    one place always free of the tenant that holds the others. Belongs to an event loop's thread."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._of_one = max(1, places - 1)
        self._taken = Counter[str]()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def take(self, tenant: str) -> AsyncIterator[None]:
        """Hold a place within the block. Raises `ApiError`: 429 if too many requests of the tenant wait, 503 if it
        waited too long."""
        await self._wait(tenant)
        try:
            yield
        finally:
            self._taken[tenant] -= 1
            self._taken += Counter()  # without those that hold none
            self._let_in()

    async def _wait(self, tenant: str) -> None:
        line = self._waiting.setdefault(tenant, deque())
        if len(line) >= MOST_WAITING:
            raise _too_many()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        self._let_in()
        try:
            async with asyncio.timeout(WAIT_S):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._taken[tenant] -= 1
            else:
                self._leave(tenant, turn)
            self._let_in()
            if isinstance(error, TimeoutError):
                raise _too_late() from None
            raise

    def _leave(self, tenant: str, turn: asyncio.Future[None]) -> None:
        """Take a turn out of the line; one that was cancelled may have been taken out before it knew."""
        line = self._waiting.get(tenant, deque())
        if turn in line:
            line.remove(turn)
            if not line:
                del self._waiting[tenant]

    def _let_in(self) -> None:
        """Give the free places to those whose turn it is."""
        while self._taken.total() < self._places:
            tenant = next((name for name in self._waiting if self._taken[name] < self._of_one), None)
            if tenant is None:
                return
            turn = self._waiting[tenant][0]
            self._leave(tenant, turn)
            if not turn.cancelled():
                self._taken[tenant] += 1
                turn.set_result(None)
            if tenant in self._waiting:
                self._waiting.move_to_end(tenant)


def _too_many() -> ApiError:
    detail = f"{MOST_WAITING} requests of this tenant wait to be checked already. Send this one again in a while."
    return ApiError(429, "too-many-requests", detail, headers={"retry-after": str(_RETRY_S)})


def _too_late() -> ApiError:
    detail = f"The service was checking other requests for {WAIT_S:.0f} s. Send this one again in a while."
    return ApiError(503, "busy", detail, headers={"retry-after": str(_RETRY_S)})
