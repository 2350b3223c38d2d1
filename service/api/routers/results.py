"""Results: the plan of a job that has ended, whole or table by table."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from lodeplan.schemas import PlanDocument, Table
from lodeplan.schemas.jobs import ProblemError, TableList
from lodeplan.schemas.plan import TablesDocument
from lodeplan.service.api.dependencies import JobIdOf, SessionOf, TenantOf
from lodeplan.service.api.routers.jobs import find_job
from lodeplan.service.api.streaming import not_modified, stored_json, table_rows
from lodeplan.service.http.csv_text import csv_rows
from lodeplan.service.http.errors import ApiError, invalid_request
from lodeplan.service.http.views import job_path, json_text, table_entry, tagged
from lodeplan.service.kinds import kind_named
from lodeplan.service.storage import Job, as_of_today, get_result, read_document

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "ndjson": "application/x-ndjson"}

router = APIRouter(prefix="/jobs/{job_id}/result", tags=["results"])


@router.get("", response_model=PlanDocument)
def show_result(request: Request, session: SessionOf, tenant: TenantOf, job_id: JobIdOf) -> Response:
    """Return the whole plan: the summary and all tables. It is sent compressed if the client accepts gzip."""
    job = ended_job(session, tenant, job_id)
    tag = _tag(job, "result")
    known = not_modified(request, tag)
    if known:
        return known
    result = get_result(session, job)
    if result is None:
        raise _deleted(job)
    return stored_json(request, as_of_today(kind_named(job.kind).result, result.document_gzip), tag)


@router.get("/tables", response_model=TableList)
def list_tables(request: Request, session: SessionOf, tenant: TenantOf, job_id: JobIdOf) -> Response:
    """List the tables with their columns, units and paths."""
    job = ended_job(session, tenant, job_id)
    entries = [table_entry(job_id, table) for table in stored_document(session, job).tables]
    return tagged(request, json_text(TableList(tables=entries)), "application/json", _tag(job, "tables"))


@router.get(
    "/tables/{name}.{suffix}",
    response_class=Response,
    responses={200: {"content": {media_type: {} for media_type in MEDIA_TYPES.values()}}},
)
def show_table(
    request: Request,
    session: SessionOf,
    tenant: TenantOf,
    job_id: JobIdOf,
    name: str,
    suffix: Literal["csv", "json", "ndjson"],
    bom: Annotated[
        bool, Query(description="Begin a CSV with a byte order mark, so that Excel reads it as UTF-8.")
    ] = False,
) -> Response:
    """Return a table as CSV with a header row, as JSON with titles and units, or as one JSON object per row. In CSV,
    text that could be a formula (it begins with `=`, `+`, `-`, `@`, tab or carriage return) gets an apostrophe in
    front.
    """
    if bom and suffix != "csv":
        detail = f"A byte order mark is possible only in CSV, not in {suffix.upper()}."
        raise invalid_request([ProblemError(pointer="/query/bom", code="bad_bom", detail=detail, value="true")])
    job = ended_job(session, tenant, job_id)
    tag = _tag(job, f"{name}.{suffix}{'-bom' if bom else ''}")
    if not tag.isascii():
        raise _no_table(stored_document(session, job), name)
    known = not_modified(request, tag)
    if known:
        return known
    table = _find_table(stored_document(session, job), name)
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    rows = csv_rows(table, bom=True) if bom else table_rows(table, suffix)
    return StreamingResponse(rows, headers=headers, media_type=MEDIA_TYPES[suffix])


def ended_job(session: Session, tenant: str, job_id: str) -> Job:
    """The tenant's job of this id, which has a result; raises `ApiError` (404, 409)."""
    job = find_job(session, tenant, job_id)
    if kind_named(job.kind).has_members:
        detail = f"A batch has no plan of its own. The results of its jobs are at {job_path(job.id)}/results.ndjson."
        raise ApiError(404, "no-result", detail)
    if not job.state.ended:
        detail = f"The job is {job.state}. Poll the job with ?wait=20 until it has ended."
        raise ApiError(409, "job-not-ended", detail, headers={"retry-after": "1"})
    if job.result_sha256 is None:
        why = f" {job.failure.message}" if job.failure else ""
        raise ApiError(404, "no-result", f"The job is {job.state} and has no result.{why}")
    return job


def stored_document(session: Session, job: Job) -> PlanDocument | TablesDocument:
    """The result of a job that has one; raises `ApiError` (404) if it was deleted meanwhile."""
    document = read_document(session, job)
    if document is None:
        raise _deleted(job)
    return document


def stored_plan(session: Session, job: Job) -> PlanDocument:
    """The plan of a job whose result is one; raises `ApiError` (404) if it is none, or was deleted meanwhile."""
    document = stored_document(session, job)
    if not isinstance(document, PlanDocument):
        raise ApiError(404, "no-result", f"The result of the job {job.id} is no plan.")
    return document


def _deleted(job: Job) -> ApiError:
    return ApiError(404, "job-not-found", f"The job {job.id} was deleted a moment ago.")


def _find_table(document: PlanDocument | TablesDocument, name: str) -> Table:
    for table in document.tables:
        if table.name == name:
            return table
    raise _no_table(document, name)


def _no_table(document: PlanDocument | TablesDocument, name: str) -> ApiError:
    known = ", ".join(table.name for table in document.tables)
    there_is = f"Its tables are: {known}." if known else "The job found no plan, so it has no tables."
    return ApiError(404, "table-not-found", f"The result has no table {name}. {there_is}")


def _tag(job: Job, part: str) -> str:
    # The stored result never changes, so its hash, the part and the version it is brought to say it all; no need to
    # read it for a 304.
    return f'"{(job.result_sha256 or "")[:32]}-{kind_named(job.kind).result.version}-{part}"'
