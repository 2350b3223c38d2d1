"""Bodies of requests: limited in size before anything reads them, then parsed by media type."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lodeplan.scenarios.reading import Document, NoText, parse_json, parse_yaml, text_of
from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.service.api.envelope import Asked, problems_of, read_envelope
from lodeplan.service.http.problems import ApiError, broken_body, invalid_input, problem_response
from lodeplan.service.storage.unstorable_text import unstorable_text

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")

MEGABYTE = 1_000_000
YAML_LIMIT_MB = 2
"""YAML takes some 100 times as long to read as JSON of the same size; larger scenarios must be sent as JSON."""

MAX_VALUES = {"json": 1_000_000, "yaml": 100_000}
"""Most values in a body, counted by the separators between them. Each takes some hundred bytes once read, in YAML also
0.1 ms."""
LARGE_MB = 0.1
LARGE_AT_ONCE = 2
"""Most large bodies that may be processed at the same time; only those over `LARGE_MB` count."""
VALUES_AT_ONCE = 3 * MAX_VALUES["json"]
"""Most values in all bodies being processed together; a value in YAML counts as ten."""

_DRAIN_S = 5.0
_TAKE_VALUES = "lodeplan.take_values"
"""Key of the request scope under which the values of its body are counted until it is answered."""
_PARSERS = {
    "application/json": parse_json,
    "application/yaml": parse_yaml,
    "application/x-yaml": parse_yaml,
    "text/yaml": parse_yaml,
}


class BodyLimit:
    """Middleware that answers 413 to bodies over a limit, with or without Content-Length, without keeping them in
    memory."""

    def __init__(self, app: ASGIApp, limit_mb: float) -> None:
        self.app = app
        self.limit_mb = limit_mb
        self.limit_bytes = int(limit_mb * MEGABYTE)
        self.large_bytes_in_work = 0
        self.values_in_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse bodies announced as too large; count the others as they arrive."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            await self._refuse(_compressed(), scope, receive, send)
            return
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self.limit_bytes:
            # A client that waits for `100 Continue` has sent nothing yet.
            if b"expect" not in headers:
                await _drain(receive)
            await self._refuse(self._error(), scope, receive, send)
            return
        received = large = 0

        async def counted() -> Message:
            nonlocal received, large
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit_bytes:
                if message.get("more_body"):
                    await _drain(receive)
                raise self._error()
            if received > LARGE_MB * MEGABYTE:
                self.large_bytes_in_work += received - large
                large = received
                if self.large_bytes_in_work > LARGE_AT_ONCE * self.limit_bytes:
                    raise _busy()
            return message

        values = 0

        def take_values(count: int) -> None:
            nonlocal values
            if self.values_in_work + count > VALUES_AT_ONCE:
                raise _busy()
            values += count
            self.values_in_work += count

        scope[_TAKE_VALUES] = take_values
        try:
            await self.app(scope, counted, send)
        finally:
            self.large_bytes_in_work -= large
            self.values_in_work -= values

    async def _refuse(self, error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
        problem = error.problem.model_copy(update={"instance": scope["path"]})
        await problem_response(problem, error.headers)(scope, receive, send)

    def _error(self) -> ApiError:
        detail = f"The body is larger than {self.limit_mb:g} MB. LODEPLAN_MAX_BODY_MB sets the limit."
        return ApiError(413, "body-too-large", detail, headers={"connection": "close"})


def _compressed() -> ApiError:
    # A few bytes can unpack to more than a machine holds.
    detail = "Compressed bodies are not accepted. Send the body without Content-Encoding."
    return ApiError(415, "unsupported-media-type", detail, headers={"accept-encoding": "identity"})


def _busy() -> ApiError:
    detail = "The service is processing other large requests, or very many. Send this one again in a while."
    return ApiError(503, "busy", detail, headers={"retry-after": "10", "connection": "close"})


async def _drain(receive: Receive) -> None:
    """Read and discard what a client sends for a while: cut off in the middle it would only see a broken connection."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass


async def read_job_request(request: Request) -> Asked:
    """Read the job or batch that a body asks for, and the errors in its envelope; raises `ApiError` if it cannot be
    parsed."""
    return await _parsed(request, read_envelope)


async def read_body(request: Request, model: type[Model]) -> Model:
    """Read a body as this model; raises `ApiError`."""

    def validated(document: Document) -> Model:
        try:
            return model.model_validate(document.data)
        except ValidationError as error:
            raise invalid_input(InvalidInput(problems_of(document, model, error))) from None

    return await _parsed(request, validated)


async def _parsed(request: Request, make: Callable[[Document], T]) -> T:
    """Parse the document in a body, in a thread; raises `ApiError`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    parse = _PARSERS.get(media_type)
    if parse is None:
        found = f"Its media type is {media_type}." if media_type else "The request has no Content-Type."
        accepted = ", ".join(_PARSERS)
        raise ApiError(
            415, "unsupported-media-type", f"The body must be JSON or YAML. {found}", headers={"accept-post": accepted}
        )
    body = await request.body()
    language = "yaml" if parse is parse_yaml else "json"
    if parse is parse_yaml and len(body) > YAML_LIMIT_MB * MEGABYTE:
        detail = f"A YAML body may have at most {YAML_LIMIT_MB} MB. JSON may be larger, and is read faster."
        raise ApiError(413, "body-too-large", detail)
    values = await asyncio.to_thread(_count_values, body, language)
    request.scope[_TAKE_VALUES](values * MAX_VALUES["json"] // MAX_VALUES[language])
    return await asyncio.to_thread(lambda: make(_read(parse, body)))


def _read(parse: Any, body: bytes) -> Document:
    try:
        document: Document = parse(_text(body))
    except InvalidInput as error:
        raise broken_body(error) from None
    # JSON that escapes nothing holds no such text, and looking through a large body takes as long as reading it.
    may_hold = parse is not parse_json or b"\\u" in body
    problems = document.problems + (unstorable_text(document.data) if may_hold else [])
    if problems:
        raise invalid_input(InvalidInput(problems))
    return document


def _count_values(body: bytes, language: str) -> int:
    """Estimate the number of values in a body, including those of lists in text (`CHN; RUS`); raises `ApiError` (413)
    if there are so many that they need far more memory and time than its size suggests."""
    signs = b",[{;" if language == "json" else b",[{;:\n"
    values = sum(map(body.count, (bytes([sign]) for sign in signs)))
    if values > MAX_VALUES[language]:
        detail = f"The body has about {values:,} values; {language.upper()} may have at most {MAX_VALUES[language]:,}."
        raise ApiError(413, "body-too-large", detail)
    return values


def _text(body: bytes) -> str:
    try:
        return text_of(body, may_be_wide=False)
    except NoText as error:
        problem = InputProblem(
            code=error.code, path="scenario", message=str(error).replace("this is", "the body is", 1), line=error.line,
            remedy=error.remedy,
        )  # fmt: skip
        raise InvalidInput([problem]) from None
