"""Refusals of the gate."""

from __future__ import annotations

import math

from lodeplan.service.http.errors import ApiError
from lodeplan.service.storage import Scope

_CHALLENGE = 'Bearer realm="lodeplan"'


def not_authenticated(why: str = "") -> ApiError:
    """401 for a request without a caller, or with an invalid key or token."""
    detail = f"{why} Send a key or token as `Authorization: Bearer KEY`.".strip()
    challenge = _CHALLENGE + (', error="invalid_token"' if why else "")
    return ApiError(401, "not-authenticated", detail, headers={"www-authenticate": challenge})


def not_allowed(needed: Scope) -> ApiError:
    """403 for a caller whose scope is too small."""
    challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{needed}"'
    return ApiError(403, "not-allowed", f"This needs the scope {needed}.", headers={"www-authenticate": challenge})


def too_many_requests(per_minute: int, wait_s: float, what: str) -> ApiError:
    """429 for a caller who sends too many requests, or whatever else they are."""
    detail = f"At most {per_minute} {what} per minute are allowed. Try again in {math.ceil(wait_s)} s."
    return ApiError(429, "too-many-requests", detail, headers={"retry-after": str(math.ceil(wait_s))})
