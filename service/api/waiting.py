"""Waiting for a job on behalf of a caller, for as long as the caller may see it."""

from __future__ import annotations

import time

from starlette.requests import Request

from lodeplan.service.access.gate import Access
from lodeplan.service.api.job_watch import JobWatch

RECHECK_S = 5.0
"""Time after which a waiting caller's key is checked again."""


async def wait_for_change(request: Request, job_id: str, seen_event: int, timeout_s: float) -> bool:
    """Wait as `JobWatch.wait` does; False if the key of the caller was revoked or expired meanwhile. Returns early if
    the caller has gone. No session with the database is held.
    """
    watch: JobWatch = request.app.state.watch
    access: Access = request.app.state.access
    until = time.monotonic() + timeout_s
    while True:
        left_s = until - time.monotonic()
        told = await watch.wait(job_id, seen_event, min(left_s, RECHECK_S))
        if not await access.still_admits(request):
            return False
        if told or left_s <= RECHECK_S or await request.is_disconnected():
            return True
