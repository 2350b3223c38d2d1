"""What is deleted for its age, and what never is."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from job_service import DATABASES, database_of, new_database, toy, wait_until
from sqlmodel import select

from lodeplan.schemas.jobs import JobOptions
from lodeplan.service import storage
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts, states
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.settings import Settings
from lodeplan.service.storage import AuditEntry, Delivery, Idempotency, Job, JobEvent, JobInput, JobResult, open_session
from lodeplan.service.workers import retention
from lodeplan.service.workers.retention import Retention

NOW = storage.now()
NOTHING = {"keep_days": 0, "keep_idempotency_hours": 0, "keep_deliveries_days": 0, "keep_audit_days": 0}


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


def add(database: sqlalchemy.Engine, *, days: float | None, parent: str | None = None) -> str:
    """A job that ended so many days ago, or is running."""
    with open_session(database) as session:
        job = Submission(toy("solve"), JobOptions()).submit(session, InlineEngine())
        job.parent_id = parent
        attempts.start(session, Attempt(job.id, 1), "somebody")
        if days is not None:
            attempts.finish(session, Attempt(job.id, 1), Outcome(document_gzip=b"x", failure=None))
            session.refresh(job)
            job.ended_at = NOW - timedelta(days=days)
        session.commit()
        return job.id


def keeper(database: sqlalchemy.Engine, **settings: float) -> Retention:
    return Retention(database, InlineEngine(), Settings(**{**NOTHING, **settings}))


def left(database: sqlalchemy.Engine) -> set[str]:
    with open_session(database) as session:
        return set(session.exec(select(Job.id)))


def test_ended_jobs_go_at_their_age_with_all_that_belongs_to_them_and_others_stay(database: sqlalchemy.Engine) -> None:
    old, young, running = add(database, days=8), add(database, days=6), add(database, days=None)
    with open_session(database) as session:
        assert session.get(JobResult, old)
        session.add(Delivery(id="d", webhook_id="w", job_id=old, tenant="t", kind="k", created_at=NOW))
        session.add(Idempotency(tenant="t", key="k", body_sha256="b", job_id=old, answer="{}", created_at=NOW))
        session.commit()
    assert keeper(database, keep_days=7).round(NOW) == {"job": 1}
    assert left(database) == {young, running}
    with open_session(database) as session:
        for table in (JobInput, JobEvent, JobResult, Delivery, Idempotency):
            assert old not in session.exec(select(table.job_id)).all()
        assert young in session.exec(select(JobInput.job_id)).all()
    assert keeper(database, keep_days=7).round(NOW) == {}


def test_nothing_goes_unless_it_is_asked_for(database: sqlalchemy.Engine) -> None:
    old = add(database, days=10_000)
    assert Settings().keep_days == 0
    assert keeper(database).round(NOW) == {}
    assert left(database) == {old}


def test_jobs_of_a_batch_stay_as_long_as_the_batch_and_go_with_it(database: sqlalchemy.Engine) -> None:
    live = add(database, days=None)
    young = add(database, days=1)
    old = add(database, days=20)
    of_live, of_young, of_old = (add(database, days=30, parent=parent) for parent in (live, young, old))
    orphan = add(database, days=30, parent="0" * 31)
    assert keeper(database, keep_days=7).round(NOW) == {"job": 2}
    assert left(database) == {live, young, old, of_live, of_young}
    assert of_old not in left(database)
    assert orphan not in left(database)
    keeper(database, keep_days=7).round(NOW)
    assert left(database) == {live, young, of_live, of_young}


def test_a_batch_waits_for_the_last_of_its_jobs(database: sqlalchemy.Engine) -> None:
    parent = add(database, days=20)
    running = add(database, days=None, parent=parent)
    keeper(database, keep_days=7).round(NOW)
    assert left(database) == {parent, running}


def test_more_than_one_batch_of_rows_goes_in_one_round(
    database: sqlalchemy.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_AT_ONCE", 2)
    for _ in range(5):
        add(database, days=9)
    assert keeper(database, keep_days=7).round(NOW) == {"job": 5}


def test_keys_deliveries_and_audit_entries_go_at_ages_of_their_own(database: sqlalchemy.Engine) -> None:
    def ago(**age: float) -> datetime:
        return NOW - timedelta(**age)

    with open_session(database) as session:
        for number, hours in enumerate((23, 25)):
            key = Idempotency(
                tenant="t", key=str(number), body_sha256="b", job_id="j", answer="{}", created_at=ago(hours=hours)
            )
            session.add(key)
        for name, days, due in (("young", 29, None), ("old", 31, None), ("due", 31, 1.0)):
            about = {"webhook_id": "w", "job_id": "j", "tenant": "t", "kind": "k"}
            session.add(Delivery(id=name, due_at_s=due, created_at=ago(days=days), **about))
        for days in (364, 366):
            session.add(AuditEntry(at=ago(days=days), tenant="t", actor="a", action="b", target=str(days)))
        session.commit()
    assert Retention(database, InlineEngine(), Settings()).round(NOW) == {
        "idempotency": 1,
        "webhook_delivery": 1,
        "audit": 1,
    }
    with open_session(database) as session:
        assert session.exec(select(Idempotency.key)).all() == ["0"]
        assert set(session.exec(select(Delivery.id))) == {"young", "due"}
        assert session.exec(select(AuditEntry.target)).all() == ["364"]


def test_several_workers_at_it_delete_each_job_once(database: sqlalchemy.Engine) -> None:
    wanted = {add(database, days=9) for _ in range(30)}
    failures: list[BaseException] = []

    def work() -> None:
        try:
            keeper(database, keep_days=7).round(NOW)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert left(database).isdisjoint(wanted)


def test_what_the_real_engine_kept_of_a_job_goes_too(database: sqlalchemy.Engine) -> None:
    engine = DbosEngine(database)
    engine.prepare()
    with open_session(database) as session:
        job = Submission(toy("solve"), JobOptions()).submit(session, engine)
        states.request_cancel(session, job.id)
        session.commit()
    schema = "dbos." if database.dialect.name == "postgresql" else ""
    count = sqlalchemy.text(f"select count(*) from {schema}workflow_status")
    with database.connect() as connection:
        assert connection.execute(count).scalar() == 1
    Retention(database, engine, Settings(keep_days=1)).round(NOW + timedelta(days=2))
    with database.connect() as connection:
        assert connection.execute(count).scalar() == 0
    engine.close()


def test_the_loop_outlives_a_database_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "FIRST_AFTER_S", (0.0, 0.0))
    monkeypatch.setattr(retention, "EVERY_S", 0.01)
    database, ended = new_database(tmp_path), threading.Event()
    add(database, days=9)
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("alter table job rename to elsewhere"))
    thread = threading.Thread(target=keeper(database, keep_days=7).loop, args=(ended,), daemon=True)
    thread.start()
    ended.wait(0.2)
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("alter table elsewhere rename to job"))
    wait_until(lambda: not left(database))
    ended.set()
    thread.join(10)
    assert not thread.is_alive()
