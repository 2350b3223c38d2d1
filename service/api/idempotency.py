"""Idempotency keys: a request that is sent again with its key gets the first answer again."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Header, Request
from sqlmodel import Session

from lodeplan.schemas.jobs import JobView, ProblemError
from lodeplan.service import storage
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import json_text
from lodeplan.service.storage import idempotency as stored

KEY_HEADER = "Idempotency-Key"
_LARGE_BYTES = 500_000
"""Digests of bodies over this are taken in a thread."""
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class KeyedRequest:
    """A request with an idempotency key."""

    tenant: str
    key: str
    body_sha256: str
    kept_for: timedelta | None
    """Time for which a key is remembered; None: for ever."""


async def get_key(
    key: Annotated[
        str | None,
        Header(
            alias=KEY_HEADER,
            description="1 to 255 visible ASCII characters: new for each request, the same when the request is sent "
            "again.",
            json_schema_extra={"pattern": "^[\\x21-\\x7e]{1,255}$"},
        ),
    ] = None,
) -> str | None:
    """Return the key of a request, if it has one; `errors_of_key` was asked before."""
    return key


def errors_of_key(key: str | None) -> list[ProblemError]:
    """The error of a key that is none."""
    if key is None or _KEY.fullmatch(key):
        return []
    detail = "An Idempotency-Key must have 1 to 255 visible ASCII characters. A random UUID is a good choice."
    return [ProblemError(pointer="/header/idempotency-key", code="bad_key", detail=detail, value=key)]


async def keyed(request: Request, tenant: str, key: str | None) -> KeyedRequest | None:
    """Return the request with its key, or None if it has none."""
    if key is None:
        return None
    kind = request.headers.get("content-type", "")
    body = await request.body()
    # What is asked of one job is another request than the same of another.
    of_job = request.path_params.get("job_id", "")
    work = (f"{kind}\n{of_job}".encode(), body)
    body_sha256 = await asyncio.to_thread(_digest, *work) if len(body) > _LARGE_BYTES else _digest(*work)
    hours = request.app.state.settings.keep_idempotency_hours
    kept_for = timedelta(hours=hours) if hours else None
    return KeyedRequest(tenant, key, body_sha256, kept_for)


def _digest(kind: bytes, body: bytes) -> str:
    digest = hashlib.sha256(kind)
    digest.update(body)
    return digest.hexdigest()


def answer_once(session: Session, request: KeyedRequest | None, make: Callable[[], JobView]) -> str:
    """Return the answer, as JSON, that this key got before, or else that of `make`; commits. The key is written first,
    in the transaction that makes the job: of several simultaneous requests all but one wait there and then read the
    answer of that one. Raises `ApiError` (422) if the key was used for another body.
    """
    if request is None:
        text = json_text(make())
        session.commit()
        return text
    if not _take_key(session, request):
        return _known_answer(session, request)
    view = make()
    text = json_text(view)
    stored.set_answer(session, request.tenant, request.key, view.id, text)
    session.commit()
    return text


def find_answer(session: Session, request: KeyedRequest) -> str | None:
    """Return the answer that this key got before, if any; raises `ApiError` (422) as above."""
    found = stored.find_answered(session, request.tenant, request.key)
    if found is None or (request.kept_for and found.created_at < storage.now() - request.kept_for):
        return None
    if found.body_sha256 != request.body_sha256:
        detail = "This Idempotency-Key was used with another body before. A new request needs a new key."
        raise ApiError(422, "idempotency-key-reused", detail)
    return found.answer


def _take_key(session: Session, request: KeyedRequest) -> bool:
    moment = storage.now()
    if request.kept_for:
        stored.free_key(session, request.tenant, request.key, moment - request.kept_for)
    return stored.take_key(session, request.tenant, request.key, request.body_sha256, moment)


def _known_answer(session: Session, request: KeyedRequest) -> str:
    answer = find_answer(session, request)
    if answer is None:
        detail = "The first request with this Idempotency-Key was answered, and its job was deleted a moment ago."
        raise ApiError(422, "idempotency-key-reused", detail)
    return answer
