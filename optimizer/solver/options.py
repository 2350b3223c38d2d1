"""Options of HiGHS that a modeler gives by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import highspy

from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.problems import InputProblem, InvalidInput

OURS = {
    "mip_rel_gap": "Give `gap`.",
    "mip_abs_gap": "Give `gap`.",
    "time_limit": "Give `time_limit_s`.",
    "threads": "Set `solve.threads` in the scenario.",
    "log_file": "Give `log`.",
    "log_to_console": "Give `log`.",
    "output_flag": "Give `log`.",
    "presolve": "Leave it out: what presolve claims is confirmed without it.",
}
"""Options that a solve sets itself, and what to do instead."""
FILES = "Start from a plan with `start`, write the model with `Problem.write`, a plan with `Plan.save`."


def checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, each known to HiGHS and of a value that it takes.

    They hold in every run of a solve that does not set them itself. Raises `schemas.InvalidInput` for all others.
    """
    if not isinstance(options, Mapping) or not all(isinstance(name, str) for name in options):
        allowed = 'a mapping such as {"random_seed": 7}'
        message = "options are given by name."
        raise InvalidInput([InputProblem(code="wrong_type", path="solver_options", message=message, allowed=allowed)])
    problems = []
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    names = [name for name in dir(solver.getOptions()) if not name.startswith("_")]
    known = [name for name in names if name not in OURS and not _is_of_files(name)]
    for name, value in options.items():
        if name in OURS:
            problems.append(_problem(name, "a solve sets this option itself.", value, OURS[name]))
        elif name in names and _is_of_files(name):
            problems.append(_problem(name, "a solve lets the solver read and write no file but its log.", value, FILES))
        elif solver.getOptionType(name)[0] == highspy.HighsStatus.kError:
            problems.append(_problem(name, "HiGHS has no option of this name.", value, did_you_mean(name, known)))
        elif solver.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            remedy = "The HiGHS documentation lists the values of each option."
            problems.append(_problem(name, "HiGHS does not take this value.", value, remedy))
    if problems:
        raise InvalidInput(problems)
    return dict(options)


def _is_of_files(name: str) -> bool:
    """True for options that name, read or write files."""
    return not {"file", "read", "write"}.isdisjoint(name.split("_"))


def _problem(name: str, message: str, value: Any, remedy: str | None) -> InputProblem:
    return InputProblem(
        code="bad_solver_option", path=f"solver_options.{name}", message=message, value=value, remedy=remedy
    )
