"""Bodies of requests: limited in size before anything reads them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lodeplan.schemas import InvalidInput
from lodeplan.schemas.jobs import ProblemError
from lodeplan.service.access import CALLER, Caller
from lodeplan.service.checking.checks import Ask
from lodeplan.service.checking.envelope import problems_of
from lodeplan.service.checking.reading import Language, read_document
from lodeplan.service.http.errors import ApiError, invalid_input
from lodeplan.service.http.problems import problem_response

Model = TypeVar("Model", bound=BaseModel)

MEGABYTE = 1_000_000
YAML_LIMIT_MB = 2
"""YAML takes some 100 times as long to read as JSON of the same size; larger scenarios must be sent as JSON."""

LARGE_MB = 0.1
LARGE_AT_ONCE = 4
"""Most bodies of the largest size that may be in work at the same time; only those over `LARGE_MB` count."""
LARGE_OF_ONE = 2
"""Most of these of one tenant."""
SMALL_KB = 100
"""Largest body of a request that asks for no job, or whose sender is not known, kB."""

_DRAIN_S = 5.0
_LANGUAGES: dict[str, Language] = {
    "application/json": "json",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
}


class Uploads:
    """Bytes of large bodies that are being received or processed, in all and of each caller."""

    def __init__(self, limit_bytes: int) -> None:
        self._of_all, self._of_one = LARGE_AT_ONCE * limit_bytes, LARGE_OF_ONE * limit_bytes
        self.bytes_of = Counter[str]()

    def add(self, who: str, count: int) -> None:
        """Count bytes; raises `ApiError`: 429 if the caller has too many, 503 if all have."""
        if self.bytes_of[who] + count > self._of_one:
            raise _too_many()
        if self.bytes_of.total() + count > self._of_all:
            raise _busy()
        self.bytes_of[who] += count

    def forget(self, who: str, count: int) -> None:
        """Bytes have been processed."""
        self.bytes_of[who] -= count
        if self.bytes_of[who] <= 0:
            del self.bytes_of[who]


class BodyLimit:
    """Middleware that answers 413 to bodies over a limit, with or without Content-Length, without keeping them in
    memory. Who is not known may send small ones only. Large ones are counted by tenant, by their announced length
    before they are read."""

    def __init__(self, app: ASGIApp, limit_mb: float) -> None:
        self.app = app
        self.limit_mb = limit_mb
        self.limit_bytes = int(limit_mb * MEGABYTE)
        self.uploads = Uploads(self.limit_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse bodies announced as too large; count the others as they arrive."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        caller: Caller | None = scope.get(CALLER)
        body = _Body(self, caller.tenant if caller else None)
        try:
            body.announce(dict(scope["headers"]))
        except ApiError as error:
            # A client that waits for `100 Continue` has sent nothing yet.
            if error.status_code != 415 and b"expect" not in dict(scope["headers"]):
                await _drain(receive)
            problem = error.problem.model_copy(update={"instance": scope["path"]})
            await problem_response(problem, error.headers)(scope, receive, send)
            return

        async def counted() -> Message:
            message = await receive()
            try:
                body.add(len(message.get("body", b"")))
            except ApiError as error:
                if error.status_code == 413 and message.get("more_body"):
                    await _drain(receive)
                raise
            return message

        try:
            await self.app(scope, counted, send)
        finally:
            body.forget()


class _Body:
    """A body on its way, of this tenant, or of somebody who is not known."""

    def __init__(self, limit: BodyLimit, tenant: str | None) -> None:
        self._uploads, self._tenant = limit.uploads, tenant
        known = f"The body is larger than {limit.limit_mb:g} MB. LODEPLAN_MAX_BODY_MB sets the limit."
        self._most = limit.limit_bytes if tenant else SMALL_KB * 1000
        self._detail = known if tenant else f"The body may have at most {SMALL_KB} kB without a key or token."
        self._received = self._taken = 0

    def announce(self, headers: dict[bytes, bytes]) -> None:
        """Count what is announced; raises `ApiError` (413, 415, 429, 503)."""
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise _compressed()
        length = headers.get(b"content-length", b"")
        if length.isdigit():
            self._take(int(length))

    def add(self, count: int) -> None:
        """Count what came; raises `ApiError` (413, 429, 503)."""
        self._received += count
        self._take(self._received)

    def forget(self) -> None:
        """It has been processed."""
        if self._tenant and self._taken:
            self._uploads.forget(self._tenant, self._taken)

    def _take(self, length: int) -> None:
        if length > self._most:
            raise ApiError(413, "body-too-large", self._detail, headers={"connection": "close"})
        if self._tenant and length > max(LARGE_MB * MEGABYTE, self._taken):
            self._uploads.add(self._tenant, length - self._taken)
            self._taken = length


def _compressed() -> ApiError:
    # A few bytes can unpack to more than a machine holds.
    detail = "Compressed bodies are not accepted. Send the body without Content-Encoding."
    return ApiError(415, "unsupported-media-type", detail, headers={"accept-encoding": "identity"})


def _too_many() -> ApiError:
    detail = "Other large requests of this tenant are being processed. Send this one again in a while."
    return ApiError(429, "too-many-requests", detail, headers={"retry-after": "10", "connection": "close"})


def _busy() -> ApiError:
    detail = "The service is processing other large requests. Send this one again in a while."
    return ApiError(503, "busy", detail, headers={"retry-after": "10", "connection": "close"})


async def _drain(receive: Receive) -> None:
    """Read and discard what a client sends for a while: cut off in the middle it would only see a broken connection."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass


async def read_ask(request: Request, tenant: str) -> Ask:
    """Read the body of a request for jobs, for a process to check; raises `ApiError` (413, 415)."""
    language = _language_of(request)
    body = await request.body()
    if language == "yaml" and len(body) > YAML_LIMIT_MB * MEGABYTE:
        detail = f"A YAML body may have at most {YAML_LIMIT_MB} MB. JSON may be larger, and is read faster."
        raise ApiError(413, "body-too-large", detail)
    return Ask(body, language, tenant)


async def read_body(request: Request, model: type[Model]) -> Model:
    """Read a small body as this model; raises `ApiError`."""
    language = _language_of(request)
    body = await request.body()
    if len(body) > SMALL_KB * 1000:
        raise ApiError(413, "body-too-large", f"The body of this request may have at most {SMALL_KB} kB.")

    def validated() -> Model:
        document = read_document(body, language)
        try:
            return model.model_validate(document.data)
        except ValidationError as error:
            raise invalid_input(InvalidInput(problems_of(document, model, error))) from None

    return await asyncio.to_thread(validated)


def errors_in(model: type[BaseModel]) -> Callable[[Request], Awaitable[list[ProblemError]]]:
    """A function that finds the errors in a small body that should be this model."""

    async def find(request: Request) -> list[ProblemError]:
        try:
            if await request.body():
                await read_body(request, model)
        except ApiError as error:
            return error.problem.errors
        return []

    return find


def _language_of(request: Request) -> Language:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    language = _LANGUAGES.get(media_type)
    if language is None:
        found = f"Its media type is {media_type}." if media_type else "The request has no Content-Type."
        accepted = ", ".join(_LANGUAGES)
        raise ApiError(
            415, "unsupported-media-type", f"The body must be JSON or YAML. {found}", headers={"accept-post": accepted}
        )
    return language
