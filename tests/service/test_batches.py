"""A batch: many jobs in one request, gathered in its order, whatever becomes of each."""

import json
import threading
from collections.abc import Iterator
from itertools import chain
from typing import Any

import httpx
import pytest
import sqlalchemy
from http_service import ended, problem, service_on
from job_service import DATABASES, database_of, wait_until
from sqlmodel import Session, col, select

from lodeplan.service import storage
from lodeplan.service.storage import Job, JobEvent, JobInput, JobResult


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("batches")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with service_on(database, slots=2, max_queued=100) as client:
        yield client


def task(text: str) -> dict[str, Any]:
    return {"label": text, "patches": [{"op": "set", "path": "description", "value": text}]}


def batch(*tasks: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "batch",
        "scenario": "golden-toy",
        "jobs": [task(text) for text in tasks],
        "reuse": False,
        **more,
    }


def submit(api: httpx.Client, *tasks: str, **more: Any) -> str:
    answer = api.post("/api/v1/jobs", json=batch(*tasks, **more))
    assert answer.status_code == 202, answer.text
    batch_id: str = answer.json()["id"]
    return batch_id


def results(api: httpx.Client, batch_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = api.get(f"/api/v1/jobs/{batch_id}/results.ndjson", params=query)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def view(api: httpx.Client, batch_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/v1/jobs/{batch_id}").json()
    return found


def test_all_results_are_gathered_in_the_order_of_the_request_and_a_failure_hides_none(api: httpx.Client) -> None:
    tasks = ["solve", "fail", "solve again", "solve", "fail too"]
    tasks = [text if text in ("solve", "fail") else text.split()[0] for text in tasks]
    batch_id = submit(api, *tasks)
    found = ended(api, batch_id)
    assert (found["kind"], found["state"], found["counts"]) == ("batch", "succeeded", {"succeeded": 3, "failed": 2})
    lines = results(api, batch_id)
    assert [(line["number"], line["label"]) for line in lines] == list(enumerate(tasks))
    assert [line["state"] for line in lines] == ["succeeded", "failed", "succeeded", "succeeded", "failed"]
    assert lines[0]["summary"]["objective_kusd"] == lines[0]["objective_kusd"] == 3.5
    assert api.get(lines[0]["result"]).json()["summary"] == lines[0]["summary"]
    assert lines[1]["failure"] == {"code": "crashed", "message": "It broke."}
    assert "summary" not in lines[1]


def test_a_new_batch_says_how_many_jobs_wait_and_where_they_are(api: httpx.Client) -> None:
    answer = api.post("/api/v1/jobs", json=batch("solve", "solve", label="two"))
    made = answer.json()
    assert (made["label"], made["state"], made["counts"]) == ("two", "queued", {"queued": 2})
    assert answer.headers["location"] == made["links"]["self"]
    jobs = api.get(made["links"]["jobs"]).json()["jobs"]
    assert [job["parent_id"] for job in jobs] == [made["id"]] * 2
    assert {job["links"]["parent"] for job in jobs} == {made["links"]["self"]}
    assert "result" not in made["links"]
    ended(api, made["id"])


def test_lists_of_jobs_leave_out_those_of_batches(api: httpx.Client) -> None:
    batch_id = submit(api, "solve", "solve", "solve")
    listed = api.get("/api/v1/jobs", params={"limit": 200}).json()["jobs"]
    assert batch_id in [job["id"] for job in listed]
    assert not any("parent_id" in job for job in listed)
    ended(api, batch_id)


def test_the_jobs_of_a_batch_come_in_pages_too(api: httpx.Client) -> None:
    batch_id = submit(api, *["solve"] * 5)
    ended(api, batch_id)
    pages = []
    path = f"/api/v1/jobs?parent={batch_id}&limit=2&state=succeeded&scenario=golden-toy"
    while path:
        page = api.get(path).json()
        pages.append([job["id"] for job in page["jobs"]])
        path = page.get("next")
    assert [len(page) for page in pages] == [2, 2, 1]
    assert list(chain.from_iterable(pages)) == [line["id"] for line in results(api, batch_id)][::-1]
    for other in ("state=failed", "scenario=nope"):
        assert api.get(f"/api/v1/jobs?parent={batch_id}&{other}").json()["jobs"] == []


def test_what_a_job_says_adds_to_what_the_batch_says(api: httpx.Client) -> None:
    jobs = [{"label": "a", "options": {"gap": 0.1}}, task("fail")]
    shared = {"op": "set", "path": "description", "value": "solve"}
    batch_id = submit(api, patches=[shared], options={"gap": 0.2}, jobs=jobs)
    ended(api, batch_id)
    found = {job["label"]: job for job in api.get(f"/api/v1/jobs?parent={batch_id}").json()["jobs"]}
    assert (found["a"]["state"], found["a"]["options"]) == ("succeeded", {"gap": 0.1})
    assert (found["fail"]["state"], found["fail"]["options"]) == ("failed", {"gap": 0.2})


def test_results_before_the_end_are_a_conflict_unless_asked_for_as_they_are(api: httpx.Client) -> None:
    batch_id = submit(api, "solve", "hang")
    problem(api.get(f"/api/v1/jobs/{batch_id}/results.ndjson"), 409, "job-not-ended")
    wait_until(lambda: view(api, batch_id)["counts"] == {"running": 1, "succeeded": 1})
    states = [line["state"] for line in results(api, batch_id, partial=True)]
    assert states == ["succeeded", "running"]
    assert view(api, batch_id)["state"] == "running"
    api.post(f"/api/v1/jobs/{batch_id}:cancel")
    ended(api, batch_id)


@pytest.mark.parametrize(
    ("wish", "state", "counts"),
    [
        ("cancel", "cancelled", {"succeeded": 1, "cancelled": 4}),
        ("stop", "succeeded", {"succeeded": 3, "cancelled": 2}),
    ],
)
def test_a_wish_for_a_batch_reaches_all_its_jobs(
    api: httpx.Client, wish: str, state: str, counts: dict[str, int]
) -> None:
    batch_id = submit(api, "solve", "hang", "hang", "hang", "hang")
    wait_until(lambda: view(api, batch_id)["counts"] == {"queued": 2, "running": 2, "succeeded": 1})
    assert api.post(f"/api/v1/jobs/{batch_id}:{wish}").status_code == 202
    found = ended(api, batch_id)
    assert (found["state"], found["counts"]) == (state, counts)
    problem(api.post(f"/api/v1/jobs/{batch_id}:{wish}"), 409, "job-ended")


def test_a_batch_cancelled_in_the_queue_ends_at_once(api: httpx.Client) -> None:
    busy = submit(api, "hang", "hang")
    wait_until(lambda: view(api, busy)["counts"].get("running") == 2)
    batch_id = submit(api, "solve", "solve")
    answer = api.post(f"/api/v1/jobs/{batch_id}:cancel").json()
    assert (answer["state"], answer["counts"]) == ("cancelled", {"cancelled": 2})
    api.post(f"/api/v1/jobs/{busy}:cancel")
    ended(api, busy)


def test_a_batch_whose_jobs_are_cancelled_one_by_one_ends(api: httpx.Client) -> None:
    busy = submit(api, "hang", "hang")
    wait_until(lambda: view(api, busy)["counts"].get("running") == 2)
    batch_id = submit(api, "solve", "solve")
    for job in api.get(f"/api/v1/jobs?parent={batch_id}").json()["jobs"]:
        assert api.post(job["links"]["cancel"]).status_code == 202
    assert (view(api, batch_id)["state"], view(api, batch_id)["counts"]) == ("succeeded", {"cancelled": 2})
    api.post(f"/api/v1/jobs/{busy}:cancel")
    ended(api, busy)


def test_single_jobs_come_before_those_of_batches(api: httpx.Client, database: sqlalchemy.Engine) -> None:
    batch_id = submit(api, "solve")
    with Session(database) as session:
        (priority,) = session.exec(select(Job.priority).where(Job.parent_id == batch_id)).all()
    assert priority < 0
    ended(api, batch_id)


def test_a_deleted_batch_is_gone_with_its_jobs_and_their_results(
    api: httpx.Client, database: sqlalchemy.Engine
) -> None:
    batch_id = submit(api, "solve", "fail")
    problem(api.delete(f"/api/v1/jobs/{batch_id}"), 409, "job-not-ended")
    ended(api, batch_id)
    members = [line["id"] for line in results(api, batch_id)]
    problem(api.delete(f"/api/v1/jobs/{members[0]}"), 409, "part-of-batch")
    assert api.delete(f"/api/v1/jobs/{batch_id}").status_code == 204
    with Session(database) as session:
        for table in (JobInput, JobResult, JobEvent):
            assert session.exec(select(table).where(col(table.job_id).in_([batch_id, *members]))).all() == []
        assert session.exec(select(Job).where(col(Job.id).in_([batch_id, *members]))).all() == []


def test_everything_wrong_with_a_batch_comes_at_once_with_pointers(api: httpx.Client) -> None:
    wrong = [
        {"patches": [{"op": "set", "path": "description", "value": "solve"}]},
        {"patches": [{"op": "set", "path": "economics.discount_rate", "value": -1}]},
        {"patches": [{"op": "set", "path": "no..where", "value": 1}]},
        {"patches": [{"op": "remove", "path": "horizon"}]},
    ]
    body = problem(api.post("/api/v1/jobs", json=batch(jobs=wrong)), 422, "invalid-input")
    pointers = {error["pointer"] for error in body["errors"]}
    assert {"/jobs/1/patches/0", "/jobs/2/patches/0"} <= pointers
    assert {pointer.split("/")[2] for pointer in pointers} == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"jobs": []}, "/jobs"),
        ({"jobs": [{}] * 5_001}, "/jobs"),
        ({"scenario": "nope"}, "/scenario"),
        ({"jobs": [{"colour": "red"}]}, "/jobs/0/colour"),
        ({"patches": [{"op": "set", "path": "economics.discount_rate", "value": -1}]}, "/patches/0"),
    ],
)
def test_a_field_of_a_batch_that_is_wrong_is_pointed_at(
    api: httpx.Client, change: dict[str, Any], pointer: str
) -> None:
    body = problem(api.post("/api/v1/jobs", json={**batch("solve"), **change}), 422, "invalid-input")
    assert {error["pointer"] for error in body["errors"]} == {pointer}


def test_a_batch_only_to_be_checked_makes_no_job(api: httpx.Client) -> None:
    before = api.get("/api/v1/jobs?limit=1").json()["jobs"]
    answer = api.post("/api/v1/jobs?validate_only=true", json=batch("solve", "solve"))
    assert (answer.status_code, answer.json()["jobs"]) == (200, 2)
    assert api.get("/api/v1/jobs?limit=1").json()["jobs"] == before


def test_a_batch_has_results_and_no_result_and_a_job_the_other_way_round(api: httpx.Client) -> None:
    batch_id = submit(api, "solve")
    ended(api, batch_id)
    for part in ("result", "result/tables", "result/tables/ship.csv"):
        problem(api.get(f"/api/v1/jobs/{batch_id}/{part}"), 404, "no-result")
    (line,) = results(api, batch_id)
    problem(api.get(f"/api/v1/jobs/{line['id']}/results.ndjson"), 404, "no-result")


def test_more_jobs_than_may_wait_are_refused_with_when_to_come_again(api: httpx.Client) -> None:
    answer = api.post("/api/v1/jobs", json=batch(*["hang"] * 101))
    problem(answer, 503, "queue-full")
    assert int(answer.headers["retry-after"]) > 0


def test_jobs_that_end_at_once_end_their_batch_once(api: httpx.Client, database: sqlalchemy.Engine) -> None:
    ids = [submit(api, *["solve"] * 4) for _ in range(5)]
    for batch_id in ids:
        assert ended(api, batch_id)["counts"] == {"succeeded": 4}
    with Session(database) as session:
        for batch_id in ids:
            job = session.get(Job, batch_id)
            assert job
            states = [event.state for event in storage.read_events(session, job) if event.state]
            assert states == ["queued", "running", "succeeded"]


def test_the_page_of_a_batch_can_be_read(api: httpx.Client) -> None:
    batch_id = submit(api, "solve")
    ended(api, batch_id)
    assert api.get(f"/runs/{batch_id}").status_code == 200
    assert batch_id in api.get("/").text


def test_two_cancels_of_a_batch_at_once_do_not_wait_for_each_other(api: httpx.Client) -> None:
    batch_id = submit(api, *["hang"] * 40)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(api.post(f"/api/v1/jobs/{batch_id}:cancel").status_code))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {202, 409}
    assert 202 in answers
    assert ended(api, batch_id)["state"] == "cancelled"
