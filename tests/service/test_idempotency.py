"""A request that is sent again under its Idempotency-Key makes no second job."""

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy
from http_service import body, ended, problem, service_on
from job_service import DATABASES, database_of
from sqlmodel import Session, col

from lodeplan.service import storage
from lodeplan.service.storage import Idempotency

AT_ONCE = 50


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("idempotency")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with service_on(database, slots=2) as client:
        yield client


def post(api: httpx.Client, key: str, task: str = "solve") -> httpx.Response:
    return api.post("/api/v1/jobs", json=body(task), headers={"idempotency-key": key})


def new_key() -> str:
    return str(uuid.uuid4())


def count(api: httpx.Client) -> int:
    return len(api.get("/api/v1/jobs", params={"limit": 200}).json()["jobs"])


def test_equal_requests_at_once_make_one_job_and_get_equal_answers(api: httpx.Client) -> None:
    key, before = new_key(), count(api)
    together = threading.Barrier(AT_ONCE)
    answers: list[httpx.Response] = []

    def send() -> None:
        together.wait()
        answers.append(post(api, key))

    threads = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [202] * AT_ONCE
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["location"] for answer in answers} == {f"/api/v1/jobs/{answers[0].json()['id']}"}
    assert count(api) == before + 1


def test_a_request_sent_again_after_the_end_is_answered_as_the_first_time(api: httpx.Client) -> None:
    key = new_key()
    first = post(api, key)
    ended(api, first.json()["id"])
    again = post(api, key)
    assert (again.status_code, again.content) == (202, first.content)


def test_a_key_with_another_body_is_refused(api: httpx.Client) -> None:
    key = new_key()
    post(api, key)
    problem(post(api, key, "fail"), 422, "idempotency-key-reused")


def test_a_request_that_was_refused_leaves_its_key_free(api: httpx.Client) -> None:
    key = new_key()
    wrong = api.post("/api/v1/jobs", json={"scenario": "nope"}, headers={"idempotency-key": key})
    problem(wrong, 422, "invalid-input")
    assert post(api, key).status_code == 202


def test_a_request_only_to_be_checked_uses_no_key(api: httpx.Client) -> None:
    key = new_key()
    headers = {"idempotency-key": key}
    assert api.post("/api/v1/jobs?validate_only=true", json=body("solve"), headers=headers).status_code == 200
    assert post(api, key, "fail").status_code == 202


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\u00fc"])
def test_a_key_of_other_characters_or_too_long_is_refused(api: httpx.Client, key: str) -> None:
    answer = api.post("/api/v1/jobs", json=body("solve"), headers=[(b"idempotency-key", key.encode())])
    found = problem(answer, 422, "invalid-request")
    assert found["errors"][0]["pointer"] == "/header/idempotency-key"


def test_a_batch_is_made_once_too(api: httpx.Client) -> None:
    batch = {"kind": "batch", "scenario": "golden-toy", "jobs": [{}, {}]}
    headers = {"idempotency-key": new_key()}
    answers = [api.post("/api/v1/jobs", json=batch, headers=headers) for _ in range(2)]
    assert answers[0].status_code == 202
    assert answers[0].content == answers[1].content


def test_a_key_older_than_a_day_is_free_again(api: httpx.Client, database: sqlalchemy.Engine) -> None:
    key = new_key()
    first = post(api, key)
    with Session(database) as session:
        old = sqlalchemy.update(Idempotency).where(col(Idempotency.key) == key)
        session.execute(old.values(created_at=storage.now() - timedelta(hours=25)))
        session.commit()
        assert post(api, key).json()["id"] != first.json()["id"]


def test_a_key_belongs_to_its_tenant(tmp_path: Path) -> None:
    from lodeplan.service.api.idempotency import KeyedRequest, find_answer

    with database_of("sqlite", tmp_path) as database, Session(database) as session:
        row = Idempotency(tenant="a", key="k", body_sha256="h", job_id="j", answer="{}", created_at=storage.now())
        session.add(row)
        session.commit()
        day = timedelta(days=1)
        assert find_answer(session, KeyedRequest("a", "k", "h", day)) == "{}"
        assert find_answer(session, KeyedRequest("b", "k", "other", day)) is None
