"""Streaming of stored documents: compressed as they are stored, or decompressed piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from lodeplan.schemas import Table
from lodeplan.service.http.compression import packed, takes_gzip
from lodeplan.service.http.csv_text import batches, csv_rows
from lodeplan.service.http.views import is_known
from lodeplan.service.storage.plans import unpack


def stored_json(request: Request, stored_gzip: bytes, tag: str) -> Response:
    """Send a stored document as JSON. `tag` is that of the decompressed text; compressed it has a tag of its own."""
    if takes_gzip(request.headers):
        headers = {**document_headers(packed(tag)), "content-encoding": "gzip"}
        return Response(stored_gzip, 200, headers, "application/json")
    return StreamingResponse(unpack(stored_gzip), 200, document_headers(tag), "application/json")


def document_headers(tag: str) -> Mapping[str, str]:
    """Headers of a document that never changes."""
    return {"etag": tag, "cache-control": "private, no-cache", "vary": "Accept-Encoding"}


def not_modified(request: Request, tag: str) -> Response | None:
    """Return 304 if the client holds the document of this tag."""
    return Response(status_code=304, headers=document_headers(tag)) if is_known(request, tag) else None


def table_rows(table: Table, suffix: str) -> Iterator[str]:
    """Yield a table as text in pieces, in the format of the suffix: `csv`, `json` or `ndjson`."""
    match suffix:
        case "csv":
            return csv_rows(table)
        case "json":
            return _json(table)
    return _ndjson(table)


def _json(table: Table) -> Iterator[str]:
    head = table.model_copy(update={"rows": []}).model_dump_json(exclude_none=True, by_alias=True)
    before, found, after = head.rpartition('"rows":[')
    yield before + found
    for number, rows in enumerate(batches(table.rows)):
        yield ("," if number else "") + json.dumps(rows, separators=(",", ":"), ensure_ascii=False)[1:-1]
    yield after


def _ndjson(table: Table) -> Iterator[str]:
    names = [column.name for column in table.columns]
    for rows in batches(table.rows):
        yield "".join(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
