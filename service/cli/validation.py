"""What `lodeplan validate` finds."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pydantic import BaseModel

import scenarios
from scenarios.counts import counts
from schemas import InputProblem, InvalidInput, Patch
from schemas.references import find_warnings
from service.cli.exits import problems_text

_ALIKE = 3
"""Warnings of the same words that are still said one by one."""


class Validation(BaseModel):
    """Whether a scenario can be solved, and what is in it."""

    valid: bool
    errors: list[InputProblem] = []
    warnings: list[InputProblem] = []
    counts: dict[str, int] = {}


def validation_of(source: str, sets: Sequence[str]) -> Validation:
    """Everything that is wrong with a source changed by `PATH=VALUE` texts."""
    try:
        scenario = scenarios.load(source, patches_of(sets))
    except InvalidInput as error:
        return Validation(valid=False, errors=error.problems)
    return Validation(valid=True, warnings=find_warnings(scenario), counts=counts(scenario))


def patches_of(sets: Sequence[str]) -> list[Patch]:
    """The patches in texts of the form `PATH=VALUE`; raises `InvalidInput` with the problems of all of them."""
    patches: list[Patch] = []
    problems: list[InputProblem] = []
    for text in sets:
        try:
            patches.append(scenarios.parse_set(text))
        except InvalidInput as error:
            problems += [problem.model_copy(update={"file": "--set", "path": ""}) for problem in error.problems]
    if problems:
        raise InvalidInput(problems)
    return patches


def print_validation(found: Validation) -> None:
    """Problems on standard error, counts on standard output."""
    if not found.valid:
        print(problems_text(found.errors), file=sys.stderr)
        return
    print("The scenario is valid.\n")
    if found.warnings:
        print(_warnings_text(found.warnings) + "\n")
    for name, number in found.counts.items():
        print(f"{name.replace('_', ' '):<20} {number:>7,}")


def _warnings_text(warnings: Sequence[InputProblem]) -> str:
    """A paragraph a warning; those that say the same of many entries of a collection as one."""
    alike: dict[tuple[str, str], list[InputProblem]] = {}
    for warning in warnings:
        alike.setdefault((warning.path.partition(".")[0], warning.message), []).append(warning)
    few = [warning for same in alike.values() if len(same) <= _ALIKE for warning in same]
    many = [
        f"warning: {len(same)} entries of {collection}: {message}\n  such as "
        + ", ".join(warning.path.removeprefix(f"{collection}.") for warning in same[:_ALIKE])
        for (collection, message), same in alike.items()
        if len(same) > _ALIKE
    ]
    return "\n".join([*([problems_text(few, "warning")] if few else []), *many])
