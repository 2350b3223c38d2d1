"""Queries about API keys and the sessions opened with them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col, select

from lodeplan.service.storage.clock import now
from lodeplan.service.storage.tables import ApiKey


def get_key(session: Session, key_id: str) -> ApiKey | None:
    """The key or session of this id, of any tenant: for a caller who presents it, or for the operator."""
    return session.get(ApiKey, key_id)


def find_key(session: Session, tenant: str, key_id: str) -> ApiKey | None:
    """Return the tenant's key of this id; sessions do not count."""
    mine = (ApiKey.id == key_id, ApiKey.tenant == tenant, col(ApiKey.parent_id).is_(None))
    return session.exec(select(ApiKey).where(*mine)).first()


def list_keys(session: Session, tenant: str | None) -> list[ApiKey]:
    """List the keys of a tenant (of all tenants for the operator), newest first, including revoked ones, without
    sessions."""
    query = select(ApiKey).where(col(ApiKey.parent_id).is_(None))
    if tenant is not None:
        query = query.where(ApiKey.tenant == tenant)
    return list(session.exec(query.order_by(col(ApiKey.created_at).desc(), col(ApiKey.id))))


def any_key(session: Session) -> bool:
    """True if a key was ever created. Revoked keys count, so revoking the last key does not open the service."""
    return session.exec(select(ApiKey.id).limit(1)).first() is not None


def any_usable_key(session: Session) -> bool:
    """True if there is a key that could log in now."""
    return session.exec(select(ApiKey.id).where(*_usable()).limit(1)).first() is not None


def count_usable_keys(session: Session, tenant: str) -> int:
    """Keys of the tenant that could log in now, without sessions."""
    return session.exec(select(func.count()).select_from(ApiKey).where(ApiKey.tenant == tenant, *_usable())).one()


def delete_oldest_sessions(session: Session, key: ApiKey, left: int) -> None:
    """Delete the sessions of a key but for the youngest `left`."""
    of_key = select(ApiKey.id).where(ApiKey.parent_id == key.id).order_by(col(ApiKey.created_at).desc(), col(ApiKey.id))
    oldest = session.exec(of_key).all()[left:]
    session.execute(sqlalchemy.delete(ApiKey).where(col(ApiKey.id).in_(oldest)))


def delete_ended_sessions(session: Session) -> None:
    """Delete sessions that have expired, of all tenants."""
    session.execute(sqlalchemy.delete(ApiKey).where(col(ApiKey.parent_id).is_not(None), col(ApiKey.expires_at) < now()))


def _usable() -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    is_no_session = col(ApiKey.parent_id).is_(None)
    return (is_no_session, col(ApiKey.revoked_at).is_(None), col(ApiKey.expires_at) > now())


def set_used(session: Session, key: ApiKey, moment: datetime) -> None:
    """Record when a key was used."""
    session.execute(sqlalchemy.update(ApiKey).where(col(ApiKey.id) == key.id).values(used_at=moment))
