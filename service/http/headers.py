"""Security headers: they tell browsers what a response may do."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DOCS = "/docs"
"""The page that shows the API; it contains a script."""

API_HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
"""Policy of every response that does not set its own, as pages do."""

_DOCS_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SHARED_BY_ALL = ("/static/", "/static-offline-docs/")
"""Paths of files that are the same for everybody and may be cached."""


class SecurityHeaders:
    """Middleware that adds these headers to responses that lack them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers as a response starts."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"] == DOCS:
                    headers.setdefault("content-security-policy", _DOCS_POLICY)
                for name, value in API_HEADERS.items():
                    if name != "cache-control" or not scope["path"].startswith(_SHARED_BY_ALL):
                        headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)
