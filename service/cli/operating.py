"""Work of `lodeplan queue`, `lodeplan dead-letters` and `lodeplan schedules`. Access to the database is enough to use
them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy
from sqlmodel import Session

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.access import LOCAL, Scope
from lodeplan.schemas.queue import QueueView
from lodeplan.service import storage
from lodeplan.service.access import Caller, audit
from lodeplan.service.access.schedules import act
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs.queue import resend as resend_letter
from lodeplan.service.jobs.queue import show_queue
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, Schedule, open_session, overview, quotas
from lodeplan.service.telemetry import logs

_BY = "command line"
_LOOK_EVERY_S = 1.0
_ALL = 10_000


def queue_now() -> QueueView:
    """The queue as it is."""
    with _database() as database, open_session(database) as session:
        return show_queue(session)


def pause(reason: str) -> QueueView:
    """Pause the queue; raises `InvalidInput` if it is paused already."""
    return _change(lambda session: overview.set_pause(session, _BY, reason), "queue.pause", "is paused already", reason)


def resume() -> QueueView:
    """Let the queue run; raises `InvalidInput` if it is not paused."""
    return _change(overview.end_pause, "queue.resume", "is not paused")


def drain(reason: str, timeout_s: float) -> QueueView:
    """Pause the queue, unless it is paused, and wait until no job runs, at most so long; 0: without a limit."""
    until = time.monotonic() + timeout_s
    found = queue_now()
    if not found.paused:
        found = pause(reason)
    drained = 0
    # Twice in a row: a worker may have been about to begin a job when the pause was written.
    while drained < 2 and (not timeout_s or time.monotonic() < until):
        time.sleep(_LOOK_EVERY_S)
        found = queue_now()
        drained = drained + 1 if found.drained else 0
    return found


def print_queue(found: QueueView, as_json: bool) -> None:
    """Print the queue as lines of text, or as JSON."""
    if as_json:
        print(found.model_dump_json(indent=1, exclude_none=True))
        return
    about = f" since {found.since:%Y-%m-%dT%H:%M:%SZ} by {found.by}" if found.since else ""
    about += f": {found.reason}" if found.reason else ""
    print(f"The queue is {'paused' + about if found.paused else 'running'}.")
    print(
        f"Jobs that wait: {found.waiting}; jobs that run: {found.running}.{' It is drained.' if found.drained else ''}"
    )
    for worker in found.workers:
        slots = "1 slot" if worker.slots == 1 else f"{worker.slots} slots"
        trouble = f"; takes no jobs: {worker.trouble}" if worker.trouble else ""
        print(f"{worker.host} (process {worker.pid}, version {worker.version}): {slots}{trouble}")


def print_dead_letters(tenant: str | None, limit: int, as_json: bool) -> None:
    """Print dead letters of a tenant, or of all."""
    with _database() as database, open_session(database) as session:
        found = overview.list_dead_letters(session, tenant, limit)
        if as_json:
            print(json.dumps({"jobs": [_described(job) for job in found]}, indent=1))
            return
        for job in found:
            told = _described(job)
            print("{id}  {tenant:<12} {failure:<16} {dead_since}  {scenario} {label}".format(**told).rstrip())
        if not found:
            print("There are no dead letters.")


def resend(job_ids: list[str], everything: bool, as_json: bool) -> None:
    """Send dead letters again; raises `InvalidInput` with all ids that are none, and sends nothing then."""
    if bool(job_ids) == everything:
        raise InvalidInput([_problem("no_choice", "", "name jobs, or give --all.", "`lodeplan dead-letters list`.")])
    logs.configure("ERROR")
    with _database() as database:
        engine = DbosEngine(database)
        engine.prepare()
        with open_session(database) as session:
            dead = {job.id: job for job in overview.list_dead_letters(session, None, _ALL)}
            unknown = [job_id for job_id in job_ids if job_id not in dead]
            if unknown:
                remedy = "`lodeplan dead-letters list` shows their ids."
                raise InvalidInput([_problem("no_dead_letter", each, "is no dead letter.", remedy) for each in unknown])
            fresh: dict[str, str] = {}
            for job_id in dict.fromkeys(job_ids or dead):
                job = dead[job_id]
                sent = resend_letter(session, engine, job, _BY)
                if sent:
                    quotas.add_usage(session, job.tenant, jobs=1)
                    audit.record(session, "job.resend", job_id, f"as {sent.id}", by=_operator(job.tenant))
                    fresh[job_id] = sent.id
            session.commit()
        engine.close()
    if as_json:
        print(json.dumps({"resent": fresh}, indent=1))
        return
    for old, new in fresh.items():
        print(f"{old} is sent again as {new}.")
    if not fresh:
        print("There are no dead letters.")


def print_schedules(tenant: str | None, as_json: bool) -> None:
    """Print the schedules of a tenant, or of all."""
    with _database() as database, open_session(database) as session:
        found = overview.list_all_schedules(session, tenant)
        if as_json:
            kept = ("id", "tenant", "name", "cron", "zone", "paused", "last_job_id", "last_refusal")
            told = [{**schedule.model_dump(include={*kept}), "next_at": _next_of(schedule)} for schedule in found]
            print(json.dumps({"schedules": told}, indent=1))
            return
        for schedule in found:
            times = f"{schedule.cron} {schedule.zone}"
            print(
                f"{schedule.id}  {schedule.tenant:<12} {times:<24} {_next_of(schedule) or 'paused':<20} {schedule.name}"
            )
            if schedule.last_refusal:
                print(f"  The last time came to no job: {schedule.last_refusal}")
        if not found:
            print("There are no schedules.")


def change_schedule(schedule_id: str, action: str) -> None:
    """Pause, resume or delete a schedule; raises `InvalidInput` if it does not exist."""
    with _database() as database, open_session(database) as session:
        found = [each for each in overview.list_all_schedules(session, None) if each.id == schedule_id]
        if not found:
            remedy = "`lodeplan schedules list` shows their ids."
            raise InvalidInput([_problem("unknown_schedule", schedule_id, "no schedule has this id.", remedy)])
        act(session, found[0], action, by=_operator(found[0].tenant))
        session.commit()
    print(f"Schedule {schedule_id}: {action}d.")


def _next_of(schedule: Schedule) -> str | None:
    return None if schedule.paused else f"{datetime.fromtimestamp(schedule.due_at_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _described(job: Job) -> dict[str, str]:
    return {
        "id": job.id,
        "tenant": job.tenant,
        "failure": str(job.failure.code) if job.failure else "",
        "dead_since": f"{job.dead_since:%Y-%m-%dT%H:%M:%SZ}",
        "scenario": job.scenario,
        "label": job.label or "",
    }


def _change(change: Callable[[Session], bool], action: str, why_not: str, detail: str = "") -> QueueView:
    with _database() as database, open_session(database) as session:
        if not change(session):
            raise InvalidInput([InputProblem(code="queue_state", path="queue", message=f"the queue {why_not}.")])
        audit.record(session, action, "queue", detail, by=_operator(LOCAL))
        session.commit()
        return show_queue(session)


@contextmanager
def _database() -> Iterator[sqlalchemy.Engine]:
    database = storage.open_database(Settings.from_environment().sqlalchemy_url)
    storage.migrate(database)
    yield database
    database.dispose()


def _problem(code: str, value: str, message: str, remedy: str) -> InputProblem:
    return InputProblem(code=code, path="ID", message=message, value=value or None, remedy=remedy)


def _operator(tenant: str) -> Caller:
    return Caller(tenant, Scope.ADMIN, _BY)
