"""The optimum of random scenarios of the whole formulation, against a second model and all combinations of decisions.

The second model (`reference_model`) was written from the conventions alone: it enumerates the decisions, traces content
by the story of each lot, and solves what is left with scipy.
"""

from __future__ import annotations

from collections import Counter
from math import inf

import pytest
import reference_model
from hypothesis import assume, reject
from strategies import Data
from strategies_full import CONCEPTS, Drawn, full_scenarios
from test_properties import for_all

import optimizer
from optimizer import Plan
from scenarios import load
from schemas import InvalidInput, Scenario, Solution, Termination

COMBINATIONS = 40
"""Decisions of a scenario at most, so that all can be tried."""


def tolerance_kusd(plan: Plan) -> float:
    terms = plan.summary.cost_terms_kusd.values()
    return 1e-6 * (sum(map(abs, terms)) + abs(plan.summary.objective_kusd or 0.0) + 1.0)


def few_decisions(drawn: Drawn) -> bool:
    """Whether all decisions can be tried; regret together with stress tests is not read alike by both models."""
    aims_at_regret = drawn.data.get("risk", {}).get("objective") == "maximum_regret"
    if aims_at_regret and any(future.get("stress") for future in drawn.data["futures"].values()):
        return False
    return len(reference_model.combinations(load(drawn.data))) <= COMBINATIONS


def agrees(drawn: Drawn) -> float:
    """The optimum, on which both models agree; infinite where both find none."""
    best = reference_model.optimum_kusd(load(drawn.data))
    try:
        plan = optimizer.solve(drawn.data, gap=1e-9)  # raises PlanError where the check refuses the plan
    except InvalidInput as refused:  # a future without a plan has no regret
        if [problem.code for problem in refused.problems] != ["no_plan_for_regret"]:
            raise
        assert best == inf
        return inf
    if plan.summary.solution is Solution.NONE:
        assert plan.summary.termination is Termination.INFEASIBLE
        assert best == inf
        return inf
    assert plan.summary.objective_kusd == pytest.approx(best, rel=0, abs=tolerance_kusd(plan))
    return best


def _loaded(data: Data) -> Scenario:
    """A scenario; one that is none without the concept is passed over."""
    try:
        return load(data)
    except InvalidInput:
        reject()


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_both_models_find_the_same_optimum_whatever_is_combined(count: int) -> None:
    @for_all(count, full_scenarios())
    def holds(drawn: Drawn) -> None:
        assume(few_decisions(drawn))
        agrees(drawn)


@pytest.mark.slow
@pytest.mark.parametrize("concept", sorted(CONCEPTS))
def test_a_concept_occurs_and_matters(concept: str) -> None:
    """The campaign is not vacuous: with the concept taken out again the optimum is another, now and then."""
    seen: Counter[str] = Counter()

    @for_all(12, full_scenarios(wanted=(concept,), most=2))
    def holds(drawn: Drawn) -> None:
        assume(concept in drawn.undo and few_decisions(drawn))
        with_it = agrees(drawn)
        without = reference_model.optimum_kusd(_loaded(drawn.without(concept)))
        seen["matters" if with_it != pytest.approx(without, rel=1e-7, abs=1e-7) else "idle"] += 1

    assert sum(seen.values()) >= 6
    assert seen["matters"] > 0
