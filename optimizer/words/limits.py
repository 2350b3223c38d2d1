"""Limits whose worth a plan tells, each in a word that fits a column."""

from __future__ import annotations

from functools import cache

from lodeplan.optimizer.model.declare import Limit
from lodeplan.optimizer.model.registry import statements


@cache
def limit_words() -> dict[str, str]:
    """By name in the table of marginal values; what is told as a price there is no limit."""
    return {
        name: told.word
        for name, statement in statements().items()
        if isinstance(told := statement.marginal_value, Limit)
    }
