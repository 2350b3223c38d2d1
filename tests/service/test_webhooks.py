"""Webhooks: signed messages about jobs that end, sent at least once, and never into private networks."""

import asyncio
import ipaddress
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from http_service import problem, service_on, submit
from job_service import DATABASES, database_of, toy, wait_until
from sqlmodel import Session, select
from standardwebhooks import Webhook as Verifier

from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import states
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Delivery, Webhook
from lodeplan.service.webhooks import lookups, sending
from lodeplan.service.webhooks.addresses import (
    RefusedAddressError,
    check_url,
    choose_address,
    is_public,
    look_up,
    origin_of,
)
from lodeplan.service.webhooks.sending import WAITS_S, Deliverer
from lodeplan.service.webhooks.turns import FAILURES_BORNE, FIRST_REST_S, OF_A_LINE, OF_A_TENANT, Line, Turns

SECRET = "whsec_" + "c2VjcmV0" * 4


@dataclass
class Receiver:
    """Somebody's server: keeps what it gets, and answers as it is told."""

    status: int = 204
    location: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("location", receiver.location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        yield receiver
        server.shutdown()


# Over HTTP


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("webhooks")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with service_on(database, slots=2, webhook_private_targets=True) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def webhook(api: httpx.Client, receiver: Receiver) -> Iterator[dict[str, Any]]:
    answer = api.post("/api/v1/webhooks", json={"url": receiver.url})
    assert answer.status_code == 201, answer.text
    yield answer.json()
    api.delete(answer.headers["location"])


def test_a_job_that_ends_is_told_with_a_signature_that_holds(
    api: httpx.Client, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    job_id = submit(api, "fail")
    headers, body = wait_until(lambda: receiver.got)[0]
    message = Verifier(webhook["secret"]).verify(body, headers)
    assert (message["type"], message["data"]["id"]) == ("job.failed", job_id)
    assert message["timestamp"] == message["data"]["ended_at"]
    (delivery,) = wait_until(
        lambda: [
            entry
            for entry in api.get(webhook["deliveries"]).json()["deliveries"]
            if entry["job_id"] == job_id and "delivered_at" in entry
        ]
    )
    assert (delivery["id"], delivery["tries"], delivery["status"]) == (headers["webhook-id"], 1, 204)
    assert "next_try_in_s" not in delivery


def test_a_batch_is_told_once_and_its_jobs_are_not(
    api: httpx.Client, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    batch = {"kind": "batch", "scenario": "golden-toy", "jobs": [{}, {}, {}]}
    batch_id = api.post("/api/v1/jobs", json=batch).json()["id"]
    wait_until(lambda: receiver.got)
    last = submit(api, "solve")
    wait_until(lambda: len(receiver.got) == 2)
    told = [json.loads(body)["data"]["id"] for _, body in receiver.got]
    assert told == [batch_id, last]


def test_a_message_can_be_sent_again_under_an_id_of_its_own(
    api: httpx.Client, receiver: Receiver, webhook: dict[str, Any]
) -> None:
    submit(api, "solve")
    wait_until(lambda: receiver.got)
    (first,) = api.get(webhook["deliveries"]).json()["deliveries"]
    again = api.post(f"{webhook['deliveries']}/{first['id']}:resend")
    assert again.status_code == 202
    wait_until(lambda: len(receiver.got) == 2)
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [first["id"], again.json()["id"]]
    pages = api.get(webhook["deliveries"], params={"limit": 1}).json()
    older = api.get(pages["next"]).json()
    assert [page["deliveries"][0]["id"] for page in (pages, older)] == [again.json()["id"], first["id"]]
    assert "next" not in older


def test_the_secret_is_shown_once(api: httpx.Client, webhook: dict[str, Any]) -> None:
    assert webhook["secret"].startswith("whsec_")
    path = webhook["deliveries"].removesuffix("/deliveries")
    for answer in (api.get(path), api.get("/api/v1/webhooks")):
        assert webhook["url"] in answer.text
        assert "secret" not in answer.text


def test_a_deleted_webhook_hears_no_more(api: httpx.Client, receiver: Receiver, database: sqlalchemy.Engine) -> None:
    made = api.post("/api/v1/webhooks", json={"url": receiver.url}).json()
    path = f"/api/v1/webhooks/{made['id']}"
    assert api.delete(path).status_code == 204
    problem(api.get(path), 404, "webhook-not-found")
    problem(api.get(made["deliveries"]), 404, "webhook-not-found")
    problem(api.post(f"{made['deliveries']}/{'0' * 31}:resend"), 404, "webhook-not-found")
    submit(api, "solve")
    with Session(database) as session:
        assert session.exec(select(Delivery).where(Delivery.webhook_id == made["id"])).all() == []


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://example.org/", "https"),
        ("nonsense", "https"),
        ("http:///path", "host"),
        ("https://exa mple/", "host"),
        ("https://example.org:99999/", "65535"),
        ("https://user:secret@example.org/", "password"),
        ("https://example.org/#part", "fragment"),
    ],
)
def test_an_address_that_is_none_is_refused(api: httpx.Client, url: str, word: str) -> None:
    body = problem(api.post("/api/v1/webhooks", json={"url": url}), 422, "invalid-input")
    assert body["errors"][0]["pointer"] == "/url"
    assert word in body["errors"][0]["detail"]


def test_what_is_no_webhook_is_a_problem(api: httpx.Client, webhook: dict[str, Any]) -> None:
    problem(api.post("/api/v1/webhooks", json={"url": "https://example.org", "colour": 1}), 422, "invalid-input")
    problem(api.post("/api/v1/webhooks", content="x"), 415, "unsupported-media-type")
    problem(api.get("/api/v1/webhooks/nope"), 404, "webhook-not-found")
    problem(api.post(f"{webhook['deliveries']}/nope:resend"), 404, "delivery-not-found")


# Sending


@dataclass
class Bench:
    """A database with a webhook and a job that ends, and a deliverer that sends when told to."""

    database: sqlalchemy.Engine
    url: str
    private: bool = True

    def __post_init__(self) -> None:
        self.deliverer = Deliverer(self.database, Settings(webhook_private_targets=self.private))
        hook = Webhook(id=storage.new_id(), tenant=storage.LOCAL, url=self.url, secret=SECRET, created_at=storage.now())
        with Session(self.database) as session:
            session.add(hook)
            session.commit()

    def end_job(self) -> str:
        with Session(self.database) as session:
            job = Submission(toy("solve"), JobOptions()).submit(session, InlineEngine())
            states.request_cancel(session, job.id)
            session.commit()
            return job.id

    def delivery(self) -> Delivery:
        with Session(self.database) as session:
            return session.exec(select(Delivery)).one()

    def make_due(self) -> None:
        with Session(self.database) as session:
            session.execute(sqlalchemy.update(Delivery).values(due_at_s=0.0))
            session.commit()


@pytest.fixture(params=DATABASES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver) -> Iterator[Bench]:
    with database_of(request.param, tmp_path) as database:
        yield Bench(database, receiver.url)


def test_a_message_exists_if_and_only_if_the_end_of_its_job_was_committed(bench: Bench) -> None:
    with Session(bench.database) as session:
        job = Submission(toy("solve"), JobOptions()).submit(session, InlineEngine())
        states.request_cancel(session, job.id)
        session.rollback()
        assert session.exec(select(Delivery)).all() == []
    job_id = bench.end_job()
    assert (bench.delivery().job_id, bench.delivery().kind) == (job_id, f"job.{JobState.CANCELLED}")


def test_a_message_is_tried_again_with_growing_waits_and_given_up_at_last(bench: Bench, receiver: Receiver) -> None:
    receiver.status = 503
    bench.end_job()
    tries = 0
    while bench.delivery().due_at_s is not None:
        bench.make_due()
        assert bench.deliverer.deliver_due() == 1
        tries += 1
        assert (bench.delivery().tries, bench.delivery().status) == (tries, 503)
    assert tries == len(receiver.got) == len(WAITS_S) + 1
    assert "503" in (bench.delivery().error or "")
    assert list(WAITS_S) == sorted(WAITS_S)
    assert 20 < sum(WAITS_S) / 3600 < 28
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_a_message_that_is_not_due_yet_is_not_sent(bench: Bench, receiver: Receiver) -> None:
    receiver.status = 500
    bench.end_job()
    assert bench.deliverer.deliver_due() == 1
    assert bench.deliverer.deliver_due() == 0
    receiver.status = 200
    bench.make_due()
    assert bench.deliverer.deliver_due() == 1
    assert bench.deliverer.deliver_due() == 0
    assert bench.delivery().delivered_at is not None


def test_a_receiver_that_is_gone_for_good_is_not_tried_again(bench: Bench, receiver: Receiver) -> None:
    receiver.status = 410
    bench.end_job()
    bench.deliverer.deliver_due()
    assert (bench.delivery().due_at_s, bench.delivery().tries) == (None, 1)


def test_a_redirect_is_not_followed(bench: Bench, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.status, receiver.location = 307, elsewhere.url
        bench.end_job()
        bench.deliverer.deliver_due()
        assert elsewhere.got == []
    assert "307" in (bench.delivery().error or "")


def test_two_workers_do_not_send_the_same_message(bench: Bench, receiver: Receiver) -> None:
    for _ in range(10):
        bench.end_job()
    workers = [threading.Thread(target=bench.deliverer.deliver_due) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sent = [headers["webhook-id"] for headers, _ in receiver.got]
    assert len(sent) == len(set(sent)) == 10


def test_a_message_whose_sender_died_is_sent_by_another(bench: Bench, receiver: Receiver) -> None:
    bench.end_job()
    with Session(bench.database) as session:
        hook = session.exec(select(Webhook)).one()
        assert sending._claim(session, hook.id)
        session.commit()
    assert bench.deliverer.deliver_due() == 0
    bench.make_due()  # as its claim runs out
    assert bench.deliverer.deliver_due() == 1
    assert len(receiver.got) == 1


def test_a_receiver_that_is_not_there_is_an_error_in_the_log(bench: Bench, receiver: Receiver) -> None:
    with Session(bench.database) as session:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = listener.getsockname()[1]
        session.execute(sqlalchemy.update(Webhook).values(url=f"http://127.0.0.1:{closed}/"))
        session.commit()
    bench.end_job()
    bench.deliverer.deliver_due()
    assert "ConnectError" in (bench.delivery().error or "")


def test_a_receiver_that_never_answers_is_left_in_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TRY_TAKES_AT_MOST_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, Session(bench.database) as session:
        session.execute(sqlalchemy.update(Webhook).values(url=f"http://127.0.0.1:{silent.getsockname()[1]}/"))
        session.commit()
        bench.end_job()
        bench.deliverer.deliver_due()
    assert bench.delivery().error
    assert bench.delivery().due_at_s


def test_an_answer_without_end_is_not_read(bench: Bench) -> None:
    def pour(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            try:
                while True:
                    connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            except OSError:
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener, Session(bench.database) as session:
        pourer = threading.Thread(target=pour, args=(listener,))
        pourer.start()
        session.execute(sqlalchemy.update(Webhook).values(url=f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        session.commit()
        bench.end_job()
        bench.deliverer.deliver_due()
        pourer.join(20)
        assert not pourer.is_alive()
    assert bench.delivery().status == 200


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2001:0:7f00:1::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "100::1",
        "192.88.99.1",
        "3fff::1",
        "5f00::1",
    ],
)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    if "%" not in address:
        with pytest.raises(RefusedAddressError, match="private"):
            check_url(f"https://{host}/", allow_private=False)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://[::ffff:7f00:1]/",
        "https://017700000001/",
        "https://localhost./",
        "https://api.localhost/",
        "https://intranet/",
        "https://printer.local/",
    ],
)
def test_this_machine_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises(RefusedAddressError, match="private"):
        check_url(url, allow_private=False)


def test_plain_http_is_for_private_targets_only() -> None:
    with pytest.raises(RefusedAddressError, match="https"):
        check_url("http://example.org/", allow_private=False)
    assert check_url("http://10.0.0.1/", allow_private=True).host == "10.0.0.1"


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have look-ups of names answered so, one after the other; the names that were asked for."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(RefusedAddressError, match=r"hook\.example"):
        choose_address(check_url("https://hook.example/", False), look_up("hook.example", 443), False)


def test_a_name_is_looked_up_once_and_that_address_is_called(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = receiver.url.replace("127.0.0.1", "hook.example")
    with database_of("sqlite", tmp_path) as database:
        bench = Bench(database, url)
        bench.end_job()
        asked = names(monkeypatch, ["127.0.0.1"], ["10.255.255.1"])
        bench.deliverer.deliver_due()
        assert bench.delivery().status == 204
    assert asked.count("hook.example") == 1
    assert receiver.got[0][0]["host"] == url.removeprefix("http://").removesuffix("/hook")


def test_a_private_name_is_never_called(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with database_of("sqlite", tmp_path) as database:
        bench = Bench(database, receiver.url.replace("http://127.0.0.1", "https://hook.example"), private=False)
        bench.end_job()
        names(monkeypatch, ["127.0.0.1"])
        bench.deliverer.deliver_due()
        assert "private network" in (bench.delivery().error or "")
    assert receiver.got == []


def test_the_certificate_is_checked_for_the_name_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    def wrap(_self: Any, *_: Any, server_hostname: str | bytes, **__: Any) -> Any:
        asked.append(server_hostname.encode() if isinstance(server_hostname, str) else server_hostname)
        raise ssl.SSLError("enough seen")

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", wrap)
    with socket.create_server(("127.0.0.1", 0)) as listener, database_of("sqlite", tmp_path) as database:
        bench = Bench(database, f"https://hook.example:{listener.getsockname()[1]}/")
        bench.end_job()
        names(monkeypatch, ["127.0.0.1"])
        bench.deliverer.deliver_due()
    assert asked == [b"hook.example"]


# Turns


@contextmanager
def hanging() -> Iterator[str]:
    """A host that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=300) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}/"


def add_messages(database: sqlalchemy.Engine, tenant: str, urls: list[str], jobs: int) -> None:
    """Give a tenant these webhooks, and end so many jobs of it."""
    with Session(database) as session:
        for url in urls:
            moment = storage.now()
            session.add(Webhook(id=storage.new_id(), tenant=tenant, url=url, secret=SECRET, created_at=moment))
        session.flush()
        for _ in range(jobs):
            job = Submission(toy("solve"), JobOptions(), tenant).submit(session, InlineEngine())
            states.request_cancel(session, job.id)
        session.commit()


@pytest.mark.parametrize("kind", DATABASES)
def test_hosts_of_one_tenant_that_hang_hold_up_nobody_else(
    kind: str, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "TRY_TAKES_AT_MOST_S", 2.0)
    monkeypatch.setattr(sending, "LOOK_EVERY_S", 0.05)
    with hanging() as silent, database_of(kind, tmp_path) as database:
        hosts = [silent.replace("127.0.0.1", f"127.0.0.{number}") for number in range(1, 11)]
        add_messages(database, "a", hosts, jobs=3)
        deliverer = Deliverer(database, Settings(webhook_private_targets=True))
        deliverer.start()
        try:
            add_messages(database, "b", [receiver.url], jobs=1)
            wait_until(lambda: receiver.got)
            with Session(database) as session:
                tried = session.exec(select(Delivery).where(Delivery.tenant == "a", Delivery.tries > 0)).all()
                answered = [one for one in tried if one.error]
            # It was sent while messages of A were still under way or waited: not behind them.
            assert len(answered) < 30
        finally:
            deliverer.stop()


def test_tenants_take_turns_and_each_has_a_bound() -> None:
    turns = Turns(clock=lambda: 0.0)
    lines = [Line("a", f"host-{number}") for number in range(20)] + [Line("b", "host")]
    given = []
    while line := turns.next_line(lines):
        given.append(line)
    assert {line.tenant for line in given[:2]} == {"a", "b"}
    assert Counter(line.tenant for line in given) == {"a": OF_A_TENANT, "b": OF_A_LINE}


def test_a_host_that_hangs_is_left_alone_and_asked_again_by_one_message() -> None:
    moment = 0.0
    turns, line = Turns(clock=lambda: moment), Line("a", "host")
    for _ in range(FAILURES_BORNE):
        assert turns.next_line([line]) == line
        turns.end(line, timed_out=True)
    assert turns.next_line([line]) is None
    assert turns.next_line([Line("b", "host")]) == Line("b", "host")
    moment = FIRST_REST_S + 1
    assert [turns.next_line([line]) for _ in range(2)] == [line, None]
    turns.end(line, timed_out=True)
    moment += FIRST_REST_S + 1
    assert turns.next_line([line]) is None
    moment += FIRST_REST_S
    assert turns.next_line([line]) == line
    turns.end(line, timed_out=False)
    assert [turns.next_line([line]) for _ in range(OF_A_LINE)] == [line] * OF_A_LINE


@pytest.mark.parametrize("kind", DATABASES)
def test_a_message_whose_host_could_not_be_looked_up_for_want_of_a_thread_was_not_tried(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        let_go.wait(20)
        return []

    monkeypatch.setattr(lookups, "TAKES_AT_MOST_S", 0.2)
    with database_of(kind, tmp_path) as database:
        add_messages(database, "a", [f"http://host-{number}.example/" for number in range(10)], jobs=1)
        monkeypatch.setattr(socket, "getaddrinfo", hang)
        deliverer = Deliverer(database, Settings(webhook_private_targets=True))
        deliverer.start()
        try:

            def tried() -> list[Delivery]:
                with Session(database) as session:
                    return list(session.exec(select(Delivery).where(Delivery.tries > 0, Delivery.error != "")).all())

            wait_until(lambda: len(tried()) == lookups.OF_A_TENANT)
            with Session(database) as session:
                untouched = session.exec(select(Delivery).where(Delivery.tries == 0)).all()
            assert len(untouched) == 10 - lookups.OF_A_TENANT
        finally:
            let_go.set()
            deliverer.stop()


@pytest.mark.parametrize("kind", DATABASES)
def test_a_message_whose_host_was_left_alone_for_long_ends(kind: str, tmp_path: Path, receiver: Receiver) -> None:
    with database_of(kind, tmp_path) as database:
        add_messages(database, "a", [receiver.url], jobs=1)
        with Session(database) as session:
            session.execute(sqlalchemy.update(Delivery).values(created_at=storage.now() - 2 * sending.GIVEN_UP_AFTER))
            session.commit()
        assert Deliverer(database, Settings(webhook_private_targets=True)).deliver_due() == 0
        with Session(database) as session:
            delivery = session.exec(select(Delivery)).one()
        assert (delivery.due_at_s, delivery.tries) == (None, 0)
        assert "two days" in (delivery.error or "")


def test_secrets_in_an_address_are_not_in_the_audit_log(api: httpx.Client, receiver: Receiver) -> None:
    made = api.post("/api/v1/webhooks", json={"url": f"{receiver.url}/T0KEN?token=S3CRET"}).json()
    assert api.delete(f"/api/v1/webhooks/{made['id']}").status_code == 204
    entries = api.get("/api/v1/audit", params={"limit": 200}).text
    assert made["id"] in entries
    assert "S3CRET" not in entries
    assert "T0KEN" not in entries
    assert origin_of("https://user:S3CRET@example.org:8443/T0KEN?a=b") == "https://example.org:8443/"
    assert origin_of("https://[2606:4700::1111]/x") == "https://[2606:4700::1111]/"


def test_a_look_up_without_a_thread_is_not_counted_as_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    look_ups = lookups.LookUps()
    with monkeypatch.context() as without_threads:
        without_threads.setattr(lookups.threading.Thread, "start", no_more)
        for _ in range(lookups.AT_ONCE + 1):
            with pytest.raises(lookups.NoThread):
                asyncio.run(look_ups.addresses("local", "example.org", 443))
    monkeypatch.setattr(lookups, "look_up", lambda *_: ["192.0.2.1"])
    assert asyncio.run(look_ups.addresses("local", "example.org", 443)) == ["192.0.2.1"]
