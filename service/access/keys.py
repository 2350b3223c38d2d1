"""API keys, and browser sessions opened with them. A key has the form `lp_ID_SECRET`. The secret is 256 random bits, of
which only the SHA-256 is stored; a slow hash would add nothing to so many random bits. A session is a short-lived key
of its own that can only read and that ends with the key it was opened with.
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
from lodeplan.service.storage.quotas import take_turn_at_quotas

PREFIX = "lp_"
SESSION_HOURS = 12
GRACE_HOURS = 24
"""Time for which the old secret of a rotated key stays valid by default."""

MOST_KEYS = 100
"""Keys of a tenant that are valid at a time."""
MOST_SESSIONS = 20
"""Sessions of a key at a time."""

_KEY = re.compile(r"lp_([0-9a-f]{12})_([0-9a-f]{64})")
_KEY_ID = re.compile("[0-9a-f]{12}")
_USED_EVERY = timedelta(minutes=1)


class TooManyKeys(Exception):
    """A tenant may have no more keys; says what to do."""


class RefusedKey(Exception):
    """A key is refused; names its owner where that is known."""

    def __init__(self, reason: str, key: ApiKey | None = None) -> None:
        super().__init__(reason)
        self.key = key


@dataclass(frozen=True)
class _Key:
    """Properties of a new key."""

    tenant: str
    name: str
    scope: Scope
    expires_at: datetime | None
    parent_id: str | None = None


def is_key_id(text: str) -> bool:
    """True if a text looks like the id of a key."""
    return _KEY_ID.fullmatch(text) is not None


def create_key(session: Session, tenant: str, wanted: KeyRequest) -> tuple[ApiKey, str]:
    """Add a key to the session's transaction; returns its row and the key itself, which is never shown again. Raises
    `TooManyKeys`."""
    _check_room(session, tenant)
    expires = now() + timedelta(days=wanted.expires_days)
    return _add(session, _Key(tenant, wanted.name, wanted.scope, expires))


def create_session(session: Session, parent: ApiKey) -> tuple[ApiKey, str]:
    """Add a read-only session opened with this key. Sessions that ended long ago are deleted, and so are the oldest of
    the key if it has too many."""
    stored.delete_ended_sessions(session)
    stored.delete_oldest_sessions(session, parent, MOST_SESSIONS - 1)
    ends = _earlier(parent.expires_at, now() + timedelta(hours=SESSION_HOURS))
    return _add(session, _Key(parent.tenant, parent.name, Scope.READ, ends, parent.id))


def rotate_key(session: Session, key: ApiKey, grace_hours: float = GRACE_HOURS) -> tuple[ApiKey, str]:
    """Add a key with the same rights and the same expiry; the old one stays valid for the grace period only. Raises
    `TooManyKeys`."""
    _check_room(session, key.tenant)
    old_ends = key.expires_at
    key.expires_at = _earlier(old_ends, now() + timedelta(hours=grace_hours))
    session.add(key)
    return _add(session, _Key(key.tenant, key.name, key.scope, old_ends))


def revoke_key(session: Session, key: ApiKey) -> None:
    """Revoke a key and its sessions immediately."""
    key.revoked_at = key.revoked_at or now()
    session.add(key)


def find_key(session: Session, tenant: str, key_id: str) -> ApiKey | None:
    """Return the tenant's key of this id; sessions do not count."""
    return stored.find_key(session, tenant, key_id) if is_key_id(key_id) else None


def check_key(session: Session, text: str, *, is_session: bool = False) -> ApiKey:
    """Check a key or session that a caller presents and return its row; raises `RefusedKey`."""
    parts = _KEY.fullmatch(text)
    row = stored.get_key(session, parts[1]) if parts else None
    if parts is None or row is None or not hmac.compare_digest(_hash(parts[2]), row.secret_sha256):
        raise RefusedKey("There is no such key.", row)
    if (row.parent_id is not None) != is_session:
        raise RefusedKey("A session cannot be used as a key, nor a key as a session.", row)
    _check_holds(row)
    if row.parent_id:
        parent = stored.get_key(session, row.parent_id)
        if parent is None:
            raise RefusedKey("The key that opened this session no longer exists.", row)
        _check_holds(parent)
    return row


def caller_of(key: ApiKey) -> Caller:
    """Return the caller that a key stands for."""
    return Caller(key.tenant, key.scope, f"session:{key.parent_id}" if key.parent_id else f"key:{key.id}")


def note_use(session: Session, key: ApiKey) -> None:
    """Record, at most once a minute, that a key was used. A busy database is no error here."""
    moment = now()
    if key.used_at is None or moment - key.used_at >= _USED_EVERY:
        with contextlib.suppress(OperationalError):
            stored.set_used(session, key, moment)
            session.commit()


def _check_room(session: Session, tenant: str) -> None:
    take_turn_at_quotas(session, tenant)
    if stored.count_usable_keys(session, tenant) >= MOST_KEYS:
        raise TooManyKeys(
            f"The tenant {tenant} has {MOST_KEYS} valid keys, which is the most. Revoke one that is no longer needed."
        )


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
