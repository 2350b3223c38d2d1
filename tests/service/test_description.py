"""The description of the API: short names, examples that are true, and one answer for all that is wrong."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from http_service import problem, service_on
from job_service import new_database

from lodeplan.schemas.jobs import Problem
from lodeplan.service.api.examples import PROBLEMS, REQUESTS
from lodeplan.service.http.errors import TITLES

API = "/api/v1"
PATHS = {
    "submit_job": "/jobs",
    "create_schedule": "/schedules",
    "add_webhook": "/webhooks",
    "create_key": "/keys",
    "pause_queue": "/queue:pause",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with service_on(new_database(tmp_path_factory.mktemp("description")), None, require_login=False) as client:
        yield client


@pytest.fixture(scope="module")
def description(api: httpx.Client) -> Any:
    return api.get("/openapi.json").json()


def operations(description: Any) -> dict[str, Any]:
    return {
        operation["operationId"]: operation for path in description["paths"].values() for operation in path.values()
    }


def test_operations_have_short_names_and_the_service_its_address(description: Any) -> None:
    names = [operation["operationId"] for path in description["paths"].values() for operation in path.values()]
    assert len(names) == len({*names}) > 40
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+){0,3}", name)] == []
    assert description["servers"][0]["url"] == "/"


def test_whatever_the_description_refers_to_is_in_it(description: Any) -> None:
    text = json.dumps(description)
    for kind, name in set(re.findall(r'"\$ref": "#/components/(\w+)/([\w-]+)"', text)):
        assert name in description["components"][kind], name
    assert len(re.findall(r'"\$ref"', text)) == len(re.findall(r'"\$ref": "#/components/\w+/[\w-]+"', text))


def test_each_type_of_problem_has_an_example_and_an_operation(description: Any) -> None:
    assert set(PROBLEMS) == set(TITLES) == set(description["components"]["examples"])
    for kind, example in PROBLEMS.items():
        Problem.model_validate(example.problem(kind))
        assert set(example.of) <= set(operations(description)), kind
    shown: set[str] = set()
    for name, operation in operations(description).items():
        for status in ("4XX", "5XX"):
            content = operation["responses"][status]["content"]["application/problem+json"]
            shown |= set(content.get("examples", {}))
            assert content.get("examples") or name in ("live", "ready", "show_metrics"), name
    assert shown == set(TITLES)


def test_each_body_has_examples_that_are_accepted(api: httpx.Client, description: Any) -> None:
    with_body = {name for name, operation in operations(description).items() if "requestBody" in operation}
    assert with_body == set(REQUESTS)
    for name, bodies in REQUESTS.items():
        for body in bodies.values():
            path = PATHS.get(name)
            if path is None:
                job_id = api.post(f"{API}/jobs", json=REQUESTS["submit_job"]["one plan"]).json()["id"]
                path = f"/jobs/{job_id}:rerun"
            answer = api.post(f"{API}{path}", json=body)
            assert answer.is_success, (name, answer.text)
    assert api.post(f"{API}/queue:resume").is_success


@pytest.mark.parametrize(
    ("method", "path", "request_", "kind"),
    [
        ("POST", "/jobs", {"content": b'{"a": 1\n"b"', "headers": {"content-type": "application/json"}}, "broken-body"),
        ("POST", "/jobs", {"json": {"scenario": "golden-toy", "optons": {}}}, "invalid-input"),
        ("GET", "/jobs?stat=running", {}, "invalid-request"),
        ("POST", "/jobs", {"content": b"x", "headers": {"content-type": "text/plain"}}, "unsupported-media-type"),
        ("GET", f"/jobs/{'0' * 31}", {}, "job-not-found"),
        ("GET", "/scenarios/golden-tay", {}, "scenario-not-found"),
        ("POST", "/queue:resume", {}, "queue-not-paused"),
        ("GET", f"/schedules/{'0' * 31}", {}, "schedule-not-found"),
        ("GET", f"/webhooks/{'0' * 31}", {}, "webhook-not-found"),
        ("GET", "/keys/none", {}, "key-not-found"),
    ],
)
def test_examples_of_problems_are_as_the_answers(
    api: httpx.Client, method: str, path: str, request_: Any, kind: str
) -> None:
    answer = problem(api.request(method, f"{API}{path}", **request_), PROBLEMS[kind].status, kind)
    example = PROBLEMS[kind].problem(kind)
    assert (answer["title"], answer["status"]) == (example["title"], example["status"])
    for told, shown in zip(answer.get("errors", []), example.get("errors", []), strict=False):
        assert {**shown, "allowed": told.get("allowed")} == {"allowed": None, **told}


@pytest.mark.parametrize(
    ("path", "body", "in_body"),
    [
        ("/jobs", {"scenario": "golden-tay", "optons": {}}, {"/scenario", "/optons"}),
        (
            "/schedules",
            {"name": "x", "cron": "x", "request": {"scenario": "golden-tay"}},
            {"/cron", "/request/scenario"},
        ),
        ("/webhooks", {"ur": "x"}, {"/ur", "/url"}),
        ("/keys", {"nam": "x"}, {"/nam", "/name"}),
        ("/queue:pause", {"reson": "x"}, {"/reson"}),
    ],
)
def test_all_that_is_wrong_with_query_headers_and_body_comes_together(
    api: httpx.Client, path: str, body: Any, in_body: set[str]
) -> None:
    headers = {"idempotency-key": "a b"}
    answer = problem(api.post(f"{API}{path}?validat=1", json=body, headers=headers), 422, "invalid-request")
    expected = {"/query/validat", *in_body} | ({"/header/idempotency-key"} if path == "/jobs" else set())
    assert {error["pointer"] for error in answer["errors"]} == expected
    assert answer["detail"].startswith(f"{len(answer['errors'])} things")


def test_head_is_answered_where_get_is(api: httpx.Client, description: Any) -> None:
    job_id = api.post(f"{API}/jobs", json={"scenario": "golden-toy"}).json()["id"]
    for path, methods in description["paths"].items():
        if "get" in methods and "{" not in path.replace("{job_id}", "") and "events" not in path:
            url = path.replace("{job_id}", job_id)
            query = {"run": job_id} if "comparisons" in path else {}
            got, head = api.get(url, params=query), api.head(url, params=query)
            assert (head.status_code, head.content) == (got.status_code, b""), path
