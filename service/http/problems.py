"""Errors of the API, as RFC 9457 has them: `application/problem+json` with a stable type."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from lodeplan.scenarios.reading import in_words
from lodeplan.schemas import InputProblem
from lodeplan.schemas.jobs import Problem, ProblemError
from lodeplan.schemas.problems import join_path
from lodeplan.service.http.errors import PREFIX, ApiError, invalid_request, shown
from lodeplan.service.http.headers import API_HEADERS
from lodeplan.service.storage import OUTAGES
from lodeplan.service.telemetry.requests import CANCELLED

API_PATH = "/api/"
"""Programs call the paths below it, also from a browser: they get data, not pages."""

ProblemPage = Callable[[Request, Problem, Mapping[str, str] | None], Response]

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
"""Time after which an unavailable database may be back."""

log = structlog.get_logger(__name__)


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
        | ({"value": shown(error.value)} if error.value is not None else {})
        for error in problem.errors
    ]
    content = {name: value for name, value in problem if value is not None and name != "errors"}
    return _ProblemResponse(content | ({"errors": errors} if errors else {}), problem.status, headers)


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
    app.add_exception_handler(ClientDisconnect, _on_leaving)
    for kind in OUTAGES:
        app.add_exception_handler(kind, _on_outage)
    app.add_exception_handler(Exception, _on_any_error)


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


async def _on_leaving(_request: Request, _error: Exception) -> Response:
    """The client left before the body was there: nobody's fault here, and nobody reads the answer."""
    return Response(status_code=CANCELLED)


async def _on_any_error(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=error)
    detail = "The service had an internal error; its log has the details. It continues to run."
    problem = ApiError(500, "internal-error", detail).problem
    # This answer passes no middleware, so it brings its headers itself.
    headers = {"x-request-id": request.state.request_id} if hasattr(request.state, "request_id") else {}
    problem = problem.model_copy(update={"instance": request.url.path})
    # A page has the headers of pages instead.
    return answer_problem(request, problem, headers if wants_page(request) else API_HEADERS | headers)
