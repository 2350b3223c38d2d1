"""The audit log: who did what to what, written in the transaction that does it."""

from __future__ import annotations

from sqlmodel import Session

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
