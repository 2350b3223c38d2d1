"""Ids of rows: they sort by time and cannot be guessed."""

from __future__ import annotations

import re
import secrets
import time

ID_PATTERN = "^[0-9a-f]{31}$"

_ID = re.compile("[0-9a-f]{31}")
_MOST_AT_ONCE = 16**5


def new_id() -> str:
    """Create an id: 44 bits of milliseconds and 80 random bits."""
    return f"{_now_ms():011x}{secrets.token_hex(10)}"


def new_ids(count: int) -> list[str]:
    """Create this many ids in the order of a list: 44 bits of milliseconds, 20 bits of position and 60 random bits.
    Raises `ValueError` for more than about a million.
    """
    if count > _MOST_AT_ONCE:
        raise ValueError(f"{count} ids are too many for one call; at most {_MOST_AT_ONCE} are possible.")
    moment = _now_ms()
    return [f"{moment:011x}{place:05x}{secrets.randbits(60):015x}" for place in range(count)]


def is_id(text: str) -> bool:
    """True if a text looks like an id. Other text, some of which PostgreSQL would refuse, needs no query."""
    return _ID.fullmatch(text) is not None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
