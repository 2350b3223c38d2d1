"""Random scenarios of the whole formulation against the second model, which tries every decision there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import inf

import pytest
import reference_model
from campaigns import drawn
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from reference_content import TooManyLots
from reference_program import NoAnswer
from strategies import Data
from strategies_full import CONCEPTS, Drawn, full_scenarios

from lodeplan import optimizer
from lodeplan.scenarios import load
from lodeplan.schemas import InvalidInput, Scenario, Solution

MOST_COMBINATIONS = 40
EACH = drawn(ci=5, full=20)
"""Scenarios of a draw with each concept."""
ACTIVE = drawn(ci=1, full=3)
"""So many scenarios at least change their optimum once the concept is taken out."""
DRAWS = 5
"""So many draws at most to find them."""


def for_some(count: int, drawn: st.SearchStrategy[Drawn], judge: Callable[[Drawn], None], *, draw: int | None) -> None:
    """Judge so many scenarios: those of a numbered draw, the same on every run, or new ones if it has no number."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    phases = [Phase.generate, Phase.shrink]
    profile = settings(max_examples=count, deadline=None, database=None, phases=phases, suppress_health_check=quiet)
    judged = profile(given(drawn)(judge))
    (judged if draw is None else seed(draw)(judged))()


def brute_force_kusd(scenario: Scenario) -> float | None:
    """The optimum by trying everything, infinite if there is none; None if that takes too long or its solver fails."""
    if len(reference_model.combinations(scenario)) > MOST_COMBINATIONS:
        return None
    try:
        return reference_model.optimum_kusd(scenario)
    except (TooManyLots, NoAnswer):
        return None


def agrees(data: Data) -> bool:
    """Whether both found an optimum, and it is the same; no if it was not tried or both found that there is none."""
    scenario = load(data)
    best = brute_force_kusd(scenario)
    if best is None:
        return False
    plan = solved(data)
    if plan is None:
        assert best == inf, "brute force found a plan"
        return False
    size = plan.tables["node_costs"]["cost_kusd"].abs().sum() + abs(best) + 1
    # The others have expected cost as a tie-breaker, of which the solver's tolerance leaves less.
    close = 1e-7 if scenario.risk.objective == "cost" else 1e-6
    assert plan.summary.objective_kusd == pytest.approx(best, rel=0, abs=close * size)
    return True


def solved(data: Data) -> optimizer.Plan | None:
    """The optimal plan, checked; None where there is none."""
    try:
        plan = optimizer.solve(load(data), gap=1e-9)
    except InvalidInput as error:
        if error.problems[0].code != "no_plan_for_regret":
            raise
        return None
    if plan.summary.solution == Solution.NONE:
        return None
    assert plan.summary.solution == Solution.OPTIMAL
    return plan


def matters(drawn: Drawn, concept: str) -> bool:
    """Whether the optimum is another one without the concept."""
    before, after = brute_force_kusd(load(drawn.data)), brute_force_kusd(load(drawn.without(concept)))
    return before is not None and after is not None and abs(after - before) > 1e-6 * (1 + abs(before))


def test_brute_force_finds_the_same_optimum() -> None:
    found: Counter[bool] = Counter()
    for_some(8, full_scenarios(most=8), lambda drawn: found.update([agrees(drawn.data)]), draw=1)
    assert found[True] >= 4


@pytest.mark.slow
def test_brute_force_finds_the_same_optimum_of_ever_new_scenarios() -> None:
    found: Counter[bool] = Counter()
    count = drawn(ci=12, full=200)
    for_some(count, full_scenarios(most=10), lambda drawn: found.update([agrees(drawn.data)]), draw=None)
    assert found[True] >= count / 2


@pytest.mark.slow
@pytest.mark.parametrize("concept", CONCEPTS)
def test_each_concept_matters_and_brute_force_finds_the_same_optimum(concept: str) -> None:
    found: Counter[str] = Counter()

    def judge(drawn: Drawn) -> None:
        if agrees(drawn.data) and concept in drawn.undo:
            found["agreed"] += 1
            if found["active"] < ACTIVE:
                found["active"] += matters(drawn, concept)

    for number in range(DRAWS):
        for_some(EACH, full_scenarios(wanted=(concept,), most=3), judge, draw=number)
        assert found["agreed"] >= EACH / 4
        if found["active"] >= ACTIVE:
            return
    pytest.fail(f"only {found['active']} of {found['agreed']} scenarios changed")
