"""Work of `lodeplan keys` and `lodeplan audit`. Access to the database is enough to use them, for all tenants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.access import AuditPage, KeyList, KeyRequest, NewKey, Scope, TenantName
from lodeplan.service import storage
from lodeplan.service.access import Caller, audit, keys
from lodeplan.service.http.views import entry_view, key_view, new_key
from lodeplan.service.settings import Settings
from lodeplan.service.storage import ApiKey
from lodeplan.service.storage.audit import read_audit
from lodeplan.service.storage.keys import get_key
from lodeplan.service.storage.keys import list_keys as stored_keys

_tenant: TypeAdapter[str] = TypeAdapter(TenantName)


def create_key(tenant: str, fields: dict[str, Any]) -> NewKey:
    """Create a key; raises `InvalidInput`."""
    try:
        tenant, wanted = _tenant.validate_python(tenant), KeyRequest.model_validate(fields)
    except ValidationError as error:
        found = [(".".join(map(str, item["loc"])) or "tenant", item) for item in error.errors()]
        raise InvalidInput(
            [InputProblem(code=item["type"], path=path, message=f"{item['msg']}.", value=item["input"])
             for path, item in found]
        ) from None  # fmt: skip
    with _session() as session:
        key, shown = keys.create_key(session, tenant, wanted)
        audit.record(session, "key.create", key.id, f"{key.scope} {key.name}", by=_operator(tenant))
        session.commit()
        return new_key(key, shown)


def list_keys(tenant: str | None) -> KeyList:
    """List the keys of a tenant, or of all tenants."""
    with _session() as session:
        return KeyList(keys=[key_view(key) for key in stored_keys(session, tenant)])


def key_lines(found: KeyList) -> list[str]:
    """Write keys as lines of text."""
    lines = []
    for key in found.keys:
        expires = f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "without end"
        until = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else expires
        used = f"used {key.used_at:%Y-%m-%d %H:%M}" if key.used_at else "never used"
        lines.append(f"{key.id}  {key.tenant:<12} {key.scope:<7} {until:<18} {used:<22} {key.name}")
    return lines


def revoke_key(key_id: str) -> None:
    """Revoke a key; raises `InvalidInput` if it does not exist."""
    with _session() as session:
        key = _find(session, key_id)
        keys.revoke_key(session, key)
        audit.record(session, "key.revoke", key.id, key.name, by=_operator(key.tenant))
        session.commit()


def rotate_key(key_id: str, grace_hours: float) -> NewKey:
    """Create a key to replace another; raises `InvalidInput` if that one does not exist or has ended."""
    with _session() as session:
        key = _find(session, key_id)
        if key.revoked_at or (key.expires_at and key.expires_at <= storage.now()):
            message = "the key was revoked or has expired."
            raise _refuse("key_ended", message, key_id, "Create a new one with `lodeplan keys create`.")
        fresh, shown = keys.rotate_key(session, key, grace_hours)
        audit.record(session, "key.rotate", key.id, f"to {fresh.id}", by=_operator(key.tenant))
        session.commit()
        return new_key(fresh, shown)


def audit_page(tenant: str | None, limit: int) -> AuditPage:
    """Read the latest entries of a tenant, or of all tenants."""
    with _session() as session:
        return AuditPage(entries=[entry_view(entry) for entry in read_audit(session, tenant, limit)])


@contextmanager
def _session() -> Iterator[Session]:
    database = storage.open_database(Settings.from_environment().sqlalchemy_url)
    storage.migrate(database)
    try:
        with storage.open_session(database) as session:
            yield session
    except keys.TooManyKeys as full:
        raise InvalidInput([InputProblem(code="too_many_keys", path="tenant", message=str(full))]) from None
    database.dispose()


def _find(session: Session, key_id: str) -> ApiKey:
    key = get_key(session, key_id) if keys.is_key_id(key_id) else None
    if key is None or key.parent_id:
        raise _refuse("unknown_key", "no such key exists.", key_id, "`lodeplan keys list` shows the ids.")
    return key


def _refuse(code: str, message: str, key_id: str, remedy: str) -> InvalidInput:
    return InvalidInput([InputProblem(code=code, path="key", message=message, value=key_id, remedy=remedy)])


def _operator(tenant: str) -> Caller:
    return Caller(tenant, Scope.ADMIN, "command line")
