"""The scheduler: in every worker, it submits what is due on schedule. A time of a schedule and its job are committed
together by whichever worker moves the schedule on first; the others find it moved."""

from __future__ import annotations

import asyncio
import gzip
import random
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import sqlalchemy
import structlog
from sqlmodel import Session

from lodeplan.schemas.access import Scope
from lodeplan.service.access import Caller, audit
from lodeplan.service.access.quotas import check_queue, count_jobs
from lodeplan.service.checking.checkers import Checkers
from lodeplan.service.checking.checks import Ask, prepare
from lodeplan.service.cron import next_time
from lodeplan.service.engine import JobEngine
from lodeplan.service.http.errors import ApiError
from lodeplan.service.jobs.prepared import BatchSubmission, PreparedSubmission, Sender
from lodeplan.service.settings import Settings
from lodeplan.service.storage import OUTAGES, Schedule, leases, open_session, upkeep
from lodeplan.service.telemetry import metrics

EVERY_S = 5.0
_AT_ONCE = 50

Prepared = PreparedSubmission | BatchSubmission

log = structlog.get_logger(__name__)


@dataclass
class Scheduler:
    """Scheduler of one worker. Requests are checked in a process beside it, as those over HTTP are."""

    database: sqlalchemy.Engine
    engine: JobEngine
    settings: Settings

    def loop(self, ended: threading.Event) -> None:
        """See to schedules every few seconds until `ended`."""
        while not ended.wait(EVERY_S * random.uniform(0.8, 1.2)):
            try:
                self.round(ended)
            except OUTAGES as error:
                log.warning("schedules wait: the database does not answer", error=str(error))
            except Exception:
                log.exception("a round of schedules broke off")

    def round(self, ended: threading.Event | None = None) -> int:
        """See to what is due now, by the clock of the database; returns the number of jobs that were submitted."""
        with open_session(self.database) as session:
            now_s = leases.database_time_s(session)
            due = upkeep.due_schedules(session, now_s, _AT_ONCE)
        # In another order than the other workers, which would otherwise all check the same request.
        random.shuffle(due)
        fired = 0
        for schedule in due:
            if ended and ended.is_set():
                break
            fired += self._see_to(schedule, datetime.fromtimestamp(now_s, UTC))
        return fired

    def _see_to(self, schedule: Schedule, now: datetime) -> bool:
        """Move a schedule on, with a job or with the reason why there is none; whether there is one."""
        with open_session(self.database) as session:
            if not upkeep.is_still_due(session, schedule):
                return False
            runs = upkeep.is_open(session, schedule.last_job_id)
        try:
            if runs:
                raise ApiError(409, "job-not-ended", f"Its last job, {schedule.last_job_id}, has not ended.")
            submission = asyncio.run(self._prepared(schedule))
            with open_session(self.database) as session:
                return self._submit(session, schedule, submission, now)
        except ApiError as error:
            if error.status_code == 503:
                # Nobody could look at it, or there is no room now; it stays due.
                log.warning("a schedule waits", schedule=schedule.id, error=error.problem.detail)
                return False
            self._refuse(schedule, now, error)
        return False

    async def _prepared(self, schedule: Schedule) -> Prepared:
        ask = Ask(gzip.decompress(schedule.request_gzip), "json", schedule.tenant, self.settings.tenant_max_priority)
        return await Checkers(1, self.settings.check_s).run(schedule.tenant, prepare, ask)

    def _submit(self, session: Session, schedule: Schedule, submission: Prepared, now: datetime) -> bool:
        """Submit the job and move the schedule on, in one transaction; False if another worker did. Raises `ApiError`
        (429; 503 if the queue is full), and nothing is changed then."""
        if not upkeep.move_schedule(session, schedule, **_moved(schedule, now), last_refusal=None):
            return False
        check_queue(session, submission.count, self.settings)
        caller = Caller(schedule.tenant, Scope.SUBMIT, f"schedule:{schedule.id}")
        sender = Sender(by=caller.actor, schedule_id=schedule.id)
        job = replace(submission, sender=sender).labelled(schedule.name).submit(session, self.engine)
        job_id, scenario = job.id, job.scenario
        count_jobs(session, schedule.tenant, submission.count, self.settings)
        audit.record(session, "job.submit", job_id, scenario, by=caller)
        upkeep.note_job(session, schedule, job_id)
        session.commit()
        metrics.schedule_fired("job")
        log.info("submitted on schedule", schedule=schedule.id, job=job_id)
        return True

    def _refuse(self, schedule: Schedule, now: datetime, error: ApiError) -> None:
        """Move a schedule on without a job, and note why."""
        told = " ".join([error.problem.detail, *map(str, error.problem.errors[:3])])[:1000]
        with open_session(self.database) as session:
            if upkeep.move_schedule(session, schedule, **_moved(schedule, now), last_refusal=told):
                session.commit()
                metrics.schedule_fired("refused")
                log.warning("a schedule came to no job", schedule=schedule.id, reason=told)


def _moved(schedule: Schedule, now: datetime) -> dict[str, object]:
    """The schedule after the latest of its times that have passed: of several that were missed, one is seen to."""
    due = datetime.fromtimestamp(schedule.due_at_s, UTC)
    following = next_time(schedule.cron, schedule.zone, max(now, due))
    return {"due_at_s": following.timestamp(), "last_due_at": due}
