"""API keys of the caller's tenant: create, show, rotate, revoke."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from lodeplan.schemas.access import KeyList, KeyRequest, KeyView, NewKey
from lodeplan.service import storage
from lodeplan.service.access import Caller, audit, keys
from lodeplan.service.api.bodies import errors_in, read_body
from lodeplan.service.api.dependencies import AccessOf, CallerOf, SessionOf
from lodeplan.service.api.openapi import body_of
from lodeplan.service.api.query_parameters import body_checked_by
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import API, key_view, new_key
from lodeplan.service.storage import ApiKey
from lodeplan.service.storage import keys as stored

router = APIRouter(prefix="/keys", tags=["keys"])


async def read_wanted(request: Request) -> KeyRequest:
    """Read the key that the body asks for; raises `ApiError`."""
    return await read_body(request, KeyRequest)


WantedOf = Annotated[KeyRequest, Depends(read_wanted)]


@router.get("", response_model_exclude_none=True)
def list_keys(session: SessionOf, caller: CallerOf) -> KeyList:
    """List the keys, newest first, including revoked and expired ones, without their secrets."""
    return KeyList(keys=[key_view(key) for key in stored.list_keys(session, caller.tenant)])


@router.post("", status_code=201, response_model_exclude_none=True, openapi_extra=body_of(KeyRequest))
@body_checked_by(errors_in(KeyRequest))
def create_key(wanted: WantedOf, response: Response, session: SessionOf, caller: CallerOf) -> NewKey:
    """Create a key. Only this answer shows it."""
    with _room_or_409():
        key, shown = keys.create_key(session, caller.tenant, wanted)
    audit.record(session, "key.create", key.id, f"{key.scope} {key.name}")
    session.commit()
    response.headers["location"] = f"{API}/keys/{key.id}"
    return new_key(key, shown)


@router.get("/{key_id}", response_model_exclude_none=True)
def show_key(key_id: str, session: SessionOf, caller: CallerOf) -> KeyView:
    """Show a key without its secret."""
    return key_view(find_key(session, caller, key_id))


@router.delete("/{key_id}", status_code=204)
def revoke_key(key_id: str, session: SessionOf, caller: CallerOf, access: AccessOf) -> None:
    """Revoke a key and the sessions opened with it. It stays in the list."""
    key = find_key(session, caller, key_id)
    keys.revoke_key(session, key)
    audit.record(session, "key.revoke", key.id, key.name)
    session.commit()
    access.forget_keys()


@router.post("/{key_id}:rotate", status_code=201, response_model_exclude_none=True)
def rotate_key(key_id: str, response: Response, session: SessionOf, caller: CallerOf) -> NewKey:
    """Create a key with the same rights; the old one stays valid for another 24 hours."""
    key = find_key(session, caller, key_id)
    if key.revoked_at or (key.expires_at and key.expires_at <= storage.now()):
        raise ApiError(409, "key-ended", "The key was revoked or has expired. Create a new one.")
    with _room_or_409():
        fresh, shown = keys.rotate_key(session, key)
    audit.record(session, "key.rotate", key.id, f"to {fresh.id}")
    session.commit()
    response.headers["location"] = f"{API}/keys/{fresh.id}"
    return new_key(fresh, shown)


@contextmanager
def _room_or_409() -> Iterator[None]:
    try:
        yield
    except keys.TooManyKeys as full:
        raise ApiError(409, "too-many-keys", str(full)) from None


def find_key(session: Session, caller: Caller, key_id: str) -> ApiKey:
    """Return a key of the caller's tenant; raises `ApiError` (404), also for one of another tenant."""
    key = keys.find_key(session, caller.tenant, key_id)
    if key is None:
        raise ApiError(404, "key-not-found", f"No key has the id {key_id}.")
    return key
