"""The results of a batch: one line a job, in the order of the request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated

import sqlalchemy
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from lodeplan.schemas.jobs import BatchResult
from lodeplan.service import storage
from lodeplan.service.api.dependencies import DatabaseOf, JobIdOf, TenantOf
from lodeplan.service.api.routers.jobs import find_job
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import job_path
from lodeplan.service.kinds import kind_named
from lodeplan.service.storage import Job

MEDIA_TYPE = "application/x-ndjson"

_AT_ONCE = 50

router = APIRouter(tags=["results"])


@router.get(
    "/jobs/{job_id}/results.ndjson",
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {}}, "description": "One `BatchResult` a line."}},
)
def show_batch_results(
    database: DatabaseOf,
    tenant: TenantOf,
    job_id: JobIdOf,
    partial: Annotated[
        bool, Query(description="Answer before the batch has ended too, with the current state of each job.")
    ] = False,
) -> Response:
    """Return the results of a batch: for each job its state and the summary of its plan or its failure, one JSON object
    per line. Before the batch has ended the answer is 409, unless `partial` is set.
    """
    with storage.open_session(database) as session:
        batch = find_job(session, tenant, job_id)
    if not kind_named(batch.kind).has_members:
        raise ApiError(404, "no-result", f"The job is not a batch. Its result is at {job_path(job_id)}/result.")
    if not batch.state.ended and not partial:
        detail = f"The batch is {batch.state}. Wait until it has ended, or add ?partial=true."
        raise ApiError(409, "job-not-ended", detail, headers={"retry-after": "5"})
    return StreamingResponse(_lines(database, batch), media_type=MEDIA_TYPE)


def _lines(database: sqlalchemy.Engine, batch: Job) -> Iterator[str]:
    """Yield the lines in portions, so that a slow client holds no connection to the database."""
    last, number = "", 0
    while True:
        with storage.open_session(database) as session:
            found = storage.results_of_children(session, batch, last, _AT_ONCE)
        if not found:
            return
        for job, document_gzip in found:
            yield _line(number, job, document_gzip)
            last, number = job.id, number + 1


def _line(number: int, job: Job, document_gzip: bytes | None) -> str:
    result = BatchResult(
        number=number,
        id=job.id,
        label=job.label,
        state=job.state,
        scenario_hash=job.scenario_hash,
        termination=job.termination,
        solution=job.solution,
        objective_kusd=job.objective_kusd,
        failure=job.failure,
        result=f"{job_path(job.id)}/result" if document_gzip else None,
    )
    data = result.model_dump(mode="json", exclude_none=True)
    if document_gzip:
        # The plan was checked when it was made.
        data["summary"] = storage.summary_of(kind_named(job.kind).result, document_gzip)
    return json.dumps(data, ensure_ascii=False) + "\n"
