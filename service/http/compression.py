"""Compression of answers: text is sent compressed to clients that take it, and has a tag of its own then."""

from __future__ import annotations

import asyncio
import re
import zlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEAST_BYTES = 2_000
"""Shorter answers are sent as they are: they fit into a packet or two, and polls should cost little."""

_TEXT = re.compile(r"text/(?!event-stream)|application/(json|javascript|x-ndjson|yaml)|[a-z]+/[a-z.-]+\+(json|xml)")
# Events must not wait in a compressor, so they are left out.
_IN_LOOP_BYTES = 20_000
"""Larger pieces are compressed in a thread."""
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 6
_AS_IT_IS = frozenset({204, 206, 304})


def takes_gzip(headers: Headers) -> bool:
    """True if a client accepts gzip."""
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = part.strip().partition(";")
        if coding.strip() in ("gzip", "x-gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def packed(tag: str) -> str:
    """The tag of the compressed form of what has this tag."""
    return tag[:-1] + '-gzip"'


def _unpacked(tag: str) -> str:
    return tag.removesuffix('-gzip"') + '"' if tag.endswith('-gzip"') else tag


class Compressed:
    """Middleware that compresses text. What is compressed already passes, and so do events and short answers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on; a client that holds a compressed form knows the other too."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        held = [tag.strip().removeprefix("W/") for tag in headers.get("if-none-match", "").split(",")]
        if any(_unpacked(tag) != tag for tag in held):
            known = MutableHeaders(headers=headers)
            known["if-none-match"] = ", ".join(dict.fromkeys([*held, *map(_unpacked, held)]))
            scope = {**scope, "headers": known.raw}
        await self.app(scope, receive, _Answer(send, held, takes_gzip(headers)).send)


class _Answer:
    """An answer on its way to a client that holds these tags."""

    def __init__(self, send: Send, held: list[str], takes_gzip: bool) -> None:
        self._send, self._held, self._takes_gzip = send, held, takes_gzip
        self._start: Message | None = None
        self._compressor: zlib._Compress | None = None

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            # What becomes of it depends on the body.
            self._start = message
            return
        if message["type"] == "http.response.body":
            if self._start:
                await self._begin(self._start, message)
            if self._compressor:
                message = {**message, "body": await self._compress(message)}
                if not message["body"] and message.get("more_body"):
                    return
        await self._send(message)

    async def _begin(self, start: Message, first: Message) -> None:
        self._start = None
        headers = MutableHeaders(scope=start)
        tag = headers.get("etag", "")
        if start["status"] == 304 and tag not in self._held and packed(tag) in self._held:
            headers["etag"] = packed(tag)
        if self._may_be_compressed(start["status"], headers):
            if "accept-encoding" not in headers.get("vary", "").lower():
                headers.add_vary_header("Accept-Encoding")
            is_long = first.get("more_body") or len(first.get("body", b"")) >= LEAST_BYTES
            if self._takes_gzip and is_long:
                self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
                headers["content-encoding"] = "gzip"
                if tag:
                    headers["etag"] = packed(tag)
                del headers["content-length"]
                if not first.get("more_body"):
                    first["body"] = await self._compress(first)
                    self._compressor = None
                    headers["content-length"] = str(len(first["body"]))
        await self._send(start)

    def _may_be_compressed(self, status: int, headers: Headers) -> bool:
        is_text = _TEXT.match(headers.get("content-type", "")) is not None
        return is_text and status not in _AS_IT_IS and "content-encoding" not in headers

    async def _compress(self, message: Message) -> bytes:
        piece, is_last = message.get("body", b""), not message.get("more_body")
        if len(piece) > _IN_LOOP_BYTES:
            return await asyncio.to_thread(self._packed, piece, is_last)
        return self._packed(piece, is_last)

    def _packed(self, piece: bytes, is_last: bool) -> bytes:
        assert self._compressor
        return self._compressor.compress(piece) + (self._compressor.flush() if is_last else b"")
