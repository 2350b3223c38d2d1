"""Jobs and tables as clients see them, and the tags by which they know that nothing has changed."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from schemas import Table
from schemas.jobs import JobLinks, JobView, TableEntry
from service.storage import Job

API = "/api/v1"


def job_path(job_id: str) -> str:
    """The path of a job."""
    return f"{API}/jobs/{job_id}"


def job_view(job: Job) -> JobView:
    """A job as a client sees it."""
    fields: dict[str, Any] = {name: getattr(job, name) for name in JobView.model_fields if name != "links"}
    return JobView(**fields, links=_links(job.id))


def _links(job_id: str) -> JobLinks:
    path = job_path(job_id)
    return JobLinks(
        self=path,
        page=f"/runs/{job_id}",
        log=f"{path}/log",
        stop=f"{path}:stop",
        cancel=f"{path}:cancel",
        result=f"{path}/result",
        tables=f"{path}/result/tables",
    )


def table_entry(job_id: str, table: Table) -> TableEntry:
    """Where to read a table, and what is in it."""
    path = f"{job_path(job_id)}/result/tables/{table.name}"
    return TableEntry(
        name=table.name,
        title=table.title,
        columns=table.columns,
        rows=len(table.rows),
        csv=f"{path}.csv",
        json=f"{path}.json",
    )


def table_csv(table: Table) -> str:
    """A table as CSV (RFC 4180): a row of names, then the rows; what is absent is empty."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.name for column in table.columns])
    writer.writerows(table.rows)
    return text.getvalue()


def json_text(model: BaseModel) -> str:
    """A model as JSON, without its empty fields, with the names that clients see."""
    return model.model_dump_json(exclude_none=True, by_alias=True)


def tag_of(text: str) -> str:
    """A strong entity tag of this text."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client says that it holds this."""
    held = request.headers.get("if-none-match", "")
    return held.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in held.split(","))


def tagged(request: Request, text: str, media_type: str, tag: str) -> Response:
    """The text with its tag, or 304 if the client holds it."""
    headers = {"etag": tag, "cache-control": "no-cache"}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(text, media_type=media_type, headers=headers)
