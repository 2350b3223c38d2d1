"""One list of warnings for the command line, Python, HTTP, pages, logs and plans; one verdict on options."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from command_line import Run
from http_service import ended, problem, service_on, solve_at_once
from job_service import DATABASES, database_of
from sqlmodel import Session
from stored_databases import solve_here
from test_warnings import put, small

from lodeplan import optimizer, scenarios
from lodeplan.schemas import InvalidInput
from lodeplan.service import storage
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.workers.child_process import Watch, Work

IDLE = {"programme": "x", "destination": "AUS", "commodities": ["metal"], "rate_share": 0.1}
THREE = [
    put("tariffs.idle", IDLE),
    put("tariffs.duty.rate_share", 25),
    put("demands.user.shortage_penalty_kusd_per_t", 9),
]
CODES = {"no_route", "high_rate", "penalty_below_cost"}
FIELDS = {"code", "path", "message", "value", "remedy"}


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    return scenarios.read(small(), THREE)


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("warnings")) as database:
        yield database


def solve(work: Work, watch: Watch) -> Outcome:
    """For real where the options ask for a gap."""
    return (solve_at_once if work.options.gap is None else solve_here)(work, watch)


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with service_on(database, solve) as client:
        yield client


@pytest.fixture(scope="module")
def job(api: httpx.Client, data: dict[str, Any]) -> dict[str, Any]:
    submitted = api.post("/api/v1/jobs", json={"scenario": data, "options": {"gap": 0}}).json()
    assert codes(submitted["warnings"]) == CODES
    return ended(api, submitted["id"])


def codes(warnings: list[dict[str, Any]]) -> set[str]:
    return {warning["code"] for warning in warnings}


def plain(warnings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what is absent."""
    return [{name: value for name, value in warning.items() if value is not None} for warning in warnings]


def test_an_idle_measure_a_rate_of_25_and_a_low_penalty_are_said_alike_by_all(
    run: Run,
    api: httpx.Client,
    job: dict[str, Any],
    data: dict[str, Any],
    tmp_path: Path,
) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(data))
    shown = run("solve", file, "--json")
    found = {
        "solve": json.loads(shown.out)["warnings"],
        "validate": json.loads(run("validate", file, "--json").out)["warnings"],
        "compare": json.loads(run("compare", file, file, "--json").out)["second"]["warnings"],
        "python": [warning.model_dump() for warning in optimizer.solve(data).summary.warnings],
        "job": job["warnings"],
        "result": api.get(job["links"]["result"]).json()["summary"]["warnings"],
        "check": api.post("/api/v1/jobs?validate_only=true", json={"scenario": data}).json()["warnings"],
    }
    assert codes(found["solve"]) == CODES
    assert all(warning.keys() >= FIELDS for warning in found["solve"])
    assert [name for name, warnings in found.items() if plain(warnings) != plain(found["solve"])] == []


def test_solve_says_warnings_on_standard_error_before_the_plan(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(small()))
    shown = run("solve", file, "--set", "tariffs.duty.rate_share=25")
    assert shown.code == 0
    assert re.search(r"^warning: tariffs.duty.rate_share: 25 is 2,500 % .* 0.25\?$", shown.err, re.MULTILINE)
    assert "warning" not in run("solve", file).err


def test_compare_says_what_both_scenarios_share_once_and_whose_the_rest_is(run: Run, tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps(scenarios.read(small(), THREE)))
    # The same in other lines, with one mended and one more.
    after.write_text(json.dumps(scenarios.read(small(), THREE), indent=1))
    sets = ("tariffs.duty.rate_share=0.25", "demands.user.quantity_t_per_y=5e9")
    shown = run("compare", before, after, *(word for text in sets for word in ("--set", text)))
    said = [line.partition(": ") for line in shown.err.splitlines() if line.startswith("warning")]
    whose = {words.partition(":")[0]: head for head, _, words in said}
    assert whose["tariffs.idle"] == "warning of both scenarios"
    assert whose["tariffs.duty.rate_share"] == "warning of the first scenario"
    assert "warning of the second scenario" in whose.values()
    assert len(said) == len({words for _, _, words in said})


def test_the_page_and_the_log_say_what_the_terminal_says(api: httpx.Client, job: dict[str, Any]) -> None:
    page, log = api.get(job["links"]["page"]).text, api.get(job["links"]["log"]).text
    assert "3 warnings" in page
    for words in ("25 is 2,500 %", "Did you mean 0.25?", "applies to no route"):
        assert words in page
        assert words in log


def test_a_request_only_to_be_checked_is_answered_as_validate_answers(api: httpx.Client, data: dict[str, Any]) -> None:
    answer = api.post("/api/v1/jobs?validate_only=true", json={"scenario": data}).json()
    expected = json.loads(scenarios.validate(data).model_dump_json(exclude_none=True))
    assert answer == expected
    assert answer["counts"]["tariff_measures"] == 2


def test_jobs_of_a_batch_have_warnings_of_their_own(api: httpx.Client) -> None:
    rate = put("tariffs.duty.rate_share", 25)
    body = {
        "kind": "batch",
        "scenario": small(),
        "patches": [put("tariffs.idle", IDLE)],
        "jobs": [{"label": "low"}, {"label": "high", "patches": [rate]}],
    }
    checked = api.post("/api/v1/jobs?validate_only=true", json=body).json()
    assert codes(checked["warnings"]) == {"no_route"}
    assert checked["counts"]["tariff_measures"] == 2
    assert [(item["number"], item["label"], codes(item["warnings"])) for item in checked["job_warnings"]] == [
        (1, "high", {"high_rate"})
    ]
    batch = ended(api, api.post("/api/v1/jobs", json=body).json()["id"])
    jobs = api.get(batch["links"]["jobs"]).json()["jobs"]
    assert {job["label"]: codes(job["warnings"]) for job in jobs} == {
        "low": {"no_route"},
        "high": {"no_route", "high_rate"},
    }
    assert "One warning" in api.get(batch["links"]["page"]).text


def test_a_job_shows_a_hundred_warnings_and_how_many_there_are(api: httpx.Client) -> None:
    patches = [put(f"tariffs.idle {number}", IDLE) for number in range(120)]
    body = {"scenario": small(), "patches": patches, "options": {"gap": 0}}
    job = ended(api, api.post("/api/v1/jobs", json=body).json()["id"])
    assert (len(job["warnings"]), job["warnings_count"]) == (100, 120)
    assert len(api.get(job["links"]["result"]).json()["summary"]["warnings"]) == 120
    assert "(and 117 more of this kind)" in api.get(job["links"]["page"]).text


def test_a_job_from_before_warnings_were_kept_has_none(
    api: httpx.Client, database: sqlalchemy.Engine, data: dict[str, Any]
) -> None:
    job_id = ended(api, api.post("/api/v1/jobs", json={"scenario": data}).json()["id"])["id"]
    with Session(database) as session:
        row = session.get(storage.Job, job_id)
        assert row
        row.warned = None
        session.add(row)
        session.commit()
    assert api.get(f"/api/v1/jobs/{job_id}").json()["warnings"] == []


OPTIONS = [("gap", -1), ("gap", 2), ("gap", 1), ("time_limit_s", -1)]


@pytest.mark.parametrize(("option", "value"), OPTIONS)
def test_an_option_that_is_none_is_bad_input_everywhere(
    run: Run,
    api: httpx.Client,
    option: str,
    value: float,
) -> None:
    with pytest.raises(InvalidInput) as caught:
        optimizer.solve("golden-toy", **{option: value})
    assert [(found.path, found.value) for found in caught.value.problems] == [(option, value)]
    flag = {"gap": "--gap", "time_limit_s": "--time-limit"}[option]
    for command in ("solve", "compare"):
        shown = run(command, "golden-toy", flag, value)
        assert (shown.code, shown.out) == (2, "")
        assert "allowed: 0 " in shown.err
    answer = api.post("/api/v1/jobs", json={"scenario": "golden-toy", "options": {option: value}})
    assert [error["pointer"] for error in problem(answer, 422, "invalid-input")["errors"]] == [f"/options/{option}"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.1", True, [0.1]])
def test_options_that_are_no_numbers_are_bad_input_all_at_once(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        optimizer.solve("golden-toy", gap=value, time_limit_s=value)
    assert [found.path for found in caught.value.problems] == ["gap", "time_limit_s"]


def test_a_gap_in_per_cent_is_asked_about() -> None:
    with pytest.raises(InvalidInput, match=r"did you mean 0\.02"):
        optimizer.solve("golden-toy", gap=2)


def test_a_scenario_made_in_python_is_held_to_the_same_rules() -> None:
    scenario = scenarios.load(small())
    scenario.routes["metal CHN"].origin = "XXX"
    with pytest.raises(InvalidInput, match="no place has this name"):
        optimizer.solve(scenario)
