"""Two plans side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator
from sqlmodel import Session

from lodeplan.optimizer import Plan
from lodeplan.optimizer.studies.compare import compare
from lodeplan.schemas.comparison import Comparison
from lodeplan.schemas.types import refused
from lodeplan.service.api.dependencies import SessionOf, TenantOf
from lodeplan.service.api.routers.results import ended_job, stored_plan
from lodeplan.service.http.errors import no_such_job
from lodeplan.service.http.views import json_text, tagged
from lodeplan.service.packing import tag_of
from lodeplan.service.storage import is_job_id, read_scenario

router = APIRouter(tags=["results"])


def _checked_pair(run: list[str]) -> list[str]:
    if len(run) != 2:
        raise refused("bad_run", f"A comparison takes two runs, `run=A&run=B`, and not {len(run)}.")
    return run


@router.get("/comparisons", response_model=Comparison)
def show_comparison(
    request: Request,
    session: SessionOf,
    tenant: TenantOf,
    run: Annotated[
        list[str],
        Query(description="Ids of two jobs that have results, the earlier plan first."),
        AfterValidator(_checked_pair),
    ],
) -> Response:
    """Say what differs between the plans of two jobs, and why, in sentences and in tables."""
    first, second = (_plan(session, tenant, job_id) for job_id in run)
    text = json_text(compare(first, second))
    return tagged(request, text, "application/json", tag_of(text))


def _plan(session: Session, tenant: str, job_id: str) -> Plan:
    """The plan of a job; raises `ApiError` (404, 409)."""
    if not is_job_id(job_id):
        raise no_such_job(job_id)
    job = ended_job(session, tenant, job_id)
    document = stored_plan(session, job)
    return Plan.from_document(document, read_scenario(session, job))
