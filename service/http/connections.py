"""Connections to the service, before anything is known of who sends: how many there may be, and how long each may take.

A connection costs a file handle, and solves need handles too. So there is a limit on all and on those of one address,
and a time for the head of a request, for its body and for the reading of its answer. A connection beyond a limit takes
the place of one of the same address on which nothing is being answered, the oldest first; where there is none, it is
answered 503 and closed. One that takes too long is answered 408 where that is possible, or cut off. All are counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from lodeplan.service.telemetry import metrics

HANDLES_FOR_SERVICE = 128
"""File handles kept back for files, databases and webhooks."""
HANDLES_A_SOLVE = 32
MOST_HANDLES = 65_536
WINDOW_S = 10.0
"""Time over which the rate of a body or of a reader is taken; also what it may take to begin."""
LOOK_EVERY_S = 1.0

_PHRASES = {408: "Request Timeout", 503: "Service Unavailable"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of all connections; 0 of `by_address`: none."""

    in_all: int
    by_address: int
    head_s: float
    body_s: float
    min_bytes_per_s: float


def raise_handles(slots: int) -> int:
    """Raise the soft limit on file handles of this process; returns how many connections may hold, so that some are
    left for so many solves and all else."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST_HANDLES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_HANDLES if hard == resource.RLIM_INFINITY else min(hard, MOST_HANDLES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    handles = MOST_HANDLES if soft == resource.RLIM_INFINITY else soft
    return max(8, handles - HANDLES_FOR_SERVICE - HANDLES_A_SOLVE * slots)


@dataclass
class Connections:
    """All connections of one server. Belongs to the event loop's thread."""

    limits: ConnectionLimits
    _open: OrderedDict[WatchedProtocol, None] = field(default_factory=OrderedDict)
    _of_address: dict[str, OrderedDict[WatchedProtocol, None]] = field(default_factory=dict)
    _looking: asyncio.TimerHandle | None = None

    def protocol(self, *arguments: Any, **named: Any) -> WatchedProtocol:
        """Make the protocol of a new connection."""
        made = WatchedProtocol(*arguments, **named)
        made.all = self
        return made

    def admit(self, connection: WatchedProtocol) -> bool:
        """Take a connection in, if need be in the place of another; False if there is no room."""
        own = self._of_address.get(connection.address, OrderedDict())
        if self.limits.by_address and len(own) >= self.limits.by_address:
            if not self._make_room(own, "address"):
                return False
        elif len(self._open) >= self.limits.in_all and not self._make_room(self._largest(), "all"):
            return False
        self._open[connection] = None
        self._of_address.setdefault(connection.address, OrderedDict())[connection] = None
        metrics.connections_open(len(self._open))
        if self._looking is None:
            self._look_later()
        return True

    def forget(self, connection: WatchedProtocol) -> None:
        """A connection has ended."""
        self._open.pop(connection, None)
        own = self._of_address.get(connection.address)
        if own is not None:
            own.pop(connection, None)
            if not own:
                del self._of_address[connection.address]
        metrics.connections_open(len(self._open))

    def _largest(self) -> OrderedDict[WatchedProtocol, None]:
        """The connections of the address that has most."""
        return max(self._of_address.values(), key=len, default=OrderedDict())

    def _make_room(self, among: OrderedDict[WatchedProtocol, None], limit: str) -> bool:
        """End the oldest of these that has not asked for anything yet, or else that asks for nothing now."""
        # The first is mostly one, and this is done for each connection of somebody who opens thousands.
        unused = (connection for connection in among if connection.cycle is None)
        chosen = next(unused, None) or next((each for each in among if not each.is_answering), None)
        if chosen:
            chosen.end(f"room-{limit}")
            self.forget(chosen)
        return chosen is not None

    def _look_later(self) -> None:
        self._looking = asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._looking = None
        moment = time.monotonic()
        for connection in list(self._open):
            connection.hold_to_time(moment)
        if self._open:
            self._look_later()


class WatchedProtocol(H11Protocol):
    """A connection that is held to the limits."""

    all: Connections
    address: str = "unknown"
    _head_until: float | None = None
    _head_begun: bool = False
    _body_begun: float | None = None
    _body_of: object = None
    """The request whose body began then: a kept connection has many."""
    _window: tuple[float, int] | None = None
    """Begin of the present window of a body, and bytes since."""
    _unread: tuple[float, int] | None = None
    """Since when an answer waits for its reader, and how much was unread then."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection in, or refuse it."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else "unknown"
        own: socket.socket | None = transport.get_extra_info("socket")
        if own is not None and own.family in (socket.AF_INET, socket.AF_INET6):
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head_until = time.monotonic() + self.all.limits.head_s
        if not self.all.admit(self):
            self.end("limit", 503)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.all.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what comes."""
        if self.transport.is_closing():
            return
        if not self.is_answering and self._head_until is None:
            self._head_until = time.monotonic() + self.all.limits.head_s
        if self._window:
            self._window = (self._window[0], self._window[1] + len(data))
        super().data_received(data)
        self._head_begun = not self.is_answering
        if self.is_answering:
            self._head_until = None

    @property
    def is_answering(self) -> bool:
        """True from the head of a request to the end of its answer."""
        return self.cycle is not None and not self.cycle.response_complete

    def hold_to_time(self, moment: float) -> None:
        """End the connection if it takes too long."""
        if self._reader_is_late(moment):
            self.end("reader")
        elif self.transport.is_closing():
            return
        elif self._head_until is not None and not self.is_answering and moment > self._head_until:
            self.end("head")
        elif self.is_answering and self._body_is_late(moment):
            self.end("body", 408)

    def _body_is_late(self, moment: float) -> bool:
        if self._body_of is not self.cycle:
            self._body_of, self._body_begun, self._window = self.cycle, None, None
        # While we do not read, the client cannot send.
        if not self.cycle.more_body or self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._window = None
            return False
        if self._body_begun is None:
            self._body_begun = moment
        begun, count = self._window or (moment, 0)
        self._window = (begun, count)
        if moment - begun >= WINDOW_S:
            if count < self.all.limits.min_bytes_per_s * (moment - begun):
                return True
            self._window = (moment, 0)
        return moment - self._body_begun > self.all.limits.body_s

    def _reader_is_late(self, moment: float) -> bool:
        """Only while nothing is written: then what is unread shows how much was read."""
        if not (self.flow.write_paused or self.transport.is_closing()):
            self._unread = None
            return False
        unread = self.transport.get_write_buffer_size()
        since, before = self._unread or (moment, unread)
        self._unread = (since, before)
        if moment - since < WINDOW_S:
            return False
        self._unread = (moment, unread)
        return before - unread < min(before, self.all.limits.min_bytes_per_s * (moment - since))

    def end(self, why: str, status: int = 0) -> None:
        """Close the connection and count it; with an answer, if a request was begun and none was."""
        metrics.connection_ended(why)
        if self._head_begun and not self.is_answering:
            status = status or 408
        if not status or self.transport.is_closing() or (self.is_answering and self.cycle.response_started):
            self.transport.abort()
            return
        self.transport.write(_answer(status, why))
        # It must not wait for a reader who does not read.
        self.transport.close()
        asyncio.get_running_loop().call_later(LOOK_EVERY_S, self.transport.abort)


_DETAILS = {
    "head": "The head of the request took too long.",
    "body": "The body of the request took too long.",
    "limit": "The service has as many connections as it may. Try again in a while.",
}


def _answer(status: int, why: str) -> bytes:
    """A problem as bytes; nothing of the application is needed for it."""
    detail = _DETAILS.get(why, "The connection was idle, and its place was needed.")
    kind = "busy" if status == 503 else "request-timeout"
    problem = {"type": f"urn:lodeplan:problem:{kind}", "title": _PHRASES[status], "status": status, "detail": detail}
    body = json.dumps(problem)
    head = [f"HTTP/1.1 {status} {_PHRASES[status]}", "content-type: application/problem+json", "connection: close"]
    head += ["retry-after: 5", f"content-length: {len(body)}"]
    return "\r\n".join([*head, "", body]).encode()


@dataclass
class QuietAccept:
    """Exception handler of an event loop that logs failures to accept a connection once a second, with their number."""

    _count: int = 0
    _next_line: float = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle an error that nobody else did."""
        if "socket.accept()" not in context.get("message", ""):
            loop.default_exception_handler(context)
            return
        metrics.connection_ended("accept")
        self._count += 1
        if time.monotonic() >= self._next_line:
            log.error("connections could not be accepted", times=self._count, error=str(context.get("exception")))
            self._count, self._next_line = 0, time.monotonic() + 1.0
