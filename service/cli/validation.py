"""Validation and warnings on the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lodeplan import scenarios
from lodeplan.scenarios.validation import acknowledged_in_words, warnings_in_words
from lodeplan.schemas import InputProblem, InvalidInput, Patch
from lodeplan.schemas.problems import join_path, split_path
from lodeplan.schemas.validation import Validation
from lodeplan.service.cli.exits import problems_text


def validation_of(source: str, sets: Sequence[str]) -> Validation:
    """Validate a source changed by `PATH=VALUE` texts: all errors and warnings."""
    try:
        patches = patches_of(sets)
    except InvalidInput as error:
        return Validation(valid=False, errors=error.problems)
    return scenarios.validate(source, patches)


def patches_of(sets: Sequence[str]) -> list[Patch]:
    """Read patches from texts of the form `PATH=VALUE`; raises `InvalidInput` with all errors."""
    patches: list[Patch] = []
    problems = []
    for text in sets:
        try:
            patches.append(scenarios.parse_set(text))
        except InvalidInput as error:
            problems += [problem.model_copy(update={"file": "--set", "path": ""}) for problem in error.problems]
    problems += _set_twice(patches)
    if problems:
        raise InvalidInput(problems)
    return patches


def _set_twice(patches: Sequence[Patch]) -> list[InputProblem]:
    """Find paths that a command line sets more than once; only the last setting would count."""
    values: dict[str, list[str]] = {}
    for patch in patches:
        values.setdefault(_plain_path(patch.path), []).append(str(patch.value))
    return [
        InputProblem(
            code="duplicate_key", path=path, message=f"it is set twice: {' and '.join(found)}.", file="--set",
            remedy="Keep one of them.",
        )
        for path, found in values.items()
        if len(found) > 1
    ]  # fmt: skip


def _plain_path(path: str) -> str:
    """Write a path with quotes only where it needs them."""
    try:
        return join_path(split_path(path))
    except ValueError:
        return path


def print_validation(found: Validation) -> None:
    """Print problems on standard error; warnings and counts, the purpose of this command, on standard output."""
    if not found.valid:
        print(problems_text(found.errors), file=sys.stderr)
        return
    print("The scenario is valid.\n")
    said = [f"warning: {words}" for words in warnings_in_words(found.warnings)]
    if said := [*said, *filter(None, [acknowledged_in_words(found.acknowledged)])]:
        print("\n".join(said) + "\n")
    for name, number in found.counts.items():
        print(f"{name.replace('_', ' '):<20} {number:>7,}")


def print_warnings(warnings: Sequence[InputProblem], whose: str = "") -> None:
    """Print warnings, if any, on standard error; `whose` may be ` of both scenarios`."""
    for words in warnings_in_words(warnings):
        print(f"warning{whose}: {words}", file=sys.stderr)
