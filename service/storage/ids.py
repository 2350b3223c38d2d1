"""Ids of rows: they sort by time, and nobody can guess them."""

from __future__ import annotations

import re
import secrets
import time

ID_PATTERN = "^[0-9a-f]{31}$"

_ID = re.compile("[0-9a-f]{31}")
_MOST_AT_ONCE = 16**5


def new_id() -> str:
    """An id: 44 bits of milliseconds, 80 bits of chance."""
    return f"{_now_ms():011x}{secrets.token_hex(10)}"


def new_ids(count: int) -> list[str]:
    """So many ids in the order of a list: 44 bits of milliseconds, 20 bits of place, 60 bits of chance.

    Raises `ValueError` for more than about a million.
    """
    if count > _MOST_AT_ONCE:
        raise ValueError(f"{count} ids at once are too many; {_MOST_AT_ONCE} is the most.")
    moment = _now_ms()
    return [f"{moment:011x}{place:05x}{secrets.randbits(60):015x}" for place in range(count)]


def is_id(text: str) -> bool:
    """Whether a text looks like an id; others, such as text that PostgreSQL refuses, need no query."""
    return _ID.fullmatch(text) is not None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
