"""Waiting for jobs to change, with one query for all waiting requests."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import sqlalchemy

from lodeplan.service.storage import open_session
from lodeplan.service.storage.overview import latest_events

LOOK_EVERY_S = 0.25


class JobWatch:
    """Polls the jobs that requests of this process wait for; idle while there are none."""

    def __init__(self, database: sqlalchemy.Engine) -> None:
        self._database = database
        self._waiting: dict[str, dict[asyncio.Future[None], int]] = defaultdict(dict)
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, job_id: str, seen_event: int, timeout_s: float) -> bool:
        """Return when the job has an event after `seen_event` or no longer exists, or False when the time is up. Raises
        what the database raises.
        """
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[job_id][told] = seen_event
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            async with asyncio.timeout(timeout_s):
                await told
            return True
        except TimeoutError:
            return False
        finally:
            self._waiting[job_id].pop(told, None)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    async def _look_on(self) -> None:
        while self._waiting:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                looked_at = list(self._waiting)
                latest = await asyncio.to_thread(self._latest_events, looked_at)
            except Exception as error:
                self._fail(error)
                continue
            for job_id in looked_at:
                for told, seen_event in self._waiting.get(job_id, {}).items():
                    if latest.get(job_id, seen_event + 1) > seen_event and not told.done():
                        told.set_result(None)

    def _latest_events(self, job_ids: list[str]) -> dict[str, int]:
        with open_session(self._database) as session:
            return latest_events(session, job_ids)

    def _fail(self, error: Exception) -> None:
        for waiting in self._waiting.values():
            for told in waiting:
                if not told.done():
                    told.set_exception(error)
