"""Validation of a scenario, shared by commands, Python, HTTP, pages and plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lodeplan.scenarios import plausibility
from lodeplan.scenarios.counts import counts
from lodeplan.scenarios.loader import load
from lodeplan.scenarios.rules import note_warnings
from lodeplan.scenarios.rules.findings import Findings, Gaps
from lodeplan.schemas.patches import Patch
from lodeplan.schemas.patterns import fits
from lodeplan.schemas.problems import InputProblem, InvalidInput, join_path, split_path
from lodeplan.schemas.scenario import Acknowledgement, Scenario
from lodeplan.schemas.validation import AcknowledgedWarnings, Validation

_DEFAULT_REMEDY = "Correct or remove it; if it is intended, acknowledge the warning."
SHOWN_ALIKE = 3
"""Most warnings of one kind that are listed one by one."""


@dataclass(frozen=True)
class Warnings:
    """Warnings about a scenario, and those of them that it acknowledges."""

    open: list[InputProblem]
    acknowledged: list[AcknowledgedWarnings]


def validate(
    source: str | Path | Mapping[str, Any] | Scenario, patches: Sequence[Patch | Mapping[str, Any]] = ()
) -> Validation:
    """Validate a source changed by patches: its errors, warnings and counts."""
    try:
        scenario = load(source, patches)
    except InvalidInput as error:
        return Validation(valid=False, errors=error.problems)
    return validation_of(scenario)


def validation_of(scenario: Scenario) -> Validation:
    """Validate a scenario that is known to have no errors: its warnings and counts."""
    found = find_warnings(scenario)
    return Validation(
        valid=True,
        scenario=scenario.name,
        scenario_hash=scenario.content_hash(),
        warnings=found.open,
        acknowledged=found.acknowledged,
        counts=counts(scenario),
    )


def find_warnings(scenario: Scenario) -> Warnings:
    """Find content of a valid scenario that is allowed but probably a mistake."""
    findings = Findings(scenario, Gaps())
    note_warnings(findings)
    plausibility.note_warnings(findings)
    found = [
        warning if warning.remedy else warning.model_copy(update={"remedy": _DEFAULT_REMEDY})
        for warning in findings.all()
    ]
    return _acknowledge(found, scenario.acknowledged)


def _acknowledge(found: Sequence[InputProblem], rules: Sequence[Acknowledgement]) -> Warnings:
    """Part the warnings into those that no rule speaks of and, by rule, the others; a rule for none is one more."""
    count_of = Counter[int]()
    left = []
    for warning in found:
        fitting = [number for number, rule in enumerate(rules) if _speaks_of(rule, warning)]
        if fitting:
            count_of[fitting[0]] += 1
        else:
            left.append(warning)
    left += [_idle(number, rule) for number, rule in enumerate(rules) if not count_of[number]]
    known = [
        AcknowledgedWarnings(code=rule.code, path=rule.path, reason=rule.reason, count=count_of[number])
        for number, rule in enumerate(rules)
        if count_of[number]
    ]
    return Warnings(left, known)


def _speaks_of(rule: Acknowledgement, warning: InputProblem) -> bool:
    """Whether a warning has the code, and stands at the place or below it."""
    if not fits(warning.code, rule.code):
        return False
    patterns, keys = _keys(rule.path), _keys(warning.path)
    return len(patterns) <= len(keys) and all(map(fits, keys, patterns))


@lru_cache(maxsize=10_000)
def _keys(path: str) -> tuple[str, ...]:
    try:
        return tuple(split_path(path))
    except ValueError:
        return (path,)


def _idle(number: int, rule: Acknowledgement) -> InputProblem:
    return InputProblem(
        code="acknowledges_nothing",
        path=join_path(["acknowledged", number]),
        message=f"there is no warning `{rule.code}` at `{rule.path}`: it was corrected, or appears elsewhere.",
        value=rule.path,
        remedy="Remove the acknowledgement, or correct its code and path.",
    )


def warnings_in_words(warnings: Sequence[InputProblem]) -> list[str]:
    """A sentence or two for each warning; of those of one kind in one collection the first three, and how many more."""
    alike: dict[tuple[str, str], list[InputProblem]] = {}
    for warning in warnings:
        alike.setdefault((warning.code, warning.path.partition(".")[0]), []).append(warning)
    words = []
    for same in alike.values():
        words += [_in_words(warning) for warning in same[:SHOWN_ALIKE]]
        if len(same) > SHOWN_ALIKE:
            words[-1] += f" (and {len(same) - SHOWN_ALIKE:,} more of this kind)"
    return words


def acknowledged_in_words(known: Sequence[AcknowledgedWarnings]) -> str:
    """Count of warnings that the scenario acknowledges, in words; empty if none."""
    count = sum(rule.count for rule in known)
    words = "warning is" if count == 1 else "warnings are"
    return f"{count:,} {words} acknowledged in the scenario." if count else ""


def _in_words(warning: InputProblem) -> str:
    return " ".join(filter(None, [f"{warning.path}: {warning.message}", warning.remedy]))
