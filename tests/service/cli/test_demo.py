"""`lodeplan demo` shows a plan that it has found before."""

from pathlib import Path

import pytest

import lodeplan
from lodeplan import scenarios
from lodeplan.schemas import Patch, Scenario
from lodeplan.schemas.origin import Origin
from lodeplan.service import storage
from lodeplan.service.cli import demo
from lodeplan.service.jobs.again import Stored
from lodeplan.service.settings import Settings


@pytest.fixture
def scenario() -> Scenario:
    """One whose lists are not in the order in which it is solved."""
    codes = Patch(op="set", path="commodities.'metal/refined'.hts", value=["8112.92.10", "2804.69.10"])
    return scenarios.load("golden-toy", [codes])


def test_a_second_demo_solves_nothing(scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'demo.db'}")
    first = demo.find_or_solve(scenario, settings)
    monkeypatch.setattr(demo, "solve_with_progress", lambda *_: pytest.fail("it was solved again"))
    assert demo.find_or_solve(scenario, settings) == first


def test_the_plan_of_the_demo_says_what_it_is_based_on(scenario: Scenario, tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'demo.db'}")
    job_id = demo.find_or_solve(scenario, settings, Origin(scenario="golden-toy"))
    with storage.open_session(storage.open_database(settings.sqlalchemy_url)) as session:
        job = storage.get_job(session, storage.LOCAL, job_id)
        assert job
        changes = Stored.of(session, job).changes()
    assert (changes.base, changes.note) == ("golden-toy", None)


def test_a_plan_is_read_with_the_scenario_it_was_made_of(scenario: Scenario, tmp_path: Path) -> None:
    lodeplan.solve(scenario).save(tmp_path / "plan.json")
    assert lodeplan.read_plan(tmp_path / "plan.json", scenario=scenario).summary.solution == "optimal"
