"""Unknown or repeated query parameters. They are refused, because nobody would notice that they have no effect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from fastapi import Request

from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.jobs import ProblemError
from lodeplan.service.http.problems import ApiError

_SHOWN = 100


async def known_query(request: Request) -> None:
    """Raise `ApiError` (422) with every parameter that the route does not know, or that is given twice and takes one
    value; used by all routes.
    """
    given = request.query_params.multi_items()
    if not given:
        return
    takes_many = dict(_known(_route_of(request).dependant))
    known = list(takes_many)
    names = [name for name, _ in given]
    errors = [_unknown(name, value, known) for name, value in dict(given).items() if name not in known]
    once = [name for name in dict.fromkeys(names) if not takes_many.get(name)]
    errors += [_twice(name, names.count(name)) for name in once if names.count(name) > 1]
    if errors:
        raise ApiError(422, "invalid-request", "A parameter of the request is not valid.", errors[:_SHOWN])


def _route_of(request: Request) -> Any:
    return request.scope.get("fastapi", {}).get("effective_route_context") or request.scope["route"]


def _known(dependant: Any) -> Iterator[tuple[str, bool]]:
    """Name of each parameter, and whether it may be given several times."""
    yield from ((field.alias, _is_list(field.field_info.annotation)) for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from _known(below)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(get_origin(option) is list for option in get_args(annotation))


def _unknown(name: str, value: str, known: list[str]) -> ProblemError:
    allowed = ", ".join(known) if known else "no parameters at all"
    return ProblemError(
        pointer="/query/" + _escaped(name),
        code="unknown_parameter",
        detail=f"This path has no parameter `{name}`.",
        value=value,
        allowed=allowed,
        remedy=did_you_mean(name, known),
    )


def _twice(name: str, count: int) -> ProblemError:
    return ProblemError(
        pointer="/query/" + _escaped(name),
        code="given_twice",
        detail=f"The parameter `{name}` is given {count} times.",
        allowed="once",
    )


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
