"""What a request says around its scenario is refused in the scenario's own words, together with all that is inside."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from job_service import new_database

from lodeplan.service import ui
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.settings import Settings
from lodeplan.service.ui import sign_in

JOBS = "/api/v1/jobs"
PYDANTIC = ("Extra inputs", "Input should", "Field required", "unable to parse", "valid integer", "valid string")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    database = new_database(tmp_path_factory.mktemp("envelope"))
    yield create_app(Settings(allowed_hosts="testserver"), database=database, engine=InlineEngine())
    database.dispose()


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


def wrong(client: TestClient, body: Any, path: str = JOBS) -> dict[str, dict[str, Any]]:
    """The errors of a body that must be refused, by pointer."""
    answer = client.post(path, json=body)
    assert answer.status_code == 422, answer.text
    errors: list[dict[str, Any]] = answer.json()["errors"]
    assert not [word for word in PYDANTIC if word in answer.text]
    found = {error["pointer"]: error for error in errors}
    assert len(found) == len(errors), "one error a place"
    return found


def setting(path: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "path": path, "value": value}


# Words


@pytest.mark.parametrize(
    ("body", "pointer", "near"),
    [
        ({"patchs": []}, "/patchs", "`patches`"),
        ({"lable": "x"}, "/lable", "`label`"),
        ({"option": {}}, "/option", "`options`"),
        ({"options": {"timelimit": 5}}, "/options/timelimit", "`time_limit_s`"),
        ({"options": {"gapp": 5}}, "/options/gapp", "`gap`"),
        ({"patches": [{"op": "sett", "path": "title"}]}, "/patches/0/op", "`set`"),
        ({"patches": [{"op": "set", "pth": "title", "path": "title"}]}, "/patches/0/pth", "`path`"),
        ({"kind": "sovle"}, "/kind", "`solve`"),
        ({"kind": "batch", "jobs": [{"lable": "x"}]}, "/jobs/0/lable", "`label`"),
    ],
)
def test_a_misspelt_word_of_a_request_is_named_with_what_may_have_been_meant(
    client: TestClient, body: dict[str, Any], pointer: str, near: str
) -> None:
    found = wrong(client, {"scenario": "golden-toy", **body})
    assert list(found) == [pointer]
    assert near in found[pointer]["remedy"]


@pytest.mark.parametrize(
    ("body", "pointer", "value"),
    [
        ({"options": {"gap": "1%"}}, "/options/gap", "1%"),
        ({"options": {"gap": 7}}, "/options/gap", 7),
        ({"options": {"gap": -1}}, "/options/gap", -1),
        ({"options": {"time_limit_s": 0}}, "/options/time_limit_s", 0),
        ({"options": {"time_limit_s": "soon"}}, "/options/time_limit_s", "soon"),
        ({"options": 5}, "/options", 5),
        ({"label": 7}, "/label", 7),
        ({"label": ""}, "/label", ""),
        ({"reuse": "maybe"}, "/reuse", "maybe"),
        ({"patches": "none"}, "/patches", "none"),
        ({"patches": [7]}, "/patches/0", 7),
        ({"scenario": 5}, "/scenario", 5),
        ({"kind": 5}, "/kind", 5),
        ({"kind": "batch", "jobs": []}, "/jobs", []),
        ({"kind": "batch", "jobs": [7]}, "/jobs/0", 7),
        ({"kind": "batch", "jobs": [{"options": {"gap": 2}}]}, "/jobs/0/options/gap", 2),
    ],
)
def test_a_wrong_value_of_a_request_is_named_with_what_is_allowed(
    client: TestClient, body: dict[str, Any], pointer: str, value: Any
) -> None:
    found = wrong(client, {"scenario": "golden-toy", **body})
    assert list(found) == [pointer]
    assert found[pointer].get("value") == value
    assert found[pointer]["allowed"]


@pytest.mark.parametrize(("written", "meant"), [("1%", "0.01"), ("2,5 %", "0.025"), ("0.1%", "0.001")])
def test_a_percentage_is_told_as_the_fraction_it_is(client: TestClient, written: str, meant: str) -> None:
    in_envelope = wrong(client, {"scenario": "golden-toy", "options": {"gap": written}})["/options/gap"]
    patches = [setting("economics.discount_rate", written)]
    in_scenario = wrong(client, {"scenario": "golden-toy", "patches": patches})["/patches/0"]
    assert in_envelope["remedy"] == in_scenario["remedy"] == f"Write a fraction: {meant}."


def test_a_request_without_a_scenario_is_told_so(client: TestClient) -> None:
    found = wrong(client, {})
    assert found["/scenario"]["code"] == "missing_field"


def test_jobs_without_their_kind_are_told_the_kind(client: TestClient) -> None:
    found = wrong(client, {"scenario": "golden-toy", "jobs": [{}]})
    assert "batch" in found["/kind"]["allowed"]


@pytest.mark.parametrize(("name", "near"), [("golden-tyo", "`golden-toy`"), ("us2026", "`us-2026`"), ("zzz", "")])
def test_an_unknown_scenario_is_answered_with_near_names_and_where_all_are_listed(
    client: TestClient, name: str, near: str
) -> None:
    remedy = wrong(client, {"scenario": name})["/scenario"]["remedy"]
    detail = client.get(f"/api/v1/scenarios/{name}").json()["detail"]
    for text in (remedy, detail):
        assert near in text
        assert "GET /api/v1/scenarios" in text


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/api/v1/keys", {"name": "a", "scope": "admn"}, "/scope"),
        ("/api/v1/keys", {"name": "a", "scop": "read"}, "/scop"),
        ("/api/v1/webhooks", {"ur": "https://example.org", "url": 5}, "/ur"),
    ],
)
def test_other_bodies_are_refused_in_the_same_words(client: TestClient, path: str, body: Any, pointer: str) -> None:
    assert wrong(client, body, path)[pointer]["remedy"]


@pytest.mark.parametrize("path", ["/risk/tail_weight", "risk/tail_weight", "#/risk/tail_weight"])
def test_a_path_with_slashes_is_told_to_use_dots(client: TestClient, path: str) -> None:
    found = wrong(client, {"scenario": "golden-toy", "patches": [setting(path, 0.1)]})
    assert found["/patches/0"]["remedy"] == "Use dots: risk.tail_weight"


def test_a_name_with_a_slash_is_no_path_with_slashes(client: TestClient) -> None:
    found = wrong(client, {"scenario": "golden-toy", "patches": [setting("metal/refined.stage", "ore")]})
    assert "slash" not in found["/patches/0"]["detail"]


# All at once


def test_errors_of_the_envelope_of_the_scenario_and_of_patches_come_together(client: TestClient) -> None:
    body = {
        "scenario": "golden-toy",
        "lable": "x",
        "options": {"gap": "1%"},
        "patches": [
            {"op": "sett", "path": "title"},
            setting("nowhere.at.all", 1),
            setting("economics.discount_rate", -1),
        ],
    }
    assert set(wrong(client, body)) == {"/lable", "/options/gap", "/patches/0/op", "/patches/1", "/patches/2"}


def test_errors_of_an_inline_scenario_come_with_those_of_the_envelope(client: TestClient) -> None:
    body = {"scenario": {"name": "x", "hme": "USA"}, "timelimit": 5}
    assert set(wrong(client, body)) >= {"/timelimit", "/scenario/hme", "/scenario/home", "/scenario/places"}


def test_errors_of_a_batch_come_with_those_of_its_scenario_and_of_each_job(client: TestClient) -> None:
    body = {
        "kind": "batch",
        "scenario": "golden-toy",
        "lable": "x",
        "patches": [setting("economics.discount_rate", -1)],
        "jobs": [
            {"lable": "x", "patches": [setting("nope", 1)]},
            {"patches": [{"op": "st", "path": "x"}, setting("risk.tail_wait", 1)], "options": {"gap": 7}},
            {},
        ],
    }
    assert set(wrong(client, body)) == {
        "/lable", "/patches/0", "/jobs/0/lable", "/jobs/0/patches/0", "/jobs/1/patches/0/op", "/jobs/1/patches/1",
        "/jobs/1/options/gap",
    }  # fmt: skip


def test_what_is_only_checked_is_refused_alike(client: TestClient) -> None:
    body = {"scenario": "golden-toy", "patchs": [], "patches": [setting("nope", 1)]}
    assert wrong(client, body, f"{JOBS}?validate_only=true") == wrong(client, body)


# Query parameters


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route of the API and of the pages, with something in the place of each name."""
    api = [(method.upper(), path) for path, methods in app.openapi()["paths"].items() for method in methods]
    pages = [
        (method, route.path)
        for router in (ui.router, sign_in.router)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    ]
    named = {"job_id": "0" * 31, "suffix": "csv", "path:path": "lodeplan.css"}
    return [
        (method, re.sub(r"\{([^}]+)\}", lambda name: named.get(name[1], "x"), path)) for method, path in [*api, *pages]
    ]


def test_every_route_refuses_a_query_parameter_it_does_not_know_and_one_given_twice(
    app: FastAPI, client: TestClient
) -> None:
    routes = routes_of(app)
    assert len(routes) > 30
    for method, path in routes:
        for query, code in (("nobody_knows=1", "unknown_parameter"), ("nobody_knows=1&nobody_knows=2", "given_twice")):
            answer = client.request(method, f"{path}?{query}")
            assert answer.status_code == 422, (method, path, answer.status_code, answer.text[:200])
            assert code in {error["code"] for error in answer.json()["errors"]}


def a_wrong_value(parameter: dict[str, Any]) -> str | None:
    """A value that a query parameter cannot have; None where it takes any text, or must be given and is left out."""
    if parameter["required"]:
        return None
    for schema in (parameter["schema"], *parameter["schema"].get("anyOf", [])):
        if "maxLength" in schema:
            return "x" * (schema["maxLength"] + 1)
        if "$ref" in schema or "pattern" in schema or schema.get("type") in ("integer", "number", "boolean"):
            return "no-such-thing"
    return None


def test_every_route_reports_all_that_is_wrong_with_its_query_together(app: FastAPI, client: TestClient) -> None:
    seen = 0
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            query = [one for one in operation.get("parameters", []) if one["in"] == "query"]
            wrong = {one["name"]: value for one in query if (value := a_wrong_value(one)) is not None}
            missing = {one["name"] for one in query if one["required"]}
            answer = client.request(method, re.sub(r"\{\w+\}", "x", path), params={**wrong, "nobody_knows": "1"})
            assert answer.status_code == 422, (method, path, answer.text[:200])
            pointers = [error["pointer"] for error in answer.json()["errors"]]
            assert sorted(pointers) == sorted(f"/query/{name}" for name in {*wrong, *missing, "nobody_knows"}), path
            seen += len(wrong) + len(missing)
    assert seen > 15


def test_an_unknown_query_parameter_is_answered_with_the_nearest_name(client: TestClient) -> None:
    (error,) = client.get(f"{JOBS}?stat=running").json()["errors"]
    assert (error["pointer"], error["value"]) == ("/query/stat", "running")
    assert "`state`" in error["remedy"]


def test_somebody_at_a_browser_is_told_on_a_page(client: TestClient) -> None:
    answer = client.get("/?groop=<b>", headers={"accept": "text/html"})
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")
    assert "This path has no parameter `groop`." in answer.text
    assert "<b>" not in answer.text
    assert client.get(f"{JOBS}?x=1", headers={"accept": "text/html"}).json()["status"] == 422


def test_a_wrong_value_of_a_query_parameter_is_answered_with_the_nearest_word(client: TestClient) -> None:
    (error,) = client.get(f"{JOBS}?state=runing").json()["errors"]
    assert "`running`" in error["remedy"]
    (error,) = client.get(f"{JOBS}?limit=many").json()["errors"]
    assert error["detail"] == "this is not a whole number."


def test_the_static_files_and_pages_still_open(client: TestClient) -> None:
    assert client.get("/").status_code == 200
    assert client.get("/static/lodeplan.css").status_code == 200
