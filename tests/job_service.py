"""What the tests of the job service share."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy

import scenarios
from schemas import Scenario
from service import storage
from service.solving import ChildSolver

FAKE_CHILD = (sys.executable, str(Path(__file__).with_name("fake_child.py")))


def toy(task: str) -> Scenario:
    """The golden toy, whose fake child does this."""
    return scenarios.load("golden-toy", [{"op": "set", "path": "description", "value": task}])


def fake_solver(margin_s: float = 60) -> ChildSolver:
    return ChildSolver(margin_s, FAKE_CHILD)


def new_database(folder: Path) -> sqlalchemy.Engine:
    database = storage.open_database(f"sqlite:///{folder / 'test.db'}")
    storage.create_tables(database)
    return database


def wait_until(condition: Callable[[], Any], patience_s: float = 20) -> Any:
    """The first true answer of `condition`; fails after `patience_s`."""
    until = time.monotonic() + patience_s
    while not (answer := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)
    return answer
