"""Query parameters, and whatever else is wrong with a request in which one is: all of it is reported together.

Unknown or repeated ones are refused, because nobody would notice that they have no effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.utils import request_params_to_args

from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.jobs import ProblemError
from lodeplan.service.api.idempotency import KEY_HEADER, errors_of_key
from lodeplan.service.http.errors import invalid_request
from lodeplan.service.http.problems import error_of_parameter

Handler = TypeVar("Handler", bound=Callable[..., Any])
LookUp = Callable[[Mapping[str, Any]], list[ProblemError]]
"""Errors in parameters that are valid on their own, given by the names of the handler's arguments; a parameter that is
not valid is left out."""

BodyCheck = Callable[[Request], Awaitable[list[ProblemError]]]
"""Errors in the body of a request; none if it cannot be read at all."""

_SHOWN = 100


def looked_up_by(look_up: LookUp) -> Callable[[Handler], Handler]:
    """Decorate a handler whose parameters name things: `look_up` says which there are not, also where other parameters
    are missing or not valid. The handler calls it itself where all are valid."""

    def decorated(handler: Handler) -> Handler:
        handler.look_up = look_up  # type: ignore[attr-defined]
        return handler

    return decorated


def body_checked_by(check: BodyCheck) -> Callable[[Handler], Handler]:
    """Decorate a handler that reads its body itself: `check` finds what is wrong with it, for requests in which
    something else is wrong too. The handler refuses the others itself."""

    def decorated(handler: Handler) -> Handler:
        handler.check_body = check  # type: ignore[attr-defined]
        return handler

    return decorated


async def known_request(request: Request) -> None:
    """Raise `ApiError` (422) with everything that is wrong with a request whose query or headers are; used by all
    routes. Where only the body is wrong, the handler says so."""
    dependant = _route_of(request).dependant
    errors = await _errors_of_query(request, dependant)
    takes_key = any(field.alias == KEY_HEADER for field in _headers_of(dependant))
    in_headers = errors_of_key(request.headers.get(KEY_HEADER)) if takes_key else []
    if not (errors or in_headers):
        return
    check: BodyCheck | None = getattr(dependant.call, "check_body", None)
    in_body = await check(request) if check else []
    raise invalid_request([*errors, *in_headers, *in_body][:_SHOWN])


async def _errors_of_query(request: Request, dependant: Any) -> list[ProblemError]:
    """Parameters of the query that the route does not know, that are given twice and take one value, that are missing,
    or whose value is not valid."""
    given = request.query_params.multi_items()
    if not given:
        return []
    takes_many = {field.alias: _is_list(field.field_info.annotation) for field in _fields_of(dependant)}
    known = list(takes_many)
    names = [name for name, _ in given]
    errors = [_unknown(name, value, known) for name, value in dict(given).items() if name not in known]
    once = [name for name in dict.fromkeys(names) if not takes_many.get(name)]
    errors += [_twice(name, names.count(name)) for name in once if names.count(name) > 1]
    refused = {error.pointer for error in errors}
    valid: dict[str, Any] = {}
    for field in _fields_of(dependant):
        if _pointer(field.alias) not in refused:
            values, wrong = request_params_to_args([field], request.query_params)
            valid |= values
            errors += map(error_of_parameter, wrong)
    if errors:
        look_up: LookUp | None = getattr(dependant.call, "look_up", None)
        errors += await asyncio.to_thread(look_up, valid) if look_up else []
    return errors


def _route_of(request: Request) -> Any:
    return request.scope.get("fastapi", {}).get("effective_route_context") or request.scope["route"]


def _fields_of(dependant: Any) -> Iterator[Any]:
    """The query parameters of a handler and of all that it depends on."""
    yield from dependant.query_params
    for below in dependant.dependencies:
        yield from _fields_of(below)


def _headers_of(dependant: Any) -> Iterator[Any]:
    """The headers of a handler and of all that it depends on."""
    yield from dependant.header_params
    for below in dependant.dependencies:
        yield from _headers_of(below)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(get_origin(option) is list for option in get_args(annotation))


def _unknown(name: str, value: str, known: list[str]) -> ProblemError:
    allowed = ", ".join(known) if known else "no parameters at all"
    return ProblemError(
        pointer=_pointer(name),
        code="unknown_parameter",
        detail=f"This path has no parameter `{name}`.",
        value=value,
        allowed=allowed,
        remedy=did_you_mean(name, known),
    )


def _twice(name: str, count: int) -> ProblemError:
    return ProblemError(
        pointer=_pointer(name),
        code="given_twice",
        detail=f"The parameter `{name}` is given {count} times.",
        allowed="once",
    )


def _pointer(name: str) -> str:
    return "/query/" + name.replace("~", "~0").replace("/", "~1")
