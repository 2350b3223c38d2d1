"""A lease: whom others believe to live, and for how long a worker believes it of itself."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from job_service import DATABASES, Clock, database_of
from sqlmodel import col, select

from lodeplan.service.storage import WorkerRow, database_clock, open_session
from lodeplan.service.storage.leases import is_live
from lodeplan.service.workers.leases import Lease


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path) as database:
        yield database


def live(database: sqlalchemy.Engine) -> list[str]:
    with open_session(database) as session:
        return list(session.exec(select(WorkerRow.id).where(is_live())))


def set_clock_forward(database: sqlalchemy.Engine, seconds: float) -> None:
    """As if the database's clock had jumped after the leases were written; back, if negative."""
    with open_session(database) as session:
        moved = sqlalchemy.update(WorkerRow).values(lease_until_s=col(WorkerRow.lease_until_s) - seconds)
        session.execute(moved)
        session.commit()


def test_a_renewed_lease_is_held_and_believed(database: sqlalchemy.Engine) -> None:
    lease = Lease(database, 10, clock=Clock())
    lease.renew()
    assert lease.holds(lease.term)
    assert live(database) == [lease.worker_id]


def test_before_it_is_taken_a_lease_is_not_held(database: sqlalchemy.Engine) -> None:
    lease = Lease(database, 10, clock=Clock())
    assert not lease.holds(lease.term)
    assert live(database) == []


def test_a_lease_ends_by_the_workers_own_clock_without_a_look_at_the_database(database: sqlalchemy.Engine) -> None:
    clock = Clock()
    lease = Lease(database, 10, clock=clock)
    lease.renew()
    clock.now += 9.9
    assert lease.holds(lease.term)
    clock.now += 0.1
    assert not lease.holds(lease.term)


def test_what_was_begun_before_a_lease_ran_out_stays_lost_after_it_is_renewed(database: sqlalchemy.Engine) -> None:
    clock = Clock()
    lease = Lease(database, 10, clock=clock)
    lease.renew()
    before = lease.term
    clock.now += 10
    lease.renew()
    assert not lease.holds(before)
    assert lease.holds(lease.term)


def test_a_lease_renewed_in_time_never_changes_its_term(database: sqlalchemy.Engine) -> None:
    clock = Clock()
    lease = Lease(database, 10, clock=clock)
    lease.renew()
    before = lease.term
    for _ in range(5):
        clock.now += 8
        lease.renew()
    assert lease.holds(before)


def test_a_renewal_that_comes_through_after_the_lease_ran_out_is_too_late(database: sqlalchemy.Engine) -> None:
    clock = Clock()
    lease = Lease(database, 10, clock=clock)
    lease.renew()
    before = lease.term
    clock.now += 9
    # The database answers only after two more seconds.
    clock.slow_after, clock.slow_s = 1, 2
    lease.renew()
    assert not lease.holds(before)


def test_a_worker_counts_as_live_until_its_lease_ends_by_the_clock_of_the_database(
    database: sqlalchemy.Engine,
) -> None:
    lease = Lease(database, 10)
    lease.renew()
    set_clock_forward(database, 9)
    assert live(database) == [lease.worker_id]
    set_clock_forward(database, 1.5)
    assert live(database) == []


def test_a_lease_that_ends_later_than_it_can_have_been_given_is_not_believed(database: sqlalchemy.Engine) -> None:
    lease = Lease(database, 10)
    lease.renew()
    set_clock_forward(database, -3600)
    assert live(database) == []
    lease.renew()
    assert live(database) == [lease.worker_id]


def test_a_worker_that_was_struck_off_is_listed_again_by_its_next_renewal(database: sqlalchemy.Engine) -> None:
    lease = Lease(database, 10, slots=3)
    lease.renew()
    with open_session(database) as session:
        session.execute(sqlalchemy.delete(WorkerRow))
        session.commit()
    lease.renew()
    with open_session(database) as session:
        row = session.exec(select(WorkerRow)).one()
    assert (row.id, row.slots, row.pid, row.lease_s) == (lease.worker_id, 3, os.getpid(), 10)


def test_a_released_lease_leaves_no_row_and_is_not_held(database: sqlalchemy.Engine) -> None:
    lease = Lease(database, 10)
    lease.renew()
    term = lease.term
    lease.release()
    assert not lease.holds(term)
    with open_session(database) as session:
        assert session.exec(select(WorkerRow)).all() == []


def test_a_renewal_tells_the_time_of_the_database(database: sqlalchemy.Engine) -> None:
    with open_session(database) as session:
        before = session.execute(sqlalchemy.select(database_clock())).scalar_one()
        first, second = (Lease(database, 10).renew() for _ in range(2))
        after = session.execute(sqlalchemy.select(database_clock())).scalar_one()
    assert before <= first <= second <= after


def test_two_leases_of_one_process_are_two_workers(database: sqlalchemy.Engine) -> None:
    leases = [Lease(database, 10) for _ in range(2)]
    for lease in leases:
        lease.renew()
    assert sorted(live(database)) == sorted(lease.worker_id for lease in leases)
