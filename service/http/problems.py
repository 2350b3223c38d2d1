"""Errors of the API, as RFC 9457 has them: `application/problem+json` with a stable type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from lodeplan.scenarios.reading import in_words
from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.jobs import Problem, ProblemError
from lodeplan.schemas.problems import join_path
from lodeplan.service.http.headers import API_HEADERS
from lodeplan.service.storage import OUTAGES

API_PATH = "/api/"
"""Programs call the paths below it, also from a browser: they get data, not pages."""

ProblemPage = Callable[[Request, Problem, Mapping[str, str] | None], Response]

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:lodeplan:problem:"
RETRY_AFTER_S = 5
"""Time after which an unavailable database may be back."""

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
    "job-not-ended": "The job has not ended",
    "job-ended": "The job has ended",
    "part-of-batch": "The job belongs to a batch",
    "idempotency-key-reused": "The Idempotency-Key was used for another request",
    "queue-full": "The queue is full",
    "webhook-not-found": "There is no such webhook",
    "delivery-not-found": "There is no such delivery",
    "too-many-webhooks": "The tenant has too many webhooks",
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

log = structlog.get_logger(__name__)


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


class _ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        # What a client sent may hold half characters, which UTF-8 cannot write.
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Build the response of a problem."""
    # Not dumped by pydantic: it refuses half characters.
    errors = [
        {name: value for name, value in error if value is not None}
        | ({"value": _shown(error.value)} if error.value is not None else {})
        for error in problem.errors
    ]
    content = {name: value for name, value in problem if value is not None and name != "errors"}
    return _ProblemResponse(content | ({"errors": errors} if errors else {}), problem.status, headers)


def _shown(value: Any) -> Any:
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
        shown = [_shown(item) for item in items]
        return dict(zip((_cut(str(key)) for key in value), shown, strict=True)) if isinstance(value, dict) else shown
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def invalid_input(error: InvalidInput, place: str = "") -> ApiError:
    """422 with all problems of an input found at `place`, a JSON pointer, in the request."""
    return all_wrong(errors_of(error, "", place))


def all_wrong(errors: list[ProblemError]) -> ApiError:
    """422 with these errors."""
    count = "1 thing is" if len(errors) == 1 else f"{len(errors)} things are"
    return ApiError(422, "invalid-input", f"{count} wrong with the input.", errors)


def invalid_request(errors: list[ProblemError]) -> ApiError:
    """422 with these errors in parameters."""
    return ApiError(422, "invalid-request", "A parameter of the request is not valid.", errors)


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


def wants_page(request: Request) -> bool:
    """True if a browser asks for a page, false if a program asks for data."""
    return (
        "text/html" in request.headers.get("accept", "")
        and request.method in ("GET", "HEAD")
        and not request.scope["path"].startswith(API_PATH)
    )


def install(app: FastAPI, problem_page: ProblemPage) -> None:
    """Answer every error of the app as a problem, or with the page that `problem_page` makes if a browser asked for a
    page."""
    app.state.problem_page = problem_page
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    for kind in OUTAGES:
        app.add_exception_handler(kind, _on_outage)
    app.add_exception_handler(Exception, _on_any_error)


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


def answer_problem(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a problem as data, or as a page in a browser."""
    if wants_page(request):
        page: ProblemPage = request.app.state.problem_page
        try:
            return page(request, problem, headers)
        except Exception as error:  # A page that breaks must not hide what was wrong.
            log.error("the page of a problem failed", path=request.url.path, exc_info=error)
    return problem_response(problem, headers)


async def _on_api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    problem = error.problem.model_copy(update={"instance": request.url.path})
    return answer_problem(request, problem, error.headers)


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    problem = Problem(
        type=PREFIX + phrase.lower().replace(" ", "-"),
        title=phrase,
        status=error.status_code,
        detail=str(error.detail),
        instance=request.url.path,
    )
    return answer_problem(request, problem, error.headers)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [error_of_parameter(item) for item in error.errors()]
    problem = invalid_request(errors).problem
    return answer_problem(request, problem.model_copy(update={"instance": request.url.path}))


def error_of_parameter(item: Mapping[str, Any]) -> ProblemError:
    """The error of pydantic in a query, a header or a path, by its place in the request."""
    code, message, allowed, remedy = in_words(item)
    where = InputProblem(code=code, path=join_path(item["loc"]), message=message)
    value = None if item["type"] == "missing" else item.get("input")
    return ProblemError(pointer=where.pointer, code=code, detail=message, value=value, allowed=allowed, remedy=remedy)


async def _on_outage(request: Request, error: Exception) -> Response:
    log.error("the database is unavailable", path=request.url.path, error=str(error))
    detail = "The database does not answer or is full. No accepted job is lost; try again soon."
    problem = ApiError(503, "database-unavailable", detail).problem
    problem = problem.model_copy(update={"instance": request.url.path})
    return answer_problem(request, problem, {"retry-after": str(RETRY_AFTER_S)})


async def _on_any_error(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=error)
    detail = "The service had an internal error; its log has the details. It continues to run."
    problem = ApiError(500, "internal-error", detail).problem
    # This answer passes no middleware, so it brings its headers itself.
    headers = {"x-request-id": request.state.request_id} if hasattr(request.state, "request_id") else {}
    problem = problem.model_copy(update={"instance": request.url.path})
    # A page has the headers of pages instead.
    return answer_problem(request, problem, headers if wants_page(request) else API_HEADERS | headers)
