"""An operator pauses and drains the queue, and jobs that failed for their machines are sent again, once."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import sqlalchemy
from access_service import bearer, made_key
from http_service import ended, problem, running, service_on, submit
from job_service import DATABASES, database_of, wait_until

from lodeplan.schemas.access import Scope
from lodeplan.schemas.jobs import FailureCode, JobState, JobTrouble
from lodeplan.service import storage
from lodeplan.service.api.intake import COUNTED_EVERY_S
from lodeplan.service.cli import main
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts, reruns
from lodeplan.service.storage import Job, moves

API = "/api/v1"


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ending:
        main([*arguments])
    return int(str(ending.value.code or 0)), capsys.readouterr().out


@pytest.fixture
def commands(database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have commands use the database of the test."""
    monkeypatch.setenv(
        "LODEPLAN_DATABASE_URL", str(database.url.render_as_string(hide_password=False)).replace("+psycopg", "")
    )


def kill(database: sqlalchemy.Engine, job_id: str) -> None:
    """Have a queued job fail for its machines, as workers would."""
    for number in range(1, reruns.MAX_TROUBLED_WORKERS + 1):
        with storage.open_session(database) as session:
            attempts.start(session, Attempt(job_id, number), f"worker {number}")
            trouble = JobTrouble(attempt=number, worker_id=f"worker {number}", began=True, text="killed from outside")
            reruns.give_back(session, InlineEngine(), Attempt(job_id, number), trouble)
            session.commit()


def test_a_paused_queue_begins_nothing_and_goes_on_where_it_was(database: sqlalchemy.Engine) -> None:
    with service_on(database) as api:
        first = running(api, "hang")
        assert api.get("/readyz").json() == {"status": "ok"}
        paused = api.post(f"{API}/queue:pause", json={"reason": "upgrade"}).json()
        assert (paused["paused"], paused["by"], paused["reason"]) == (True, "local", "upgrade")
        assert (paused["drained"], paused["running"]) == (False, 1)
        problem(api.post(f"{API}/queue:pause"), 409, "queue-paused")
        assert api.get("/readyz").json() == {"status": "ok", "queue": "paused"}
        assert "lodeplan_queue_paused 1.0" in api.get("/metrics").text
        second = submit(api, "succeed")
        api.post(f"{API}/jobs/{first}:cancel")
        assert ended(api, first)["state"] == "cancelled"
        wait_until(lambda: api.get(f"{API}/queue").json()["drained"])
        time.sleep(1)  # Four polls of the queue.
        found = api.get(f"{API}/queue").json()
        assert (found["waiting"], len(found["workers"])) == (1, 1)
        assert api.get(f"{API}/jobs/{second}").json()["attempt"] == 1
        assert api.post(f"{API}/queue:resume").json()["paused"] is False
        assert ended(api, second)["state"] == "succeeded"
        problem(api.post(f"{API}/queue:resume"), 409, "queue-not-paused")
        told = [entry["action"] for entry in api.get(f"{API}/audit").json()["entries"]]
        assert {"queue.pause", "queue.resume"} <= {*told}


def test_a_batch_under_way_does_not_keep_a_queue_from_being_drained(database: sqlalchemy.Engine) -> None:
    with service_on(database, None) as api:
        body = {"kind": "batch", "scenario": "golden-toy", "jobs": [{}, {}], "reuse": False}
        batch = api.post(f"{API}/jobs", json=body).json()["id"]
        member = api.get(f"{API}/jobs", params={"parent": batch}).json()["jobs"][0]["id"]
        with storage.open_session(database) as session:
            attempts.start(session, Attempt(member, 1), "worker")
            attempts.finish(session, Attempt(member, 1), attempts.Outcome())
            session.commit()
        assert api.get(f"{API}/jobs/{batch}").json()["state"] == "running"
        assert api.post(f"{API}/queue:pause").json()["drained"] is True


def test_only_an_operator_may_touch_the_queue(database: sqlalchemy.Engine) -> None:
    keys = {tenant: made_key(database, tenant, Scope.ADMIN) for tenant in (storage.LOCAL, "theirs")}
    with service_on(database, None, require_login=True) as api:
        for method, path in (("GET", "queue"), ("POST", "queue:pause"), ("POST", "queue:resume")):
            answer = api.request(method, f"{API}/{path}", headers=bearer(keys["theirs"]))
            problem(answer, 403, "not-allowed")
        assert api.get(f"{API}/queue", headers=bearer(keys[storage.LOCAL])).json()["paused"] is False


def test_commands_pause_drain_and_resume(
    database: sqlalchemy.Engine, commands: None, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = run(capsys, "queue", "pause", "--reason", "new disks")
    assert (code, "paused since" in out, "by command line: new disks" in out) == (0, True, True)
    assert run(capsys, "queue", "pause")[0] == 2
    code, out = run(capsys, "queue", "drain", "--json")
    assert (code, json.loads(out)["drained"]) == (0, True)
    assert "It is drained." in run(capsys, "queue", "show")[1]
    assert run(capsys, "queue", "resume") == (0, "The queue is running.\nJobs that wait: 0; jobs that run: 0.\n")
    assert run(capsys, "queue", "resume")[0] == 2
    with service_on(database) as api:
        job_id = running(api, "hang")
        assert run(capsys, "queue", "drain", "--timeout", "1.5")[0] == 1
        api.post(f"{API}/jobs/{job_id}:cancel")
        assert run(capsys, "queue", "drain", "--timeout", "60")[0] == 0


def test_a_job_that_failed_for_its_machines_is_sent_again_once(database: sqlalchemy.Engine) -> None:
    with service_on(database, None) as api:
        dead, well = submit(api, "succeed", label="nightly", priority=4, options={"gap": 0.1}), submit(api, "succeed")
        kill(database, dead)
        view = api.get(f"{API}/jobs/{dead}").json()
        assert (view["state"], view["failure"]["code"]) == ("failed", "machine_trouble")
        listed = api.get(f"{API}/dead-letters").json()["jobs"]
        assert [job["id"] for job in listed] == [dead]
        assert listed[0]["dead_since"] == view["ended_at"]
        assert "lodeplan_dead_letters 1.0" in api.get("/metrics").text
        answer = api.post(f"{API}/dead-letters/{dead}:resend")
        fresh = answer.json()
        assert (answer.status_code, answer.headers["location"]) == (202, f"{API}/jobs/{fresh['id']}")
        assert (fresh["rerun_of"], fresh["label"], fresh["priority"]) == (dead, "nightly", 4)
        assert (fresh["options"], fresh["scenario_hash"]) == ({"gap": 0.1}, view["scenario_hash"])
        assert api.get(f"{API}/dead-letters").json() == {"jobs": []}
        for job_id in (dead, well):
            problem(api.post(f"{API}/dead-letters/{job_id}:resend"), 409, "not-dead")
        problem(api.post(f"{API}/dead-letters/{'0' * 31}:resend"), 404, "job-not-found")


def test_all_dead_letters_are_sent_again_at_once_jobs_of_batches_too(database: sqlalchemy.Engine) -> None:
    with service_on(database, None) as api:
        body = {"kind": "batch", "scenario": "golden-toy", "jobs": [{}, {}, {}], "reuse": False}
        batch = api.post(f"{API}/jobs", json=body).json()["id"]
        members = [job["id"] for job in api.get(f"{API}/jobs", params={"parent": batch}).json()["jobs"]]
        for job_id in members:
            kill(database, job_id)
        page = api.get(f"{API}/dead-letters", params={"limit": 2}).json()
        rest = api.get(page["next"]).json()
        assert [job["id"] for job in page["jobs"] + rest["jobs"]] == members
        sent = api.post(f"{API}/dead-letters:resend").json()
        assert ({job["rerun_of"] for job in sent["jobs"]}, sent["left"]) == ({*members}, False)
        assert all("parent_id" not in job for job in sent["jobs"])
        assert api.post(f"{API}/dead-letters:resend").json() == {"jobs": [], "left": False}


def test_sending_again_counts_in_the_quotas(database: sqlalchemy.Engine) -> None:
    with service_on(database, None, tenant_jobs_per_day=1) as api:
        dead = submit(api, "succeed")
        kill(database, dead)
        problem(api.post(f"{API}/dead-letters/{dead}:resend"), 429, "quota-reached")
        assert [job["id"] for job in api.get(f"{API}/dead-letters").json()["jobs"]] == [dead]


def test_sending_again_waits_for_room_in_the_queue(database: sqlalchemy.Engine) -> None:
    with service_on(database, None, max_queued=1) as api:
        dead = submit(api, "succeed")
        kill(database, dead)
        time.sleep(COUNTED_EVERY_S)
        waiting = submit(api, "succeed")
        for path in (f"/dead-letters/{dead}:resend", "/dead-letters:resend"):
            answer = problem(api.post(f"{API}{path}"), 503, "queue-full")
            assert "at most 1 jobs" in answer["detail"]
        api.post(f"{API}/jobs/{waiting}:cancel")
        assert [job["rerun_of"] for job in api.post(f"{API}/dead-letters:resend").json()["jobs"]] == [dead]


def test_a_job_that_loses_its_workers_is_a_dead_letter_and_one_that_crashes_is_none(
    database: sqlalchemy.Engine,
) -> None:
    with service_on(database, None) as api:
        lost, crashed = submit(api, "succeed"), submit(api, "fail")
    for number in range(1, reruns.MAX_LOST_WORKERS + 1):
        with storage.open_session(database) as session:
            attempts.start(session, Attempt(lost, number), "worker")
            reruns.lose(session, InlineEngine(), Attempt(lost, number))
            session.commit()
    with storage.open_session(database) as session:
        failure = reruns.JobFailure(code=FailureCode.CRASHED, message="It broke.")
        attempts.start(session, Attempt(crashed, 1), "worker")
        attempts.finish(session, Attempt(crashed, 1), attempts.Outcome(failure=failure))
        session.commit()
        jobs = [moves.reload_job(session, each) for each in (lost, crashed)]
        assert [job.state for job in jobs] == [JobState.FAILED] * 2
        assert [job.dead_since is not None for job in jobs] == [True, False]


def test_commands_list_dead_letters_of_all_tenants_and_send_them_again(
    database: sqlalchemy.Engine, commands: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with service_on(database, None) as api:
        dead = [submit(api, "succeed", label=f"letter {number}") for number in range(3)]
        for job_id in dead:
            kill(database, job_id)
        with storage.open_session(database) as session:
            session.execute(sqlalchemy.update(Job).where(Job.id == dead[0]).values(tenant="theirs"))
            session.commit()
        out = run(capsys, "dead-letters", "list")[1]
        assert [line.split()[0] for line in out.splitlines()] == dead[::-1]
        assert "machine_trouble" in out
        assert run(capsys, "dead-letters", "resend", dead[1], "0" * 31)[0] == 2
        assert run(capsys, "dead-letters", "resend")[0] == 2
        out = run(capsys, "dead-letters", "resend", dead[0], "--json")[1]
        fresh = json.loads(out)["resent"][dead[0]]
        with storage.open_session(database) as session:
            job = moves.reload_job(session, fresh)
            assert (job.tenant, job.rerun_of, job.submitted_by) == ("theirs", dead[0], "command line")
        assert len(run(capsys, "dead-letters", "resend", "--all")[1].splitlines()) == 2
        assert run(capsys, "dead-letters", "list") == (0, "There are no dead letters.\n")


def test_a_letter_is_taken_by_one_of_many(database: sqlalchemy.Engine) -> None:
    with service_on(database, None) as api:
        dead = submit(api, "succeed")
        kill(database, dead)

        def send(_: int) -> httpx.Response:
            return api.post(f"{API}/dead-letters/{dead}:resend")

        with ThreadPoolExecutor(6) as threads:
            answers = [answer.status_code for answer in threads.map(send, range(6))]
        assert sorted(answers) == [202] + [409] * 5
