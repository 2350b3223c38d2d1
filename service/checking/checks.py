"""The checks that processes do: what is sent to one, and what comes back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from lodeplan.scenarios.reading import Document
from lodeplan.service.checking.envelope import Asked, below, read_envelope, read_schedule, too_high_priority
from lodeplan.service.checking.loading import load
from lodeplan.service.checking.origins import shipped_scenario
from lodeplan.service.checking.reading import Language, read_document
from lodeplan.service.http.errors import ApiError, all_wrong
from lodeplan.service.jobs.prepared import BatchSubmission, PreparedSubmission, Submission
from lodeplan.service.packing import compress, tag_of


@dataclass(frozen=True)
class Ask:
    """A body that asks for a job or a batch, as it came."""

    body: bytes
    language: Language
    tenant: str
    max_priority: int | None = None
    """Highest priority that the tenant may ask for; None: any."""


def prepare(ask: Ask) -> PreparedSubmission | BatchSubmission:
    """Load the jobs that a body asks for and prepare them for storing; raises `ApiError` (400, 413, 422) with all
    errors."""
    return _load(ask).prepared()


def validate(ask: Ask) -> str:
    """Validate what a body asks for; returns a `Validation` as JSON. Raises `ApiError` as above."""
    return _load(ask).validation().model_dump_json(exclude_none=True, by_alias=True)


@dataclass(frozen=True)
class PreparedSchedule:
    """A valid request for a schedule."""

    name: str
    cron: str
    zone: str
    request_gzip: bytes
    """The request for its jobs, as compressed JSON."""


def prepare_schedule(ask: Ask) -> PreparedSchedule:
    """Check a request for a schedule and the request for jobs in it; raises `ApiError` (400, 413, 422) with all
    errors of both."""
    document = read_document(ask.body, ask.language)
    wanted, errors = read_schedule(document)
    inner = document.data.get("request")
    if isinstance(inner, dict):
        try:
            asked = read_envelope(Document(inner))
            load(_within_priority(asked, ask.max_priority), ask.tenant)
        except ApiError as error:
            if not error.problem.errors:
                raise
            errors += [below("/request", each) for each in error.problem.errors]
    if errors or wanted is None:
        raise all_wrong(errors)
    text = json.dumps(inner, separators=(",", ":"), ensure_ascii=False)
    return PreparedSchedule(wanted.name, wanted.cron, wanted.zone, compress(text))


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
    asked = read_envelope(read_document(ask.body, ask.language))
    return load(_within_priority(asked, ask.max_priority), ask.tenant)


def _within_priority(asked: Asked, most: int | None) -> Asked:
    """Note an error for a priority that the tenant may not ask for."""
    wanted = asked.wanted.priority if asked.wanted else None
    if most is None or wanted is None or wanted <= most:
        return asked
    return replace(asked, errors=[*asked.errors, too_high_priority(wanted, most)])
