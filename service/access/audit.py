"""The audit log: one entry per action, written in the transaction of the action."""

from __future__ import annotations

from sqlmodel import Session

from lodeplan.service.access.callers import Caller, current_caller
from lodeplan.service.storage import AuditEntry, now

_LONGEST = 200


def record(session: Session, action: str, target: str, detail: str = "", *, by: Caller | None = None) -> None:
    """Add an entry to the session's transaction; its actor is the caller of this request unless given. `detail` must
    hold no secret.
    """
    caller = by or current_caller.get()
    entry = AuditEntry(tenant=caller.tenant, actor=caller.actor[:_LONGEST], action=action, target=target, at=now())
    entry.detail = detail[:_LONGEST]
    session.add(entry)
    session.flush()
