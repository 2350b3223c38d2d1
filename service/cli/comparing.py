"""Comparison of two plans in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lodeplan.service.cli.exits import exit_of
from lodeplan.service.cli.solving import Limits, Solve

if TYPE_CHECKING:
    from lodeplan.schemas import InputProblem, InvalidInput, Patch


def compare_plans(sources: tuple[str, str | None], patches: Sequence[Patch], limits: Limits, as_json: bool) -> int:
    """Solve the first source as it is and the second, by default the first, with the patches, print the differences
    and return the exit code.
    Both are read before the first is solved. The code is that of the first plan that is not optimal. Raises
    `InvalidInput`.
    """
    from lodeplan.optimizer.studies.compare import compare
    from lodeplan.schemas.problems import Gathered
    from lodeplan.service.cli.report import print_comparison

    first_source, other = sources
    if other is None and not patches:
        wrong = Gathered()
        with wrong:
            limits.check()
        with wrong:
            raise _nothing_to_compare(first_source)
        wrong.refuse()
    pairs: tuple[tuple[str, Sequence[Patch]], ...] = ((first_source, ()), (other or first_source, patches))
    read = [Solve(source, changes, limits) for source, changes in pairs]
    _print_warnings(*(solve.warnings for solve in read))
    # What the first one held is free when the second is solved.
    first, second = plans = [read.pop(0).plan() for _ in pairs]
    found = compare(first, second)
    if as_json:
        print(found.model_dump_json(indent=1))
    else:
        print_comparison(found)
    return next((code for code in map(exit_of, (p.summary for p in plans)) if code), exit_of(second.summary))


def _nothing_to_compare(source: str) -> InvalidInput:
    from lodeplan.schemas import InputProblem, InvalidInput

    message, allowed = f"nothing is given that {source!r} is compared with.", "a second scenario, or changes in --set"
    remedy = f"For example: lodeplan compare {source} --set economics.discount_rate=0.07"
    return InvalidInput(
        [InputProblem(code="nothing_to_compare", path="OTHER", message=message, allowed=allowed, remedy=remedy)]
    )


def _print_warnings(first: Sequence[InputProblem], second: Sequence[InputProblem]) -> None:
    """Print warnings on standard error; those that both scenarios share appear once."""
    from lodeplan.service.cli.validation import print_warnings

    # A warning is the same wherever the file that it stands in has it.
    (old, new) = (
        [warning.model_copy(update={"file": None, "line": None}) for warning in side] for side in (first, second)
    )
    print_warnings([warning for warning in old if warning in new], " of both scenarios")
    print_warnings([warning for warning in old if warning not in new], " of the first scenario")
    print_warnings([warning for warning in new if warning not in old], " of the second scenario")
