"""Rendering of pages from templates, with the headers of pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request, Response
from fastapi.templating import Jinja2Templates

from lodeplan.optimizer.words.numbers import amount, money, percent
from lodeplan.optimizer.words.states import TERMINATIONS, status
from lodeplan.scenarios.validation import acknowledged_in_words
from lodeplan.schemas.jobs import Problem
from lodeplan.service.access.callers import COOKIE
from lodeplan.service.ui import words

ROWS_SHOWN = 40
"""Longer tables are cut on a page; the files hold all rows."""

HEADERS = {
    "content-security-policy": "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "private, no-cache",
}
"""Sent with every page: nothing is loaded from elsewhere, nothing is run that we did not ship."""


def page(
    request: Request, template: str, context: dict[str, Any], status: int = 200, headers: Mapping[str, str] = {}
) -> Response:
    """A page; who came with a session can sign out on it."""
    context = {"signed_in": COOKIE in request.cookies, **context}
    return _pages.TemplateResponse(request, template, context, status_code=status, headers={**HEADERS, **headers})


def problem_page(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as somebody at a browser reads it."""
    message = problem.detail
    if problem.status == 404 and message == problem.title:
        message = f"There is no page at “{request.scope['path']}”."
    context = {"title": problem.title, "message": message, "errors": problem.errors}
    return page(request, "problem.html", context, problem.status, headers or {})


def _templates() -> Jinja2Templates:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"money": money, "amount": amount, "percent": percent, "status": status, "moment": _moment}
    environment.filters["acknowledged"] = acknowledged_in_words
    environment.globals |= {"words": words, "terminations": TERMINATIONS, "rows_shown": ROWS_SHOWN}
    return Jinja2Templates(env=environment)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


_pages = _templates()
