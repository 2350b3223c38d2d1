"""A scenario that was solved to optimality is answered with that plan; what differs at all is solved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from http_service import ended, service_on
from job_service import DATABASES, database_of, fake_solver, new_database, toy
from sqlmodel import Session, select

from lodeplan import scenarios
from lodeplan.schemas.jobs import JobOptions
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import reuse
from lodeplan.service.jobs.reuse import work_of, work_of_stored
from lodeplan.service.jobs.submissions import Submission, canonical_json
from lodeplan.service.packing import compress
from lodeplan.service.storage import Job
from lodeplan.service.workers.leases import Lease
from lodeplan.service.workers.worker import Worker


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("reuse")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with service_on(database, slots=2) as client:
        yield client


def post(api: httpx.Client, rate: float, task: str = "solve", **more: Any) -> dict[str, Any]:
    patches = [
        {"op": "set", "path": "description", "value": task},
        {"op": "set", "path": "economics.discount_rate", "value": rate},
    ]
    answer = api.post("/api/v1/jobs", json={"scenario": "golden-toy", "patches": patches, **more})
    assert answer.status_code == 202, answer.text
    view: dict[str, Any] = answer.json()
    return view


def test_the_same_scenario_is_answered_at_once_with_the_same_plan(api: httpx.Client) -> None:
    first = ended(api, post(api, 0.01)["id"])
    again = post(api, 0.01)
    assert (again["state"], again["reused_from"]) == ("succeeded", first["id"])
    assert again["id"] != first["id"]
    assert (again["termination"], again["objective_kusd"]) == ("optimal", 3.5)
    assert api.get(again["links"]["result"]).json() == api.get(first["links"]["result"]).json()
    assert first["id"] in api.get(again["links"]["log"]).text


def test_the_plan_outlives_the_job_it_came_from(api: httpx.Client) -> None:
    first = ended(api, post(api, 0.02)["id"])
    again = post(api, 0.02)
    api.delete(first["links"]["self"])
    assert api.get(again["links"]["result"]).status_code == 200


@pytest.mark.parametrize(
    ("change", "is_reused"),
    [
        ({}, True),
        ({"options": {"time_limit_s": 5}}, True),
        ({"options": {"gap": 1e-6}}, True),
        ({"options": {"gap": 0.1}}, False),
        ({"reuse": False}, False),
        ({"task": "solve with other words"}, False),
    ],
)
def test_only_what_cannot_change_the_plan_may_differ(
    api: httpx.Client, change: dict[str, Any], is_reused: bool
) -> None:
    ended(api, post(api, 0.03, reuse=False)["id"])
    again = post(api, 0.03, **change)
    assert ("reused_from" in again) == is_reused
    ended(api, again["id"])


def test_what_has_not_been_solved_to_optimality_is_solved_again(api: httpx.Client) -> None:
    ended(api, post(api, 0.04, "fail")["id"])
    assert "reused_from" not in post(api, 0.04, "fail")


def test_another_version_solves_again() -> None:
    scenario = scenarios.load("golden-toy")
    before = work_of(scenario, "h", JobOptions())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reuse, "_versions", lambda: ("next",))
        assert work_of(scenario, "h", JobOptions()) != before


@pytest.mark.parametrize("options", [JobOptions(), JobOptions(gap=0.01), JobOptions(gap=0.02)])
def test_the_work_of_a_stored_scenario_is_that_of_the_scenario(options: JobOptions) -> None:
    scenario = scenarios.load("golden-toy", [{"op": "set", "path": "solve", "value": {"gap": 0.01}}])
    stored = compress(canonical_json(scenario))
    assert work_of_stored(stored, "h", options) == work_of(scenario, "h", options)


def test_a_plan_counts_as_that_of_the_version_that_solved_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While versions are changed one by one, an old worker may solve what a new process took in."""
    database = new_database(tmp_path)
    engine, submission = InlineEngine(), Submission(toy("solve"), JobOptions(), reuse=True)
    worker = Worker(database, engine, fake_solver())
    worker.lease = Lease(database, 10)
    worker.lease.renew()

    def submit(version: str) -> str | None:
        monkeypatch.setattr(reuse, "_versions", lambda: (version,))
        with Session(database, expire_on_commit=False) as session:
            job = submission.submit(session, engine)
            session.commit()
            return job.reused_from

    assert submit("new") is None
    monkeypatch.setattr(reuse, "_versions", lambda: ("old",))
    worker.handle(engine.pending.pop())
    assert submit("new") is None
    assert submit("old") is not None


def test_another_tenant_solves_again(api: httpx.Client, database: sqlalchemy.Engine) -> None:
    first = ended(api, post(api, 0.05)["id"])
    with Session(database) as session:
        job = session.exec(select(Job).where(Job.id == first["id"])).one()
        job.tenant = "somebody else"
        session.add(job)
        session.commit()
    assert "reused_from" not in post(api, 0.05)


def test_jobs_of_a_batch_are_answered_too_and_the_batch_ends_with_them(api: httpx.Client) -> None:
    first = ended(api, post(api, 0.06)["id"])
    item = {
        "patches": [
            {"op": "set", "path": "description", "value": "solve"},
            {"op": "set", "path": "economics.discount_rate", "value": 0.06},
        ]
    }
    batch = api.post("/api/v1/jobs", json={"kind": "batch", "scenario": "golden-toy", "jobs": [item, item]}).json()
    assert (batch["state"], batch["counts"]) == ("succeeded", {"succeeded": 2})
    jobs = api.get(batch["links"]["jobs"]).json()["jobs"]
    assert {job["reused_from"] for job in jobs} == {first["id"]}
