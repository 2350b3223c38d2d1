"""The HTTP API, over real HTTP: the way of a job, and every answer to bad input."""

import csv
import io
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from http_service import PROBLEM, ended, problem, running, service_on, submit
from job_service import DATABASES, database_of, fake_solver, wait_until

from lodeplan import scenarios
from lodeplan.schemas import InvalidInput, Scenario
from lodeplan.service import storage
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.jobs.submissions import canonical_json
from lodeplan.service.settings import Settings
from lodeplan.service.workers.child_solver import ChildSolver, Watch, Work

LIMIT_MB = 1.0
JSON = {"content-type": "application/json"}
YAML = {"content-type": "application/yaml"}


def solve(work: Work, watch: Watch) -> Outcome:
    """In a real child where the options say so, else in a fake one."""
    return (ChildSolver(60) if work.options.gap == 0 else fake_solver())(work, watch)


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("api")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with service_on(database, solve, max_body_mb=LIMIT_MB, slots=2) as client:
        yield client


@pytest.fixture(scope="module")
def solved(api: httpx.Client) -> str:
    job_id = submit(api, "solve")
    assert ended(api, job_id)["state"] == "succeeded"
    return job_id


# The way of a job


def test_the_golden_toy_is_solved_in_a_child_and_its_objective_is_the_hand_computed_one(api: httpx.Client) -> None:
    job_id = submit(api, "for real", options={"gap": 0})
    view = ended(api, job_id)
    assert (view["state"], view["termination"], view["solution"]) == ("succeeded", "optimal", "optimal")
    assert view["objective_kusd"] == pytest.approx(5172.1574)
    summary = api.get(view["links"]["result"]).json()["summary"]
    assert summary["scenario_hash"] == view["scenario_hash"]
    assert "ship" in [table["name"] for table in api.get(view["links"]["tables"]).json()["tables"]]


def test_a_submitted_job_is_answered_with_its_place_and_when_to_look(api: httpx.Client) -> None:
    answer = api.post("/api/v1/jobs", json={"scenario": "golden-toy"})
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/v1/jobs/{answer.json()['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["state"] == "queued"


def test_a_job_may_carry_a_whole_scenario(api: httpx.Client) -> None:
    scenario = scenarios.load("golden-toy").model_dump(mode="json")
    answer = api.post("/api/v1/jobs", json={"scenario": {**scenario, "name": "mine", "description": "solve"}})
    assert answer.status_code == 202
    assert answer.json()["scenario"] == "mine"


def test_a_job_may_come_as_yaml(api: httpx.Client) -> None:
    answer = api.post("/api/v1/jobs", content="scenario: golden-toy\noptions: {gap: 0.01}\n", headers=YAML)
    assert answer.status_code == 202
    assert answer.json()["options"] == {"gap": 0.01}


def test_a_request_only_to_be_checked_makes_no_job(api: httpx.Client) -> None:
    def newest() -> list[str]:
        return [job["id"] for job in api.get("/api/v1/jobs?limit=1").json()["jobs"]]

    before = newest()
    answer = api.post("/api/v1/jobs?validate_only=true", json={"scenario": "golden-toy"})
    assert (answer.status_code, answer.json()["valid"]) == (200, True)
    assert newest() == before


def test_a_running_job_shows_its_progress(api: httpx.Client) -> None:
    job_id = running(api, "wait-for-stop feasible")
    view = wait_until(lambda: (view := api.get(f"/api/v1/jobs/{job_id}").json()).get("progress") and view)
    assert view["progress"]["gap"] == 0.25
    assert view["attempt"] == 1
    assert api.post(f"/api/v1/jobs/{job_id}:stop").status_code == 202
    view = ended(api, job_id)
    assert (view["state"], view["termination"], view["solution"]) == ("succeeded", "interrupted", "feasible")


def test_a_long_poll_returns_as_soon_as_the_job_differs_from_what_the_client_holds(api: httpx.Client) -> None:
    job_id = running(api, "hang")
    wait_until(lambda: "progress" in api.get(f"/api/v1/jobs/{job_id}").json())
    tag = api.get(f"/api/v1/jobs/{job_id}").headers["etag"]
    answers: list[httpx.Response] = []
    poll = threading.Thread(
        target=lambda: answers.append(
            api.get(f"/api/v1/jobs/{job_id}", params={"wait": 30}, headers={"if-none-match": tag})
        )
    )
    poll.start()
    assert api.post(f"/api/v1/jobs/{job_id}:cancel").status_code == 202
    poll.join()
    assert answers[0].status_code == 200
    assert answers[0].json()["state"] in ("cancelling", "cancelled")
    assert ended(api, job_id)["state"] == "cancelled"


def test_a_child_killed_by_a_signal_fails_the_job_with_a_reason_and_no_trace(api: httpx.Client) -> None:
    view = ended(api, submit(api, "die SIGSEGV"))
    assert view["state"] == "failed"
    assert view["failure"]["code"] == "crashed"
    assert "memory" in view["failure"]["message"]
    assert "no-result" in problem(api.get(view["links"]["result"]), 404, "no-result")["type"]


def test_an_infeasible_job_has_succeeded_and_its_plan_says_so(api: httpx.Client) -> None:
    view = ended(api, submit(api, "end infeasible none"))
    assert (view["state"], view["termination"]) == ("succeeded", "infeasible")
    assert api.get(view["links"]["result"]).json()["summary"]["termination"] == "infeasible"


def test_jobs_are_listed_newest_first_a_page_at_a_time(api: httpx.Client) -> None:
    made = [submit(api, "solve") for _ in range(3)]
    first = api.get("/api/v1/jobs", params={"limit": 2}).json()
    second = api.get(first["next"]).json()
    listed = [job["id"] for job in first["jobs"] + second["jobs"]]
    assert len(first["jobs"]) == 2
    assert listed[:3] == made[::-1]
    assert listed == sorted(listed, reverse=True)


def test_the_last_page_has_no_next(api: httpx.Client) -> None:
    assert "next" not in api.get("/api/v1/jobs", params={"cursor": "0" * 31}).json()


def test_a_deleted_job_is_gone_with_its_result(api: httpx.Client) -> None:
    job_id = submit(api, "solve")
    ended(api, job_id)
    assert api.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    for path in ("", "/result", "/log"):
        problem(api.get(f"/api/v1/jobs/{job_id}{path}"), 404, "job-not-found")


def test_the_log_tells_what_happened(api: httpx.Client, solved: str) -> None:
    answer = api.get(f"/api/v1/jobs/{solved}/log")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Started, attempt 1." in answer.text
    assert "gap 25.000%" in answer.text
    assert answer.text.endswith("Succeeded.\n")


# Results


def test_a_table_as_csv_has_a_row_of_names_and_quotes_what_needs_it(api: httpx.Client, solved: str) -> None:
    answer = api.get(f"/api/v1/jobs/{solved}/result/tables/made_up.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["route", "ship_t_per_y"],
        ["ore, raw", "1.5"],
        ['say "metal"', ""],
    ]


def test_tables_are_listed_with_units_and_paths_that_answer(api: httpx.Client, solved: str) -> None:
    entry = api.get(f"/api/v1/jobs/{solved}/result/tables").json()["tables"][-1]
    assert (entry["name"], entry["rows"]) == ("made_up", 2)
    assert [column["unit"] for column in entry["columns"]] == ["", "t/y"]
    assert api.get(entry["csv"]).status_code == 200
    table = api.get(entry["json"]).json()
    assert set(table) == {"name", "title", "columns", "rows"}
    assert table["rows"] == [["ore, raw", 1.5], ['say "metal"', None]]


@pytest.mark.parametrize(
    "part", ["", "/result", "/result/tables", "/result/tables/made_up.csv", "/result/tables/made_up.json"]
)
def test_what_a_client_holds_is_not_sent_again(api: httpx.Client, solved: str, part: str) -> None:
    path = f"/api/v1/jobs/{solved}{part}"
    tag = api.get(path).headers["etag"]
    assert tag.startswith('"')
    again = api.get(path, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert api.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_result_asked_for_before_the_end_is_a_conflict(api: httpx.Client) -> None:
    job_id = running(api, "hang")
    for part in ("result", "result/tables", "result/tables/made_up.csv"):
        problem(api.get(f"/api/v1/jobs/{job_id}/{part}"), 409, "job-not-ended")
    problem(api.delete(f"/api/v1/jobs/{job_id}"), 409, "job-not-ended")
    api.post(f"/api/v1/jobs/{job_id}:cancel")


def test_an_ended_job_cannot_be_ended_again(api: httpx.Client, solved: str) -> None:
    problem(api.post(f"/api/v1/jobs/{solved}:stop"), 409, "job-ended")
    problem(api.post(f"/api/v1/jobs/{solved}:cancel"), 409, "job-ended")


def test_a_job_that_is_deleted_while_it_is_asked_to_end_is_gone(
    api: httpx.Client, database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit(api, "solve")
    ended(api, job_id)

    def too_late(*_: object) -> bool:
        with storage.open_session(database) as session:
            job = storage.get_job(session, storage.LOCAL, job_id)
            assert job is not None
            storage.delete_job(session, job)
            session.commit()
        return False

    monkeypatch.setattr("lodeplan.service.jobs.states.request_cancel", too_late)
    problem(api.post(f"/api/v1/jobs/{job_id}:cancel"), 404, "job-not-found")


def test_an_unknown_table_is_named_with_those_there_are(api: httpx.Client, solved: str) -> None:
    body = problem(api.get(f"/api/v1/jobs/{solved}/result/tables/nope.csv"), 404, "table-not-found")
    assert "ship" in body["detail"]


# Bad input


def test_everything_wrong_with_a_scenario_comes_at_once_with_pointers(api: httpx.Client) -> None:
    scenario = scenarios.load("golden-toy").model_dump(mode="json")
    scenario["economics"]["discount_rate"] = -1
    scenario["routes"]["metal CHN"]["origin"] = "XXX"
    scenario["demands"]["military"]["quantity"] = 5
    body = problem(api.post("/api/v1/jobs", json={"scenario": scenario}), 422, "invalid-input")
    found = {error["pointer"]: error for error in body["errors"]}
    assert found["/scenario/economics/discount_rate"]["value"] == -1
    assert found["/scenario/economics/discount_rate"]["allowed"]
    assert found["/scenario/demands/military/quantity"]["remedy"]


def test_a_bad_patch_is_pointed_at_in_the_request(api: httpx.Client) -> None:
    patches = [
        {"op": "set", "path": "economics.discount_rate", "value": -1},
        {"op": "set", "path": "no..where", "value": 1},
    ]
    body = problem(api.post("/api/v1/jobs", json={"scenario": "golden-toy", "patches": patches}), 422, "invalid-input")
    assert {error["pointer"] for error in body["errors"]} == {"/patches/0", "/patches/1"}


def test_an_unknown_scenario_name_is_refused(api: httpx.Client) -> None:
    body = problem(api.post("/api/v1/jobs", json={"scenario": "golden-boy"}), 422, "invalid-input")
    assert body["errors"][0]["code"] == "unknown_scenario"
    assert "golden-toy" in body["errors"][0]["remedy"]


@pytest.mark.parametrize("name", ["/etc/passwd", "../pyproject.toml", "scenarios/examples/golden-toy.yaml", "."])
def test_a_path_is_no_scenario_name(api: httpx.Client, name: str) -> None:
    body = problem(api.post("/api/v1/jobs", json={"scenario": name}), 422, "invalid-input")
    assert body["errors"][0]["code"] == "unknown_scenario"
    base = {"scenario": {"base": name, "name": "x"}}
    problem(api.post("/api/v1/jobs", json=base), 422, "invalid-input")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scenario": "golden-toy", "kind": "dance"}, "/kind"),
        ({"kind": "solve"}, "/scenario"),
        ({"scenario": 5}, "/scenario"),
        ({"scenario": "golden-toy", "options": {"gap": 2}}, "/options/gap"),
        ({"scenario": "golden-toy", "options": {"time_limit_s": 0}}, "/options/time_limit_s"),
        ({"scenario": "golden-toy", "colour": "red"}, "/colour"),
        ({"scenario": "golden-toy", "patches": [{"op": "bend", "path": "x"}]}, "/patches/0/op"),
    ],
)
def test_a_field_that_is_wrong_is_pointed_at(api: httpx.Client, body: dict[str, Any], pointer: str) -> None:
    found = problem(api.post("/api/v1/jobs", json=body), 422, "invalid-input")
    assert {error["pointer"] for error in found["errors"]} == {pointer}


@pytest.mark.parametrize(
    ("content", "headers", "line"),
    [
        ('{"scenario":\n "golden-toy"\n "patches": []}', JSON, 3),
        ("scenario: golden-toy\noptions: {gap: [}\n", YAML, 2),
        (b'{"scenario":\n "\xff"}', JSON, 2),
    ],
)
def test_a_broken_body_is_answered_with_its_line(
    api: httpx.Client, content: str | bytes, headers: dict[str, str], line: int
) -> None:
    body = problem(api.post("/api/v1/jobs", content=content, headers=headers), 400, "broken-body")
    assert body["errors"][0]["line"] == line


@pytest.mark.parametrize("content", ["", "[1]", "[" * 100_000, '{"a": 1, "a": 2}', "1" * 5000])
def test_a_body_that_is_no_job_is_a_problem_and_no_crash(api: httpx.Client, content: str) -> None:
    problem(api.post("/api/v1/jobs", content=content, headers=JSON), 400, "broken-body")


def test_a_number_that_is_not_finite_is_refused(api: httpx.Client) -> None:
    content = '{"scenario": "golden-toy", "options": {"time_limit_s": NaN}}'
    answer = api.post("/api/v1/jobs", content=content, headers=JSON)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == PROBLEM


def test_yaml_that_multiplies_itself_is_refused(api: httpx.Client) -> None:
    content = "a: &a [1, 1]\nb: &b [*a, *a]\nscenario: golden-toy\n"
    problem(api.post("/api/v1/jobs", content=content, headers=YAML), 400, "broken-body")


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data", ""])
def test_another_media_type_is_refused_and_those_accepted_are_named(api: httpx.Client, media_type: str) -> None:
    answer = api.post("/api/v1/jobs", content="{}", headers={"content-type": media_type} if media_type else {})
    problem(answer, 415, "unsupported-media-type")
    assert "application/yaml" in answer.headers["accept-post"]


def test_a_body_over_the_limit_is_refused_whether_or_not_its_size_is_announced(api: httpx.Client) -> None:
    blocks = int(LIMIT_MB * 20)

    def stream() -> Iterator[bytes]:
        for _ in range(blocks):
            yield b" " * 100_000

    refused = api.post("/api/v1/jobs", content=b" " * 100_000 * blocks, headers=JSON)
    problem(refused, 413, "body-too-large")
    assert refused.headers["x-content-type-options"] == "nosniff"
    problem(api.post("/api/v1/jobs", content=stream(), headers=JSON), 413, "body-too-large")


def test_a_huge_body_is_not_kept_in_memory(api: httpx.Client) -> None:
    def stream() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 1_000_000

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    problem(api.post("/api/v1/jobs", content=stream(), headers=JSON), 413, "body-too-large")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_body_within_the_limit_is_read(api: httpx.Client) -> None:
    padding = " " * int(LIMIT_MB * 900_000)
    answer = api.post("/api/v1/jobs", content=padding + '{"scenario": "golden-toy"}', headers=JSON)
    assert answer.status_code == 202


@pytest.mark.parametrize("path", ["jobs/nope", "jobs/nope/result", "jobs/nope/result/tables", "jobs/nope/log"])
def test_an_unknown_job_is_a_problem(api: httpx.Client, path: str) -> None:
    problem(api.get(f"/api/v1/{path}"), 404, "job-not-found")


def test_wishes_for_an_unknown_job_are_problems(api: httpx.Client) -> None:
    problem(api.post("/api/v1/jobs/nope:stop"), 404, "job-not-found")
    problem(api.post("/api/v1/jobs/nope:cancel"), 404, "job-not-found")
    problem(api.delete("/api/v1/jobs/nope"), 404, "job-not-found")


@pytest.mark.parametrize("path", ["%00", "%00/log", "%00/result", "%ff/result/tables/made_up.csv"])
def test_an_id_that_no_job_can_have_is_a_problem_before_the_database_sees_it(api: httpx.Client, path: str) -> None:
    problem(api.get(f"/api/v1/jobs/{path}"), 404, "job-not-found")
    problem(api.post("/api/v1/jobs/%00:stop"), 404, "job-not-found")
    problem(api.delete("/api/v1/jobs/%00"), 404, "job-not-found")
    assert api.get("/runs/%00").status_code == 404


@pytest.mark.parametrize("cursor", ["%00%ff", "zzz", ""])
def test_a_cursor_that_no_page_gave_is_a_problem(api: httpx.Client, cursor: str) -> None:
    body = problem(api.get(f"/api/v1/jobs?cursor={cursor}"), 422, "invalid-request")
    assert body["errors"][0]["pointer"] == "/query/cursor"


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        ('{"scenario": {"title": "a\\u0000b"}}', JSON),
        ('{"scenario": {"places": {"a\\u0000b": 1}}}', JSON),
        ('scenario:\n  title: "a\\0b"\n', YAML),
        ('scenario:\n  title: "a\\ud800b"\n', YAML),
    ],
)
def test_text_that_no_database_holds_is_refused(api: httpx.Client, content: str, headers: dict[str, str]) -> None:
    body = problem(api.post("/api/v1/jobs", content=content, headers=headers), 422, "invalid-input")
    (error,) = body["errors"]
    assert error["code"] == "unstorable_text"
    assert error["pointer"] in ("/scenario/title", "/scenario/places")
    assert "which is not allowed" in error["detail"]


def test_plain_http_errors_are_problems_too(api: httpx.Client) -> None:
    problem(api.get("/api/v1/nowhere"), 404, "not-found")
    problem(api.put("/api/v1/jobs"), 405, "method-not-allowed")
    body = problem(api.get("/api/v1/jobs", params={"limit": "many"}), 422, "invalid-request")
    assert body["errors"][0]["pointer"] == "/query/limit"


def test_the_service_goes_on_after_all_of_that(api: httpx.Client) -> None:
    assert ended(api, submit(api, "solve"))["state"] == "succeeded"


# What else there is


def test_shipped_scenarios_are_listed_and_can_be_sent_back(api: httpx.Client) -> None:
    entries = {entry["name"]: entry for entry in api.get("/api/v1/scenarios").json()["scenarios"]}
    scenario = Scenario.model_validate(api.get(entries["golden-toy"]["path"]).json())
    assert canonical_json(scenario) == canonical_json(scenarios.load("golden-toy"))
    problem(api.get("/api/v1/scenarios/nope"), 404, "scenario-not-found")


def test_the_schema_of_a_scenario_can_be_read(api: httpx.Client) -> None:
    schema = api.get("/api/v1/schema").json()
    assert {"horizon", "routes", "demands"} <= set(schema["properties"])


def test_the_service_says_that_it_lives_and_is_ready(api: httpx.Client) -> None:
    assert api.get("/healthz").json() == api.get("/readyz").json() == {"status": "ok"}


def test_the_page_of_the_api_loads_nothing_from_elsewhere(api: httpx.Client) -> None:
    page = api.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert api.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
    assert api.get("/openapi.json").json()["paths"]["/api/v1/jobs"]["post"]["requestBody"]


def test_a_job_waits_in_the_queue_while_all_slots_are_taken(api: httpx.Client) -> None:
    busy = [running(api, "hang") for _ in range(2)]
    waiting = submit(api, "solve")
    time.sleep(0.6)
    assert api.get(f"/api/v1/jobs/{waiting}").json()["state"] == "queued"
    for job_id in busy:
        api.post(f"/api/v1/jobs/{job_id}:cancel")
    assert ended(api, waiting)["state"] == "succeeded"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("LODEPLAN_SLOTS", "many"), ("LODEPLAN_MAX_BODY_MB", "-1"), ("LODEPLAN_DATABASE_URL", "mysql://localhost/x")],
)
def test_a_wrong_setting_is_named_with_its_value(variable: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Settings.from_environment({variable: value})
    (found,) = refused.value.problems
    assert (found.path, found.value) == (variable, value)


def test_a_database_that_cannot_be_reached_is_an_input_error_without_its_password(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/missing/x.db", "postgresql://someone:hush@127.0.0.1:1/x"):
        with pytest.raises(InvalidInput, match="LODEPLAN_DATABASE_URL") as refused:
            storage.migrate(storage.open_database(Settings(database_url=url).sqlalchemy_url))
        assert "hush" not in str(refused.value)


@pytest.mark.parametrize("key", ["", "'", "a'\"b", '"', "~/", "."])
def test_a_key_that_makes_a_strange_path_is_pointed_at_all_the_same(api: httpx.Client, key: str) -> None:
    body = problem(api.post("/api/v1/jobs", json={"scenario": {key: 1}}), 422, "invalid-input")
    assert any(error["pointer"].startswith("/scenario/") for error in body["errors"])
    problem(api.post("/api/v1/jobs", json={"scenario": "golden-toy", key: 1}), 422, "invalid-input")
