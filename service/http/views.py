"""Jobs, tables, keys and audit entries as clients see them, and the tags by which they know what has not changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from sqlmodel import Session

from lodeplan.schemas import Table
from lodeplan.schemas.access import AuditView, KeyView, NewKey
from lodeplan.schemas.jobs import JobLinks, JobState, JobView, TableEntry
from lodeplan.service.kinds import kind_named
from lodeplan.service.storage import ApiKey, AuditEntry, Job, count_children

API = "/api/v1"


def job_path(job_id: str) -> str:
    """The path of a job."""
    return f"{API}/jobs/{job_id}"


def job_view(session: Session, job: Job) -> JobView:
    """A job as a client sees it."""
    return job_views(session, [job])[0]


def job_views(session: Session, jobs: Sequence[Job]) -> list[JobView]:
    """Jobs as a client sees them."""
    counts = count_children(session, [job for job in jobs if kind_named(job.kind).has_members])
    return [_view(job, counts.get(job.id)) for job in jobs]


def _view(job: Job, counts: dict[JobState, int] | None) -> JobView:
    fields: dict[str, Any] = {name: getattr(job, name) for name in _STORED}
    # The row was checked when it was written; to check it again takes longer than all else in a poll.
    warnings, count = (job.warned.first, job.warned.count) if job.warned else ([], 0)
    return JobView.model_construct(**fields, warnings=warnings, warnings_count=count, counts=counts, links=_links(job))


_STORED = [name for name in JobView.model_fields if name not in ("links", "counts", "warnings", "warnings_count")]


def _links(job: Job) -> JobLinks:
    path = job_path(job.id)
    is_batch = kind_named(job.kind).has_members
    return JobLinks.model_construct(
        self=path,
        page=f"/runs/{job.id}",
        log=f"{path}/log",
        events=f"{path}/events",
        stop=f"{path}:stop",
        cancel=f"{path}:cancel",
        scenario=None if is_batch else f"{path}/scenario",
        changes=f"{path}/changes",
        rerun=None if is_batch else f"{path}:rerun",
        result=None if is_batch else f"{path}/result",
        tables=None if is_batch else f"{path}/result/tables",
        jobs=f"{API}/jobs?parent={job.id}" if is_batch else None,
        results=f"{path}/results.ndjson" if is_batch else None,
        parent=job_path(job.parent_id) if job.parent_id else None,
    )


def key_view(key: ApiKey) -> KeyView:
    """A key as a client sees it."""
    return KeyView.model_validate(key.model_dump(include=set(KeyView.model_fields)))


def new_key(key: ApiKey, shown: str) -> NewKey:
    """A new key with its secret."""
    return NewKey(**key.model_dump(include=set(KeyView.model_fields)), key=shown)


def entry_view(entry: AuditEntry) -> AuditView:
    """An entry as a client sees it."""
    return AuditView.model_validate(entry.model_dump(include=set(AuditView.model_fields)))


def table_entry(job_id: str, table: Table) -> TableEntry:
    """Describe a table: its contents and the paths to read it from."""
    path = f"{job_path(job_id)}/result/tables/{table.name}"
    return TableEntry(
        name=table.name,
        title=table.title,
        columns=table.columns,
        rows=len(table.rows),
        note=table.note,
        csv=f"{path}.csv",
        json=f"{path}.json",
        ndjson=f"{path}.ndjson",
    )


def json_text(model: BaseModel) -> str:
    """A model as JSON, without its empty fields, with the names that clients see."""
    return model.model_dump_json(exclude_none=True, by_alias=True)


def is_known(request: Request, tag: str) -> bool:
    """True if the client holds this version already."""
    held = request.headers.get("if-none-match", "")
    return held.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in held.split(","))


def tagged(request: Request, text: str, media_type: str, tag: str) -> Response:
    """Answer with the text and its tag, or with 304 if the client holds it already."""
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(text, media_type=media_type, headers=headers)
