"""Intake of requests: have them checked, see that the queue has room, and queue each job once."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

import sqlalchemy
from sqlmodel import Session
from starlette.requests import Request

from lodeplan.schemas.jobs import JobView, ProblemError
from lodeplan.service import storage
from lodeplan.service.access import audit
from lodeplan.service.access.callers import CALLER, current_caller
from lodeplan.service.access.quotas import count_jobs, queue_full
from lodeplan.service.api.bodies import read_ask
from lodeplan.service.api.idempotency import KeyedRequest, answer_once, find_answer
from lodeplan.service.api.leaving import ClientGone, unless_gone
from lodeplan.service.checking.checkers import Checkers
from lodeplan.service.checking.checks import Ask, PreparedSchedule, prepare, prepare_schedule, validate
from lodeplan.service.engine import JobEngine
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import job_view
from lodeplan.service.jobs.prepared import BatchSubmission, PreparedSubmission
from lodeplan.service.settings import Settings
from lodeplan.service.storage.overview import count_queued

T = TypeVar("T")

COUNTED_EVERY_S = 1.0
THREADS = 2


@dataclass
class Intake:
    """Intake of requests for jobs."""

    database: sqlalchemy.Engine
    engine: JobEngine
    settings: Settings
    checkers: Checkers
    _queued_jobs: int = 0
    _counted_at_s: float = float("-inf")
    # Threads of their own, and few: polls must not wait for a free thread.
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "submissions"))

    async def prepare(self, request: Request, tenant: str) -> PreparedSubmission | BatchSubmission:
        """Check what a request asks for; raises `ApiError` (400, 413, 415, 422 with all errors, 429, 503), or
        `ClientGone`."""
        return await self.prepare_ask(request, await read_ask(request, tenant))

    async def prepare_ask(self, request: Request, ask: Ask) -> PreparedSubmission | BatchSubmission:
        """Check what this asks for, for a request whose body was read; raises as above."""
        return await unless_gone(request, self.checkers.run(ask.tenant, prepare, self._within_rights(ask)))

    async def validate(self, request: Request, tenant: str) -> str:
        """Check what a request asks for and return its `Validation` as JSON; raises as above."""
        ask = self._within_rights(await read_ask(request, tenant))
        return await unless_gone(request, self.checkers.run(tenant, validate, ask))

    async def errors_in(self, request: Request, check: Callable[[Ask], object]) -> list[ProblemError]:
        """The errors in a body that asks for jobs, or for what else `check` checks; none if it cannot be read."""
        try:
            ask = self._within_rights(await read_ask(request, request.scope[CALLER].tenant))
            await unless_gone(request, self.checkers.run(ask.tenant, check, ask))
        except ApiError as error:
            return error.problem.errors
        except ClientGone:
            pass
        return []

    async def prepare_schedule(self, request: Request, ask: Ask) -> PreparedSchedule:
        """Check a request for a schedule; raises as above."""
        return await unless_gone(request, self.checkers.run(ask.tenant, prepare_schedule, self._within_rights(ask)))

    def _within_rights(self, ask: Ask) -> Ask:
        return replace(ask, max_priority=self.settings.tenant_max_priority)

    async def known_answer(self, once: KeyedRequest | None) -> str | None:
        """Return the answer that this key got before, as JSON; raises `ApiError` (422)."""
        return await asyncio.to_thread(self._known_answer, once) if once else None

    async def submit(self, submission: PreparedSubmission | BatchSubmission, once: KeyedRequest | None) -> str:
        """Queue the job unless its key shows that this was done before; returns the job as JSON. Raises `ApiError`
        (422, 429, 503)."""
        return await self._in_thread(lambda: self._submit(submission, once))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        # With the context of the request, as `asyncio.to_thread` does: logs and traces are bound there.
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: context.run(work))

    def _known_answer(self, once: KeyedRequest) -> str | None:
        with storage.open_session(self.database) as session:
            return find_answer(session, once)

    def _submit(self, submission: PreparedSubmission | BatchSubmission, once: KeyedRequest | None) -> str:
        with storage.open_session(self.database) as session:
            return answer_once(session, once, lambda: self._queued(session, submission))

    def _queued(self, session: Session, submission: PreparedSubmission | BatchSubmission) -> JobView:
        self._check_room(session, submission.count)
        sender = replace(submission.sender, by=current_caller.get().actor)
        job = replace(submission, sender=sender).submit(session, self.engine)
        count_jobs(session, submission.tenant, submission.count, self.settings)
        audit.record(session, "job.submit", job.id, job.scenario)
        return job_view(session, job)

    def _check_room(self, session: Session, count: int) -> None:
        """Raise `ApiError` (503) if the queue is full, by a count that is at most a second old. Several processes
        together may exceed the limit by the jobs they accept within that second.
        """
        if not self.settings.max_queued:
            return
        if time.monotonic() > self._counted_at_s + COUNTED_EVERY_S:
            self._queued_jobs = count_queued(session, self.settings.max_queued)
            self._counted_at_s = time.monotonic()
        self._queued_jobs += count
        if self._queued_jobs > self.settings.max_queued:
            self._queued_jobs -= count
            raise queue_full(self.settings)
