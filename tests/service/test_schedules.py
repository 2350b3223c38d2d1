"""A schedule submits its request at each of its times, once, whichever workers look, and never twice after a pause."""

import gzip
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from http_service import problem, service_on
from job_service import DATABASES, database_of
from sqlmodel import select

from lodeplan.service import storage
from lodeplan.service.cli import main
from lodeplan.service.cron import BadCron, next_time
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, Schedule
from lodeplan.service.workers.scheduler import Scheduler

API = "/api/v1"
NIGHTLY = {"name": "nightly", "cron": "30 2 * * *", "zone": "Europe/Berlin", "request": {"scenario": "golden-toy"}}


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with service_on(database, None) as client:
        yield client


def made(api: httpx.Client, **more: Any) -> str:
    answer = api.post(f"{API}/schedules", json={**NIGHTLY, **more})
    assert answer.status_code == 201, answer.text
    schedule_id: str = answer.json()["id"]
    assert answer.headers["location"] == f"{API}/schedules/{schedule_id}"
    return schedule_id


def scheduler(database: sqlalchemy.Engine, **settings: Any) -> Scheduler:
    engine = DbosEngine(database)
    engine.prepare()
    return Scheduler(database, engine, Settings(**settings))


def let_time_pass(database: sqlalchemy.Engine, days: float = 1) -> None:
    """Have all schedules be due since so many days."""
    with storage.open_session(database) as session:
        due_at_s = datetime.now(UTC).timestamp() - days * 86_400
        session.execute(sqlalchemy.update(Schedule).values(due_at_s=due_at_s))
        session.commit()


def jobs_of(api: httpx.Client, schedule_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(f"{API}/jobs", params={"schedule": schedule_id}).json()["jobs"]
    return found


def end_jobs(api: httpx.Client, schedule_id: str) -> None:
    for job in jobs_of(api, schedule_id):
        api.post(f"{API}/jobs/{job['id']}:cancel")


def test_a_schedule_says_when_it_is_due_and_what_it_asks_for(api: httpx.Client) -> None:
    schedule_id = made(api)
    view = api.get(f"{API}/schedules/{schedule_id}").json()
    due = datetime.fromisoformat(view["next_at"])
    assert due == next_time("30 2 * * *", "Europe/Berlin", datetime.now(UTC))
    assert (view["created_by"], view["paused"], view["name"]) == ("local", False, "nightly")
    assert api.get(view["request"]).json() == {"scenario": "golden-toy"}
    assert api.get(f"{API}/schedules").json()["schedules"] == [view]
    assert jobs_of(api, schedule_id) == []


def test_each_time_comes_to_one_job_with_the_scenario_of_that_day(
    api: httpx.Client, database: sqlalchemy.Engine
) -> None:
    patch = {"op": "set", "path": "economics.discount_rate", "value": 0.07}
    schedule_id = made(api, request={"scenario": "golden-toy", "patches": [patch], "priority": 2})
    worker = scheduler(database)
    assert worker.round() == 0
    let_time_pass(database)
    assert [worker.round() for _ in range(3)] == [1, 0, 0]
    (job,) = jobs_of(api, schedule_id)
    assert (job["label"], job["schedule_id"], job["priority"], job["state"]) == ("nightly", schedule_id, 2, "queued")
    assert api.get(f"{API}/jobs/{job['id']}/changes").json()["who"] == f"schedule:{schedule_id}"
    view = api.get(f"{API}/schedules/{schedule_id}").json()
    assert view["last_job_id"] == job["id"]
    assert datetime.fromisoformat(view["next_at"]) > datetime.now(UTC)
    entry = api.get(f"{API}/audit").json()["entries"][0]
    assert (entry["actor"], entry["action"]) == (f"schedule:{schedule_id}", "job.submit")


def test_a_time_waits_while_the_queue_is_full(api: httpx.Client, database: sqlalchemy.Engine) -> None:
    schedule_id = made(api)
    waiting = api.post(f"{API}/jobs", json={"scenario": "golden-toy"}).json()["id"]
    worker = scheduler(database, max_queued=1)
    let_time_pass(database)
    assert worker.round() == 0
    assert "last_refusal" not in api.get(f"{API}/schedules/{schedule_id}").json()
    api.post(f"{API}/jobs/{waiting}:cancel")
    assert [worker.round() for _ in range(2)] == [1, 0]


def test_many_workers_see_to_a_time_once(api: httpx.Client, database: sqlalchemy.Engine) -> None:
    schedule_id = made(api, request={"scenario": "golden-toy", "reuse": False})
    workers = [scheduler(database) for _ in range(4)]
    for times in range(1, 4):
        let_time_pass(database)
        barrier, fired = threading.Barrier(len(workers)), []

        def look(worker: Scheduler, barrier: threading.Barrier = barrier, fired: list[int] = fired) -> None:
            barrier.wait()
            fired.append(worker.round())

        threads = [threading.Thread(target=look, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(fired) == 1
        assert len(jobs_of(api, schedule_id)) == times
        end_jobs(api, schedule_id)


def test_many_missed_times_come_to_one_job_and_those_of_a_pause_to_none(
    api: httpx.Client, database: sqlalchemy.Engine
) -> None:
    schedule_id = made(api, cron="0 * * * *")
    worker = scheduler(database)
    let_time_pass(database, days=3)
    assert [worker.round() for _ in range(3)] == [1, 0, 0]
    end_jobs(api, schedule_id)
    view = api.post(f"{API}/schedules/{schedule_id}:pause").json()
    assert (view["paused"], "next_at" in view) == (True, False)
    let_time_pass(database, days=3)
    assert worker.round() == 0
    view = api.post(f"{API}/schedules/{schedule_id}:resume").json()
    assert datetime.fromisoformat(view["next_at"]) > datetime.now(UTC)
    assert worker.round() == 0
    assert len(jobs_of(api, schedule_id)) == 1
    again = api.post(f"{API}/schedules/{schedule_id}:resume").json()
    assert again["next_at"] == view["next_at"]


def test_a_time_passes_without_a_job_while_the_last_one_has_not_ended(
    api: httpx.Client, database: sqlalchemy.Engine
) -> None:
    schedule_id = made(api)
    worker = scheduler(database)
    let_time_pass(database)
    assert worker.round() == 1
    let_time_pass(database)
    assert worker.round() == 0
    assert "has not ended" in api.get(f"{API}/schedules/{schedule_id}").json()["last_refusal"]
    end_jobs(api, schedule_id)
    let_time_pass(database)
    assert worker.round() == 1
    assert "last_refusal" not in api.get(f"{API}/schedules/{schedule_id}").json()


def test_what_cannot_be_submitted_is_told_and_the_schedule_moves_on(
    api: httpx.Client, database: sqlalchemy.Engine
) -> None:
    beyond, gone = made(api), made(api, name="gone")
    with storage.open_session(database) as session:
        body = gzip.compress(json.dumps({"scenario": "golden-tay"}).encode())
        session.execute(sqlalchemy.update(Schedule).where(Schedule.id == gone).values(request_gzip=body))
        session.commit()
    api.post(f"{API}/jobs", json={"scenario": "golden-toy", "reuse": False})
    let_time_pass(database)
    assert scheduler(database, tenant_jobs_per_day=1).round() == 0
    told = {each: api.get(f"{API}/schedules/{each}").json() for each in (beyond, gone)}
    assert "At most 1 jobs" in told[beyond]["last_refusal"]
    assert "golden-toy" in told[gone]["last_refusal"]
    assert all(datetime.fromisoformat(view["next_at"]) > datetime.now(UTC) for view in told.values())
    with storage.open_session(database) as session:
        assert len(session.exec(select(Job)).all()) == 1


def test_all_that_is_wrong_with_a_schedule_and_its_request_is_said_at_once(api: httpx.Client) -> None:
    body = {
        "nam": "x", "cron": "61 * * * *", "zone": "Europe/Berln",
        "request": {"scenario": "golden-tay", "optons": {}, "options": {"gap": 3}},
    }  # fmt: skip
    answer = api.post(f"{API}/schedules", json=body)
    errors = {error["pointer"]: error for error in problem(answer, 422, "invalid-input")["errors"]}
    inner = {"/request/scenario", "/request/optons", "/request/options/gap"}
    assert {"/nam", "/name", "/cron", "/zone", *inner} == set(errors)
    assert "Europe/Berlin" in errors["/zone"]["remedy"]
    assert "golden-toy" in errors["/request/scenario"]["remedy"]
    answer = api.post(f"{API}/schedules", json={**NIGHTLY, "cron": "0 0 30 2 *"})
    assert "No day of any year" in problem(answer, 422, "invalid-input")["errors"][0]["detail"]


def test_a_tenant_has_so_many_schedules_at_most(database: sqlalchemy.Engine) -> None:
    with service_on(database, None, tenant_max_schedules=2) as api:
        first = made(api)
        made(api)
        problem(api.post(f"{API}/schedules", json=NIGHTLY), 409, "too-many-schedules")
        assert api.delete(f"{API}/schedules/{first}").status_code == 204
        made(api)
        problem(api.get(f"{API}/schedules/{first}"), 404, "schedule-not-found")


def test_commands_list_pause_resume_and_delete(
    api: httpx.Client, database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("LODEPLAN_DATABASE_URL", url.replace("+psycopg", ""))

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ending:
            main(["schedules", *arguments])
        return int(str(ending.value.code or 0)), capsys.readouterr().out

    schedule_id = made(api)
    assert "30 2 * * * Europe/Berlin" in run("list")[1]
    assert run("pause", schedule_id) == (0, f"Schedule {schedule_id}: paused.\n")
    assert json.loads(run("list", "--json")[1])["schedules"][0]["next_at"] is None
    assert run("resume", schedule_id)[0] == 0
    assert run("delete", schedule_id)[0] == 0
    assert run("delete", schedule_id)[0] == 2
    assert run("list") == (0, "There are no schedules.\n")
    actions = [entry["action"] for entry in api.get(f"{API}/audit").json()["entries"]]
    assert actions == ["schedule.delete", "schedule.resume", "schedule.pause", "schedule.create"]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "times"),
    [
        ("30 2 * * *", "UTC", "2026-03-28T12:00", ["2026-03-29T02:30", "2026-03-30T02:30"]),
        # The clock skips 02:30 in that night.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:30", "2026-03-30T00:30"]),
        # It shows 02:30 twice.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("0 9 * * mon", "America/New_York", "2026-11-30T14:00", ["2026-12-07T14:00", "2026-12-14T14:00"]),
        ("@daily", "Asia/Kolkata", "2026-01-01T00:00", ["2026-01-01T18:30", "2026-01-02T18:30"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
    ],
)
def test_times_are_those_of_the_clock_of_the_zone(cron: str, zone: str, after: str, times: list[str]) -> None:
    moment, found = datetime.fromisoformat(after).replace(tzinfo=UTC), []
    for _ in times:
        moment = next_time(cron, zone, moment)
        found.append(f"{moment:%Y-%m-%dT%H:%M}")
    assert found == times


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
def test_times_only_go_forward_through_a_whole_year(zone: str) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    seen = 0
    while moment < datetime(2027, 1, 1, tzinfo=UTC):
        following = next_time("15 2 * * *", zone, moment)
        assert timedelta(hours=22) < following - moment < timedelta(hours=26) or not seen
        moment, seen = following, seen + 1
    assert seen in (365, 366)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * * * *",
        "61 * * * *",
        "*/0 * * * *",
        "*/70 * * * *",
        "r * * * *",
        "h * * * *",
        "@reboot",
        "0 0 30 2 *",
        "a b c d e",
    ],
)
def test_what_means_no_times_is_refused(cron: str) -> None:
    with pytest.raises(BadCron):
        next_time(cron, "UTC", datetime.now(UTC))
