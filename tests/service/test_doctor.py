"""The doctor finds what is wrong and says what to do; commands for who runs the service."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy
from job_service import DATABASES, database_of, toy
from running import ROOT

from lodeplan.schemas.jobs import JobOptions
from lodeplan.service import storage
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.operations import doctor
from lodeplan.service.operations.doctor import Check, Report, examine
from lodeplan.service.settings import Settings
from lodeplan.service.storage import WorkerRow, open_session

WORKER = {"host": "here", "pid": 1, "version": "1", "started_at": storage.now(), "lease_s": 15.0}


@pytest.fixture(autouse=True)
def _solves_nothing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "slow" not in request.keywords:
        monkeypatch.setattr(doctor, "_solver", lambda: Check(name="solver", found="not asked"))


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


def settings_of(database: sqlalchemy.Engine, **more: int) -> Settings:
    url = database.url.render_as_string(hide_password=False).replace("+psycopg", "")
    return Settings(database_url=url, **more)


def found(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def submit(database: sqlalchemy.Engine, *, minutes_ago: float = 0, worker: str | None = None) -> str:
    with open_session(database) as session:
        job = Submission(toy("solve"), JobOptions()).submit(session, InlineEngine())
        job.created_at -= timedelta(minutes=minutes_ago)
        if worker:
            attempts.start(session, Attempt(job.id, 1), worker)
        session.commit()
        return job.id


def add_worker(database: sqlalchemy.Engine, name: str, lease_until_s: float, slots: int = 3) -> None:
    with open_session(database) as session:
        session.add(WorkerRow(id=name, slots=slots, lease_until_s=lease_until_s, **WORKER))
        session.commit()


def test_a_sound_service_is_healthy_and_every_line_that_is_not_ok_says_what_to_do(database: sqlalchemy.Engine) -> None:
    add_worker(database, "alive", time.time() + 10)
    report = examine(settings_of(database))
    assert report.healthy
    for name in ("database", "writing", "clock", "workers", "queue", "python", "memory"):
        assert found(report, name).status == "ok", found(report, name)
    assert "1 alive with 3 slots, on here" in found(report, "workers").found
    assert all((check.remedy is None) == (check.status == "ok") for check in report.checks)


def test_a_missing_database_is_no_failure_and_is_not_made(tmp_path: Path) -> None:
    report = examine(Settings(data_dir=tmp_path / "none"))
    assert found(report, "database").status == "warning"
    assert "lodeplan migrate" in (found(report, "database").remedy or "")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("url", ["postgresql://someone:hush@127.0.0.1:1/x", "sqlite:///{folder}/text"])
def test_a_database_that_does_not_answer_fails_without_its_password(url: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    report = examine(Settings(database_url=url.format(folder=tmp_path)))
    assert not report.healthy
    assert found(report, "database").status == "failed"
    assert "hush" not in report.model_dump_json()


@pytest.mark.parametrize(("revision", "remedy"), [("0001", "lodeplan migrate"), ("9999", "newer")])
def test_tables_of_another_version_fail(database: sqlalchemy.Engine, revision: str, remedy: str) -> None:
    with database.begin() as connection:
        connection.execute(sqlalchemy.text(f"update alembic_version set version_num = '{revision}'"))
    check = found(examine(settings_of(database)), "database")
    assert (check.status, remedy in (check.remedy or "")) == ("failed", True)


def test_a_database_that_only_reads_fails(tmp_path: Path) -> None:
    with database_of("sqlite", tmp_path):
        pass
    url = f"sqlite:///file:{tmp_path}/test.db?mode=ro&uri=true"
    with open_session(sqlalchemy.create_engine(url)) as session:
        assert doctor._writable(session).status == "failed"


@pytest.mark.postgres
def test_a_postgresql_that_only_reads_fails(tmp_path: Path) -> None:
    with database_of("postgres", tmp_path) as database, open_session(database) as session:
        session.execute(sqlalchemy.text("set transaction read only"))
        assert doctor._writable(session).status == "failed"


@pytest.mark.parametrize("lease_until_s", [0, 2e10], ids=["ended", "of a clock that was set back"])
def test_jobs_whose_worker_is_gone_are_named_and_fail_while_another_lives(
    database: sqlalchemy.Engine, lease_until_s: float
) -> None:
    add_worker(database, "dead", lease_until_s)
    lost = submit(database, worker="dead")
    check = found(examine(settings_of(database)), "jobs")
    assert (check.status, lost in check.found) == ("warning", True)
    add_worker(database, "alive", time.time() + 10)
    kept = submit(database, worker="alive")
    report = examine(settings_of(database))
    assert found(report, "jobs").status == "failed"
    assert not report.healthy
    assert kept not in found(report, "jobs").found


def test_a_job_that_waits_beside_free_slots_is_told(database: sqlalchemy.Engine) -> None:
    add_worker(database, "alive", time.time() + 10, slots=1)
    submit(database, minutes_ago=30)
    check = found(examine(settings_of(database)), "queue")
    assert (check.status, "30 minutes" in check.found) == ("warning", True)
    submit(database, worker="alive")
    assert found(examine(settings_of(database)), "queue").status == "ok"


def test_slots_beyond_the_free_memory_are_told_with_what_fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "free_memory_mib", lambda: 3000.0)
    check = found(examine(Settings(data_dir=tmp_path, slots=8)), "memory")
    assert (check.status, "LODEPLAN_SLOTS=2" in (check.remedy or "")) == ("warning", True)
    assert found(examine(Settings(data_dir=tmp_path, slots=2)), "memory").status == "ok"


@pytest.mark.parametrize(("free_mib", "status"), [(100, "failed"), (1000, "warning"), (10_000, "ok")])
def test_a_disk_that_is_nearly_full_is_told(
    free_mib: int, status: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, free_mib * 1024 * 1024))
    assert found(examine(Settings(data_dir=tmp_path)), "disk").status == status


def test_a_clock_that_differs_from_the_database_is_told(
    database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    monkeypatch.setattr(doctor.time, "time", lambda: now() + 60.5)
    check = found(examine(settings_of(database)), "clock")
    assert (check.status, "60" in check.found, "behind" in check.found) == ("warning", True, True)


@pytest.mark.slow
def test_the_doctor_solves_a_toy_in_a_child(tmp_path: Path) -> None:
    assert found(examine(Settings(data_dir=tmp_path)), "solver").status == "ok"


def lodeplan(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from lodeplan.service.cli import main; main()", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, timeout=120
    )


@pytest.mark.slow
def test_migrate_backup_restore_and_doctor_do_and_say_what_they_should(tmp_path: Path) -> None:
    here = {"LODEPLAN_DATA_DIR": str(tmp_path / "here"), "LODEPLAN_DATABASE_URL": ""}
    there = {**here, "LODEPLAN_DATA_DIR": str(tmp_path / "there")}
    first, again = lodeplan("migrate", **here), lodeplan("migrate", **here)
    assert "Applied 0001: Jobs" in first.stdout
    assert again.stdout == f"The tables already have version {storage.newest_revision()}.\n"
    submit(storage.open_database(Settings.from_environment(here).sqlalchemy_url))
    file = str(tmp_path / "backup.db")
    assert "1 job," in lodeplan("backup", file, **here).stdout
    assert lodeplan("backup", file, **here).returncode == 2
    restored = lodeplan("restore", file, **there)
    assert "Queued again: 1 jobs" in restored.stdout, restored.stderr
    refused = lodeplan("restore", file, **there)
    assert (refused.returncode, "--replace" in refused.stderr) == (2, True)
    assert lodeplan("restore", file, "--replace", **there).returncode == 0
    checked = lodeplan("doctor", "--json", **there)
    assert (checked.returncode, json.loads(checked.stdout)["healthy"]) == (0, True)
    broken = lodeplan("doctor", **{**there, "LODEPLAN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"})
    assert (broken.returncode, "FAILED   database" in broken.stdout) == (1, True)
