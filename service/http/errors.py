"""Errors of the API, each with a stable type, and where in a request they stand. Needs little: processes that check
requests import it too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.jobs import Problem, ProblemError

PREFIX = "urn:lodeplan:problem:"
TITLES = {
    "broken-body": "The body cannot be read",
    "invalid-input": "The input is not valid",
    "invalid-request": "The request is not valid",
    "unsupported-media-type": "The media type is not supported",
    "body-too-large": "The body is too large",
    "job-not-found": "There is no such job",
    "scenario-not-found": "There is no such scenario",
    "table-not-found": "There is no such table",
    "no-result": "The job has no result",
    "no-scenario": "The job has no scenario of its own",
    "no-base": "The job has no shipped base",
    "not-dead": "The job is no dead letter",
    "queue-not-paused": "The queue is not paused",
    "queue-paused": "The queue is paused already",
    "job-not-ended": "The job has not ended",
    "job-ended": "The job has ended",
    "part-of-batch": "The job belongs to a batch",
    "idempotency-key-reused": "The Idempotency-Key was used for another request",
    "queue-full": "The queue is full",
    "webhook-not-found": "There is no such webhook",
    "delivery-not-found": "There is no such delivery",
    "too-many-webhooks": "The tenant has too many webhooks",
    "schedule-not-found": "There is no such schedule",
    "too-many-schedules": "The tenant has too many schedules",
    "too-many-keys": "The tenant has too many keys",
    "not-ready": "The service is not ready",
    "database-unavailable": "The database does not answer",
    "not-authenticated": "The caller is not known",
    "not-allowed": "The caller may not do this",
    "log-in-not-set-up": "Log-in is not set up",
    "log-in-unavailable": "Log-in is unavailable",
    "cross-site": "The request comes from another site",
    "unknown-host": "The host name is not accepted",
    "busy": "The service is busy",
    "too-many-requests": "Too many requests",
    "quota-reached": "A quota is reached",
    "key-not-found": "There is no such key",
    "key-ended": "The key has ended",
    "internal-error": "Internal error of the service",
}
"""Titles by the last part of each problem type. Types of plain HTTP errors are named by their status."""

_PATCH = re.compile(r"patch (\d+)")
"""Text that the loader gives as the file of a value set by a patch."""


_LARGEST = 1e308
_LONGEST_TEXT = 500
_LONGEST_LIST = 20


class ApiError(HTTPException):
    """An error that is answered as a problem; `kind` is a key of `TITLES`. It is an `HTTPException` because FastAPI
    hides all others raised while it reads a body.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        errors: list[ProblemError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers) if headers else None)
        self.problem = Problem(
            type=PREFIX + kind, title=TITLES[kind], status=status, detail=detail, errors=errors or []
        )


def invalid_input(error: InvalidInput, place: str = "") -> ApiError:
    """422 with all problems of an input found at `place`, a JSON pointer, in the request."""
    return all_wrong(errors_of(error, "", place))


def all_wrong(errors: list[ProblemError]) -> ApiError:
    """422 with these errors."""
    count = "1 thing is" if len(errors) == 1 else f"{len(errors)} things are"
    return ApiError(422, "invalid-input", f"{count} wrong with the input.", errors)


def invalid_request(errors: list[ProblemError]) -> ApiError:
    """422 with these errors in parameters, and with those in the body beside them."""
    count = "1 thing is" if len(errors) == 1 else f"{len(errors)} things are"
    return ApiError(422, "invalid-request", f"{count} wrong with the request.", errors)


def errors_of(error: InvalidInput, request: str, scenario: str) -> list[ProblemError]:
    """List the problems of an input by JSON pointer; the request is at `request`, and its scenario at `scenario` within
    it."""
    return [_error_of(problem, request, scenario) for problem in error.problems]


def broken_body(error: InvalidInput) -> ApiError:
    """400 for a body that is not the JSON or YAML that its media type says."""
    first = error.problems[0]
    where = f" (line {first.line})" if first.line else ""
    whole = _error_of(first, "", "").model_copy(update={"pointer": ""})
    return ApiError(400, "broken-body", first.message + where, [whole])


def no_such_job(job_id: str) -> ApiError:
    """404 for an id that no job has."""
    return ApiError(404, "job-not-found", f"No job has the id {job_id}. It may have been deleted.")


def _error_of(problem: InputProblem, request: str, scenario: str) -> ProblemError:
    patch = _PATCH.fullmatch(problem.file or "")
    if patch:
        pointer, detail = f"{request}/patches/{int(patch[1]) - 1}", f"{problem.path}: {problem.message}"
    elif request and not scenario:
        # Its scenario is not written there, but follows from its patches.
        pointer, detail = request, f"{problem.path}: {problem.message}"
    else:
        # The loader names a problem with all of a scenario by the path `scenario`.
        whole = scenario and problem.path == "scenario"
        pointer, detail = request + scenario + ("" if whole else problem.pointer), problem.message
    return ProblemError(
        pointer=pointer,
        code=problem.code,
        detail=detail,
        value=problem.value,
        allowed=problem.allowed,
        remedy=problem.remedy,
        # A line of a shipped file says nothing about the body.
        line=None if problem.file else problem.line,
    )


def shown(value: Any) -> Any:
    """Shorten a value of a request to plain JSON that a problem may quote."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= _LARGEST:
        return value
    if isinstance(value, int):
        return f"an integer of about {value.bit_length() * 3 // 10:,} digits"
    if isinstance(value, list | dict):
        items = list(value.values()) if isinstance(value, dict) else value
        if len(items) > _LONGEST_LIST or any(isinstance(item, list | dict) for item in items):
            return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(items):,}"
        quoted = [shown(item) for item in items]
        return dict(zip((_cut(str(key)) for key in value), quoted, strict=True)) if isinstance(value, dict) else quoted
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def shortened(error: ApiError) -> ApiError:
    """Shorten the values that an error quotes to what is shown of them, so that it can be handed on."""
    errors = [item.model_copy(update={"value": shown(item.value)}) for item in error.problem.errors]
    error.problem = error.problem.model_copy(update={"errors": errors})
    return error


def too_dear(how: str) -> ApiError:
    """413 for a request that would take too much time or memory to check."""
    detail = f"To check this request {how}. Use fewer `*` in paths, fewer patches or jobs, or a smaller scenario."
    return ApiError(413, "body-too-large", detail)
