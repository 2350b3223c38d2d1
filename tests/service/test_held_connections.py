"""Who holds a connection to the database while an answer is sent: nobody, on any route."""

import asyncio
import inspect
import logging
import queue
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
import sqlalchemy
from access_service import SUBMIT_BODY, add_everything, served
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from job_service import database_of
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from test_access_matrix import filled, operations

from lodeplan import optimizer, scenarios
from lodeplan.service import storage
from lodeplan.service.api.dependencies import get_session
from lodeplan.service.api.routers.events import count_stream
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import submissions
from lodeplan.service.settings import Settings

CONNECTIONS = 2
STALLED = 5
RETURNED_WITHIN_S = 5.0


class HeldWhileSent:
    """Middleware that notes, by path, the connections in use each time a piece of an answer is sent."""

    def __init__(self, app: ASGIApp, database: sqlalchemy.Engine) -> None:
        self.app, self.database = app, database
        self.held: dict[str, set[int]] = defaultdict(set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            pool = self.database.pool
            assert isinstance(pool, sqlalchemy.QueuePool)
            # What others borrow for a moment comes back; what waits for this piece to be sent does not.
            with suppress(TimeoutError):
                async with asyncio.timeout(RETURNED_WITHIN_S):
                    while pool.checkedout():
                        await asyncio.sleep(0.01)
            self.held[scope["path"]].add(pool.checkedout())
            await send(message)

        await self.app(scope, receive, noted if scope["type"] == "http" else send)


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of("sqlite", tmp_path_factory.mktemp("held")) as made:
        yield storage.open_beside(made, connections=CONNECTIONS)


@pytest.fixture
def app(database: sqlalchemy.Engine) -> FastAPI:
    return create_app(Settings(), database=database, engine=InlineEngine())


def test_no_route_holds_a_connection_while_it_sends(app: FastAPI, database: sqlalchemy.Engine) -> None:
    ids = add_everything(database, storage.LOCAL)
    watched = HeldWhileSent(app, database)
    with served(watched) as api:
        for method, path in sorted(operations(app), key=lambda operation: operation[0] == "DELETE"):
            body = SUBMIT_BODY if method in ("POST", "PUT", "PATCH") else None
            with api.stream(method, filled(path, ids), json=body) as answer:
                answer.read()
    assert {path: held for path, held in watched.held.items() if held != {0}} == {}
    assert len(watched.held) >= 30


def test_a_client_who_leaves_before_his_body_is_there_is_no_error(
    app: FastAPI, database: sqlalchemy.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    ids = add_everything(database, storage.LOCAL)
    with_bodies = [(method, path) for method, path in operations(app) if method in ("POST", "PUT", "PATCH")]
    done: queue.SimpleQueue[int] = queue.SimpleQueue()

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        finally:
            if scope["type"] == "http":
                done.put(1)

    with served(telling) as api, caplog.at_level(logging.ERROR):
        for method, path in with_bodies:
            with socket.create_connection(("127.0.0.1", api.base_url.port or 0)) as client:
                head = f"{method} {filled(path, ids)} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
                client.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
            done.get(timeout=20)
    assert len(with_bodies) >= 9
    assert [record.getMessage()[:200] for record in caplog.records] == []


def generators_of(dependant: Dependant) -> Iterator[Dependant]:
    """What a route depends on, and that is closed at some time after it."""
    for found in dependant.dependencies:
        if inspect.isgeneratorfunction(found.call) or inspect.isasyncgenfunction(found.call):
            yield found
        yield from generators_of(found)


def test_every_route_gives_what_it_depends_on_back_before_it_sends(app: FastAPI) -> None:
    found = []
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context.original_route, "dependant", None)
        found += [(context.path, each) for each in (generators_of(dependant) if dependant else ())]
    # A stream is counted until it has been sent, and that holds nothing but a number.
    held = [(path, each.call) for path, each in found if each.scope != "function" and each.call is not count_stream]
    assert held == []
    assert len([path for path, each in found if each.call is get_session]) >= 10


def stalled_reader(port: int, path: str) -> socket.socket:
    """A client that asks for something long and reads nothing of it."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
    return reader


def add_long_result(database: sqlalchemy.Engine) -> str:
    """A job whose plan is of some ten megabytes."""
    document = optimizer.solve("golden-toy").document()
    table = max(document.tables, key=lambda table: len(table.rows))
    table.rows *= 10_000_000 // len(table.model_dump_json())
    with storage.open_session(database) as session:
        job = submissions.record_finished(session, scenarios.load("golden-toy"), document)
        session.commit()
        return job.id


def test_readers_that_stall_keep_nobody_from_the_database(app: FastAPI, database: sqlalchemy.Engine) -> None:
    job_id = add_long_result(database)
    with served(app) as api, ExitStack() as readers:
        port = api.base_url.port
        assert port
        for _ in range(STALLED):
            reader = readers.enter_context(stalled_reader(port, f"/api/v1/jobs/{job_id}/result"))
            # The head of the answer has come: it is being sent.
            assert reader.recv(12) == b"HTTP/1.1 200"
        answer = httpx.get(api.base_url.join("/api/v1/jobs"), timeout=10)
        assert answer.status_code == 200
