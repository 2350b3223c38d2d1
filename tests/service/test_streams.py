"""Streams end with the key they were opened with, and a tenant may have a bounded number of them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from access_service import bearer, made_key, served
from fastapi import FastAPI
from http_service import problem
from job_service import new_database, wait_until
from sqlmodel import col, update

from lodeplan.schemas.access import Scope
from lodeplan.service import storage
from lodeplan.service.api import waiting
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.settings import Settings
from lodeplan.service.storage import ApiKey

END = {
    "revoked": lambda: {"revoked_at": storage.now()},
    "expired": lambda: {"expires_at": storage.now() - timedelta(seconds=1)},
}


@pytest.fixture
def database(tmp_path: Path) -> sqlalchemy.Engine:
    return new_database(tmp_path)


@pytest.fixture
def key(database: sqlalchemy.Engine) -> str:
    return made_key(database, "ours", Scope.SUBMIT)


@pytest.fixture
def app(database: sqlalchemy.Engine, key: str, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr(waiting, "RECHECK_S", 0.05)
    app = create_app(Settings(tenant_streams=2), database=database, engine=InlineEngine())
    app.state.access.remembered_s = 0.0
    return app


@pytest.fixture
def api(app: FastAPI, key: str) -> Iterator[httpx.Client]:
    with served(app) as client:
        client.headers.update(bearer(key))
        yield client


def queued(api: httpx.Client) -> str:
    path: str = api.post("/api/v1/jobs", json={"scenario": "golden-toy"}).headers["location"]
    return path


def end_key(database: sqlalchemy.Engine, key: str, values: dict[str, Any]) -> None:
    with storage.open_session(database) as session:
        session.execute(update(ApiKey).where(col(ApiKey.id) == key[3:15]).values(**values))
        session.commit()


@pytest.mark.parametrize("end", END.values(), ids=END)
def test_a_stream_ends_with_its_key(
    api: httpx.Client, database: sqlalchemy.Engine, key: str, end: Callable[[], dict[str, Any]]
) -> None:
    job = queued(api)
    with api.stream("GET", f"{job}/events") as answer:
        pieces = answer.iter_text()
        assert "Queued." in next(pieces)
        end_key(database, key, end())
        for _ in pieces:
            pass
    assert api.get(job).status_code == 401


@pytest.mark.parametrize("end", END.values(), ids=END)
def test_a_request_that_waits_ends_with_its_key(
    app: FastAPI, api: httpx.Client, database: sqlalchemy.Engine, key: str, end: Callable[[], dict[str, Any]]
) -> None:
    job = queued(api)
    answers: list[httpx.Response] = []
    waiter = threading.Thread(target=lambda: answers.append(api.get(job, params={"wait": 60})))
    waiter.start()
    streams = app.state.access.streams._open
    wait_until(lambda: streams["ours"] == 1)
    end_key(database, key, end())
    waiter.join(50)
    problem(answers[0], 401, "not-authenticated")
    assert not streams


def test_a_tenant_has_a_bounded_number_of_streams(app: FastAPI, api: httpx.Client, database: sqlalchemy.Engine) -> None:
    job = queued(api)
    other_key = made_key(database, "ours", Scope.READ)
    theirs = made_key(database, "theirs", Scope.SUBMIT)
    with ExitStack() as open_streams:
        # Held, as each would close its connection when it is let go.
        held = [open_streams.enter_context(api.stream("GET", f"{job}/events")).iter_text() for _ in range(2)]
        assert all("Queued." in next(pieces) for pieces in held)
        for path in (f"{job}/events", f"{job}?wait=1"):
            with api.stream("GET", path, headers=bearer(other_key)) as refused:
                assert refused.status_code == 429
                refused.read()
            assert "without `wait`" in problem(refused, 429, "too-many-requests")["detail"]
            assert int(refused.headers["retry-after"]) > 0
        assert api.get(job).status_code == 200
        their_job = api.post("/api/v1/jobs", json={"scenario": "golden-toy"}, headers=bearer(theirs))
        path = their_job.headers["location"] + "?wait=0.1"
        assert api.get(path, headers=bearer(theirs)).status_code == 200
    streams = app.state.access.streams._open
    wait_until(lambda: not streams)
    assert api.get(f"{job}?wait=0.1").status_code == 200
