"""Keys, sessions, hosts and origins, rates, quotas, and the log of who did what."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
import structlog
import uvicorn
from access_service import bearer, made_key, served
from job_service import DATABASES, database_of
from sqlmodel import col, select, update

from lodeplan.schemas import InvalidInput
from lodeplan.schemas.access import Scope
from lodeplan.service import app as service_app
from lodeplan.service import storage
from lodeplan.service.access import keys
from lodeplan.service.access.gate import scope_needed
from lodeplan.service.access.origins import is_loopback
from lodeplan.service.access.rates import Buckets
from lodeplan.service.app import create_app
from lodeplan.service.cli import main
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.settings import Settings
from lodeplan.service.storage import ApiKey, AuditEntry

JOB = {"scenario": "golden-toy"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
Serve = Callable[..., AbstractContextManager[httpx.Client]]


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


@pytest.fixture
def serve(database: sqlalchemy.Engine) -> Serve:
    def start(**settings: Any) -> AbstractContextManager[httpx.Client]:
        app = create_app(Settings(**settings), database=database, engine=InlineEngine())
        app.state.access.remembered_s = 0.0
        return served(app)

    return start


def kind(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: str = answer.json()["type"].removeprefix("urn:lodeplan:problem:")
    return found


def audit_of(database: sqlalchemy.Engine, *, tenant: str | None = None) -> list[tuple[str, str, str]]:
    with storage.open_session(database) as session:
        found = session.exec(select(AuditEntry).order_by(col(AuditEntry.id)))
        return [(row.actor, row.action, row.target) for row in found if tenant in (None, row.tenant)]


# Without log-in


def test_on_this_machine_nobody_logs_in_until_a_key_was_made(serve: Serve, database: sqlalchemy.Engine) -> None:
    with serve() as api:
        assert api.post("/api/v1/jobs", json=JOB).status_code == 202
    key = made_key(database, storage.LOCAL, Scope.READ)
    with serve() as api:
        assert kind(api.get("/api/v1/jobs")) == "not-authenticated"
        assert len(api.get("/api/v1/jobs", headers=bearer(key)).json()["jobs"]) == 1
    with serve(require_login=False) as api:
        assert api.get("/api/v1/jobs").status_code == 200


def test_ending_the_last_key_opens_nothing(serve: Serve, database: sqlalchemy.Engine) -> None:
    made_key(database, "ours", Scope.READ)
    with storage.open_session(database) as session:
        session.execute(update(ApiKey).values(revoked_at=storage.now()))
        session.commit()
    with serve() as api:
        assert kind(api.get("/api/v1/jobs")) == "not-authenticated"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "localhost@evil.example", ""])
def test_a_name_that_was_made_to_lead_here_is_refused(serve: Serve, host: str) -> None:
    with serve(allowed_hosts="lode.example") as api:
        assert kind(api.get("/api/v1/jobs", headers={"host": host})) == "unknown-host"
        assert api.get("/api/v1/jobs", headers={"host": "lode.example:443"}).status_code == 200
        assert api.get("/api/v1/jobs", headers={"host": "[::1]:8000"}).status_code == 200


def test_the_header_host_cannot_pass_for_the_path(serve: Serve) -> None:
    with serve(require_login=True) as api:
        for host in ("x/static/", "x/healthz?", "x/sign-in#"):
            assert api.get("/api/v1/jobs", headers={"host": host}).status_code == 401
    for path in ("/static", "/healthz/", "/healthz/../api/v1/jobs", "/static/../api/v1/jobs"):
        with serve(require_login=True) as api:
            assert api.send(raw_request(api, path)).status_code in (401, 404), path


def raw_request(api: httpx.Client, path: str) -> httpx.Request:
    request = api.build_request("GET", "/")
    request.url = request.url.copy_with(raw_path=path.encode())
    return request


def test_without_log_in_nothing_comes_through_a_proxy(serve: Serve) -> None:
    with serve() as api:
        for header in ("x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host"):
            assert kind(api.get("/api/v1/jobs", headers={header: "for=198.51.100.7"})) == "log-in-not-set-up"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://evil.example", "sec-fetch-site": "cross-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(serve: Serve, headers: dict[str, str]) -> None:
    with serve() as api:
        assert kind(api.post("/api/v1/jobs", json=JOB, headers=headers)) == "cross-site"
        assert kind(api.post("/sign-in", content="key=x", headers={**FORM, **headers})) == "cross-site"
        assert api.get("/api/v1/jobs", headers=headers).json()["jobs"] == []


def test_a_page_of_our_own_may_change_things(serve: Serve) -> None:
    with serve() as api:
        own = f"http://127.0.0.1:{api.base_url.port}"
        for headers in ({"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": own}):
            assert api.post("/api/v1/jobs", json=JOB, headers=headers).status_code == 202, headers


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"])
def test_what_a_form_can_send_is_no_job(serve: Serve, media_type: str) -> None:
    with serve() as api:
        answer = api.post("/api/v1/jobs", content='{"scenario": "golden-toy"}', headers={"content-type": media_type})
        assert answer.status_code == 415


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("[::1]", True), ("localhost", True), ("a.localhost", True),
     ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.evil.example", False), ("127.1", False)],
)  # fmt: skip
def test_this_machine_is_told_from_others(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local


class Everywhere:
    """A listener that says it listens at every address, and does not."""

    def __enter__(self) -> "Everywhere":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def getsockname(self) -> tuple[str, int]:
        return ("0.0.0.0", 8000)


class NoServer:
    """Notes what would be served, and that it was."""

    apps: list[Any] = []
    started = True

    def __init__(self, config: uvicorn.Config, *_: object) -> None:
        self.apps.append(config.app)

    def run(self, sockets: list[Any]) -> None:
        pass


def test_serve_listens_beyond_this_machine_only_where_callers_log_in(
    database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_app, "_listen", lambda *_: Everywhere())
    monkeypatch.setattr(service_app.storage, "open_database", lambda *_, **__: database)
    monkeypatch.setattr(service_app, "DbosEngine", lambda *_: InlineEngine())
    monkeypatch.setattr(service_app.logs, "configure", lambda *_: None)
    monkeypatch.setattr(service_app, "_Server", NoServer)
    monkeypatch.setattr(NoServer, "apps", [])

    def try_to_serve(**settings: Any) -> None:
        service_app.serve("0.0.0.0", 8000, False, Settings(**settings))

    for settings in ({}, {"require_login": False}):
        with pytest.raises(InvalidInput, match="lodeplan keys create") as refused:
            try_to_serve(**settings)
        assert "LODEPLAN_OIDC_ISSUER" in str(refused.value)
    assert NoServer.apps == []
    try_to_serve(require_login=True)
    try_to_serve(oidc_issuer="https://id.example", oidc_audience="lodeplan")
    made_key(database, "ours", Scope.READ)
    try_to_serve()
    assert [app.state.access.login_required for app in NoServer.apps] == [True, True, True]
    with pytest.raises(InvalidInput):
        try_to_serve(require_login=False)


# Keys


def test_a_key_is_shown_once_and_kept_as_a_hash(serve: Serve, database: sqlalchemy.Engine) -> None:
    admin = made_key(database, "ours", Scope.ADMIN)
    with serve() as api:
        made = api.post("/api/v1/keys", json={"name": "board", "scope": "submit"}, headers=bearer(admin))
        assert made.status_code == 201
        key = made.json()["key"]
        assert api.post("/api/v1/jobs", json=JOB, headers=bearer(key)).status_code == 202
        listed = api.get("/api/v1/keys", headers=bearer(admin))
        shown = api.get(made.headers["location"], headers=bearer(admin))
    assert key.startswith(f"lp_{made.json()['id']}_")
    secret = key.rpartition("_")[2]
    with database.connect() as connection:
        kept = str(connection.execute(sqlalchemy.text("select * from api_key")).all())
        logged = str(connection.execute(sqlalchemy.text("select * from audit")).all())
    for text in (listed.text, shown.text, kept, logged):
        assert secret not in text
    assert {entry["name"] for entry in listed.json()["keys"]} == {"a test", "board"}
    assert "used_at" in shown.json()


@pytest.mark.parametrize(
    "broken",
    [lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"), lambda key: key + "0", lambda key: key.upper(),
     lambda key: "x", lambda key: "ü" * 10, lambda key: key.replace("lp_", "")],
)  # fmt: skip
def test_a_key_that_is_a_little_wrong_is_refused(
    serve: Serve, database: sqlalchemy.Engine, broken: Callable[[str], str]
) -> None:
    key = made_key(database, "ours", Scope.READ)
    with serve() as api:
        headers = {"authorization": f"Bearer {broken(key)}".encode()}
        answer = api.get("/api/v1/jobs", headers=headers)
        assert kind(answer) == "not-authenticated"
        assert key[20:] not in answer.text
        assert api.get("/api/v1/jobs", headers={"authorization": f"Basic {key}"}).status_code == 401


def test_an_expired_and_a_revoked_key_hold_no_longer(serve: Serve, database: sqlalchemy.Engine) -> None:
    admin, key = made_key(database, "ours", Scope.ADMIN), made_key(database, "ours", Scope.READ)
    with serve() as api:
        assert api.get("/api/v1/jobs", headers=bearer(key)).status_code == 200
        assert api.delete(f"/api/v1/keys/{key[3:15]}", headers=bearer(admin)).status_code == 204
        assert "revoked" in api.get("/api/v1/jobs", headers=bearer(key)).json()["detail"]
        with storage.open_session(database) as session:
            past = storage.now() - timedelta(seconds=1)
            session.execute(update(ApiKey).where(col(ApiKey.id) == admin[3:15]).values(expires_at=past))
            session.commit()
        assert "expired" in api.get("/api/v1/jobs", headers=bearer(admin)).json()["detail"]
    assert (f"key:{admin[3:15]}", "key.revoke", key[3:15]) in audit_of(database, tenant="ours")


def test_a_rotated_key_holds_for_a_while_beside_the_new_one(serve: Serve, database: sqlalchemy.Engine) -> None:
    admin = made_key(database, "ours", Scope.ADMIN, days=100)
    with serve() as api:
        made = api.post(f"/api/v1/keys/{admin[3:15]}:rotate", headers=bearer(admin)).json()
        for key in (admin, made["key"]):
            assert api.get("/api/v1/keys", headers=bearer(key)).status_code == 200
        old = api.get(f"/api/v1/keys/{admin[3:15]}", headers=bearer(admin)).json()
        assert old["expires_at"] < (storage.now() + timedelta(hours=25)).isoformat() < made["expires_at"]
        api.delete(f"/api/v1/keys/{admin[3:15]}", headers=bearer(made["key"]))
        assert kind(api.post(f"/api/v1/keys/{admin[3:15]}:rotate", headers=bearer(made["key"]))) == "key-ended"


def test_use_of_a_key_is_noted_once_a_minute(database: sqlalchemy.Engine) -> None:
    made_key(database, "ours", Scope.READ)
    with storage.open_session(database) as session:
        key = session.exec(select(ApiKey)).one()
        seen = []
        for ago in (None, timedelta(seconds=30), timedelta(seconds=90)):
            key.used_at = storage.now() - ago if ago else None
            before = key.used_at
            session.commit()
            keys.note_use(session, key)
            session.refresh(key)
            seen.append(key.used_at != before)
    assert seen == [True, False, True]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\u0000b"}, "/name"),
        ({"name": "a\nb"}, "/name"),
        ({"name": "x", "scope": "owner"}, "/scope"),
        ({"name": "x", "expires_days": 0}, "/expires_days"),
        ({"name": "x", "expires_days": True}, "/expires_days"),
        ({"name": "x", "tenant": "theirs"}, "/tenant"),
    ],
)
def test_a_key_that_cannot_be_is_refused(serve: Serve, fields: dict[str, Any], pointer: str) -> None:
    with serve() as api:
        answer = api.post("/api/v1/keys", json=fields)
        assert kind(answer) == "invalid-input"
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_half_characters_and_numbers_without_end_come_back_as_a_problem(serve: Serve) -> None:
    with serve() as api:
        for content in ('{"name": "a\\ud800"}', '{"name": NaN}', '{"name": 1e999}', '{"name": ' + "9" * 4000 + "}"):
            answer = api.post("/api/v1/keys", content=content, headers={"content-type": "application/json"})
            assert (answer.status_code, kind(answer)) in ((400, "broken-body"), (422, "invalid-input")), content[:30]
            assert len(answer.content) < 2_000


def test_numbers_of_all_tenants_are_for_the_operator(serve: Serve, database: sqlalchemy.Engine) -> None:
    operator, theirs = (made_key(database, tenant, Scope.ADMIN) for tenant in (storage.LOCAL, "theirs"))
    with serve() as api:
        assert api.get("/metrics", headers=bearer(operator)).status_code == 200
        assert kind(api.get("/metrics", headers=bearer(theirs))) == "not-allowed"


def test_webhooks_that_are_set_and_deleted_are_in_the_log(serve: Serve, database: sqlalchemy.Engine) -> None:
    with serve() as api:
        made = api.post("/api/v1/webhooks", json={"url": "https://example.com/hook"}).json()["id"]
        assert api.delete(f"/api/v1/webhooks/{made}").status_code == 204
    assert audit_of(database) == [("local", "webhook.create", made), ("local", "webhook.delete", made)]


def test_a_batch_counts_as_the_jobs_it_has(serve: Serve, database: sqlalchemy.Engine) -> None:
    batch = {"kind": "batch", "scenario": "golden-toy", "jobs": [{}, {}]}
    with serve(tenant_max_queued=2) as api:
        assert api.post("/api/v1/jobs", json=batch).status_code == 202
        refused = api.post("/api/v1/jobs", json=JOB)
    assert (refused.status_code, kind(refused)) == (429, "quota-reached")
    assert len(audit_of(database)) == 1


def test_a_path_needs_what_its_method_does() -> None:
    assert scope_needed("GET", "/api/v1/nothing-yet") is Scope.READ
    assert scope_needed("POST", "/api/v1/nothing-yet") is Scope.SUBMIT
    assert scope_needed("BREW", "/") is Scope.SUBMIT
    assert scope_needed("GET", "/api/v1/keys/x:rotate") is Scope.ADMIN
    assert scope_needed("GET", "/api/v1/webhooks") is Scope.ADMIN


# Sessions


def signed_in(api: httpx.Client, key: str, to: str = "/") -> httpx.Response:
    return api.post("/sign-in", content=httpx.QueryParams({"key": key, "next": to}).__str__(), headers=FORM)


def test_somebody_signs_in_reads_pages_and_signs_out(serve: Serve, database: sqlalchemy.Engine) -> None:
    key = made_key(database, "ours", Scope.ADMIN)
    with serve() as api:
        page = api.get("/?a=1", headers={"accept": "text/html"})
        assert page.status_code == 401
        assert 'name="next" value="/?a=1"' in page.text
        answer = signed_in(api, key, "/?a=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/?a=1")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert key not in cookie
        home = api.get("/", headers={"accept": "text/html"})
        assert "Sign out" in home.text
        # A session reads, whatever the key may do.
        assert kind(api.post("/api/v1/jobs", json=JOB)) == "not-allowed"
        assert kind(api.get("/api/v1/keys")) == "not-allowed"
        first = dict(api.cookies)
        assert signed_in(api, key, "/").status_code == 303
        held = dict(api.cookies)
        assert held != first
        assert api.get("/", cookies=first).status_code == 401, "the session before has ended"
        ended = api.post("/sign-out")
        assert (ended.status_code, ended.headers["clear-site-data"]) == (303, '"cache", "storage"')
        assert api.get("/").status_code == 401
        assert api.get("/", cookies=held).status_code == 401
    made = audit_of(database, tenant="ours")
    again = ["sign-out", "sign-in", "log-in.refused"]
    assert [action for _, action, _ in made] == ["sign-in", *again, "sign-out", "log-in.refused"]


def test_a_session_is_no_key_and_a_key_is_no_session(serve: Serve, database: sqlalchemy.Engine) -> None:
    key = made_key(database, "ours", Scope.ADMIN)
    with serve() as api:
        signed_in(api, key)
        (session,) = api.cookies.values()
        api.cookies.clear()
        assert api.get("/", headers=bearer(session)).status_code == 401
        assert api.get("/", cookies={"lodeplan_session": key}).status_code == 401
        assert api.get("/", cookies={"lodeplan_session": session}).status_code == 200
        assert session[3:15] not in api.get("/api/v1/keys", headers=bearer(key)).text


def test_a_session_ends_with_its_key(serve: Serve, database: sqlalchemy.Engine) -> None:
    key = made_key(database, "ours", Scope.ADMIN)
    with serve() as api:
        signed_in(api, key)
        assert api.get("/").status_code == 200
        api.delete(f"/api/v1/keys/{key[3:15]}", headers=bearer(key))
        assert api.get("/").status_code == 401


def test_nobody_signs_in_with_a_wrong_key(serve: Serve, database: sqlalchemy.Engine) -> None:
    with serve(require_login=True) as api:
        answer = signed_in(api, "lp_<script>")
        assert answer.status_code == 401
        assert "There is no such key" in answer.text
        assert "set-cookie" not in answer.headers
        assert api.post("/sign-in", content="key=" + "x" * 6000, headers=FORM).status_code == 413
        assert api.post("/sign-in", json={"key": "x"}).status_code == 415
    assert [action for _, action, _ in audit_of(database)] == ["log-in.refused"]


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nset-cookie: x", ""])
def test_signing_in_leads_to_no_other_site(serve: Serve, database: sqlalchemy.Engine, to: str) -> None:
    key = made_key(database, "ours", Scope.READ)
    with serve() as api:
        answer = signed_in(api, key, to)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


# Rates and quotas


def test_who_asks_too_often_is_told_when_to_ask_again() -> None:
    moments = [0.0]
    buckets = Buckets(per_minute=3, clock=lambda: moments[0])
    assert [buckets.wait_s("a") for _ in range(4)] == [0, 0, 0, pytest.approx(20)]
    assert buckets.wait_s("b") == 0
    moments[0] = 20.0
    assert [buckets.wait_s("a") for _ in range(2)] == [0, pytest.approx(20)]
    moments[0] = 1e6
    assert [buckets.wait_s("a") == 0 for _ in range(4)] == [True, True, True, False]
    assert all(Buckets(per_minute=0).wait_s("a") == 0 for _ in range(1000))


def test_buckets_do_not_grow_without_end() -> None:
    buckets = Buckets(per_minute=1)
    for number in range(20_000):
        buckets.wait_s(str(number))
    assert len(buckets._left) <= 10_000


def test_a_rate_holds_for_each_caller_and_for_those_without_a_key(serve: Serve, database: sqlalchemy.Engine) -> None:
    one, other = made_key(database, "ours", Scope.READ), made_key(database, "ours", Scope.READ)
    with serve(requests_per_minute=2, tenant_requests_per_minute=100) as api:
        answers = [api.get("/api/v1/jobs", headers=bearer(one)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert kind(answers[2]) == "too-many-requests"
        assert int(answers[2].headers["retry-after"]) >= 1
        assert api.get("/api/v1/jobs", headers=bearer(other)).status_code == 200
        assert [api.get("/api/v1/jobs").status_code for _ in range(3)] == [401, 401, 429]
        assert api.get("/healthz").status_code == 200


def test_more_keys_get_a_tenant_no_more_requests(
    serve: Serve, database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All within one moment, however long they take.
    monkeypatch.setattr("lodeplan.service.access.gate.Buckets", lambda per_minute: Buckets(per_minute, lambda: 0.0))
    ours = [made_key(database, "ours", Scope.READ) for _ in range(3)]
    theirs = made_key(database, "theirs", Scope.READ)
    with serve(requests_per_minute=4) as api:
        states = [api.get("/api/v1/jobs", headers=bearer(key)).status_code for key in ours for _ in range(3)]
        assert states == [200] * 4 + [429] * 5
        assert api.get("/api/v1/jobs", headers=bearer(theirs)).status_code == 200
    with serve(requests_per_minute=2, tenant_requests_per_minute=3) as api:
        # What one caller sends beyond its own rate takes nothing from the others.
        states = [api.get("/api/v1/jobs", headers=bearer(key)).status_code for key in ours[:2] for _ in range(3)]
        assert states == [200, 200, 429, 200, 429, 429]


def test_a_tenant_has_a_bounded_number_of_keys_and_is_told_what_to_do(
    serve: Serve, database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MOST_KEYS", 3)
    admin = made_key(database, "ours", Scope.ADMIN)
    made_key(database, "theirs", Scope.READ)
    with serve() as api:
        api.headers.update(bearer(admin))
        first, _ = (api.post("/api/v1/keys", json={"name": "x"}).json()["id"] for _ in range(2))
        for refused in (api.post("/api/v1/keys", json={"name": "x"}), api.post(f"/api/v1/keys/{first}:rotate")):
            assert (refused.status_code, kind(refused)) == (409, "too-many-keys")
            assert "Revoke one" in refused.json()["detail"]
        api.delete(f"/api/v1/keys/{first}")
        assert api.post("/api/v1/keys", json={"name": "x"}).status_code == 201


def test_who_signs_in_too_often_is_told_when_to_try_again(
    serve: Serve, database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lodeplan.service.access.gate.Buckets", lambda per_minute: Buckets(per_minute, lambda: 0.0))
    key = made_key(database, "ours", Scope.READ)
    with serve() as api:
        assert [signed_in(api, shown).status_code for shown in [key, "x"] * 5] == [303, 401] * 5
        refused = signed_in(api, key)
    assert (refused.status_code, kind(refused)) == (429, "too-many-requests")
    assert "10 sign-ins" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) >= 1


def test_the_oldest_session_of_a_key_ends_when_there_are_too_many(
    serve: Serve, database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MOST_SESSIONS", 2)
    one, other = made_key(database, "ours", Scope.READ), made_key(database, "ours", Scope.READ)
    cookies = []
    with serve() as api:
        for key in (one, other, one, one):
            signed_in(api, key)
            cookies.append(dict(api.cookies))
            api.cookies.clear()
        states = []
        for held in cookies:
            api.cookies.update(held)
            states.append(api.get("/").status_code)
            api.cookies.clear()
    assert states == [401, 200, 200, 200]


@pytest.mark.parametrize("quota", ["tenant_max_queued", "tenant_jobs_per_day"])
def test_a_quota_of_jobs_holds_also_for_submits_at_once(serve: Serve, database: sqlalchemy.Engine, quota: str) -> None:
    ours, theirs = made_key(database, "ours", Scope.SUBMIT), made_key(database, "theirs", Scope.SUBMIT)
    with serve(**{quota: 3}) as api:
        answers: list[httpx.Response] = []

        def submit() -> None:
            answers.append(api.post("/api/v1/jobs", json=JOB, headers=bearer(ours)))

        threads = [threading.Thread(target=submit) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 5
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert kind(refused) == "quota-reached"
        assert int(refused.headers["retry-after"]) >= 1
        assert len(api.get("/api/v1/jobs", headers=bearer(ours)).json()["jobs"]) == 3
        assert api.post("/api/v1/jobs", json=JOB, headers=bearer(theirs)).status_code == 202


def test_a_quota_of_results_holds(serve: Serve, database: sqlalchemy.Engine) -> None:
    with serve(tenant_max_results=1) as api:
        first = api.post("/api/v1/jobs", json=JOB).json()["id"]
        with storage.open_session(database) as session:
            session.execute(
                update(storage.Job).where(col(storage.Job.id) == first).values(result_sha256="x", state="succeeded")
            )
            session.commit()
        assert kind(api.post("/api/v1/jobs", json=JOB)) == "quota-reached"
        assert api.delete(f"/api/v1/jobs/{first}").status_code == 204
        assert api.post("/api/v1/jobs", json=JOB).status_code == 202


# The audit log


def test_what_changes_something_is_logged_with_who_did_it(serve: Serve, database: sqlalchemy.Engine) -> None:
    admin = made_key(database, "ours", Scope.ADMIN)
    with serve() as api:
        api.headers.update(bearer(admin))
        first, second = (api.post("/api/v1/jobs", json=JOB).json()["id"] for _ in range(2))
        api.post(f"/api/v1/jobs/{first}:stop")
        api.post(f"/api/v1/jobs/{first}:stop")
        api.post(f"/api/v1/jobs/{second}:cancel")
        api.delete(f"/api/v1/jobs/{second}")
        api.delete(f"/api/v1/jobs/{second}")
        api.post("/api/v1/jobs", json={"scenario": "none such"})
        newest = api.get("/api/v1/audit?limit=2").json()
        rest = api.get(newest["next"]).json()
    who = f"key:{admin[3:15]}"
    done = [("job.submit", first), ("job.submit", second), ("job.stop", first), ("job.cancel", second),
            ("job.delete", second)]  # fmt: skip
    assert audit_of(database, tenant="ours") == [(who, *item) for item in done]
    entries = newest["entries"] + api_rest(rest)
    assert [(entry["action"], entry["target"]) for entry in entries] == done[::-1][: len(entries)]
    assert len(newest["entries"]) == len(rest["entries"]) == 2


def api_rest(page: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page["entries"]
    return found


def test_refused_log_ins_are_logged_but_cannot_fill_the_log(
    serve: Serve, database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All within one moment, however long they take.
    monkeypatch.setattr("lodeplan.service.access.gate.Buckets", lambda per_minute: Buckets(per_minute, lambda: 0.0))
    key = made_key(database, "ours", Scope.READ)
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    with serve() as api:
        for _ in range(70):
            assert api.get("/", headers=bearer(wrong)).status_code == 401
    (entry, *more) = audit_of(database, tenant="ours")
    assert entry == ("address:127.0.0.1", "log-in.refused", key[3:15])
    assert len(more) == 59


# Errors


def test_an_error_of_our_own_names_no_secret_and_has_the_headers_too(
    serve: Serve, database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made_key(database, "ours", Scope.READ)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is hush")

    with serve() as api:
        monkeypatch.setattr(storage, "list_jobs", broken)
        with structlog.testing.capture_logs() as logged:
            answer = api.get("/api/v1/jobs", headers=bearer(key))
        assert "hush" in str(logged)
        assert kind(answer) == "internal-error"
        assert "hush" not in answer.text
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_wrong_setting_shows_no_password() -> None:
    with pytest.raises(ValueError, match="LODEPLAN_DATABASE_URL") as refused:
        Settings.from_environment({"LODEPLAN_DATABASE_URL": "mysql://someone:hush@host/x"})
    assert "hush" not in str(refused.value)


# The command line


def test_keys_are_made_listed_rotated_and_revoked_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LODEPLAN_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("LODEPLAN_DATABASE_URL", raising=False)

    def lodeplan(*arguments: str, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        shown = capsys.readouterr()
        assert ended.value.code == code, shown
        assert "Traceback" not in shown.err
        return shown.out

    key = lodeplan("keys", "create", "board", "--tenant", "ours", "--scope", "submit").strip()
    assert keys._KEY.fullmatch(key)
    fresh = lodeplan("keys", "rotate", key[3:15]).strip()
    lodeplan("keys", "revoke", key[3:15])
    listed = lodeplan("keys", "list")
    assert [line.split()[:3] for line in listed.splitlines()] == [
        [fresh[3:15], "ours", "submit"],
        [key[3:15], "ours", "submit"],
    ]
    assert "revoked" in listed.splitlines()[1]
    assert key[20:] not in listed
    for wrong in (["revoke", "nope"], ["create", "x", "--scope", "owner"], ["create", "x", "--tenant", "a b"]):
        lodeplan("keys", *wrong, code=2)
    assert [line.split()[3] for line in lodeplan("audit").splitlines()] == ["key.revoke", "key.rotate", "key.create"]
