"""A log line, a metric and an id for every request; both sides can quote the id."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lodeplan.service.telemetry import metrics

HEADER = "x-request-id"
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that machines poll every few seconds; logged at DEBUG and not traced."""

_VALID = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")
CANCELLED = 499
"""Status, in logs and metrics, of requests whose client left."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log = structlog.get_logger("service.requests")


class Observed:
    """Outermost middleware: gives each request an id, times it and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and record how it went."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        # An answer made further out, to an error nobody caught, finds it here.
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500
        begun = time.perf_counter()

        async def with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id), metrics.REQUESTS_OPEN.track_inprogress():
            try:
                await self.app(scope, receive, with_id)
            except asyncio.CancelledError:
                # The client or the process went away; no fault of the service.
                status = CANCELLED
                raise
            finally:
                _tell(scope, status, time.perf_counter() - begun)


def _request_id(scope: Scope) -> str:
    """Return the id that the client sent, if it is safe for a log, or a new one."""
    sent = Headers(scope=scope).get(HEADER, "")
    return sent if _VALID.fullmatch(sent) else secrets.token_hex(16)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    route = route_of(scope)
    method = scope["method"] if scope["method"] in _METHODS else "other"
    metrics.request_ended(method, route, status, seconds)
    say = log.debug if route in QUIET and status < 400 else log.info
    say("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1), **_job_of(scope))


def route_of(scope: Scope) -> str:
    """Return the template of the matched route, such as `/api/v1/jobs/{job_id}`; never a path with ids."""
    route: Any = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    template = getattr(route, "path_format", None) or getattr(route, "path", None)
    if template:
        return str(template)
    if "endpoint" not in scope:
        return "unmatched"
    return "mounted" if scope.get("path_params") else str(scope["path"])


def _job_of(scope: Scope) -> dict[str, str]:
    job_id = scope.get("path_params", {}).get("job_id")
    return {"job": job_id} if isinstance(job_id, str) and job_id.isalnum() else {}
