"""Connections that cost the service something and bring nobody anything."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import httpx
import pytest
import uvicorn
from job_service import wait_until
from starlette.types import Receive, Scope, Send

from lodeplan.service.http import connections as watched
from lodeplan.service.http.connections import ConnectionLimits, Connections, raise_handles
from lodeplan.service.telemetry import metrics

LIMITS = ConnectionLimits(in_all=20, by_address=8, head_s=0.5, body_s=60, min_bytes_per_s=1_000)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body, then sends as much as the path says."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    count = int(scope["path"][1:])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(count).encode())]})
    await send({"type": "http.response.body", "body": b"x" * count})


@contextmanager
def served(limits: ConnectionLimits) -> Iterator[int]:
    config = uvicorn.Config(
        app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=1, http=Connections(limits).protocol
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "WINDOW_S", 0.5)
    monkeypatch.setattr(watched, "LOOK_EVERY_S", 0.1)


def sent(port: int, text: str, address: str = "127.0.0.1") -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.bind((address, 0))
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    client.sendall(text.encode())
    return client


def heard(client: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    found = b""
    try:
        while piece := client.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def heard_until(client: socket.socket, answers: int) -> bytes:
    """What comes until there are so many answers, or the connection ends."""
    found = b""
    while found.count(b"HTTP/1.1") < answers and (piece := client.recv(65_536)):
        found += piece
    return found


def ended(why: str) -> float:
    return metrics.CONNECTIONS_ENDED.labels(why)._value.get()


@pytest.mark.parametrize(
    ("text", "why", "answer"),
    [
        ("", "head", b""),
        ("GET /1 HTTP/1.1\r\nhost:", "head", b"HTTP/1.1 408 "),
        ("POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nx", "body", b"HTTP/1.1 408 "),
    ],
    ids=["silence", "half a head", "half a body"],
)
def test_who_takes_too_long_to_ask_is_told_and_counted(text: str, why: str, answer: bytes) -> None:
    before = ended(why)
    with served(LIMITS) as port, sent(port, text) as client:
        assert heard(client)[:13] == answer
        assert ended(why) == before + 1


def test_a_body_that_trickles_in_is_not_waited_for() -> None:
    with served(LIMITS) as port, sent(port, "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n\r\n") as client:
        before = ended("body")
        for _ in range(100):
            with contextlib.suppress(OSError):
                client.sendall(b"x")
            if ended("body") > before:
                break
            time.sleep(0.05)
        assert ended("body") == before + 1


def test_bodies_one_after_the_other_have_each_their_time() -> None:
    head = "POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n" + "x" * 1_000
    with served(replace(LIMITS, body_s=0.6)) as port, sent(port, head) as client:
        for _ in range(5):
            time.sleep(0.3)
            # The next one begins before anybody looked: the connection is never seen without a body.
            client.sendall(("x" * 1_000 + head).encode())
        assert heard_until(client, 5).count(b"HTTP/1.1 200") == 5


def test_a_reader_who_reads_nothing_is_cut_off_whether_or_not_all_is_written() -> None:
    before = ended("reader")
    with served(LIMITS) as port, sent(port, "GET /20000000 HTTP/1.1\r\nhost: a\r\n\r\n") as client:
        wait_until(lambda: ended("reader") == before + 1)
        assert len(heard(client)) < 20_000_000


def test_a_reader_in_time_gets_all() -> None:
    with served(LIMITS) as port:
        assert len(httpx.get(f"http://127.0.0.1:{port}/20000000").content) == 20_000_000


def test_half_requests_beyond_the_limit_make_room_for_one_who_asks() -> None:
    with served(LIMITS) as port, ExitStack() as open_ones:
        for _ in range(3 * LIMITS.by_address):
            open_ones.enter_context(sent(port, "GET /1 HTTP/1.1\r\n"))
        assert httpx.get(f"http://127.0.0.1:{port}/1").status_code == 200


def test_an_address_that_is_answered_as_often_as_it_may_gets_no_more_and_others_do() -> None:
    patient = ConnectionLimits(20, 8, 60, 60, 0)
    with served(patient) as port, ExitStack() as open_ones:
        for _ in range(patient.by_address):
            reader = open_ones.enter_context(sent(port, "GET /20000000 HTTP/1.1\r\nhost: a\r\n\r\n"))
            assert reader.recv(12) == b"HTTP/1.1 200"
        body = "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n"
        held = [open_ones.enter_context(sent(port, body, "127.0.0.2")) for _ in range(patient.by_address)]
        wait_until(lambda: metrics.CONNECTIONS_OPEN._value.get() == 2 * patient.by_address)
        with sent(port, "GET /1 HTTP/1.1\r\nhost: a\r\n\r\n", "127.0.0.2") as refused:
            assert heard(refused).startswith(b"HTTP/1.1 503 ")
        with sent(port, "GET /1 HTTP/1.1\r\nhost: a\r\n\r\n", "127.0.0.3") as other:
            assert other.recv(12) == b"HTTP/1.1 200"
        assert held


def test_handles_are_kept_back_for_solves() -> None:
    assert raise_handles(slots=8) < raise_handles(slots=1)
