"""API keys, and the sessions of those who signed in with one.

A key reads `lp_ID_SECRET`. Of the secret, 256 bits of chance, only the SHA-256 is kept: with so much chance a slow
hash would add nothing. A session is a short-lived key of its own that only reads and ends with the key it came from.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from lodeplan.schemas.access import KeyRequest
from lodeplan.service.access.callers import Caller
from lodeplan.service.storage import ApiKey, Scope, now
from lodeplan.service.storage import keys as stored

PREFIX = "lp_"
SESSION_HOURS = 12
GRACE_HOURS = 24
"""How long the old secret of a rotated key still holds, unless told otherwise."""

_KEY = re.compile(r"lp_([0-9a-f]{12})_([0-9a-f]{64})")
_KEY_ID = re.compile("[0-9a-f]{12}")
_USED_EVERY = timedelta(minutes=1)


class RefusedKey(Exception):
    """A key that is not good, and whose it is, where that is known."""

    def __init__(self, reason: str, key: ApiKey | None = None) -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True)
class _Key:
    """What a new key is for."""

    tenant: str
    name: str
    scope: Scope
    expires_at: datetime | None
    parent_id: str | None = None


def is_key_id(text: str) -> bool:
    """Whether a text looks like the id of a key."""
    return _KEY_ID.fullmatch(text) is not None


def create_key(session: Session, tenant: str, wanted: KeyRequest) -> tuple[ApiKey, str]:
    """Add a key to the session's transaction; the row, and the key itself, which is never seen again."""
    expires = now() + timedelta(days=wanted.expires_days)
    return _add(session, _Key(tenant, wanted.name, wanted.scope, expires))


def create_session(session: Session, parent: ApiKey) -> tuple[ApiKey, str]:
    """Add a session of somebody who showed this key; it reads only. Sessions long over go."""
    stored.delete_ended_sessions(session)
    ends = _earlier(parent.expires_at, now() + timedelta(hours=SESSION_HOURS))
    return _add(session, _Key(parent.tenant, parent.name, Scope.READ, ends, parent.id))


def rotate_key(session: Session, key: ApiKey, grace_hours: float = GRACE_HOURS) -> tuple[ApiKey, str]:
    """Add a key that does what this one does and lasts as long; this one holds for the grace period only."""
    old_ends = key.expires_at
    key.expires_at = _earlier(old_ends, now() + timedelta(hours=grace_hours))
    session.add(key)
    return _add(session, _Key(key.tenant, key.name, key.scope, old_ends))


def revoke_key(session: Session, key: ApiKey) -> None:
    """End a key, and with it its sessions, at once."""
    key.revoked_at = key.revoked_at or now()
    session.add(key)


def find_key(session: Session, tenant: str, key_id: str) -> ApiKey | None:
    """The tenant's key of this id; sessions are none."""
    return stored.find_key(session, tenant, key_id) if is_key_id(key_id) else None


def check_key(session: Session, text: str, *, is_session: bool = False) -> ApiKey:
    """The row of a key that somebody shows, or of a session; raises `RefusedKey`."""
    parts = _KEY.fullmatch(text)
    row = stored.get_key(session, parts[1]) if parts else None
    if parts is None or row is None or not hmac.compare_digest(_hash(parts[2]), row.secret_sha256):
        raise RefusedKey("There is no such key.", row)
    if (row.parent_id is not None) != is_session:
        raise RefusedKey("A session is no key, and a key is no session.", row)
    _check_holds(row)
    if row.parent_id:
        parent = stored.get_key(session, row.parent_id)
        if parent is None:
            raise RefusedKey("The key it was opened with is gone.", row)
        _check_holds(parent)
    return row


def caller_of(key: ApiKey) -> Caller:
    """Who shows this key."""
    return Caller(key.tenant, key.scope, f"session:{key.parent_id}" if key.parent_id else f"key:{key.id}")


def note_use(session: Session, key: ApiKey) -> None:
    """Record, at most once a minute, that a key was used. Nothing fails for it if the database is busy."""
    moment = now()
    if key.used_at is None or moment - key.used_at >= _USED_EVERY:
        with contextlib.suppress(OperationalError):
            stored.set_used(session, key, moment)
            session.commit()


def _check_holds(key: ApiKey) -> None:
    if key.revoked_at:
        raise RefusedKey("The key was revoked.", key)
    if key.expires_at and key.expires_at <= now():
        raise RefusedKey("The key has expired.", key)


def _add(session: Session, wanted: _Key) -> tuple[ApiKey, str]:
    secret = secrets.token_hex(32)
    key = ApiKey(**vars(wanted), secret_sha256=_hash(secret), created_at=now())
    session.add(key)
    session.flush()
    return key, f"{PREFIX}{key.id}_{secret}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return min(one, other) if one else other
