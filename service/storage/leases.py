"""Queries about workers and their leases, by the clock of the database. For the service itself."""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import ColumnElement, and_, delete, update
from sqlmodel import Session, col, select

from lodeplan.service.storage.columns import database_clock
from lodeplan.service.storage.tables import WorkerRow

TICKS_A_LEASE = 5


def is_live() -> ColumnElement[bool]:
    """True if a row of `worker` has a live lease. A lease that ends later than any could have been given does not
    count: the database's clock was set back, and live workers have renewed theirs since."""
    until_s, clock = col(WorkerRow.lease_until_s), database_clock()
    # A tick of patience, for a row written just before the clock was set back by a little.
    return and_(until_s > clock, until_s <= clock + col(WorkerRow.lease_s) * (1 + 1 / TICKS_A_LEASE))


def database_time_s(session: Session) -> float:
    """The time by the database's clock, seconds since 1970."""
    return float(session.execute(sqlalchemy.select(database_clock())).scalar_one())


def prolong_lease(session: Session, worker_id: str, duration_s: float, trouble: str | None = None) -> float | None:
    """Have a worker's lease last so long from now on, and note its trouble; the time by the
    database's clock, or None if it has no row."""
    prolong = update(WorkerRow).where(col(WorkerRow.id) == worker_id)
    prolong = prolong.values(lease_until_s=database_clock() + duration_s, lease_s=duration_s, trouble=trouble)
    now_s = session.execute(prolong.returning(database_clock())).scalar()
    return None if now_s is None else float(now_s)


def delete_worker(session: Session, worker_id: str) -> None:
    """Delete a worker's row, and its lease with it."""
    session.execute(delete(WorkerRow).where(col(WorkerRow.id) == worker_id))


def delete_old_workers(session: Session, ended_before_s: float) -> None:
    """Delete workers whose lease ended so many seconds ago."""
    session.execute(delete(WorkerRow).where(col(WorkerRow.lease_until_s) < database_clock() - ended_before_s))


def live_workers(session: Session) -> list[tuple[str, int, int]]:
    """Host, process id and slots of the workers that hold a lease; also in tables of an earlier version."""
    return list(session.exec(select(WorkerRow.host, WorkerRow.pid, WorkerRow.slots).where(is_live())))


def live_worker_ids(session: Session) -> set[str]:
    """Their ids."""
    return set(session.exec(select(WorkerRow.id).where(is_live())))
