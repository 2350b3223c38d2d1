"""The gap asked of what a plan decides."""

import pytest
from check_plans import Data, golden_toy

import lodeplan
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver import Control, standard_form
from lodeplan.optimizer.solver.search import do_nothing
from lodeplan.optimizer.solver.worth import LEAST_GAP_OF_COST, asked_of_cost
from lodeplan.scenarios import load
from lodeplan.schemas import Patch, Solution, Summary, Termination


def summary_of(data: Data, gap: float = 0.01) -> Summary:
    return lodeplan.solve(data, [{"op": "set", "path": "solve", "value": {"gap_of": "worth", "gap": gap}}]).summary


def large(name: str) -> Summary:
    patches = [{"op": "set", "path": "solve.gap_of", "value": "worth"}]
    return lodeplan.solve(name, patches, gap=0.05).summary


def test_a_gap_of_worth_is_met_by_what_the_plan_saves() -> None:
    summary = summary_of(golden_toy())
    assert (summary.gap_of, summary.termination) == ("worth", Termination.OPTIMAL)
    assert summary.gap_of_worth is not None
    assert summary.gap_of_worth <= 0.01


@pytest.mark.parametrize("objective", [5172.0, -5172.0, 0.0])
def test_the_gap_of_the_objective_follows_from_what_is_saved(objective: float) -> None:
    instance = prepare(load(golden_toy()))
    form = standard_form(build_model(instance), instance)
    control = Control(0.1, gap_of_worth=0.1)
    nothing = do_nothing(form, control)
    worth = form.cost_of(nothing.x) * form.money_unit - objective
    closer = asked_of_cost(control, form, nothing, objective)
    assert closer is not None
    expected = 0.1 * worth / abs(objective) if objective else float("inf")
    assert closer.gap == pytest.approx(expected, rel=1e-9)
    assert asked_of_cost(Control(0.0, gap_of_worth=0.0), form, nothing, objective).gap == LEAST_GAP_OF_COST


def test_where_doing_nothing_is_as_good_the_gap_is_one_of_the_cost_and_the_plan_says_so() -> None:
    data = golden_toy()
    for kind in ("projects", "stockpiles"):
        data.pop(kind, None)
    summary = summary_of(data)
    assert (summary.gap_of, summary.solution) == ("cost", Solution.OPTIMAL)
    assert any("doing nothing is as good as this plan" in finding for finding in summary.findings)


def test_where_doing_nothing_is_infeasible_the_gap_is_one_of_the_cost_and_the_plan_says_so() -> None:
    problem = lodeplan.Problem("golden-toy", [{"op": "set", "path": "solve.gap_of", "value": "worth"}])
    problem.fix("start", ("home refinery", "standard", "1"), 1)
    summary = problem.solve().summary
    assert summary.do_nothing_kusd is None
    assert summary.gap_of == "cost"
    assert any("doing nothing is not possible" in finding for finding in summary.findings)


def test_a_gap_of_cost_keeps_the_hash_of_scenarios_from_before_there_was_a_choice() -> None:
    scenario = load("golden-toy")
    assert scenario.content_hash() == "4592a7496cf3e406846ed0b0e3438a1dec5fdc58cb2f5093b32f86623f2ebaee"
    worth = load("golden-toy", [Patch(op="set", path="solve.gap_of", value="worth")])
    assert worth.content_hash() != scenario.content_hash()


@pytest.mark.slow(about_s=60)
def test_a_large_scenario_reaches_a_gap_of_worth() -> None:
    summary = large("us-2026-china-stops")
    assert summary.gap_of == "worth"
    assert summary.termination in (Termination.OPTIMAL, Termination.SEARCH_LIMIT)
    assert summary.gap_of_worth is not None
    if summary.termination == Termination.OPTIMAL:
        assert summary.gap_of_worth <= 0.05
