"""Idempotency keys of a tenant, and what was answered under them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from lodeplan.service.storage.tables import Idempotency


def find_answered(session: Session, tenant: str, key: str) -> Idempotency | None:
    """Find the answered request under the tenant's key."""
    return session.exec(select(Idempotency).where(*_is(tenant, key))).first()


def take_key(session: Session, tenant: str, key: str, body_sha256: str, moment: datetime) -> bool:
    """Write the tenant's key, of a request that is not answered yet; False, and the transaction is over, if it is
    taken. While another transaction writes it, this waits for the end of that."""
    row = {"tenant": tenant, "key": key, "body_sha256": body_sha256, "job_id": "", "answer": "", "created_at": moment}
    try:
        session.execute(sqlalchemy.insert(Idempotency).values(row))
    except IntegrityError:
        session.rollback()
        return False
    return True


def free_key(session: Session, tenant: str, key: str, before: datetime) -> None:
    """Delete the tenant's key if it is older than this."""
    expired = col(Idempotency.created_at) < before
    session.execute(sqlalchemy.delete(Idempotency).where(*_is(tenant, key), expired))


def set_answer(session: Session, tenant: str, key: str, job_id: str, answer: str) -> None:
    """Record what was answered under the tenant's key."""
    statement = sqlalchemy.update(Idempotency).where(*_is(tenant, key))
    session.execute(statement.values(job_id=job_id, answer=answer))


def _is(tenant: str, key: str) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    return (col(Idempotency.tenant) == tenant, col(Idempotency.key) == key)
