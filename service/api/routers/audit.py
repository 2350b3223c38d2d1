"""The audit log of the caller's tenant."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from lodeplan.schemas.access import AuditPage
from lodeplan.service.api.dependencies import CallerOf, SessionOf
from lodeplan.service.http.views import API, entry_view
from lodeplan.service.storage.audit import read_audit

router = APIRouter(tags=["audit"])

_LARGEST_NUMBER = 2**31 - 1


@router.get("/audit", response_model_exclude_none=True)
def list_entries(
    session: SessionOf,
    caller: CallerOf,
    cursor: Annotated[int | None, Query(ge=1, le=_LARGEST_NUMBER, description="From `next` of a page.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> AuditPage:
    """List audit log entries, latest first; follow `next` for earlier ones."""
    found = read_audit(session, caller.tenant, limit + 1, before=cursor)
    page = found[:limit]
    more = f"{API}/audit?limit={limit}&cursor={page[-1].id}" if len(found) > limit else None
    return AuditPage(entries=[entry_view(entry) for entry in page], next=more)
