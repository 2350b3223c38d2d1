"""What `lodeplan validate` finds, and how every command says what may not be meant."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import scenarios
from scenarios.validation import acknowledged_in_words, warnings_in_words
from schemas import InputProblem, InvalidInput, Patch
from schemas.validation import Validation
from service.cli.exits import problems_text


def validation_of(source: str, sets: Sequence[str]) -> Validation:
    """Everything that is wrong with a source changed by `PATH=VALUE` texts, and what may not be meant."""
    try:
        patches = patches_of(sets)
    except InvalidInput as error:
        return Validation(valid=False, errors=error.problems)
    return scenarios.validate(source, patches)


def patches_of(sets: Sequence[str]) -> list[Patch]:
    """The patches in texts of the form `PATH=VALUE`; raises `InvalidInput` with the problems of all of them."""
    patches: list[Patch] = []
    problems = []
    for text in sets:
        try:
            patches.append(scenarios.parse_set(text))
        except InvalidInput as error:
            problems += [problem.model_copy(update={"file": "--set", "path": ""}) for problem in error.problems]
    if problems:
        raise InvalidInput(problems)
    return patches


def print_validation(found: Validation) -> None:
    """Problems on standard error; warnings and counts, which are asked for here, on standard output."""
    if not found.valid:
        print(problems_text(found.errors), file=sys.stderr)
        return
    print("The scenario is valid.\n")
    said = [f"warning: {words}" for words in warnings_in_words(found.warnings)]
    if said := [*said, *filter(None, [acknowledged_in_words(found.acknowledged)])]:
        print("\n".join(said) + "\n")
    for name, number in found.counts.items():
        print(f"{name.replace('_', ' '):<20} {number:>7,}")


def print_warnings(warnings: Sequence[InputProblem]) -> None:
    """What may not be meant on standard error, if there is anything."""
    for words in warnings_in_words(warnings):
        print(f"warning: {words}", file=sys.stderr)
