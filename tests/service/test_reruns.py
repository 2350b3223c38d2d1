"""What a job solved is read back, says what was changed and by whom, and is solved again."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from access_service import bearer, made_key
from http_service import body, ended, problem, service_on
from job_service import DATABASES, database_of

from lodeplan import scenarios
from lodeplan.schemas.access import Scope
from lodeplan.schemas.origin import MAX_CHANGES
from lodeplan.service import storage
from lodeplan.service.storage import JobInput, JobOrigin

RATE = {"op": "set", "path": "economics.discount_rate", "value": 0.07}
JOBS = "/api/v1/jobs"


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("reruns")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with service_on(database, slots=2) as client:
        yield client


def posted(api: httpx.Client, request: dict[str, Any]) -> str:
    answer = api.post(JOBS, json=request)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def rerun(api: httpx.Client, job_id: str, **wanted: Any) -> dict[str, Any]:
    answer = api.post(f"{JOBS}/{job_id}:rerun", json=wanted)
    assert answer.status_code == 202, answer.text
    view: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{JOBS}/{view['id']}"
    return view


def changes(api: httpx.Client, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{JOBS}/{job_id}/changes").json()
    return found


def test_the_scenario_of_a_job_can_be_sent_as_it_is_read(api: httpx.Client) -> None:
    job_id = posted(api, {"scenario": "golden-toy", "patches": [RATE]})
    read = api.get(f"{JOBS}/{job_id}/scenario")
    assert read.json()["economics"]["discount_rate"] == 0.07
    held = {"if-none-match": read.headers["etag"]}
    assert api.get(f"{JOBS}/{job_id}/scenario", headers=held).status_code == 304
    first = ended(api, job_id)
    second = ended(api, posted(api, {"scenario": read.json()}))
    assert first["scenario_hash"] == second["scenario_hash"]
    assert second["reused_from"] == job_id


def test_changes_say_path_title_unit_values_and_who(api: httpx.Client) -> None:
    patches = [
        RATE,
        {"op": "scale", "path": "demands.military.quantity_t_per_y", "value": 2},
        {"op": "remove", "path": "demands.civilian"},
    ]
    found = changes(api, posted(api, {"scenario": "golden-toy", "patches": patches}))
    assert (found["base"], found["who"], found["count"]) == ("golden-toy", "local", 3)
    assert [patch["op"] for patch in found["patches"]] == ["set", "scale", "remove"]
    rate, civil, military = sorted(found["changes"], key=lambda change: change["path"].replace("economics", "a"))
    title = "Real yearly rate (fraction)."
    assert rate == {
        "path": "economics.discount_rate", "title": title, "unit": "fraction", "before": 0.05, "after": 0.07,
        "who": "local",
    }  # fmt: skip
    assert (civil["path"], "after" in civil, civil["before"]["tier"]) == (
        "demands.civilian",
        False,
        "essential_civilian",
    )
    assert (military["unit"], military["before"], military["after"]) == ("t/y", 20.0, 40.0)


def test_each_way_of_writing_a_change_says_the_same(api: httpx.Client) -> None:
    whole = scenarios.load("golden-toy").model_dump(mode="json")
    ways: list[dict[str, Any]] = [
        {"scenario": "golden-toy", "patches": [RATE]},
        {"scenario": {"base": "golden-toy", "patches": [RATE]}},
        {"scenario": whole, "patches": [RATE]},
    ]
    found = [changes(api, posted(api, way)) for way in ways]
    assert [each.get("base") for each in found] == ["golden-toy", "golden-toy", None]
    assert found[0]["changes"] == found[1]["changes"] == found[2]["changes"]
    assert [len(each["patches"]) for each in found] == [1, 1, 1]


def test_a_scenario_that_only_its_patches_make_valid_has_no_changes_and_says_so(api: httpx.Client) -> None:
    broken = scenarios.load("golden-toy").model_dump(mode="json") | {"economics": {"discount_rate": 2}}
    found = changes(api, posted(api, {"scenario": broken, "patches": [RATE]}))
    assert found["changes"] == []
    assert "nothing to compare" in found["note"]
    assert found["patches"][0]["path"] == RATE["path"]


def test_a_job_of_a_batch_has_the_changes_of_both(api: httpx.Client) -> None:
    batch = posted(
        api,
        {
            "kind": "batch", "scenario": "golden-toy", "patches": [RATE],
            "jobs": [{}, {"patches": [{**RATE, "value": 0.09}]}, {"patches": [{**RATE, "value": 0.05}]}],
        },
    )  # fmt: skip
    assert [change["after"] for change in changes(api, batch)["changes"]] == [0.07]
    back, nine, plain = api.get(JOBS, params={"parent": batch}).json()["jobs"]
    assert [(c["before"], c["after"]) for c in changes(api, plain["id"])["changes"]] == [(0.05, 0.07)]
    assert [(c["before"], c["after"]) for c in changes(api, nine["id"])["changes"]] == [(0.05, 0.09)]
    assert changes(api, back["id"])["changes"] == []
    alone = rerun(api, nine["id"])
    assert "parent_id" not in alone
    assert changes(api, alone["id"])["changes"] == changes(api, nine["id"])["changes"]
    newest = rerun(api, nine["id"], newest=True)
    assert newest["scenario_hash"] == nine["scenario_hash"]
    for path in ("scenario", ":rerun"):
        answer = api.get(f"{JOBS}/{batch}/{path}") if path == "scenario" else api.post(f"{JOBS}/{batch}{path}")
        assert f"parent={batch}" in problem(answer, 404, "no-scenario")["detail"]


def test_long_lists_of_changes_are_cut_and_counted(api: httpx.Client) -> None:
    entry = {"table": "offers", "field": "x", "kind": "assumed", "source": "us"}
    many = [{**entry, "name": str(number)} for number in range(MAX_CHANGES + 5)]
    whole = {**scenarios.load("golden-toy").model_dump(mode="json"), "provenance": many}
    patch = {"op": "set", "path": "provenance.*.year", "value": 2025}
    found = changes(api, posted(api, {"scenario": whole, "patches": [patch]}))
    assert (found["count"], len(found["changes"])) == (MAX_CHANGES + 5, MAX_CHANGES)
    assert "first 2,000" in found["note"]


def test_a_rerun_solves_the_stored_scenario_with_other_options(api: httpx.Client) -> None:
    first = posted(api, body("succeed", label="weekly", options={"gap": 0.02, "time_limit_s": 60}))
    ended(api, first)
    view = rerun(api, first, options={"gap": 0.5}, priority=3)
    assert (view["rerun_of"], view["label"], view["priority"]) == (first, "weekly", 3)
    assert view["options"] == {"gap": 0.5, "time_limit_s": 60}
    second = ended(api, view["id"])
    assert second["scenario_hash"] == ended(api, first)["scenario_hash"]
    assert "reused_from" not in second
    assert "reused_from" in ended(api, rerun(api, first, reuse=True)["id"])


def test_a_rerun_takes_what_was_stored_or_the_base_of_today(api: httpx.Client, database: sqlalchemy.Engine) -> None:
    job_id = posted(api, {"scenario": "golden-toy", "patches": [RATE]})
    with storage.open_session(database) as session:
        row = session.get(JobInput, job_id)
        assert row
        old = json.loads(gzip.decompress(row.scenario_gzip))
        old["economics"]["money_year"] = 1999  # As if the base had said so then.
        row.scenario_gzip = gzip.compress(json.dumps(old).encode())
        session.commit()

    def years(job_id: str) -> tuple[int, float]:
        found = api.get(f"{JOBS}/{job_id}/scenario").json()["economics"]
        return found["money_year"], found["discount_rate"]

    assert years(rerun(api, job_id)["id"]) == (1999, 0.07)
    newest = rerun(api, job_id, newest=True, label="of today")
    assert years(newest["id"]) != (1999, 0.07)
    assert years(newest["id"])[1] == 0.07
    assert newest["label"] == "of today"
    assert changes(api, newest["id"])["changes"][0]["after"] == 0.07


def test_without_a_shipped_base_nothing_is_newer(api: httpx.Client, database: sqlalchemy.Engine) -> None:
    whole = scenarios.load("golden-toy").model_dump(mode="json")
    job_id = posted(api, {"scenario": whole})
    problem(api.post(f"{JOBS}/{job_id}:rerun", json={"newest": True}), 409, "no-base")
    with storage.open_session(database) as session:
        origin = session.get(JobOrigin, job_id)
        session.delete(origin)
        session.commit()
    assert "before changes were noted" in changes(api, job_id)["note"]
    assert api.post(f"{JOBS}/{job_id}:rerun").status_code == 202


def test_all_that_is_wrong_with_a_rerun_is_said_at_once(api: httpx.Client) -> None:
    job_id = posted(api, {"scenario": "golden-toy"})
    answer = api.post(f"{JOBS}/{job_id}:rerun", json={"newst": True, "options": {"gap": 3, "time_limit": 5}})
    errors = {error["pointer"]: error.get("remedy", "") for error in problem(answer, 422, "invalid-input")["errors"]}
    assert set(errors) == {"/newst", "/options/gap", "/options/time_limit"}
    assert "newest" in errors["/newst"]
    assert "time_limit_s" in errors["/options/time_limit"]


def test_a_rerun_that_is_sent_twice_is_one_job(api: httpx.Client) -> None:
    job_id, other = (posted(api, body(task)) for task in ("succeed", "fail"))
    key = {"idempotency-key": f"again-{job_id}"}
    first, second = (api.post(f"{JOBS}/{job_id}:rerun", headers=key) for _ in range(2))
    assert first.text == second.text
    problem(api.post(f"{JOBS}/{other}:rerun", headers=key), 422, "idempotency-key-reused")


def test_a_priority_beyond_the_right_of_the_tenant_is_refused_with_all_other_errors(
    database: sqlalchemy.Engine,
) -> None:
    with service_on(database, None, tenant_max_priority=5, require_login=False) as api:
        assert api.post(JOBS, json={"scenario": "golden-toy", "priority": 5}).json()["priority"] == 5
        answer = api.post(JOBS, json={"scenario": "golden-toy", "priority": 6, "options": {"gap": 7}})
        errors = {error["pointer"]: error for error in problem(answer, 422, "invalid-input")["errors"]}
        assert set(errors) == {"/priority", "/options/gap"}
        assert errors["/priority"]["allowed"] == "at most 5"
        job_id = posted(api, {"scenario": "golden-toy"})
        answer = api.post(f"{JOBS}/{job_id}:rerun", json={"priority": 6})
        assert problem(answer, 422, "invalid-input")["errors"][0]["pointer"] == "/priority"


@pytest.mark.parametrize("kind", DATABASES)
def test_jobs_are_found_by_label_name_hash_state_and_kind(kind: str, tmp_path: Path) -> None:
    with database_of(kind, tmp_path) as database, service_on(database, None) as api:
        one = posted(
            api, {"scenario": "golden-toy", "label": "Search 100% of_it", "patches": [{**RATE, "value": 0.11}]}
        )
        batch = posted(
            api,
            {
                "kind": "batch",
                "scenario": "golden-toy",
                "reuse": False,
                "label": "search B",
                "jobs": [{"label": "search of a job"}],
            },
        )
        view = api.get(f"{JOBS}/{one}").json()

        def found(**query: Any) -> list[str]:
            answer = api.get(JOBS, params=query)
            assert answer.status_code == 200, answer.text
            return [job["id"] for job in answer.json()["jobs"]]

        assert found(label="search 100% of_it") == [one]
        assert found(label="search*") == [batch, one]
        assert found(label="*0% OF*") == [one]
        assert found(label="search 1__% of_it") == []
        assert found(hash=view["scenario_hash"][:10], label="search*") == [one]
        assert found(label="search*", kind="batch") == [batch]
        assert found(label="search*", state="queued", scenario="golden-toy") == [batch, one]
        assert found(label="search*", state="failed") == []
        assert len(found(label="search*", parent="*")) == 3
        page = api.get(JOBS, params={"label": "search*", "parent": "*", "limit": 1}).json()
        rest = api.get(page["next"]).json()
        assert len({job["id"] for job in [*page["jobs"], *rest["jobs"]]} | {one}) == 3
        answer = api.get(JOBS, params={"lable": "x", "stat": "queued", "hash": "XYZ", "kind": "solv"})
        errors = {error["pointer"]: error.get("remedy") for error in problem(answer, 422, "invalid-request")["errors"]}
        assert set(errors) == {"/query/lable", "/query/stat", "/query/hash", "/query/kind"}
        assert "label" in errors["/query/lable"]
        assert "state" in errors["/query/stat"]


def test_who_asked_is_the_key_of_the_caller(database: sqlalchemy.Engine) -> None:
    key = made_key(database, "theirs", Scope.SUBMIT)
    with service_on(database, None, require_login=True) as api:
        api.headers.update(bearer(key))
        job_id = posted(api, {"scenario": "golden-toy", "patches": [RATE]})
        assert changes(api, job_id)["who"] == f"key:{key.split('_')[1]}"
