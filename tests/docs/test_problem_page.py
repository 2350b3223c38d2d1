"""Errors as somebody at a browser sees them, and as programs do."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from job_service import new_database

from lodeplan.schemas.jobs import Problem
from lodeplan.service import ui
from lodeplan.service.access import LOCAL_CALLER
from lodeplan.service.api.dependencies import get_caller
from lodeplan.service.http import problems
from lodeplan.service.ui.rendering import problem_page

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ATTACK = "<script>alert('x')</script>"


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    app = FastAPI(openapi_url=None)
    app.state.database = new_database(tmp_path)
    app.include_router(ui.router)
    app.dependency_overrides[get_caller] = lambda: LOCAL_CALLER

    @app.get("/breaks")
    def breaks() -> None:
        raise RuntimeError("on purpose")

    problems.install(app, problem_page)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nowhere", 404, "There is no page at “/nowhere”."),
        ("/runs/", 404, "There is no page at “/runs/”."),
        ("/runs/1/2", 404, "There is no page at “/runs/1/2”."),
        ("/static/none.js", 404, "There is no page at"),
        (f"/{ATTACK}", 404, "There is no page at"),
        ("/runs/none/figures/flows.json", 404, "has no plan to draw"),
        ("/breaks", 500, "The service had an internal error"),
    ],
)
def test_a_browser_gets_a_page_and_a_program_gets_data(client: TestClient, path: str, status: int, says: str) -> None:
    page = client.get(path, headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert says in page.text
    assert 'href="/"' in page.text
    assert ATTACK not in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    data = client.get(path)
    assert (data.status_code, data.headers["content-type"]) == (status, problems.MEDIA_TYPE)
    Problem.model_validate(data.json())


def test_what_is_below_the_api_and_what_changes_something_answers_data_also_to_a_browser(client: TestClient) -> None:
    for answer in (client.get("/api/v1/nowhere", headers=BROWSER), client.post("/nowhere", headers=BROWSER)):
        assert (answer.status_code, answer.headers["content-type"]) == (404, problems.MEDIA_TYPE)


def test_where_its_page_breaks_the_problem_still_comes_as_data(client: TestClient) -> None:
    client.app.state.problem_page = lambda *_: 1 / 0  # type: ignore[attr-defined]
    answer = client.get("/nowhere", headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (404, problems.MEDIA_TYPE)
