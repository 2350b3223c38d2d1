"""The stream of what happens to a job: every event once, in order, also after a lost connection."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from http_service import ended, problem, running, service_on, submit
from job_service import DATABASES, database_of
from sqlmodel import Session

from lodeplan.schemas import SolverProgress
from lodeplan.service import storage
from lodeplan.service.api.job_watch import JobWatch
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.storage import Job, JobEvent, open_session
from lodeplan.service.workers.child_process import Watch, Work


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("events")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    from http_service import solve_at_once

    def solve(work: Work, watch: Watch) -> Outcome:
        watch.progress(SolverProgress(phase="search", elapsed_s=1.5, gap=0.25))
        return solve_at_once(work, watch)

    with service_on(database, solve, slots=4) as client:
        yield client


@dataclass
class Event:
    id: int
    name: str
    data: dict[str, Any]


def listen(api: httpx.Client, job_id: str, last: int | None = None, most: int = 1_000) -> list[Event]:
    """At most `most` events; ends with the stream."""
    headers = {} if last is None else {"last-event-id": str(last)}
    events: list[Event] = []
    fields: dict[str, str] = {}
    with api.stream("GET", f"/api/v1/jobs/{job_id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif fields:
                events.append(Event(int(fields["id"]), fields["event"], json.loads(fields["data"])))
                fields = {}
                if len(events) == most:
                    break
    return events


def test_all_that_happens_comes_in_order_and_the_stream_ends_with_the_job(api: httpx.Client) -> None:
    events = listen(api, submit(api, "solve"))
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    states = [event.data["state"] for event in events if event.name == "state"]
    assert states == ["queued", "running", "succeeded"]
    (progress,) = [event.data["progress"] for event in events if event.name == "progress"]
    assert progress == {"phase": "search", "elapsed_s": 1.5, "gap": 0.25}


def test_a_listener_hears_of_what_happens_after_it_has_come(api: httpx.Client) -> None:
    job_id = running(api, "hang")
    before = listen(api, job_id, most=2)
    assert [event.data["state"] for event in before] == ["queued", "running"]
    assert api.post(f"/api/v1/jobs/{job_id}:stop").status_code == 202
    after = listen(api, job_id, last=before[-1].id)
    assert after[-1].data["state"] == "succeeded"
    assert [event.id for event in before + after] == list(range(1, len(before + after) + 1))


@pytest.mark.parametrize("last", [0, 1, 2, 3, 99])
def test_a_stream_taken_up_again_has_no_gap_and_no_repetition(api: httpx.Client, last: int) -> None:
    job_id = submit(api, "solve")
    ended(api, job_id)
    whole = [event.id for event in listen(api, job_id)]
    assert [event.id for event in listen(api, job_id, last)] == whole[last:]


def test_many_listeners_hear_the_same(api: httpx.Client) -> None:
    job_id = running(api, "hang")

    async def hear() -> list[str]:
        async with httpx.AsyncClient(base_url=api.base_url, timeout=60) as client:
            streams = [client.get(f"/api/v1/jobs/{job_id}/events") for _ in range(30)]
            listening = asyncio.gather(*streams)
            await asyncio.sleep(0)
            await client.post(f"/api/v1/jobs/{job_id}:cancel")
            return [answer.text.replace(": ping\n\n", "") for answer in await listening]

    heard = asyncio.run(hear())
    assert len(set(heard)) == 1
    assert '"state":"cancelled"' in heard[0]


def test_a_job_that_ends_between_two_reads_ends_its_stream(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = running(api, "hang")
    read = storage.read_events
    met: list[str] = []

    def read_late(session: Session, job: Job, after: int = 0, limit: int | None = None) -> list[JobEvent]:
        if after == 0 and not met:
            met.append(api.post(f"/api/v1/jobs/{job_id}:cancel").json()["state"])
            ended(api, job_id)
        return list(read(session, job, after, limit))

    monkeypatch.setattr("lodeplan.service.storage.read_events", read_late)
    monkeypatch.setattr("lodeplan.service.api.routers.events.LOOK_AGAIN_S", 3_600.0)
    with ThreadPoolExecutor() as pool:
        hearing = pool.submit(listen, api, job_id)
        try:
            heard = hearing.result(timeout=30)
        finally:
            api.delete(f"/api/v1/jobs/{job_id}")
    assert met
    assert heard[-1].data["state"] == "cancelled"


def test_those_who_wait_for_one_job_cost_one_query_a_look(tmp_path: Path) -> None:
    queries: list[str] = []

    async def wait_all(watch: JobWatch) -> None:
        await asyncio.gather(*(watch.wait("0" * 31, 1, 0.6) for _ in range(100)))

    with database_of("sqlite", tmp_path) as database:
        with open_session(database) as session:
            from job_service import toy

            from lodeplan.schemas.jobs import JobOptions
            from lodeplan.service.jobs.submissions import Prepared, Submission, add_new, new_job

            prepared = Prepared.of(Submission(toy("solve"), JobOptions()))
            add_new(session, [(new_job(prepared, "local", "0" * 31), prepared)])
            session.commit()
            assert session.get(Job, "0" * 31)
        sqlalchemy.event.listen(database, "before_cursor_execute", lambda *call: queries.append(call[2]))
        asyncio.run(wait_all(JobWatch(database)))
    assert 1 <= len(queries) <= 5


def test_a_deleted_job_wakes_those_who_wait(tmp_path: Path) -> None:
    with database_of("sqlite", tmp_path) as database:
        asyncio.run(asyncio.wait_for(JobWatch(database).wait("0" * 31, 1, 60), timeout=20))


def test_an_unknown_job_is_a_problem_and_no_stream(api: httpx.Client) -> None:
    problem(api.get(f"/api/v1/jobs/{'0' * 31}/events"), 404, "job-not-found")
    problem(api.get("/api/v1/jobs/nope/events"), 404, "job-not-found")


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "1" * 11])
def test_a_last_event_that_is_no_number_is_refused(api: httpx.Client, last: str) -> None:
    answer = api.get(f"/api/v1/jobs/{submit(api, 'solve')}/events", headers={"last-event-id": last})
    found = problem(answer, 422, "invalid-request")
    assert found["errors"][0]["pointer"] == "/header/last-event-id"


def test_the_head_of_every_answer_can_be_asked_for(api: httpx.Client) -> None:
    job_id = submit(api, "solve")
    ended(api, job_id)
    paths = ["", "/log", "/events", "/result", "/result/tables"]
    for path in ["/healthz", "/api/v1/jobs", "/", *(f"/api/v1/jobs/{job_id}{part}" for part in paths)]:
        answer = api.head(path)
        assert (answer.status_code, answer.content) == (200, b""), path
        if path.endswith(("/log", job_id)):
            assert answer.headers["content-length"] == api.get(path).headers["content-length"]
    waiting = running(api, "hang")
    assert api.head(f"/api/v1/jobs/{waiting}/events").status_code == 200
    api.post(f"/api/v1/jobs/{waiting}:cancel")
