"""Patterns: names in which `*` stands for any text. No other character is special."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def fits(name: str, pattern: str) -> bool:
    """True if a name matches a pattern.

    >>> fits("a[1]", "a[1]*"), fits("a1", "a?")
    (True, False)
    """
    return name == pattern or ("*" in pattern and _expression(pattern).fullmatch(name) is not None)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """True if a name matches one of the patterns."""
    return any(fits(name, pattern) for pattern in patterns)
