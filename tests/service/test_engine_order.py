"""In which order attempts leave the queue of DBOS, and how many of whom at once, on SQLite and PostgreSQL."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy
from job_service import DATABASES, database_of, wait_until

from lodeplan.service.engine import Attempt
from lodeplan.service.engine import QueuePosition as At
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.storage import open_session


class Floor:
    """A handler that holds every attempt until the test lets it go."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.here: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.may_go = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __call__(self, attempt: Attempt) -> None:
        tenant = attempt.job_id.partition("-")[0]
        with self._lock:
            self.got.append(attempt.job_id)
            self.here[tenant] += 1
            self.most[tenant] = max(self.most[tenant], self.here[tenant])
        self.may_go.acquire(timeout=20)
        with self._lock:
            self.here[tenant] -= 1


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


@contextmanager
def working(database: sqlalchemy.Engine, floor: Floor, slots: int, tenant_slots: int | None) -> Iterator[DbosEngine]:
    engine = DbosEngine(database, tenant_slots)
    engine.prepare()
    engine.start_worker(floor, slots, "a-worker")
    try:
        yield engine
    finally:
        floor.may_go.release(100)
        engine.stop(5)


def submit(database: sqlalchemy.Engine, engine: DbosEngine, **jobs: At) -> None:
    for name, position in jobs.items():
        # Each at a moment of its own, of which the engine counts thousandths of a second.
        threading.Event().wait(0.005)
        with open_session(database) as session:
            engine.enqueue(session, Attempt(name.replace("_", "-"), 1), position)
            session.commit()


@pytest.mark.slow
def test_within_a_tenant_higher_priority_goes_first_and_among_equals_who_came_first(
    database: sqlalchemy.Engine,
) -> None:
    floor = Floor()
    with working(database, floor, slots=1, tenant_slots=None) as engine:
        submit(database, engine, a_busy=At("a"))
        wait_until(lambda: floor.got == ["a-busy"])
        submit(
            database,
            engine,
            a_low=At("a", -5),
            a_one=At("a"),
            a_two=At("a"),
            a_high=At("a", 5),
        )
        assert engine.depth() == 4
        for _ in range(4):
            count = len(floor.got)
            floor.may_go.release()
            wait_until(lambda count=count: len(floor.got) > count)
        assert floor.got == ["a-busy", "a-high", "a-one", "a-two", "a-low"]


@pytest.mark.slow
@pytest.mark.parametrize("tenant_slots", [1, 2])
def test_a_tenant_never_has_more_than_its_slots_and_does_not_keep_others_waiting(
    database: sqlalchemy.Engine, tenant_slots: int
) -> None:
    floor = Floor()
    with working(database, floor, slots=4, tenant_slots=tenant_slots) as engine:
        submit(database, engine, **{f"a_{number}": At("a", 9) for number in range(5)}, b_0=At("b"))
        wait_until(lambda: "b-0" in floor.got and floor.here["a"] == tenant_slots)
        floor.may_go.release(100)
        wait_until(lambda: len(floor.got) == 6)
    assert floor.most["a"] == tenant_slots


@pytest.mark.slow
def test_without_a_limit_one_tenant_may_use_all_slots(database: sqlalchemy.Engine) -> None:
    floor = Floor()
    with working(database, floor, slots=3, tenant_slots=None) as engine:
        submit(database, engine, **{f"a_{number}": At("a") for number in range(4)})
        wait_until(lambda: floor.here["a"] == 3)
        assert engine.depth() == 1
    assert floor.most["a"] == 3


@pytest.mark.slow
def test_the_engine_tells_who_took_what_and_forgets_what_was_handled(database: sqlalchemy.Engine) -> None:
    floor = Floor()
    first, second = Attempt("a-1", 1), Attempt("a-2", 1)
    with working(database, floor, slots=1, tenant_slots=None) as engine:
        submit(database, engine, a_1=At("a"), a_2=At("a"))
        wait_until(lambda: floor.got == ["a-1"])
        assert engine.taken() == {first: "a-worker"}
        assert engine.known([first, second, Attempt("a-3", 1)]) == {first, second}
        assert engine.purge() == 0
        floor.may_go.release()
        wait_until(lambda: engine.taken() == {second: "a-worker"})
        assert engine.known([first, second]) == {second}
        assert engine.purge() == 1
        assert engine.purge() == 0
