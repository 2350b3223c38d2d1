"""Both job engines carry attempts as the port says; what the DBOS one promises on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from job_service import DATABASES, database_of, new_database, wait_until

from lodeplan.service.engine import Attempt
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.storage import open_session


class Desk:
    """A handler that keeps what it got, and lets attempts wait."""

    def __init__(self) -> None:
        self.got: list[Attempt] = []
        self.at_once = self.most_at_once = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self._lock = threading.Lock()

    def __call__(self, attempt: Attempt) -> None:
        with self._lock:
            self.got.append(attempt)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.go_on.wait(20)
        with self._lock:
            self.at_once -= 1


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("engine")) as database:
        yield database


@pytest.fixture(scope="module")
def desk(database: sqlalchemy.Engine) -> Desk:
    return Desk()


@pytest.fixture(scope="module")
def engine(database: sqlalchemy.Engine, desk: Desk) -> Iterator[DbosEngine]:
    engine = DbosEngine(database)
    engine.prepare()
    engine.start_worker(desk, 2, "this-worker")
    yield engine
    engine.stop(5)


def ask(database: sqlalchemy.Engine, query: str) -> list[str]:
    schema = "dbos." if database.dialect.name == "postgresql" else ""
    with database.connect() as connection:
        return list(connection.execute(sqlalchemy.text(query.replace("from ", f"from {schema}"))).scalars())


def workflows(database: sqlalchemy.Engine) -> list[str]:
    query = "select workflow_uuid from workflow_status union select workflow_uuid from workflow_input"
    return ask(database, query)


def test_an_attempt_reaches_the_handler_once_its_transaction_has_committed(
    database: sqlalchemy.Engine, engine: DbosEngine, desk: Desk
) -> None:
    attempt = Attempt("committed", 1)
    with open_session(database) as session:
        engine.enqueue(session, attempt)
        assert attempt not in desk.got
        session.commit()
    wait_until(lambda: attempt in desk.got)
    assert desk.got.count(attempt) == 1


def test_an_attempt_whose_transaction_was_rolled_back_never_existed(
    database: sqlalchemy.Engine, engine: DbosEngine, desk: Desk
) -> None:
    with open_session(database) as session:
        engine.enqueue(session, Attempt("rolled-back", 1))
        session.rollback()
        engine.enqueue(session, Attempt("after", 1))
        session.commit()
    wait_until(lambda: Attempt("after", 1) in desk.got)
    assert "rolled-back.1" not in workflows(database)
    assert Attempt("rolled-back", 1) not in desk.got


def test_no_more_attempts_run_at_once_than_there_are_slots(
    database: sqlalchemy.Engine, engine: DbosEngine, desk: Desk
) -> None:
    desk.go_on.clear()
    wanted = [Attempt(f"busy-{number}", 1) for number in range(4)]
    with open_session(database) as session:
        for attempt in wanted:
            engine.enqueue(session, attempt)
        session.commit()
    wait_until(lambda: desk.at_once == 2)
    desk.go_on.set()
    wait_until(lambda: set(wanted) <= set(desk.got))
    assert desk.most_at_once == 2


def test_a_forgotten_attempt_leaves_no_row(database: sqlalchemy.Engine, engine: DbosEngine, desk: Desk) -> None:
    attempt = Attempt("forgotten", 1)
    with open_session(database) as session:
        engine.enqueue(session, attempt)
        session.commit()
    wait_until(lambda: attempt in desk.got)
    engine.forget([attempt])
    assert "forgotten.1" not in workflows(database)


def test_an_attempt_forgotten_while_it_waits_is_never_run(
    database: sqlalchemy.Engine, engine: DbosEngine, desk: Desk
) -> None:
    desk.go_on.clear()
    wanted = [Attempt(f"in-line-{number}", 1) for number in range(4)]
    with open_session(database) as session:
        for attempt in wanted:
            engine.enqueue(session, attempt)
        session.commit()
    wait_until(lambda: desk.at_once == 2)
    started = [attempt for attempt in wanted if attempt in desk.got]
    waiting = [attempt for attempt in wanted if attempt not in started]
    engine.forget([started[0], waiting[0]])
    desk.go_on.set()
    wait_until(lambda: waiting[1] in desk.got)
    assert waiting[0] not in desk.got


def test_workflow_rows_hold_ids_only_and_no_pickle(database: sqlalchemy.Engine, engine: DbosEngine) -> None:
    with open_session(database) as session:
        engine.enqueue(session, Attempt("plain", 1))
        session.commit()
    (inputs,) = ask(database, "select inputs from workflow_input where workflow_uuid = 'plain.1'")
    assert '["plain",1]' in inputs.replace(" ", "")


def test_the_inline_double_runs_attempts_when_told_to(tmp_path: Path) -> None:
    engine, desk = InlineEngine(), Desk()
    engine.start_worker(desk, 1, "this-worker")
    with open_session(new_database(tmp_path)) as session:
        engine.enqueue(session, Attempt("a", 1))
        engine.enqueue(session, Attempt("b", 1))
    engine.forget([Attempt("b", 1)])
    assert desk.got == []
    engine.run_pending()
    assert desk.got == [Attempt("a", 1)]
