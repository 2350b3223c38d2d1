"""Options of a solve that are given outside the scenario."""

from __future__ import annotations

from math import isfinite
from typing import Any

from lodeplan.schemas.problems import InputProblem, InvalidInput


def check_options(gap: Any = None, time_limit_s: Any = None) -> None:
    """Raise `InvalidInput` with each option that is no gap (a fraction) or no time (seconds); None is none given."""
    problems = []
    if gap is not None and not (_is_number(gap) and 0 <= gap < 1):
        remedy = "Write a fraction: 0.01 is 1 %."
        if _is_number(gap) and 1 <= gap <= 100:
            remedy = f"{gap:g} is {100 * gap:,.0f} %; did you mean {gap / 100:g}?"
        problems.append(_refused("gap", "the gap is out of range.", gap, "0 or more, below 1", remedy))
    if time_limit_s is not None and not (_is_number(time_limit_s) and time_limit_s >= 0):
        remedy = "Leave it out for no limit."
        message = "the time limit is out of range."
        problems.append(_refused("time_limit_s", message, time_limit_s, "0 seconds or more", remedy))
    if problems:
        raise InvalidInput(problems)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _refused(path: str, message: str, value: Any, allowed: str, remedy: str) -> InputProblem:
    return InputProblem(code="out_of_bounds", path=path, message=message, value=value, allowed=allowed, remedy=remedy)
