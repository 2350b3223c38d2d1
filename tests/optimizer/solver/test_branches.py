"""Branches that weigh nothing in the objective are as cheap as they can be, and the objective stays as it was."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import yaml
from campaigns import drawn
from check_plans import Data, golden_toy
from families import DEFAULTS, amounts, optimum, put
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from strategies import scenarios

from lodeplan import optimizer
from lodeplan.optimizer.check import check
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.prepare.weights import cost_weights
from lodeplan.optimizer.results.values import Values
from lodeplan.optimizer.solver import Control, Form, branches, solve_form, standard_form
from lodeplan.optimizer.solver.branches import _branches
from lodeplan.optimizer.solver.highs import Run, Settings
from lodeplan.optimizer.solver.money import costs_by_node, money_weights
from lodeplan.scenarios import load
from lodeplan.schemas import Solution, Termination
from lodeplan.schemas.patches import Patch
from lodeplan.service.cli.report import print_plan


def cost_of(plan: Plan, future: str) -> float:
    return next(found.cost_kusd for found in plan.summary.futures if found.name == future)


def branches_of(plan: Plan) -> dict[str, tuple[float, float]]:
    rows = plan.tables["branches"].itertuples()
    return {row.node: (row.cost_kusd, row.bound_kusd) for row in rows}


STRESSED = [
    *put("futures.ban.stress", True),
    {"op": "remove", "path": "futures.ban.probability"},
    {"op": "remove", "path": "futures.calm.probability"},
]


def test_a_ban_that_is_only_tested_is_met_as_well_as_the_plan_can() -> None:
    # Nothing is built or stored for a test. 50 t of 100 come from the ally in each of two years: all 20 t of the
    # military, and 30 of 80 civilian ones.
    plan = optimum("golden-toy", *STRESSED)

    assert amounts(plan, "shortage", "demand") == {"civilian": 100}
    assert plan.summary.objective_kusd == pytest.approx(5026.384839650146)
    assert cost_of(plan, "ban") == pytest.approx(9276.465824425)
    assert plan.summary.check is not None
    assert [said for said in plan.summary.check.branches if "costs at most 0 kUSD more than it could" in said]


def test_a_loss_that_is_only_tested_costs_what_it_must() -> None:
    assert cost_of(optimum("lose-any-one-country"), "without B") == pytest.approx(106)


LATE = """
horizon: {first_year: 1, period_years: [1, 1, 1]}
places: {USA: {}, A: {}, B: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
  offer B: {place: B, outputs: {metal: 1}, cost_kusd_per_t: 15, capacity_t_per_y: 4}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
  from B: {commodity: metal, origin: B, destination: USA}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 50}
events:
  outage: {changes: output, places: [A], onset: 2, availability_share: 0}
  strike: {changes: exports, places: [B], onset: 3, availability_share: 0.5}
futures:
  calm: {}
  outage: {probability: 0.2, events: [outage]}
  strike too: {stress: true, after: outage, events: [strike]}
"""


def test_only_what_was_decided_before_a_branch_costs_something_whatever_happens_in_it() -> None:
    # Nothing is: the cost that comes with the branch is nothing, however large the numbers within it.
    instance = prepare(load(DEFAULTS | yaml.safe_load(LATE)))
    form = standard_form(build_model(instance), instance)
    held = branches._Held.of(instance, form, Control(0.0))
    points = np.random.default_rng(1).uniform(0, 1e12, (100, len(form.cost)))
    start, share = next(branches._branches(instance.tree, np.zeros(len(instance.tree))))
    inside = np.array([start in instance.tree.ancestors[node] for node in range(len(instance.tree))])
    columns = np.flatnonzero((held.node >= 0) & inside[held.node])

    assert {branches._part(held, (columns, x), (inside, share), 0.0).offset for x in points} == {0.0}


def test_a_test_that_follows_a_future_is_settled_from_where_it_departs() -> None:
    # Year 1: 100. The outage: 4 t from B at 15 and 6 short at 50 = 360 a year. In the strike 2 t from B, 8 short: 430.
    plan = optimum(LATE)

    assert cost_of(plan, "outage") == pytest.approx(100 + 360 + 360)
    assert cost_of(plan, "strike too") == pytest.approx(100 + 360 + 430)
    assert branches_of(plan) == {"strike too@3": (pytest.approx(430), pytest.approx(430))}


def test_a_priced_floor_in_a_test_is_missed_no_more_and_the_rest_is_as_cheap_as_can_be() -> None:
    # A floor of 6 t in the test, at 1 kUSD for each t below: worth it to hold no stock. 4 t come from B in both years
    # of the test, so the floor is 2 t short in each; nothing else may be bought dearer or left short.
    floor = {"kind": "service_floor", "tiers": ["other"], "served_share": 0.6, "futures": ["outage"]}
    plan = optimum(
        LATE,
        *put("futures", {"calm": {}, "outage": {"stress": True, "events": ["outage"]}}),
        *put("limits", {"floor": {**floor, "violation_price_kusd": 1}}),
    )

    assert amounts(plan, "slack", "node") == {"outage@2": 2, "outage@3": 2}
    assert plan.summary.objective_kusd == pytest.approx(300 + 4)
    assert cost_of(plan, "outage") == pytest.approx(100 + 2 * (360 + 2))


@pytest.mark.parametrize("weight", [1 - 1e-9, 1])
def test_what_lies_outside_the_tail_is_decided_where_only_the_tail_weighs(weight: float) -> None:
    # The outage alone is the tail. The calm future costs 100 a year from A; B at 15 or shortage would do as well there.
    tail = {"tail_weight": weight, "tail_level": 0.9}
    futures = {"calm": {}, "outage": {"probability": 0.2, "events": ["outage"]}}
    plan = optimum(LATE, *put("futures", futures), *put("risk", tail))

    assert plan.summary.objective_kusd == pytest.approx(820)
    assert cost_of(plan, "calm") == pytest.approx(300)
    assert branches_of(plan) == {"2": (pytest.approx(200), pytest.approx(200))}
    values = plan.tables["marginal_values"].set_index(["name", "node"])["at_node"]
    assert values["metal USA", "3"] == pytest.approx(10)


IDLE = """
horizon: {first_year: 1, period_years: [3, 1]}
commodities: {metal: {stage: refined, mineral_group: metal, disposable: true}}
places: {USA: {}, A: {}, B: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 0, capacity_t_per_y: 10000000}
  idle B:
    place: B
    outputs: {metal: 1}
    steps: [{width_t_per_y: 500000, cost_kusd_per_t: 0.1}, {width_t_per_y: 2000000, cost_kusd_per_t: 0.2}]
routes:
  from A: {commodity: metal, origin: A, destination: USA, freight_kusd_per_t: 0.01}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 100, shortage_penalty_kusd_per_t: 1000}
events:
  half: {changes: output, places: [A, B], onset: 4, availability_share: 0.5}
futures:
  half: {probability: 0.000000001, events: [half]}
  calm: {}
"""


def test_what_an_unlikely_branch_saves_of_what_the_search_calls_least_is_searched_for_once_more() -> None:
    # 4 years of 100 t at 0.01. What B could make in vain, 25,000 and more, weighs 1e-9: the solver does not see it.
    summary = optimum(IDLE).summary

    assert summary.objective_kusd == summary.bound_kusd == pytest.approx(4)


@pytest.mark.parametrize("probability", [0, 1e-9, 1 - 1e-9])
def test_a_future_is_met_as_well_as_can_be_however_unlikely(probability: float) -> None:
    futures = {"calm": {}, "outage": {"probability": probability, "events": ["outage"]}}
    plan = optimum(LATE, *put("futures", futures))

    assert cost_of(plan, "calm") == pytest.approx(300)
    assert cost_of(plan, "outage") == pytest.approx(820)


@pytest.mark.parametrize("objective", ["worst_future", "maximum_regret", "expected_shortage"])
def test_a_test_is_settled_whatever_is_minimised(objective: str) -> None:
    futures = {
        "calm": {},
        "strike": {"probability": 0.1, "events": ["strike"]},
        "outage": {"stress": True, "events": ["outage"]},
    }
    plan = optimum(LATE, *put("futures", futures), *put("risk.objective", objective))

    assert cost_of(plan, "outage") == pytest.approx(820)


MINE = {
    "place": "USA",
    "outputs": {"metal": 1},
    "capacity_t_per_y": 6,
    "cost_kusd_per_t": 1,
    "capex_kusd": 150,
    "end_value_share": 0,
    "start_in_branches": True,
    "tracks": {"standard": {"permit_years": 0, "construction_years": 1}},
}


def test_yes_or_no_in_a_branch_without_weight_is_searched_and_its_gap_told() -> None:
    # The mine makes the missing 6 t in year 3 if it starts in year 2 of the outage: for 150 instead of 6 * (50 - 1).
    futures = {"calm": {}, "outage": {"probability": 1e-9, "events": ["outage"]}}
    plan = optimum(LATE, *put("futures", futures), *put("projects", {"mine": MINE}))

    assert list(plan.tables["starts"]["node"]) == ["outage@2"]
    assert cost_of(plan, "outage") == pytest.approx(100 + 360 + 150 + 60 + 6)
    assert plan.summary.check is not None
    assert any("its own yes/no decisions are within" in said for said in plan.summary.check.branches)


def test_a_branch_that_gains_without_end_leaves_no_plan_and_is_named() -> None:
    cheap = {"changes": "price", "places": ["A"], "onset": 2, "factor": 0.1}
    plan = optimizer.solve(
        "golden-toy",
        [
            *put("events.glut", {**cheap, "places": ["CHN"], "onset": 2}),
            *put("futures.glut", {"stress": True, "events": ["glut"]}),
            *put("stockpiles.store", {"commodity": "metal/refined", "end_value_kusd_per_t": 5}),
        ],
    )

    assert (plan.summary.termination, plan.summary.solution) == (Termination.UNBOUNDED, Solution.NONE)
    assert any("stockpile store" in said and "glut@" in said for said in plan.summary.conflict), plan.summary.conflict


def test_a_limit_that_binds_only_in_a_test_is_told_with_its_worth(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(optimum("lose-any-one-country"))
    told = " ".join(capsys.readouterr().out.split())

    assert "nan" not in told
    assert "service floor" in told
    assert "costs at most 0 kUSD more than it could" in told


@pytest.mark.parametrize(
    ("cheaper", "gap", "words"),
    [
        (2, None, "weighs nothing, costs at most 2 kUSD more than it could."),
        (2, 0.01, "at most 2 kUSD more than it could; its own yes/no decisions are within 1 % of the best."),
        (None, None, "Nothing is proven of how much cheaper the branch from ban@3, which weighs nothing, could be."),
    ],
)
def test_the_check_says_how_much_cheaper_a_branch_could_be_or_that_nothing_is_proven(
    cheaper: float | None, gap: float | None, words: str
) -> None:
    plan = optimum("golden-toy", *STRESSED)
    assert plan.scenario is not None
    told = plan.tables["branches"]
    told = told.assign(bound_kusd=None if cheaper is None else told["cost_kusd"] - cheaper, gap=gap)
    [said] = check(plan.scenario, {**plan.tables, "branches": told}).branches

    assert said.endswith(words)


@pytest.mark.parametrize("first", [-math.inf, math.nan])
def test_decisions_of_a_branch_of_which_nothing_is_proven_are_never_called_the_best(
    first: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search of its decisions may end without a bound: what is decided then may be far from the best."""
    futures = {"calm": {}, "outage": {"probability": 1e-9, "events": ["outage"]}}
    honest = branches.tried

    def tried(form: Form, options: Settings) -> Run:
        run = honest(form, options)
        return replace(run, bound=first) if form.integer.any() else run

    monkeypatch.setattr(branches, "tried", tried)
    plan = optimum(LATE, *put("futures", futures), *put("projects", {"mine": MINE}))

    assert plan.summary.check is not None
    assert plan.summary.check.branches == [
        "Nothing is proven of how much cheaper the branch from outage@2, which weighs nothing, could be."
    ]


def test_doing_nothing_meets_a_test_as_well_as_it_can() -> None:
    instance = prepare(load("golden-toy", [Patch.model_validate(patch) for patch in STRESSED]))
    form = standard_form(build_model(instance), instance)
    answer = solve_form(instance, form, Control(gap=0))
    assert answer.do_nothing_x is not None

    assert Values.of(instance, form, answer.do_nothing_x).flows["short"].sum() == pytest.approx(100)


# Any scenario


@st.composite
def with_tests(draw: st.DrawFn) -> Data:
    """A random scenario whose futures may be tests, too unlikely to count, or outside the only thing that weighs."""
    data = draw(scenarios(most_commodities=2, most_projects=1, most_periods=3))
    for name, future in data["futures"].items():
        if name != "calm":
            kind = draw(st.sampled_from(["as it is", "stress", "hardly"]))
            future |= {"stress": {"stress": True}, "hardly": {"probability": 1e-9}}.get(kind, {})
            if kind == "stress":
                future.pop("probability")
    weight = draw(st.sampled_from([0.0, 0.5, 1.0]))
    data["risk"] = {"tail_weight": weight, "tail_level": 0.9}
    return data


def least_of_branch(data: Data) -> None:
    """Another library finds nothing cheaper in any branch, with all else as it is."""
    instance = prepare(load(data))
    form = standard_form(build_model(instance), instance)
    answer = solve_form(instance, form, Control(gap=1e-9))
    if answer.x is None:
        return
    x, tree = np.asarray(answer.x) / form.column_unit, instance.tree
    told = {branch.start: branch for branch in answer.branches}
    weights = money_weights(instance, form, answer.row_dual) / tree.discount
    costs = costs_by_node(instance, form)
    if not answer.branches:
        return
    assert form.violation(x) < 1e-6
    flows = np.ones(len(form.rows), bool)
    flows[form.rows_of("node_cost_adds_up", "tail_excess_is_counted")] = False
    matrix = form.matrix.tocsr()
    for start, share in _branches(tree, weights):
        aim = (share * tree.discount) @ costs * form.column_unit
        inside = {name for node, name in enumerate(tree.names) if share[node] > 0}
        free = np.array([c.component not in ("cost", "excess") and c.key[-1] in inside for c in form.columns])
        free &= ~form.integer & ~np.array([c.component == "slack" for c in form.columns])
        bounds = np.where(free[:, None], np.column_stack([form.column_lower, form.column_upper]), x[:, None])
        rows = [(flows & np.isfinite(side), sign, side) for sign, side in ((1, form.row_upper), (-1, form.row_lower))]
        a = np.vstack([sign * matrix[which].toarray() for which, sign, _ in rows])
        b = np.concatenate([sign * side[which] for which, sign, side in rows]) + 1e-7
        lp = linprog(aim, a, b, bounds=bounds)
        branch = told[tree.names[start]]
        size = 1 + float(np.abs(aim) @ np.abs(x))
        assert branch.cost_kusd == pytest.approx(float(aim @ x), abs=1e-7 * size)
        if branch.bound_kusd is not None:
            assert branch.bound_kusd == pytest.approx(branch.cost_kusd, abs=1e-5 * size)
        if lp.status == 0 and data["risk"]["tail_weight"] == 0:
            assert lp.fun >= branch.cost_kusd - 1e-5 * size


QUIET: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def test_no_branch_without_weight_can_be_cheaper() -> None:
    seed(1)(settings(max_examples=25, **QUIET)(given(with_tests())(least_of_branch)))()


@pytest.mark.slow
@settings(max_examples=drawn(ci=30, full=300), **QUIET)
@given(with_tests())
def test_no_branch_without_weight_can_be_cheaper_in_ever_new_scenarios(data: Data) -> None:
    least_of_branch(data)


@pytest.mark.parametrize("data", [golden_toy()])
def test_costs_by_node_add_up_to_the_objective(data: Data) -> None:
    instance = prepare(load(data))
    form = standard_form(build_model(instance), instance)

    added = cost_weights(instance) @ costs_by_node(instance, form) * form.column_unit / form.money_unit
    assert added == pytest.approx(form.cost)
