"""Compressed documents: results of any form and version, as documents or as the bytes that are sent."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Iterator
from typing import Any

from lodeplan.service.kinds import ResultForm
from lodeplan.service.packing import compress

_GZIP = 16 + zlib.MAX_WBITS
_PIECE_BYTES = 256 * 1024
_START = 100
"""Bytes of a document that contain its version."""


def as_of_today(form: ResultForm, document_gzip: bytes) -> bytes:
    """Return the stored document as it is, or one of an older version converted to today's format."""
    if is_of_today(form, document_gzip):
        return document_gzip
    return compress(form.read(gzip.decompress(document_gzip)).model_dump_json(exclude_none=True))


def is_of_today(form: ResultForm, document_gzip: bytes) -> bool:
    """True if a document has today's version."""
    return form.version_of(zlib.decompressobj(_GZIP).decompress(document_gzip, _START)) == form.version


def summary_of(form: ResultForm, document_gzip: bytes) -> Any:
    """The summary of a stored result as plain data; of today's documents the tables are not read."""
    if is_of_today(form, document_gzip):
        return member(document_gzip, "summary")
    return json.loads(form.read(gzip.decompress(document_gzip)).model_dump_json(exclude_none=True))["summary"]


def unpack(stored_gzip: bytes) -> Iterator[bytes]:
    """Decompress a stored document in pieces; raises `ValueError` if the document is truncated."""
    unpacker = zlib.decompressobj(_GZIP)
    piece = unpacker.decompress(stored_gzip, _PIECE_BYTES)
    while piece:
        yield piece
        piece = unpacker.decompress(unpacker.unconsumed_tail, _PIECE_BYTES)
    if not unpacker.eof:
        raise ValueError("a stored document is truncated")


def member(stored_gzip: bytes, name: str) -> object:
    """Read one member of a stored JSON object and nothing after it. The name, in quotes and with a colon, must not
    occur before it.
    """
    text, key = "", json.dumps(name) + ":"
    for piece in codecs.iterdecode(unpack(stored_gzip), "utf-8"):
        text += piece
        begin = text.find(key)
        if begin < 0:
            continue
        begin += len(key)
        try:
            return json.JSONDecoder().raw_decode(text, begin + _spaces(text, begin))[0]
        except ValueError:
            continue
    raise ValueError(f"a stored document has no {name}")


def _spaces(text: str, begin: int) -> int:
    return len(text) - begin - len(text[begin:].lstrip())
