"""Duties and comparisons over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from access_service import bearer, made_key
from fastapi.testclient import TestClient
from job_service import new_database
from solved import shipped, solved

from lodeplan.schemas import Scenario
from lodeplan.schemas.access import Scope
from lodeplan.schemas.duty import DutyAnswer
from lodeplan.service import storage
from lodeplan.service.api.routers import duty
from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import submissions
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job

GALLIUM = {"commodity": "gallium/metal", "from": "CHN", "on": "2026-11-24"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    database = new_database(tmp_path)
    yield database
    database.dispose()


@pytest.fixture
def api(database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(duty, "shipped_scenario", loaded)
    app = create_app(Settings(), database=database, engine=InlineEngine())
    return TestClient(app, base_url="http://localhost/api/v1")


def loaded(name: str) -> Scenario:
    return shipped("us-2026") if name == "us-2026" else duty_scenario(name)


duty_scenario = duty.shipped_scenario


def add_run(database: sqlalchemy.Engine, tenant: str = "local", **change: Any) -> str:
    """A finished solve of the toy, with a field of its first project changed."""
    patches = [{"op": "set", "path": f"projects.'home refinery'.{field}", "value": to} for field, to in change.items()]
    plan = solved("golden-toy", patches)
    assert plan.scenario
    with storage.open_session(database) as session:
        job = submissions.record_finished(session, plan.scenario, plan.document())
        session.execute(sqlalchemy.update(Job).where(Job.id == job.id).values(tenant=tenant))
        session.commit()
        return job.id


def pointers(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


def test_a_duty_is_answered_as_the_study_does(api: TestClient) -> None:
    answer = api.get("/duty", params=GALLIUM)
    assert answer.status_code == 200
    found = DutyAnswer.model_validate(answer.json())
    assert found.bands[0].duty_share == pytest.approx(0.28)
    assert found.customs_value_kusd_per_t == pytest.approx(580)
    given = api.get("/duty", params={**GALLIUM, "value": 200, "to": "USA", "scenario": "us-2026"}).json()
    assert given["bands"][0]["duty_kusd_per_t"] == pytest.approx(56)


def test_events_may_be_several(api: TestClient) -> None:
    about = {"commodity": "copper/refined", "from": "CHL", "on": "2027-03-01"}
    both = ["refined_copper_duty_15", "minimum_import_price"]
    assert api.get("/duty", params={**about, "with": both}).json()["events"] == both
    assert api.get("/duty", params=about).json()["bands"][0]["duty_share"] == 0


def test_all_that_is_wrong_with_a_question_is_said_by_the_names_of_its_parameters(api: TestClient) -> None:
    wrong = {"commodity": "galium/metal", "from": "USA", "on": "2026-13-01", "with": "no_event", "value": -3}
    assert pointers(api.get("/duty", params=wrong)) == [
        "/query/commodity", "/query/from", "/query/on", "/query/with", "/query/value"
    ]  # fmt: skip
    assert pointers(api.get("/duty", params={**GALLIUM, "to": "Mars"})) == ["/query/to"]
    assert pointers(api.get("/duty", params={"commodity": "gallium/metal"})) == ["/query/from", "/query/on"]
    assert sorted(pointers(api.get("/duty?commodity=a&from=b&from=c&on=then"))) == [
        "/query/commodity", "/query/from", "/query/on"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["us-2027", "../examples/golden-toy", "golden-toy.yaml"])
def test_only_a_shipped_scenario_is_asked(api: TestClient, name: str) -> None:
    assert pointers(api.get("/duty", params={**GALLIUM, "scenario": name})) == ["/query/scenario"]


def test_two_runs_are_compared_in_their_order(api: TestClient, database: sqlalchemy.Engine) -> None:
    first, second = add_run(database), add_run(database, forced_track="fast")
    found = api.get("/comparisons", params={"run": [first, second]}).json()
    assert "Project home refinery: started in 1 (fast); in the first plan not started." in found["difference"]
    assert found["first"]["objective_kusd"] < found["second"]["objective_kusd"]
    back = api.get("/comparisons", params={"run": [second, first]}).json()
    assert (back["first"], back["second"]) == (found["second"], found["first"])


def test_a_comparison_that_a_client_holds_is_not_sent_again(api: TestClient, database: sqlalchemy.Engine) -> None:
    runs = {"run": [add_run(database), add_run(database)]}
    answer = api.get("/comparisons", params=runs)
    again = api.get("/comparisons", params=runs, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_comparison_takes_two_runs_that_there_are(api: TestClient, database: sqlalchemy.Engine) -> None:
    run = add_run(database)
    for runs in ([run], [run] * 3, []):
        assert pointers(api.get("/comparisons", params={"run": runs})) == ["/query/run"]
    for other in ("nowhere", "1234".zfill(31)):
        answer = api.get("/comparisons", params={"run": [run, other]})
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:lodeplan:problem:job-not-found")


def test_a_run_of_another_tenant_cannot_be_compared(database: sqlalchemy.Engine) -> None:
    app = create_app(Settings(require_login=True), database=database, engine=InlineEngine())
    api = TestClient(app, base_url="http://localhost/api/v1")
    ours, theirs = add_run(database, "ours"), add_run(database, "theirs")
    key = bearer(made_key(database, "ours", Scope.READ))
    assert api.get("/comparisons", params={"run": [ours, ours]}, headers=key).status_code == 200
    for runs in ([ours, theirs], [theirs, ours], [theirs, theirs]):
        answer = api.get("/comparisons", params={"run": runs}, headers=key)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:lodeplan:problem:job-not-found")
        assert api.get("/comparisons", params={"run": runs}).status_code == 401


def test_an_unknown_scenario_hides_no_other_error(api: TestClient) -> None:
    asked = {"commodity": "gallium/metal", "from": "CHN", "on": "tomorrow", "value": -1, "scenario": "us-2025"}
    response = api.get("/duty", params=asked)
    assert response.status_code == 422
    assert {error["pointer"] for error in response.json()["errors"]} == {"/query/on", "/query/value", "/query/scenario"}


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"from": "CHN", "on": "2026-11-24", "scenario": "us-2025"}, {"commodity", "scenario"}),
        ({"from": "Mars", "on": "2026-11-24", "value": "much"}, {"commodity", "from", "value"}),
        ({"commodity": "galium/metal", "from": "CHN"}, {"commodity", "on"}),
        ({"commodity": "x" * 2_000, "from": "CHN", "on": "then", "with": "no_event"}, {"commodity", "on", "with"}),
        ({"commodity": "gallium/metal", "on": "then", "to": "Mars", "too": "Mars"}, {"from", "on", "to", "too"}),
        ({"commodity": "gallium/metal", "from": "USA", "till": "2027"}, {"from", "on", "till"}),
        ({}, {"commodity", "from", "on"}),
    ],
    ids=["no commodity", "no number", "no day", "a long name", "an unknown parameter", "goods from home", "nothing"],
)
def test_a_parameter_that_is_missing_or_not_valid_hides_no_other_error(
    api: TestClient, asked: dict[str, str], wrong: set[str]
) -> None:
    found = pointers(api.get("/duty", params=asked))
    assert sorted(found) == sorted(f"/query/{name}" for name in wrong)
