"""The way back to the tables of an earlier release: what it drops, what it rewrites, and what it refuses."""

import gzip
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from folders import ROOT
from job_service import DATABASES, database_of, new_database
from solved import solved
from sqlmodel import SQLModel, select

from lodeplan import scenarios
from lodeplan.schemas import InvalidInput
from lodeplan.schemas.jobs import FailureCode, JobFailure, JobOptions, JobState, JobTrouble, JobTroubles
from lodeplan.schemas.plan import Solution, Termination
from lodeplan.service import storage
from lodeplan.service.cli import main
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.storage import Job, JobInput, JobResult, WorkerRow, going_back, open_session
from lodeplan.service.storage.leases import database_time_s
from lodeplan.service.storage.tables import Usage

FIRST = going_back.RELEASES["0.1.0"]


@cache
def schema_of_0_1_0(name: str) -> Any:
    """What release 0.1.0 accepts as `scenario` or `plan`."""
    return json.loads(gzip.decompress((ROOT / "tests/data/releases/0.1.0.json.gz").read_bytes()))[name]


def plan_of_today() -> Any:
    return json.loads(solved("golden-toy").document().model_dump_json(exclude_none=True))


def put(database: sqlalchemy.Engine) -> str:
    """A job with everything that release 0.1.0 does not know; its id."""
    with open_session(database) as session:
        scenario = scenarios.load("golden-toy")
        job = Submission(scenario, JobOptions()).submit(session, InlineEngine())
        job.state, job.termination, job.solution = JobState.FAILED, Termination.SEARCH_LIMIT, Solution.FEASIBLE
        job.failure = JobFailure(code=FailureCode.QUOTA_REACHED, message="No room.")
        job.troubles = JobTroubles(attempts=[JobTrouble(attempt=1, began=True, text="killed")])
        plan = plan_of_today()
        plan["summary"] |= {"termination": "search_limit", "gap_of": "worth", "open_groups": ["metal"]}
        session.add(JobResult(job_id=job.id, document_gzip=gzip.compress(json.dumps(plan).encode())))
        session.add(
            Usage(tenant="local", hour=storage.now().replace(minute=0, second=0, microsecond=0), jobs=1, cpu_s=2)
        )
        session.commit()
        return job.id


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as made:
        yield made


def test_each_step_back_ends_at_the_tables_of_before_and_leads_up_again(database: sqlalchemy.Engine) -> None:
    known = list(storage.revisions())
    for revision in reversed(known[known.index(FIRST) : -1]):
        going_back.go_back(database, revision, confirmed=True)
        with database.connect() as connection:
            assert storage.revision_of(connection) == revision
            assert going_back.layout_of(connection) == going_back.layout_at(revision)
    storage.migrate(database)
    with database.connect() as connection:
        ours = {"include_name": lambda name, what, _: what != "table" or name in SQLModel.metadata.tables}
        assert compare_metadata(MigrationContext.configure(connection, opts=ours), SQLModel.metadata) == []


def test_the_way_back_is_described_and_gone_only_when_confirmed(database: sqlalchemy.Engine) -> None:
    put(database)
    way = going_back.go_back(database, FIRST, confirmed=False)
    losses = {loss.name: loss.count for loss in way.dropped}
    assert (losses["usage"], losses["job.troubles"], losses["worker.trouble"]) == (1, 1, 0)
    assert "column troubles of table job, 1 value" in map(str, way.dropped)
    assert any("search_limit" in sentence for sentence in way.rewritten)
    with database.connect() as connection:
        assert storage.revision_of(connection) == storage.newest_revision()


def test_what_is_left_is_what_release_0_1_0_can_read(database: sqlalchemy.Engine) -> None:
    job_id = put(database)
    going_back.go_back(database, FIRST, confirmed=True)
    storage.migrate(database)
    with open_session(database) as session:
        job = session.exec(select(Job).where(Job.id == job_id)).one()
        document = session.exec(select(JobResult.document_gzip)).one()
    assert job.failure == JobFailure(code=FailureCode.INTERNAL_ERROR, message="No room.")
    assert job.termination == Termination.INTERRUPTED
    plan = json.loads(gzip.decompress(document))
    jsonschema.validate(plan, schema_of_0_1_0("plan"))
    assert plan["summary"]["termination"] == "interrupted"
    assert plan["tables"] == plan_of_today()["tables"]


def test_the_page_names_all_that_is_lost(tmp_path: Path) -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    page = text.partition("### Going back")[2].partition("\n## ")[0]
    way = going_back.go_back(new_database(tmp_path), FIRST, confirmed=False)
    names = {name for loss in way.dropped for name in loss.name.split(".")}
    names |= {name for sentence in way.rewritten for name in re.findall(r"`(\w+)`", sentence)}
    assert {name for name in names if f"`{name}`" not in page} == set()


def test_live_workers_keep_the_tables_where_they_are(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    with open_session(database) as session:
        session.add(
            WorkerRow(
                id="alive", host="here", pid=4321, version="0.2.0", slots=1,
                started_at=storage.now(), lease_s=15.0, lease_until_s=database_time_s(session) + 15,
            )
        )  # fmt: skip
        session.commit()
    with pytest.raises(InvalidInput, match="workers are using the database: here"):
        going_back.go_back(database, FIRST, confirmed=True)
    with database.connect() as connection:
        assert storage.revision_of(connection) == storage.newest_revision()


@pytest.mark.parametrize("name", ["golden-toy", "us-2026-lite"])
def test_a_scenario_that_uses_nothing_new_is_stored_as_release_0_1_0_reads_it(name: str, tmp_path: Path) -> None:
    """Else its workers, which may still be running during an upgrade, would fail the job."""
    database = new_database(tmp_path)
    with open_session(database) as session:
        job = Submission(scenarios.load(name), JobOptions()).submit(session, InlineEngine())
        stored = session.exec(select(JobInput.scenario_gzip).where(JobInput.job_id == job.id)).one()
    jsonschema.validate(json.loads(gzip.decompress(stored)), schema_of_0_1_0("scenario"))


@pytest.mark.parametrize("version", ["0.0.9", "0003", "9999", "last"])
def test_a_version_to_which_no_way_leads_is_refused_with_those_that_exist(version: str) -> None:
    with pytest.raises(InvalidInput, match=r"0\.1\.0, 0004, 0005"):
        going_back.revision_named(version)


def test_the_command_says_what_is_lost_and_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(new_database(tmp_path))
    monkeypatch.setenv("LODEPLAN_DATABASE_URL", f"sqlite:///{tmp_path / 'test.db'}")

    def said(*arguments: str) -> tuple[object, str]:
        with pytest.raises(SystemExit) as ended:
            main(["migrate", *arguments])
        printed = capsys.readouterr()
        return ended.value.code, printed.out + printed.err

    code, text = said("--to", "0.1.0")
    assert code == 2
    assert "- table usage, 1 row." in text
    assert "--yes" in text
    code, text = said("--to", "0.1.0", "--yes")
    assert (code, "The tables have version 0004." in text) == (0, True)
    assert said("--to", "0.1.0") == (0, "The tables already have version 0004.\n")
    assert said("--to", "0006")[0] == 2
    assert said()[0] == 0
