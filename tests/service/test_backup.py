"""Backups: taken under load, of one moment, and restored into either database with the same jobs and results."""

import random
import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import alembic.command
import pytest
import sqlalchemy
from job_service import DATABASES, database_of, fake_solver, new_database, toy
from sqlmodel import SQLModel, col, select
from test_migrations import OLD_ROWS

from lodeplan.schemas import InvalidInput
from lodeplan.schemas.jobs import JobFailure, JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts, reruns, states
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.operations.backup import backup, restore
from lodeplan.service.storage import AuditEntry, Job, JobEvent, Webhook, WorkerRow, open_session
from lodeplan.service.storage.copying import LEFT_OUT
from lodeplan.service.storage.database import migrations
from lodeplan.service.workers.worker import Worker

PAIRS = [
    (one, other)
    if (one, other) == ("sqlite", "sqlite")
    else pytest.param(one, other, marks=pytest.mark.postgres)
    for one in ("sqlite", "postgres")
    for other in ("sqlite", "postgres")
]  # fmt: skip


def fill(database: sqlalchemy.Engine) -> dict[str, str]:
    """One job in each state, by state; and a row elsewhere."""
    engine = InlineEngine()
    worker = Worker(database, engine, fake_solver())
    worker.start(slots=1)
    made: dict[str, str] = {}
    with open_session(database) as session:
        for name in ("succeeded", "failed"):
            task = "solve" if name == "succeeded" else "die SIGSEGV"
            made[name] = Submission(toy(task), JobOptions(gap=0.125)).submit(session, engine).id
        session.commit()
        engine.run_pending()
        worker.stop()
        for name in ("queued", "running", "stopping", "cancelling", "cancelled"):
            job = Submission(toy(name), JobOptions(), "elsewhere").submit(session, InlineEngine())
            made[name] = job.id
            if name in ("running", "stopping", "cancelling"):
                attempts.start(session, Attempt(job.id, 1), "somebody")
        states.request_stop(session, made["stopping"])
        for name in ("cancelling", "cancelled"):
            states.request_cancel(session, made[name])
        moment = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
        session.add(AuditEntry(at=moment, tenant="elsewhere", actor="me", action="submit", target=made["queued"]))
        session.add(Webhook(id="hook", tenant="elsewhere", url="https://x.example", secret="s", created_at=moment))
        session.commit()
    return made


def contents(database: sqlalchemy.Engine, *, ended_only: bool = False) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of our tables as Python sees it."""
    with open_session(database) as session:
        ended = {job.id for job in session.exec(select(Job)) if job.state.ended} if ended_only else None
        found = {}
        for table in SQLModel.metadata.sorted_tables:
            rows = [tuple(row) for row in session.execute(sqlalchemy.select(table))]
            key = "id" if table.name == "job" else "job_id"
            if ended is not None and key in table.columns:
                place = list(table.columns.keys()).index(key)
                rows = [row for row in rows if row[place] in ended]
            if table.name not in LEFT_OUT:
                found[table.name] = sorted(rows, key=repr)
        return found


@pytest.mark.parametrize(("origin", "target"), PAIRS)
def test_what_is_restored_elsewhere_is_what_was_there_and_what_was_to_be_solved_is_queued_again(
    origin: str, target: str, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    with database_of(origin, tmp_path) as database:
        made = fill(database)
        before = contents(database, ended_only=True)
        rows = backup(database, file)
        assert rows["job"] == len(made)
        assert contents(database, ended_only=True) == before
    (tmp_path / "other").mkdir()
    engine = InlineEngine()
    with database_of(target, tmp_path / "other", migrated=False) as database:
        done = restore(file, database, engine)
        assert (done.rows, done.requeued, done.cancelled) == (rows, 2, 2)
        now = contents(database, ended_only=True)
        ended_since = {made[name] for name in ("stopping", "cancelling")}
        now = {
            table: [row for row in rows if not any(job_id in row for job_id in ended_since)]
            for table, rows in now.items()
        }
        assert now == before
        with open_session(database) as session:
            states = {name: (job.state, job.attempt) for name in made if (job := session.get(Job, made[name]))}
            document = storage.read_document(session, session.get_one(Job, made["succeeded"]))
            failure = session.get_one(Job, made["failed"]).failure
            session.add(AuditEntry(at=storage.now(), tenant="t", actor="me", action="restore", target=""))
            session.commit()
    assert states["queued"] == states["running"] == (JobState.QUEUED, 2)
    assert states["stopping"] == states["cancelling"] == (JobState.CANCELLED, 1)
    assert sorted(engine.pending, key=str) == sorted(
        [Attempt(made[name], 2) for name in ("queued", "running")], key=str
    )
    assert document
    made_up = next(table for table in document.tables if table.name == "made_up")
    assert made_up.rows == [["ore, raw", 1.5], ['say "metal"', None]]
    assert isinstance(failure, JobFailure)


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


def test_a_backup_taken_under_load_is_of_one_moment_and_keeps_nobody_from_working(
    database: sqlalchemy.Engine, tmp_path: Path
) -> None:
    ended = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        engine, rng = InlineEngine(), random.Random(1)
        try:
            while not ended.is_set():
                with open_session(database) as session:
                    job = Submission(toy(f"job {rng.random()}"), JobOptions()).submit(session, engine)
                    attempts.start(session, Attempt(job.id, 1), "somebody")
                    session.commit()
                    attempts.finish(session, Attempt(job.id, 1), attempts.Outcome(document_gzip=b"x", failure=None))
                    session.commit()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(5):
            backup(database, tmp_path / f"{number}.db")
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert failures == []
    counts = []
    for number in range(5):
        copy = sqlalchemy.create_engine(f"sqlite:///{tmp_path / f'{number}.db'}")
        with open_session(copy) as session:
            found = list(session.exec(select(Job)))
            latest = select(JobEvent.job_id, sqlalchemy.func.max(JobEvent.number)).group_by(col(JobEvent.job_id))
            assert {job.id: job.last_event for job in found} == dict(session.exec(latest).all())
            inputs = session.exec(select(storage.JobInput.job_id)).all()
            assert set(inputs) == {job.id for job in found}
        counts.append(len(found))
        copy.dispose()
    assert counts == sorted(counts)
    assert counts[-1] > 0


def test_a_backup_is_one_private_file_that_can_be_served_as_it_is(database: sqlalchemy.Engine, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    made = fill(database)
    backup(database, folder / "one.db")
    assert [path.name for path in folder.iterdir()] == ["one.db"]
    assert (folder / "one.db").stat().st_mode & 0o777 == 0o600
    opened = storage.open_database(f"sqlite:///{folder / 'one.db'}")
    assert storage.migrate(opened) == (storage.newest_revision(), storage.newest_revision())
    with open_session(opened) as session:
        assert storage.get_job(session, "elsewhere", made["queued"])


def problem_of(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(InvalidInput) as refused:
        call(*arguments, **named)
    (problem,) = refused.value.problems
    assert problem.remedy
    return problem.code


def test_a_backup_never_overwrites(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    backup(database, tmp_path / "one.db")
    before = (tmp_path / "one.db").read_bytes()
    assert problem_of(backup, database, tmp_path / "one.db") == "file_exists"
    assert (tmp_path / "one.db").read_bytes() == before


def test_a_backup_that_breaks_off_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new_database(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lodeplan.service.storage.copying.copy_rows", full)
    (tmp_path / "backups").mkdir()
    with pytest.raises(OSError, match="No space left"):
        backup(database, tmp_path / "backups" / "one.db")
    assert list((tmp_path / "backups").iterdir()) == []


def test_a_database_that_is_not_current_is_not_backed_up(tmp_path: Path) -> None:
    database = new_database(tmp_path, migrated=False)
    assert problem_of(backup, database, tmp_path / "one.db") == "not_current"


def test_a_database_with_jobs_is_only_replaced_when_asked(database: sqlalchemy.Engine, tmp_path: Path) -> None:
    engine = InlineEngine()
    made = fill(database)
    backup(database, tmp_path / "one.db")
    with open_session(database) as session:
        later = Submission(toy("later"), JobOptions()).submit(session, engine).id
        session.commit()
    before = contents(database)
    assert problem_of(restore, tmp_path / "one.db", database, engine) == "not_empty"
    assert contents(database) == before
    restore(tmp_path / "one.db", database, engine, replace=True)
    with open_session(database) as session:
        assert set(session.exec(select(Job.id))) == set(made.values())
    assert Attempt(later, 1) not in engine.pending


def test_a_restore_that_breaks_off_changes_nothing(
    database: sqlalchemy.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    backup(database, tmp_path / "one.db")
    before = contents(database)

    def break_off(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("lodeplan.service.operations.backup._revive", break_off)
    with pytest.raises(OSError, match="Input/output"):
        restore(tmp_path / "one.db", database, InlineEngine(), replace=True)
    assert contents(database) == before


def test_nothing_is_restored_under_a_live_worker(database: sqlalchemy.Engine, tmp_path: Path) -> None:
    backup(database, tmp_path / "one.db")
    with open_session(database) as session:
        worker = {"host": "here", "pid": 1, "version": "1", "slots": 1, "started_at": storage.now(), "lease_s": 15.0}
        session.add(WorkerRow(id="alive", lease_until_s=time.time() + 10, **worker))
        session.commit()
    assert problem_of(restore, tmp_path / "one.db", database, InlineEngine(), replace=True) == "workers_alive"


def test_what_is_no_backup_is_refused_before_anything_is_touched(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    (tmp_path / "text").write_text("hello")
    empty = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    with empty.begin() as connection:
        connection.execute(sqlalchemy.text("create table t (x integer)"))
    empty.dispose()
    fill(database)
    backup(database, tmp_path / "good.db")
    broken = bytearray((tmp_path / "good.db").read_bytes())
    broken[4096:8192] = b"\xff" * 4096
    (tmp_path / "broken.db").write_bytes(broken)
    (tmp_path / "cut.db").write_bytes((tmp_path / "good.db").read_bytes()[:-9000])
    (tmp_path / "a").mkdir()
    target = new_database(tmp_path / "a")
    for name, code in {"missing": "no_such_file", "text": "no_backup", "other.db": "no_backup"}.items():
        assert problem_of(restore, tmp_path / name, target, InlineEngine()) == code
    for name in ("broken.db", "cut.db"):
        assert problem_of(restore, tmp_path / name, target, InlineEngine()) == "no_backup"
    assert not any(contents(target).values())


def test_a_backup_of_a_version_to_come_is_refused_and_an_old_one_is_brought_up_to_date(tmp_path: Path) -> None:
    database = new_database(tmp_path)
    fill(database)
    backup(database, tmp_path / "new.db")
    shutil.copy(tmp_path / "new.db", tmp_path / "newer.db")
    newer = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'newer.db'}")
    with newer.begin() as connection:
        connection.execute(sqlalchemy.text("update alembic_version set version_num = '9999'"))
    newer.dispose()
    (tmp_path / "a").mkdir()
    target = new_database(tmp_path / "a")
    assert problem_of(restore, tmp_path / "newer.db", target, InlineEngine()) == "newer_backup"
    old = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'old.db'}")
    with old.connect() as connection:
        alembic.command.upgrade(migrations(connection), "0001")
        for statement in OLD_ROWS:
            connection.execute(sqlalchemy.text(statement))
        connection.commit()
    old.dispose()
    before = (tmp_path / "old.db").read_bytes()
    assert restore(tmp_path / "old.db", target, InlineEngine()).rows["job"] == 1
    assert (tmp_path / "old.db").read_bytes() == before


def test_a_job_restored_over_itself_reaches_a_worker_of_the_real_engine(
    database: sqlalchemy.Engine, tmp_path: Path
) -> None:
    engine = DbosEngine(database)
    engine.prepare()
    with open_session(database) as session:
        job = Submission(toy("solve"), JobOptions()).submit(session, engine)
        session.commit()
    backup(database, tmp_path / "one.db")
    with open_session(database) as session:
        # Its next attempt came about, and is in the engine's tables under the number that the restore gives.
        attempts.start(session, Attempt(job.id, 1), "somebody")
        reruns.requeue(session, engine, Attempt(job.id, 1))
        session.commit()
    assert restore(tmp_path / "one.db", database, engine, replace=True).requeued == 1
    got: list[Attempt] = []
    arrived = threading.Event()

    def handle(attempt: Attempt) -> None:
        got.append(attempt)
        arrived.set()

    engine.start_worker(handle, 1, "a-worker")
    assert arrived.wait(20)
    engine.stop(5)
    engine.close()
    assert got == [Attempt(job.id, 2)]


def test_times_are_utc_whatever_zone_the_session_of_the_database_has(database: sqlalchemy.Engine) -> None:
    moment = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    with open_session(database) as session:
        session.add(AuditEntry(at=moment, tenant="t", actor="a", action="b", target="c"))
        session.commit()
    with open_session(database) as session:
        if database.dialect.name == "postgresql":
            session.execute(sqlalchemy.text("set time zone 'Asia/Tokyo'"))
        (found,) = session.exec(select(AuditEntry.at).where(col(AuditEntry.actor) == "a"))
    assert (found, found.utcoffset()) == (moment, moment.utcoffset())
