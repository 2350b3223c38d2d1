"""Problems of an input: one per place, all reported together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", re.DOTALL)

MAX_PROBLEMS = 1_000
"""Most problems of one input that are put into words; one more then says how many are left."""


class InputProblem(BaseModel):
    """One error in an input: its place, the value found, what is allowed and what to try."""

    code: str = Field(description="Stable name of the kind of problem, such as `unknown_place`.")
    path: str = Field(description="Place in the scenario, such as `routes.'gallium CHN'.origin`.")
    message: str = Field(description="The error, in one sentence.")
    value: Any = Field(default=None, description="Value found.")
    allowed: str | None = Field(default=None, description="Values that are allowed.")
    remedy: str | None = Field(default=None, description="Suggested remedy.")
    file: str | None = Field(default=None, description="File the value came from.")
    line: int | None = Field(default=None, description="Line, or row of a table, from 1.")

    @property
    def pointer(self) -> str:
        """The same place as a JSON pointer (RFC 6901); the whole document if the given path is not a valid path."""
        try:
            keys = split_path(self.path)
        except ValueError:
            return ""
        return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in keys)

    def __str__(self) -> str:
        place = self.path
        if self.file:
            place = f"{self.file}:{self.line} {place}" if self.line else f"{self.file} {place}"
        text = f"{place}: {self.message}"
        if self.value is not None:
            text += f" (found: {_short(self.value)})"
        if self.allowed:
            text += f" Allowed: {self.allowed}."
        if self.remedy:
            text += f" {self.remedy}"
        return text


class _MoreProblems(InputProblem):
    """Stands for the problems that are not listed."""

    left: int = Field(exclude=True)


class InvalidInput(ValueError):
    """An input with errors; `problems` holds all of them."""

    def __init__(self, problems: Sequence[InputProblem]) -> None:
        if not problems:
            raise ValueError("InvalidInput needs at least one problem")
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class Gathered:
    """Problems of several checks, each in a `with` block of its own, that are raised together by `refuse`."""

    def __init__(self) -> None:
        self.problems: list[InputProblem] = []

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> bool:
        if isinstance(error, InvalidInput):
            self.problems += error.problems
        return isinstance(error, InvalidInput)

    def refuse(self) -> None:
        """Raise `InvalidInput` with the problems found so far, if there are any."""
        if self.problems:
            raise InvalidInput(self.problems)


def at_most(problems: Sequence[InputProblem], left: int = 0) -> list[InputProblem]:
    """Keep the first `MAX_PROBLEMS` and add one that says how many more there are, including `left` that were never put
    into words."""
    said = [problem for problem in problems if not isinstance(problem, _MoreProblems)]
    left += sum(problem.left for problem in problems if isinstance(problem, _MoreProblems))
    left += max(0, len(said) - MAX_PROBLEMS)
    shown = said[:MAX_PROBLEMS]
    if left:
        message = f"{left:,} more problem{'s were' if left > 1 else ' was'} found."
        remedy = "Correct these first; they may have one cause."
        shown.append(_MoreProblems(code="more_problems", path="scenario", message=message, remedy=remedy, left=left))
    return shown


def split_path(path: str) -> list[str]:
    """Split a path into its keys. Keys are joined by dots; names with other characters are quoted, and a quote within
    is doubled.

    >>> split_path("routes.'gallium/metal CHN'.freight_kusd_per_t")
    ['routes', 'gallium/metal CHN', 'freight_kusd_per_t']
    """
    keys: list[str] = []
    at = 0
    while at < len(path):
        quoted = _QUOTED.match(path, at)
        if quoted:
            quote = quoted[0][0]
            keys.append(quoted[0][1:-1].replace(quote * 2, quote))
            at = quoted.end()
            if path[at : at + 1] not in ("", "."):
                raise ValueError(f"a dot is missing after {quoted[0]} in {path!r}")
        elif path[at] in "'\"":
            raise ValueError(f"the quote {path[at]} opened in {path!r} is not closed")
        else:
            end = path.find(".", at)
            key = path[at:] if end < 0 else path[at:end]
            if not key:
                raise ValueError(f"{path!r} has an empty key")
            keys.append(key)
            at += len(key)
        at += 1
    return keys


def join_path(keys: Sequence[str | int]) -> str:
    """Join keys to a path; the inverse of `split_path`."""
    return ".".join(_quoted(str(key)) for key in keys)


def _quoted(key: str) -> str:
    if key and all(char.isalnum() or char in "_-*" for char in key):
        return key
    if "'" in key and '"' not in key:
        return f'"{key}"'
    return "'" + key.replace("'", "''") + "'"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
