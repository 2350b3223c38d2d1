"""Signing in with a key: the browser then holds a session, which reads and does no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qs

import anyio.to_thread
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from lodeplan.service import storage
from lodeplan.service.access import audit, keys
from lodeplan.service.access.callers import COOKIE
from lodeplan.service.access.gate import Access, address_of
from lodeplan.service.api.dependencies import AccessOf
from lodeplan.service.http.errors import ApiError
from lodeplan.service.ui.rendering import page

_LONGEST_FORM = 5_000
_HOME = "/"

router = APIRouter(include_in_schema=False)


def sign_in_page(request: Request, message: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """The form, with 401; after it the browser goes where this request wanted to go."""
    query = request.scope["query_string"].decode("latin-1")
    wanted = request.scope["path"] + (f"?{query}" if query else "")
    return page(request, "sign_in.html", {"message": message, "next": _own_path(wanted)}, 401, headers or {})


@router.get("/sign-in")
def show_sign_in(request: Request) -> Response:
    """The form."""
    return page(request, "sign_in.html", {"message": "", "next": _HOME})


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small form; raises `ApiError`."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise ApiError(415, "unsupported-media-type", "This takes the form of its page.")
    body = bytearray()
    # Anybody may send one: no more of it is kept than is read.
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            raise ApiError(413, "body-too-large", f"The form has {_LONGEST_FORM:,} characters at most.")
    return {name: values[0] for name, values in parse_qs(body.decode("latin-1"), max_num_fields=10).items()}


@router.post("/sign-in")
async def sign_in(request: Request, access: AccessOf, form: Annotated[dict[str, str], Depends(read_form)]) -> Response:
    """Open a session for a key, and go on."""
    access.hold_sign_in(address_of(request))
    try:
        shown, before = form.get("key", "").strip(), request.cookies.get(COOKIE, "")
        session_key = await anyio.to_thread.run_sync(_open_session, access, shown, before)
    except keys.RefusedKey as refused:
        address = address_of(request)
        access.hold_to_rate(f"address:{address}")
        await anyio.to_thread.run_sync(access.note_refusal, refused, address)
        context = {"message": str(refused), "next": _own_path(form.get("next", _HOME))}
        return page(request, "sign_in.html", context, 401)
    access.forget_keys()
    answer = RedirectResponse(_own_path(form.get("next", _HOME)), 303)
    answer.set_cookie(
        COOKIE, session_key, max_age=keys.SESSION_HOURS * 3600, httponly=True, samesite="strict",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


@router.post("/sign-out")
def sign_out(request: Request, access: AccessOf) -> Response:
    """End the session."""
    with storage.open_session(access.database) as session:
        _end_session(session, request.cookies.get(COOKIE, ""))
    access.forget_keys()
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    answer.headers["clear-site-data"] = '"cache", "storage"'
    return answer


def _open_session(access: Access, shown: str, before: str) -> str:
    """Open a session in place of the one before, if the browser has one."""
    with storage.open_session(access.database) as session:
        key = keys.check_key(session, shown)
        _end_session(session, before)
        _, session_key = keys.create_session(session, key)
        audit.record(session, "sign-in", key.id, by=keys.caller_of(key))
        session.commit()
    return session_key


def _end_session(session: Session, shown: str) -> None:
    try:
        key = keys.check_key(session, shown, is_session=True)
    except keys.RefusedKey:
        return
    keys.revoke_key(session, key)
    audit.record(session, "sign-out", key.id, by=keys.caller_of(key))
    session.commit()


def _own_path(wanted: str) -> str:
    """A path of this site, whatever was asked for: never one that leads to another."""
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_own and wanted.isascii() and "\\" not in wanted else _HOME
