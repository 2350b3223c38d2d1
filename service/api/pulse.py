"""The pulse of the database, on a connection and in a thread of its own: whatever holds all others up, it says so."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

import sqlalchemy

from lodeplan.service import storage
from lodeplan.service.storage.overview import get_pause

ANSWER_S = 5.0
"""Time within which the database answers, or counts as silent."""


class Pulse:
    """Asks for the version of the tables and for the queue; requests that ask at the same time share one question."""

    def __init__(self, database: sqlalchemy.Engine) -> None:
        self._database = storage.open_beside(database, connections=1, answer_s=ANSWER_S)
        self._thread = ThreadPoolExecutor(1, "pulse")
        self._asked: Future[tuple[str | None, bool]] | None = None

    async def beat(self) -> tuple[str | None, bool]:
        """The version of the tables, or None if there are none, and whether the queue is paused. Raises SQLAlchemy's
        errors, and `TimeoutError` if the database says nothing."""
        if self._asked is None or self._asked.done():
            self._asked = self._thread.submit(self._read)
        asked = asyncio.wrap_future(self._asked)
        # One that fails when nobody waits any more is no news: whoever asks next is told.
        asked.add_done_callback(lambda late: late.cancelled() or late.exception())
        await asyncio.wait([asked], timeout=ANSWER_S)
        if not asked.done():
            raise TimeoutError
        return asked.result()

    def close(self) -> None:
        """Give the connection back."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._database.dispose()

    def _read(self) -> tuple[str | None, bool]:
        with storage.open_session(self._database) as session:
            revision = storage.revision_of(session.connection())
            # Tables of another version may have no such row to ask for.
            is_paused = revision == storage.newest_revision() and get_pause(session) is not None
            return revision, is_paused
