"""Clients that leave before they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

T = TypeVar("T")


class ClientGone(Exception):
    """The client closed its connection; nobody reads the answer."""


_ending: set[asyncio.Task[Any]] = set()
"""What was cancelled and has yet to put things in order; the request does not wait for that."""


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await work for a request whose body was read; cancel it and raise `ClientGone` when its client leaves."""
    task, leaving = asyncio.create_task(work), asyncio.create_task(_leave(request))
    try:
        await asyncio.wait((task, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        for each in (task, leaving):
            if not each.done():
                _ending.add(each)
                each.add_done_callback(_has_ended)
                each.cancel()


def _has_ended(task: asyncio.Task[Any]) -> None:
    _ending.discard(task)
    if not task.cancelled():
        task.exception()  # Nobody waits for it any more.


async def _leave(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
