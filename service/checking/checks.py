"""The checks that processes do: what is sent to one, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

from lodeplan.service.checking.envelope import read_envelope
from lodeplan.service.checking.loading import load, shipped_scenario
from lodeplan.service.checking.reading import Language, read_document
from lodeplan.service.jobs.prepared import BatchSubmission, PreparedSubmission, Submission
from lodeplan.service.packing import compress, tag_of


@dataclass(frozen=True)
class Ask:
    """A body that asks for a job or a batch, as it came."""

    body: bytes
    language: Language
    tenant: str


def prepare(ask: Ask) -> PreparedSubmission | BatchSubmission:
    """Load the jobs that a body asks for and prepare them for storing; raises `ApiError` (400, 413, 422) with all
    errors."""
    return _load(ask).prepared()


def validate(ask: Ask) -> str:
    """Validate what a body asks for; returns a `Validation` as JSON. Raises `ApiError` as above."""
    return _load(ask).validation().model_dump_json(exclude_none=True, by_alias=True)


@dataclass(frozen=True)
class ReadyText:
    """A text as it is sent: compressed, and with the tag of its other form."""

    gzip: bytes
    tag: str


def shipped_scenario_text(name: str) -> ReadyText:
    """A shipped scenario in full as JSON, to be changed and sent back; raises `InvalidInput` if none has that name."""
    text = shipped_scenario(name).model_dump_json(by_alias=True)
    return ReadyText(compress(text), tag_of(text))


def _load(ask: Ask) -> Submission | BatchSubmission:
    return load(read_envelope(read_document(ask.body, ask.language)), ask.tenant)
