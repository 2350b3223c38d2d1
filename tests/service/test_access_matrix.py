"""Who gets in where: every path of the application, found by itself, so that a new one is tried too."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy
from access_service import ADMIN_ONLY, SUBMIT_BODY, add_everything, bearer, made_key, served
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from job_service import DATABASES, database_of

from lodeplan.schemas.access import Scope
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.settings import Settings

OPEN = {"/healthz", "/readyz", "/sign-in", "/static/{path:path}"}
FOR_ALL_TENANTS = re.compile(r"/docs.*|/openapi\.json|/api/v1/(schema|scenarios.*|queue)|/metrics")
"""What is the same for everybody."""
ANSWERS_ITSELF = {"/sign-out"}


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("access")) as database:
        yield database


@pytest.fixture(scope="module")
def app(database: sqlalchemy.Engine) -> FastAPI:
    return create_app(Settings(require_login=True), database=database, engine=InlineEngine())


@pytest.fixture(scope="module")
def api(app: FastAPI) -> Iterator[httpx.Client]:
    with served(app) as client:
        yield client


@pytest.fixture(scope="module")
def ids(database: sqlalchemy.Engine) -> dict[str, str]:
    """One of each thing, of the tenant `ours`, by the name that paths give its id."""
    return add_everything(database, "ours")


def operations(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path, those that are in no description too."""
    found: list[tuple[str, str]] = []
    for context in iter_route_contexts(app.routes):
        path, methods = context.path, context.methods
        if path and methods:
            found += [(method, path) for method in sorted(methods) if method != "HEAD"]
    return found


def filled(path: str, ids: dict[str, str]) -> str:
    """The path with its ids; a path with an id nobody made is one this test must learn to fill."""
    values = {"name": "ship", "suffix": "json", "path": "lodeplan.css", **ids}
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: values[found[1]], path)


def call(api: httpx.Client, method: str, path: str, key: str | None = None) -> httpx.Response:
    # A stream that never ends says all that is asked here with its status.
    body: Any = SUBMIT_BODY if method in ("POST", "PUT", "PATCH") else None
    with api.stream(method, path, json=body, headers=bearer(key)) as answer:
        if "event-stream" not in answer.headers.get("content-type", ""):
            answer.read()
        return answer


def test_the_routes_are_found(app: FastAPI) -> None:
    found = {path for _, path in operations(app)}
    assert {"/api/v1/jobs/{job_id}", "/api/v1/keys/{key_id}:rotate", "/", "/runs/{job_id}", "/docs"} <= found
    assert found >= set(app.openapi()["paths"])


def test_every_path_asks_for_a_key(app: FastAPI, api: httpx.Client, ids: dict[str, str]) -> None:
    let_in = []
    for method, path in operations(app):
        for key in (None, "lp_" + "0" * 12 + "_" + "0" * 64):
            answer = call(api, method, filled(path, ids), key)
            if answer.status_code != 401:
                let_in.append((method, path, answer.status_code))
            else:
                assert answer.headers["www-authenticate"].startswith("Bearer"), path
                assert answer.headers["content-type"] == "application/problem+json", path
    assert {path for _, path, _ in let_in} == OPEN


def test_a_key_of_another_tenant_finds_nothing(
    app: FastAPI, api: httpx.Client, database: sqlalchemy.Engine, ids: dict[str, str]
) -> None:
    theirs = made_key(database, "theirs", Scope.ADMIN)
    named, unnamed = [], []
    for method, path in operations(app):
        if path in OPEN or FOR_ALL_TENANTS.fullmatch(path) or path in ANSWERS_ITSELF:
            continue
        answer = call(api, method, filled(path, ids), theirs)
        if "{" in path:
            named.append((method, path, answer.status_code))
        elif method == "GET":
            unnamed.append(path)
            assert not any(value in answer.text for value in ids.values()), path
    assert [found for found in named if found[2] != 404] == []
    assert len(named) >= 12
    assert {"/", "/api/v1/jobs", "/api/v1/keys", "/api/v1/audit"} <= set(unnamed)


def test_the_tenant_itself_finds_them(api: httpx.Client, database: sqlalchemy.Engine, ids: dict[str, str]) -> None:
    # Or the test before would pass for the wrong reason.
    ours = made_key(database, "ours", Scope.ADMIN)
    for path in ("/api/v1/jobs/{job_id}", "/api/v1/jobs/{job_id}/result", "/runs/{job_id}", "/api/v1/keys/{key_id}"):
        assert call(api, "GET", filled(path, ids), ours).status_code == 200, path


@pytest.mark.parametrize("scope", [Scope.READ, Scope.SUBMIT])
def test_a_scope_that_is_too_small_is_told_so(
    app: FastAPI, api: httpx.Client, database: sqlalchemy.Engine, ids: dict[str, str], scope: Scope
) -> None:
    # Of another tenant: whoever may call by mistake breaks nothing here.
    key = made_key(database, "theirs", scope)
    for method, path in operations(app):
        needs_admin = path.startswith(ADMIN_ONLY)
        refused = needs_admin or (scope is Scope.READ and method != "GET" and path not in {"/sign-in", "/sign-out"})
        answer = call(api, method, filled(path, ids), key)
        assert (answer.status_code == 403) == refused, (method, path, answer.status_code)
        if refused:
            assert answer.json()["type"] == "urn:lodeplan:problem:not-allowed"
            assert "insufficient_scope" in answer.headers["www-authenticate"]


def test_every_answer_has_the_headers_that_keep_browsers_safe(
    app: FastAPI, api: httpx.Client, database: sqlalchemy.Engine, ids: dict[str, str]
) -> None:
    for key in (None, made_key(database, "ours", Scope.READ)):
        for method, path in operations(app):
            headers = call(api, method, filled(path, ids), key).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert "frame-ancestors 'none'" in headers["content-security-policy"], path
            assert headers["referrer-policy"] in ("no-referrer", "same-origin"), path
            assert headers["cross-origin-resource-policy"] == "same-origin", path
            assert "set-cookie" not in headers or path == "/sign-out", path
            assert "server" not in headers, path
            if path.startswith("/api/"):
                assert headers["content-security-policy"].startswith("default-src 'none'"), path
                # The head of a stream is FastAPI's.
                allowed = {"no-store", "private, no-cache", *(["no-cache"] if path.endswith("/events") else [])}
                assert headers["cache-control"] in allowed, path
