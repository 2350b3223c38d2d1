"""The audit log: who did what to what, written in the transaction that does it."""

from __future__ import annotations

from sqlmodel import Session, col, select

from lodeplan.service.access.callers import Caller, current_caller
from lodeplan.service.storage import AuditEntry, now

_LONGEST = 200


def record(session: Session, action: str, target: str, detail: str = "", *, by: Caller | None = None) -> None:
    """Add an entry to the session's transaction, by the caller of this request unless told otherwise.

    No secret may stand in `detail`.
    """
    caller = by or current_caller.get()
    entry = AuditEntry(tenant=caller.tenant, actor=caller.actor[:_LONGEST], action=action, target=target, at=now())
    entry.detail = detail[:_LONGEST]
    session.add(entry)
    session.flush()


def read(session: Session, tenant: str | None, limit: int, before: int | None = None) -> list[AuditEntry]:
    """At most `limit` entries of a tenant (of all, for the operator) before that number, latest first."""
    query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
    if tenant is not None:
        query = query.where(AuditEntry.tenant == tenant)
    if before is not None:
        query = query.where(col(AuditEntry.id) < before)
    return list(session.exec(query))
