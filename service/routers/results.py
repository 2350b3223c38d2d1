"""Results: the plan of a job that has ended, whole or table by table."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from schemas import PlanDocument, Table
from schemas.jobs import TableList
from service.dependencies import JobIdOf, SessionOf, TenantOf
from service.problems import ApiError
from service.routers.jobs import PROBLEM, find_job
from service.storage import Job, read_document
from service.views import is_known, json_text, table_csv, table_entry, tagged

router = APIRouter(prefix="/jobs/{job_id}/result", tags=["results"], responses=PROBLEM)


@router.get("", response_model=PlanDocument)
def show_result(request: Request, session: SessionOf, tenant: TenantOf, job_id: JobIdOf) -> Response:
    """Give the whole plan: the summary and all tables."""
    job = _ended(session, tenant, job_id)
    tag = _tag(job, "result")
    text = "" if is_known(request, tag) else json_text(_document(session, job))
    return tagged(request, text, "application/json", tag)


@router.get("/tables", response_model=TableList)
def list_tables(request: Request, session: SessionOf, tenant: TenantOf, job_id: JobIdOf) -> Response:
    """List the tables with their columns, units and paths."""
    job = _ended(session, tenant, job_id)
    entries = [table_entry(job_id, table) for table in _document(session, job).tables]
    return tagged(request, json_text(TableList(tables=entries)), "application/json", _tag(job, "tables"))


@router.get("/tables/{name}.{suffix}", response_class=Response)
def show_table(
    request: Request, session: SessionOf, tenant: TenantOf, job_id: JobIdOf, name: str, suffix: Literal["csv", "json"]
) -> Response:
    """Give a table as CSV, with a row of names, or as JSON with titles and units."""
    job = _ended(session, tenant, job_id)
    tag = _tag(job, f"{name}.{suffix}")
    media_type = "text/csv; charset=utf-8" if suffix == "csv" else "application/json"
    if is_known(request, tag):
        return tagged(request, "", media_type, tag)
    table = _find_table(_document(session, job), name)
    text = table_csv(table) if suffix == "csv" else json_text(table)
    return tagged(request, text, media_type, tag)


def _ended(session: Session, tenant: str, job_id: str) -> Job:
    job = find_job(session, tenant, job_id)
    if not job.state.ended:
        detail = f"The job is {job.state}. Ask for the job with ?wait=20 until it has ended."
        raise ApiError(409, "job-not-ended", detail, headers={"retry-after": "1"})
    if job.result_sha256 is None:
        why = f" {job.failure.message}" if job.failure else ""
        raise ApiError(404, "no-result", f"The job is {job.state}, and has no result.{why}")
    return job


def _document(session: Session, job: Job) -> PlanDocument:
    document = read_document(session, job)
    if document is None:
        raise ApiError(404, "job-not-found", f"The job {job.id} was deleted a moment ago.")
    return document


def _find_table(document: PlanDocument, name: str) -> Table:
    for table in document.tables:
        if table.name == name:
            return table
    known = ", ".join(table.name for table in document.tables)
    raise ApiError(404, "table-not-found", f"The result has no table {name}. It has: {known}.")


def _tag(job: Job, part: str) -> str:
    # The stored result never changes, so its hash and the part say it all; no need to read it for a 304.
    return f'"{(job.result_sha256 or "")[:32]}-{part}"'
