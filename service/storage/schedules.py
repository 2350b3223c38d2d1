"""Schedules of a tenant."""

from __future__ import annotations

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, select

from lodeplan.service.storage.tables import Schedule


def list_schedules(session: Session, tenant: str) -> list[Schedule]:
    """The schedules of a tenant, newest first."""
    return list(session.exec(select(Schedule).where(Schedule.tenant == tenant).order_by(col(Schedule.id).desc())))


def get_schedule(session: Session, tenant: str, schedule_id: str) -> Schedule | None:
    """The tenant's schedule of this id."""
    return session.exec(select(Schedule).where(Schedule.id == schedule_id, Schedule.tenant == tenant)).first()


def count_schedules(session: Session, tenant: str) -> int:
    """Number of schedules of a tenant."""
    return session.exec(select(func.count()).where(Schedule.tenant == tenant)).one()


def set_paused(session: Session, schedule: Schedule, paused: bool, due_at_s: float) -> None:
    """Pause a schedule, or let it go on at this time, whatever workers do with it meanwhile."""
    change = sqlalchemy.update(Schedule).where(col(Schedule.id) == schedule.id)
    session.execute(change.values(paused=paused, due_at_s=due_at_s))


def delete_schedule(session: Session, schedule: Schedule) -> None:
    """Delete a schedule; its jobs stay."""
    session.execute(sqlalchemy.delete(Schedule).where(col(Schedule.id) == schedule.id))
