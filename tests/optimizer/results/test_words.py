"""Numbers and states are told in one voice wherever a plan is shown."""

import doctest

import pytest

from lodeplan.optimizer.words import numbers
from lodeplan.optimizer.words.numbers import amount, measured, money, percent, tonnes
from lodeplan.optimizer.words.states import SOLUTIONS, TERMINATIONS, status
from lodeplan.schemas import Solution, Summary, Termination


def test_the_examples_in_the_module_are_true() -> None:
    result = doctest.testmod(numbers)
    assert result.attempted >= 4
    assert result.failed == 0


@pytest.mark.parametrize("value", [1e-9, -1e-9, 4.9e-4])
def test_what_is_small_is_never_told_as_nothing(value: float) -> None:
    assert [amount(value), tonnes(value), percent(value / 100), money(value / 1e3), measured(value, "t")] == [
        "≈ 0", "≈ 0 t", "≈ 0 %", "≈ 0 USD", "≈ 0 t"
    ]  # fmt: skip


@pytest.mark.parametrize("say", [amount, tonnes, percent, money])
def test_a_negative_number_has_a_true_minus_sign(say: object) -> None:
    for value in (-0.002, -7.0, -12_345.6, -2.5e7):
        assert say(value) == "−" + say(-value)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kusd", "said"),
    [
        (0.9994, "999 USD"),
        (0.9996, "1 thousand USD"),
        (999.4, "999 thousand USD"),
        (999.6, "1 million USD"),
        (999_600.0, "1 billion USD"),
        (5e9, "5,000 billion USD"),
    ],
)
def test_money_never_reads_as_a_thousand_of_a_smaller_word(kusd: float, said: str) -> None:
    assert money(kusd) == said


@pytest.mark.parametrize("termination", Termination)
@pytest.mark.parametrize("solution", Solution)
def test_a_status_says_why_the_search_ended_and_what_it_holds(termination: Termination, solution: Solution) -> None:
    summary = Summary(scenario="x", scenario_hash="0", termination=termination, solution=solution)
    said = status(summary)
    assert said.startswith(TERMINATIONS[termination])
    no_plan_can_be = termination in (Termination.INFEASIBLE, Termination.UNBOUNDED)
    assert (SOLUTIONS[solution] in said) is not no_plan_can_be
    assert SOLUTIONS[solution] not in status(summary.model_copy(update={"nothing_found": True}))
