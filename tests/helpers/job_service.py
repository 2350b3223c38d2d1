"""What the tests of the job service share."""

import atexit
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sharing import made_once

from lodeplan import scenarios
from lodeplan.schemas import Scenario
from lodeplan.service import storage
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.settings import Settings
from lodeplan.service.workers.child_solver import ChildSolver
from lodeplan.service.workers.forks import ForkServer

FAKE_CHILD = (sys.executable, str(Path(__file__).with_name("fake_child.py")))
FAKE_FORK_SERVER = (sys.executable, str(Path(__file__).with_name("fake_fork_server.py")))
WAYS = ["started", pytest.param("forked", marks=pytest.mark.skipif(sys.platform != "linux", reason="there are none"))]
"""Ways in which a child begins."""

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


def toy(task: str) -> Scenario:
    """The golden toy, whose fake child does this."""
    return scenarios.load("golden-toy", [{"op": "set", "path": "description", "value": task}])


def fake_solver(margin_s: float = 60, memory_mb: float | None = None) -> ChildSolver:
    return ChildSolver(margin_s, FAKE_CHILD, memory_mb)


@contextmanager
def fake_solvers(way: str) -> Iterator[Callable[..., ChildSolver]]:
    """Make solvers whose fake children begin in this way."""
    forks = ForkServer(FAKE_FORK_SERVER) if way == "forked" else None

    def fake(margin_s: float = 60, memory_mb: float | None = None) -> ChildSolver:
        # What should be a fork is to be one.
        command = FAKE_CHILD if forks is None else ("/nowhere/python",)
        return ChildSolver(margin_s, command, memory_mb, forks=forks)

    try:
        yield fake
    finally:
        if forks:
            forks.close()


def new_database(folder: Path, *, migrated: bool = True) -> sqlalchemy.Engine:
    file = folder / "test.db"
    if migrated:
        shutil.copyfile(made_once("template.db", _make_file), file)
    return storage.open_database(f"sqlite:///{file}")


def _make_file(path: Path) -> None:
    database = storage.open_database(f"sqlite:///{path}")
    _make_tables(database)
    with database.connect() as connection:
        # All in the one file, which can be copied then.
        connection.exec_driver_sql("pragma journal_mode=delete")
    database.dispose()


def _make_tables(database: sqlalchemy.Engine) -> None:
    """Our tables and those of the engine: to copy them takes a fraction of the time to make them."""
    storage.migrate(database)
    engine = DbosEngine(database)
    engine.prepare()
    engine.close()


@contextmanager
def database_of(kind: str, folder: Path, *, migrated: bool = True) -> Iterator[sqlalchemy.Engine]:
    """A new database, gone afterwards; on PostgreSQL beside that of LODEPLAN_TEST_DATABASE_URL."""
    if kind == "sqlite":
        yield new_database(folder, migrated=migrated)
        return
    url = sqlalchemy.make_url(Settings(database_url=os.environ["LODEPLAN_TEST_DATABASE_URL"]).sqlalchemy_url)
    database = storage.open_database(_created(url, _template(url) if migrated else "template1"))
    try:
        yield database
    finally:
        database.dispose()
        _drop(url, str(database.url.database))


@cache
def _template(url: sqlalchemy.URL) -> str:
    """A database with all tables, made once a process."""
    made = _created(url, "template1")
    database = storage.open_database(made)
    _make_tables(database)
    database.dispose()
    name = str(sqlalchemy.make_url(made).database)
    atexit.register(_drop, url, name)
    return name


def _created(url: sqlalchemy.URL, template: str) -> str:
    name = f"lodeplan_test_{uuid.uuid4().hex}"
    _on_server(url, f"create database {name} template {template}")
    return url.set(database=name).render_as_string(hide_password=False)


def _drop(url: sqlalchemy.URL, name: str) -> None:
    _on_server(url, f"drop database {name} with (force)")


def _on_server(url: sqlalchemy.URL, statement: str) -> None:
    server = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with server.connect() as connection:
        connection.execute(sqlalchemy.text(statement))


class Clock:
    """A clock that a test sets. From the call `slow_after` calls from now it shows `slow_s` seconds more."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slow_after, self.slow_s = 0, 0.0

    def __call__(self) -> float:
        if self.slow_s:
            if self.slow_after == 0:
                self.now, self.slow_s = self.now + self.slow_s, 0.0
            self.slow_after -= 1
        return self.now


def wait_until(condition: Callable[[], Any], patience_s: float = 20) -> Any:
    """The first true answer of `condition`; fails after `patience_s`."""
    until = time.monotonic() + patience_s
    while not (answer := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return answer
