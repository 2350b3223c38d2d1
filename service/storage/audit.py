"""Reading the audit log."""

from __future__ import annotations

from sqlmodel import Session, col, select

from lodeplan.service.storage.tables import AuditEntry


def read_audit(session: Session, tenant: str | None, limit: int, before: int | None = None) -> list[AuditEntry]:
    """Read at most `limit` entries of a tenant (of all tenants for the operator) before that number, latest first."""
    query = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)
    if tenant is not None:
        query = query.where(AuditEntry.tenant == tenant)
    if before is not None:
        query = query.where(col(AuditEntry.id) < before)
    return list(session.exec(query))
