"""Exit codes of commands, and their error messages."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lodeplan.schemas import InputProblem, Summary


ENDED_BY_CTRL_C = 130
"""Exit code of a command that Ctrl-C ended at once, as shells have it."""


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Exit(IntEnum):
    """Exit codes; scripts rely on them."""

    OPTIMAL = 0
    ERROR = 1
    BAD_INPUT = 2
    INFEASIBLE = 3
    LIMIT_WITH_PLAN = 4
    LIMIT_WITHOUT_PLAN = 5


class SolveFailed(Exception):
    """A signal has ended the process that solves; `trace` holds its last output for the log."""

    def __init__(self, message: str, trace: str) -> None:
        super().__init__(message)
        self.trace = trace


def exit_of(summary: Summary) -> Exit:
    """Return the exit code of a finished solve."""
    from lodeplan.schemas import Solution, Termination

    limits = {
        *(Termination.TIME_LIMIT, Termination.MEMORY_LIMIT, Termination.SEARCH_LIMIT, Termination.INTERRUPTED),
    }
    if summary.termination is Termination.OPTIMAL:
        return Exit.OPTIMAL
    if summary.termination is Termination.INFEASIBLE:
        return Exit.INFEASIBLE
    if summary.termination in limits:
        none_found = summary.solution is Solution.NONE or summary.nothing_found
        return Exit.LIMIT_WITHOUT_PLAN if none_found else Exit.LIMIT_WITH_PLAN
    return Exit.ERROR


def explain(error: Exception) -> Exit:
    """Explain an error on standard error without a stack trace, and return its exit code."""
    from lodeplan.schemas import InvalidInput

    if isinstance(error, InvalidInput):
        print(problems_text(error.problems), file=sys.stderr)
        return Exit.BAD_INPUT
    if isinstance(error, OSError) and error.filename is not None:
        print(f"{error.filename}: {error.strerror or error}.", file=sys.stderr)
        return Exit.ERROR
    if isinstance(error, OSError) and error.errno in _FULL:
        print(f"The output cannot be written: {error.strerror}.", file=sys.stderr)
        return Exit.ERROR
    from lodeplan.optimizer import PlanError

    if isinstance(error, PlanError):
        print(error, file=sys.stderr)
        return Exit.ERROR
    if isinstance(error, SolveFailed):
        print(f"{error}\n{_where_details_are(error.trace)}", file=sys.stderr)
        return Exit.ERROR
    if isinstance(error, MemoryError):
        print("The solve ran out of memory. Use a smaller scenario or a machine with more memory.", file=sys.stderr)
        return Exit.ERROR
    said = (str(error).splitlines() or [""])[0]
    trace = "".join(traceback.format_exception(error))
    print(
        f"Lodeplan failed with an internal error: {type(error).__name__}: {said}\n"
        f"Please attach the details to your report. {_where_details_are(trace)}",
        file=sys.stderr,
    )
    return Exit.ERROR


def replace_closed_streams() -> None:
    """Let standard streams that were closed before the program began read and write nothing.

    Else whatever is opened first would take their place.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def problems_text(problems: Sequence[InputProblem], kind: str = "problem") -> str:
    """Write every problem on lines of its own: place, message, value, allowed, remedy."""
    count = len(problems)
    head = f"The input has one {kind}:" if count == 1 else f"The input has {count} {kind}s:"
    return "\n".join([head, *(_problem_text(problem) for problem in problems)])


def _problem_text(problem: InputProblem) -> str:
    origin = f"{problem.file}, line {problem.line}" if problem.line else problem.file
    where = f"{problem.path}  ({origin})" if problem.path and origin else problem.path or origin or "scenario"
    lines = ["", where, f"  {problem.message}"]
    if problem.value is not None:
        lines.append(f"  found:   {_short(problem.value)}")
    if problem.allowed:
        lines.append(f"  allowed: {problem.allowed}")
    if problem.remedy:
        lines.append(f"  try:     {problem.remedy}")
    return "\n".join(lines)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."


def _where_details_are(trace: str) -> str:
    """Write details for developers to a file in the temporary folder; a sentence says where, or has the details."""
    try:
        return f"The details are in {_write_log(trace)}."
    except OSError:
        return f"No temporary folder can be written to, so the details are here:\n{trace}"


def _write_log(trace: str) -> str:
    """Write details to a file in the temporary folder; returns its path."""
    handle, path = tempfile.mkstemp(prefix="lodeplan-error-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        log.write(f"{' '.join(sys.argv)}\n")
        log.write(trace)
    return path
