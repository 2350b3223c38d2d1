"""What a client is told while the database is away."""

from collections.abc import Iterator

import pytest
import sqlalchemy
from fastapi.testclient import TestClient
from job_service import new_database, toy

from lodeplan.schemas.jobs import JobOptions
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.settings import Settings
from lodeplan.service.storage import open_session

REQUESTS = [
    ("POST", "/api/v1/jobs"),
    ("GET", "/api/v1/jobs"),
    ("GET", "/api/v1/jobs/{id}"),
    ("GET", "/api/v1/jobs/{id}?wait=5"),
    ("GET", "/api/v1/jobs/{id}/log"),
    ("GET", "/api/v1/jobs/{id}/result"),
    ("GET", "/api/v1/jobs/{id}/result/tables"),
    ("POST", "/api/v1/jobs/{id}:stop"),
    ("POST", "/api/v1/jobs/{id}:cancel"),
    ("DELETE", "/api/v1/jobs/{id}"),
]

ERRORS = {
    "refused": sqlalchemy.exc.OperationalError("select", {}, Exception("connection refused")),
    "cut off": sqlalchemy.exc.InterfaceError("select", {}, Exception("connection already closed")),
    "ended by the server": sqlalchemy.exc.InternalError("select", {}, Exception("idle transaction")),
    "no connection free": sqlalchemy.exc.TimeoutError("QueuePool limit reached"),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, sqlalchemy.Engine, str]]:
    database, engine = new_database(tmp_path_factory.mktemp("away")), InlineEngine()
    with open_session(database) as session:
        job = Submission(toy("solve"), JobOptions()).submit(session, engine)
        session.commit()
    app = create_app(Settings(), database=database, engine=engine)
    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        yield client, database, job.id


@pytest.mark.parametrize("how", ERRORS)
@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_a_request_is_told_that_the_database_is_away_and_when_to_come_back(
    service: tuple[TestClient, sqlalchemy.Engine, str], method: str, path: str, how: str
) -> None:
    client, database, job_id = service

    def fail(*_: object) -> None:
        raise ERRORS[how]

    sqlalchemy.event.listen(database, "before_cursor_execute", fail)
    try:
        body = {"json": {"scenario": "golden-toy"}} if path == "/api/v1/jobs" and method == "POST" else {}
        answer = client.request(method, path.format(id=job_id), **body)
    finally:
        sqlalchemy.event.remove(database, "before_cursor_execute", fail)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:lodeplan:problem:database-unavailable"
    assert int(answer.headers["retry-after"]) > 0


def test_a_job_that_was_accepted_is_still_there_when_the_database_is_back(
    service: tuple[TestClient, sqlalchemy.Engine, str],
) -> None:
    client, _, job_id = service
    assert client.get(f"/api/v1/jobs/{job_id}").json()["state"] == "queued"
