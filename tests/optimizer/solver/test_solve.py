"""The search: hand-off, words for how it ended, stop and time limit, what clashes, gaps by group, doing nothing."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from check_plans import Data, golden_toy, workshop

from lodeplan import optimizer
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.solver import Control, Form, groups, standard_form
from lodeplan.optimizer.solver.groups import Relaxation, connected, polish, relax_by_group
from lodeplan.optimizer.solver.highs import Run, Settings, run_highs, tried
from lodeplan.optimizer.solver.labels import Label
from lodeplan.optimizer.solver.search import (
    Answer,
    answer_of,
    compared,
    do_nothing,
    from_known,
    judged,
    judged_by_group,
)
from lodeplan.optimizer.solver.tolerances import bound_of_parts
from lodeplan.scenarios import load
from lodeplan.schemas import InvalidInput, Scenario, Solution, SolverProgress, Summary, Termination


def form_of(data: Data) -> Form:
    instance = prepare(load(data))
    return standard_form(build_model(instance), instance)


def toy(**sections: Data) -> Data:
    """The golden toy with entries changed or added: `toy(routes={"from China": {"capacity_t_per_y": 5}})`."""
    data = golden_toy()
    for section, entries in sections.items():
        for name, fields in entries.items():
            data.setdefault(section, {})[name] = {**data.get(section, {}).get(name, {}), **fields}
    return data


def summary_of(data: Data, **options: Any) -> Summary:
    return optimizer.solve(data, **options).summary


# Hand-off


def member(model: Any, label: Label) -> Any:
    component = model.component(label.component)
    return component[label.key] if component.is_indexed() else component


def test_the_hand_off_keeps_every_coefficient_of_the_model() -> None:
    """A point of the model costs and breaks rows by the same amounts before and after scaling."""
    instance = prepare(Scenario.model_validate(workshop()))
    model = build_model(instance)
    form = standard_form(model, instance)
    run = run_highs(form, Settings(gap=0))
    assert run.x is not None
    in_tonnes = run.x * form.column_unit
    for column, value in zip(form.columns, in_tonnes.tolist(), strict=True):
        member(model, column).set_value(value, skip_validation=True)

    rows = form.matrix @ run.x * form.row_unit
    constraints = [member(model, row) for row in form.rows]
    stated = [float(row.body()) - float(row.lower if row.equality else 0.0) for row in constraints]
    scaled = [
        body - (lower * unit if row.equality else 0.0)
        for body, lower, unit, row in zip(rows, form.row_lower, form.row_unit, constraints, strict=True)
    ]
    assert scaled == pytest.approx(stated, abs=1e-6)
    assert run.objective * form.money_unit == pytest.approx(2846.0653000267953)


def test_fixing_columns_leaves_the_others_free() -> None:
    form = form_of(golden_toy())
    starts = form.columns_of("start")
    fixed = form.with_bounds(starts, np.zeros(len(starts)))

    assert (fixed.column_upper[starts] == 0).all()
    others = np.setdiff1d(np.arange(len(form.columns)), starts)
    assert np.array_equal(fixed.column_upper[others], form.column_upper[others])
    assert not fixed.relaxed().integer.any()
    assert form.integer[starts].all()


# How it ended


def test_a_search_to_the_end_is_optimal_within_the_gap() -> None:
    summary = summary_of(golden_toy(), gap=0)

    assert (summary.termination, summary.solution) == (Termination.OPTIMAL, Solution.OPTIMAL)
    assert summary.gap == 0
    assert summary.bound_kusd == pytest.approx(summary.objective_kusd)


@pytest.mark.parametrize(
    ("stopped", "bound", "gap", "words"),
    [
        (Termination.TIME_LIMIT, 99.0, 0.02, (Termination.OPTIMAL, Solution.OPTIMAL)),
        (Termination.TIME_LIMIT, 90.0, 0.02, (Termination.TIME_LIMIT, Solution.FEASIBLE)),
        (Termination.TIME_LIMIT, 101.0, 0.0, (Termination.OPTIMAL, Solution.OPTIMAL)),
        (Termination.OPTIMAL, 90.0, 0.02, (Termination.ERROR, Solution.FEASIBLE)),
    ],
)
def test_a_plan_is_optimal_only_where_the_gap_asked_for_is_reached(
    stopped: Termination, bound: float, gap: float, words: tuple[Termination, Solution]
) -> None:
    found = Answer(stopped, Solution.FEASIBLE, x=np.zeros(1), objective_kusd=100.0, bound_kusd=bound)
    answer = judged(found, Control(gap))

    assert (answer.termination, answer.solution) == words


@pytest.mark.parametrize(
    ("objective", "bound", "gap"),
    [
        (0.0, 0.0, 0.0),
        (0.0, -5.0, math.inf),
        (-100.0, -102.0, 0.02),
        (-100.0, -99.0, 0.0),
        (100.0, -math.inf, math.inf),
        (100.0, math.nan, math.inf),
        (math.nan, 90.0, math.inf),
    ],
)
def test_a_gap_is_never_smaller_than_what_is_proven(objective: float, bound: float, gap: float) -> None:
    found = Answer(Termination.OPTIMAL, Solution.FEASIBLE, np.zeros(1), objective_kusd=objective, bound_kusd=bound)

    assert found.gap == pytest.approx(gap)
    assert (judged(found, Control(0.02)).solution == Solution.OPTIMAL) == (gap < 0.1)


def test_a_part_of_the_search_that_ended_at_the_limit_is_no_optimum() -> None:
    found = Answer(Termination.OPTIMAL, Solution.FEASIBLE, x=np.zeros(1), objective_kusd=100.0, bound_kusd=90.0)

    assert judged(found, Control(0.01, time_limit_s=0.0)).termination == Termination.TIME_LIMIT
    assert judged(found, Control(0.01, should_stop=lambda: True)).termination == Termination.INTERRUPTED


def test_a_scenario_that_costs_nothing_has_no_gap() -> None:
    data = toy()
    for demand in data["demands"].values():
        demand["quantity_t_per_y"] = 0
    data["stockpiles"] = {}
    summary = summary_of(data, gap=0)

    assert summary.objective_kusd == 0
    assert summary.gap == 0
    assert summary.solution == Solution.OPTIMAL


@pytest.mark.parametrize("less", [0.0, 1e-12, -1e-12, 1e-9])
def test_costs_that_cancel_out_to_next_to_nothing_leave_an_optimal_plan(less: float) -> None:
    data = toy() | {"stockpiles": {}, "economics": {"discount_rate": 0}}
    for route in data["routes"].values():
        route["calibration_kusd_per_t"] = -13.5 - 898 / 380 - less  # 898 kUSD at 13.5 less for each of 380 t
    summary = summary_of(data, gap=1e-6)

    assert summary.objective_kusd == pytest.approx(0, abs=1e-6)
    assert (summary.termination, summary.solution) == (Termination.OPTIMAL, Solution.OPTIMAL)


def test_a_project_far_larger_than_the_need_is_started_or_not_but_never_by_a_millionth() -> None:
    """Within the solver's tolerance a millionth of it would serve all demand at next to nothing of its cost."""
    data = golden_toy()
    needed = summary_of(data | {"projects": {"Mine": data["projects"]["Mine"] | {"capacity_t_per_y": 1e3}}})
    data["projects"]["Mine"]["capacity_t_per_y"] = 1e8
    summary = summary_of(data)

    assert summary.solution == Solution.OPTIMAL
    assert summary.objective_kusd == pytest.approx(needed.objective_kusd)


def test_no_plan_is_dearer_than_doing_nothing() -> None:
    data = golden_toy()
    form = form_of(data)
    nothing = do_nothing(form, Control(0.0))
    found = Answer(Termination.OPTIMAL, Solution.FEASIBLE, x=np.ones(len(form.cost)), objective_kusd=1e9)
    answer = compared(found, nothing, form)

    assert answer.objective_kusd == pytest.approx(answer.do_nothing_kusd)
    assert not answer.fell_back


def test_a_bound_that_doing_nothing_disproves_proves_nothing() -> None:
    form = form_of(golden_toy())
    nothing = do_nothing(form, Control(0.0))
    found = Answer(Termination.OPTIMAL, Solution.FEASIBLE, np.ones(len(form.cost)), objective_kusd=1e9, bound_kusd=1e9)

    assert compared(found, nothing, form).bound_kusd == -math.inf


def test_where_the_solver_fails_the_known_point_is_not_told_as_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    form, control = form_of(golden_toy()), Control(0.0)
    known = do_nothing(form, control).x
    assert known is not None
    failed = Run(Termination.ERROR, None, None, None, float("inf"), float("-inf"))

    def tried_again(form: Form, settings: Settings) -> Run:
        return tried(form, settings) if settings.presolve else failed

    monkeypatch.setattr(sys.modules["lodeplan.optimizer.solver.search"], "tried", tried_again)
    answer = from_known(form, known, Answer(Termination.ERROR, Solution.NONE), control)

    assert (answer.termination, answer.solution) == (Termination.ERROR, Solution.FEASIBLE)
    assert answer.row_dual is not None, "it is settled all the same"
    assert answer.nothing_found


@pytest.mark.parametrize("projects", [True, False], ids=["with decisions", "without"])
def test_profit_without_end_is_called_unbounded_and_named(projects: bool) -> None:
    """Unlimited metal for 13.5 kUSD, held at the end of a year for half a kUSD, is then worth 99."""
    data = toy(stockpiles={"store": {"end_value_kusd_per_t": 99}})
    if not projects:
        data["projects"] = {}
    plan = optimizer.solve(data)

    assert (plan.summary.termination, plan.summary.solution) == (Termination.UNBOUNDED, Solution.NONE)
    assert plan.tables == {}
    [sentence] = plan.summary.conflict
    assert sentence.startswith("Nothing limits the gain of stockpile store: buying at 14 kUSD/t in ")
    assert "to hold 99 kUSD/t at the end, by offer China and route from China." in sentence


ENDLESS: dict[str, tuple[Data, str]] = {
    "a route that is worth more than its metal": (
        toy(
            commodities={"metal": {"disposable": True}},
            routes={"from China": {"calibration_kusd_per_t": -20, "capacity_t_per_y": None}},
        ),
        "Nothing limits the gain of offer China and route from China in 2026: each t costs 13.5 kUSD and earns "
        "20 kUSD (calibration).",
    ),
    "a floor price for all that is made": (
        toy(
            commodities={"metal": {"disposable": True}},
            facilities={
                "plant": {
                    "place": "USA",
                    "outputs": {"metal": 1},
                    "cost_kusd_per_t": 3,
                    "price_floor": {"floor_kusd_per_t": 9, "reference_price_kusd_per_t": 1},
                }
            },
        ),
        "Nothing limits the gain of offer plant in 2026: each t costs 3 kUSD and earns 8 kUSD (support).",
    ),
}


@pytest.mark.parametrize(("data", "words"), ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("objective", ["cost", "worst_future", "expected_shortage"])
def test_whatever_is_gained_without_end_is_named(data: Data, words: str, objective: str) -> None:
    summary = summary_of({**data, "risk": {"objective": objective}})

    assert (summary.termination, summary.solution) == (Termination.UNBOUNDED, Solution.NONE)
    assert any(sentence.startswith(words) for sentence in summary.conflict), summary.conflict


def test_what_gains_without_end_is_called_by_its_own_name_where_that_says_what_it_is() -> None:
    data = toy(stockpiles={"store": {"end_value_kusd_per_t": 99}})
    data["stockpiles"]["Stockpile of metal"] = data["stockpiles"].pop("store")
    data["facilities"]["offer CHN"] = data["facilities"].pop("China")
    [sentence] = summary_of(data).conflict

    assert sentence.startswith("Nothing limits the gain of Stockpile of metal: buying")
    assert "by offer CHN and route from China." in sentence


def test_each_of_two_gains_without_end_is_named() -> None:
    data = toy(stockpiles={"store": {"end_value_kusd_per_t": 99}})
    data["stockpiles"]["shed"] = {**data["stockpiles"]["store"], "end_value_kusd_per_t": 40}
    named = " ".join(summary_of(data).conflict)

    assert "stockpile store" in named
    assert "stockpile shed" in named


def test_an_onboarding_that_nothing_limits_is_refused_with_a_remedy() -> None:
    with pytest.raises(InvalidInput) as caught:
        optimizer.solve(toy(routes={"from China": {"onboarding": {}}}))

    [problem] = caught.value.problems
    assert problem.path == "routes.'from China'.capacity_t_per_y"
    assert problem.remedy


# Limits of time, and stopping


CUT_SHORT = pytest.mark.parametrize(
    ("options", "termination"),
    [({"time_limit_s": 1e-9}, Termination.TIME_LIMIT), ({"should_stop": lambda: True}, Termination.INTERRUPTED)],
    ids=["no time", "stopped at once"],
)


@CUT_SHORT
@pytest.mark.parametrize("projects", [True, False], ids=["with decisions", "without"])
def test_a_search_cut_short_at_once_leaves_doing_nothing(
    options: Data, termination: Termination, projects: bool
) -> None:
    data = golden_toy() if projects else {**golden_toy(), "projects": {}}
    summary = summary_of(data, **options)

    assert (summary.termination, summary.solution) == (termination, Solution.FEASIBLE)
    assert summary.objective_kusd == summary.do_nothing_kusd
    assert summary.check is not None


@CUT_SHORT
def test_a_search_cut_short_at_once_leaves_no_plan_where_doing_nothing_is_none(
    options: Data, termination: Termination
) -> None:
    summary = summary_of(toy(stockpiles={"store": {"cover_days": 30}}), **options)

    assert (summary.termination, summary.solution) == (termination, Solution.NONE)
    assert summary.objective_kusd is None


def hard_knapsack() -> Data:
    """Projects that hardly differ, under a budget: a search of more than a few seconds."""
    rng = np.random.default_rng(7)
    data = toy()
    data["horizon"]["period_years"] = [1] * 8
    data["demands"]["civilian"]["quantity_t_per_y"] = 2000
    data["demands"]["civilian"]["shortage_penalty_kusd_per_t"] = 300
    data["facilities"]["China"] |= {"capacity_t_per_y": 300}
    data["stockpiles"]["store"]["capacity_t"] = 100
    mine = data["projects"].pop("Mine")
    for number in range(150):
        size = int(rng.integers(20, 60))
        capex = int(rng.integers(20, 40)) * size
        data["projects"][f"mine {number}"] = {**mine, "capacity_t_per_y": size, "capex_kusd": capex}
    data["limits"] = {"money": {"kind": "budget", "covers": ["capex"], "amount_kusd_per_y": 2500}}
    return data


@pytest.mark.slow
def test_a_stop_keeps_the_best_plan_so_far() -> None:
    found: list[SolverProgress] = []
    plan = optimizer.solve(
        hard_knapsack(),
        gap=0,
        time_limit_s=120,
        on_progress=found.append,
        should_stop=lambda: any(line.phase == "search" and line.objective_kusd is not None for line in found),
    )

    assert (plan.summary.termination, plan.summary.solution) == (Termination.INTERRUPTED, Solution.FEASIBLE)
    assert plan.summary.gap is not None
    assert plan.summary.gap > 0
    assert plan.summary.check is not None


@pytest.mark.slow
def test_a_time_limit_keeps_the_best_plan_so_far() -> None:
    summary = summary_of(hard_knapsack(), gap=0, time_limit_s=3)

    assert (summary.termination, summary.solution) == (Termination.TIME_LIMIT, Solution.FEASIBLE)
    assert summary.check is not None


@pytest.mark.slow
def test_a_stop_reaches_the_united_states_scenario_while_it_is_searched() -> None:
    searching_since: list[float] = []

    def listen(line: SolverProgress) -> None:
        if line.phase == "search":
            searching_since.append(time.monotonic())

    plan = optimizer.solve("us-2026-lite", on_progress=listen, should_stop=lambda: bool(searching_since))

    assert plan.summary.termination in (Termination.INTERRUPTED, Termination.OPTIMAL)
    assert (plan.summary.solution == Solution.NONE) == (plan.summary.objective_kusd is None)


def test_a_search_that_found_nothing_says_so_and_gives_no_advice() -> None:
    summary = summary_of(golden_toy(), time_limit_s=1e-9)

    assert summary.termination is Termination.TIME_LIMIT
    assert summary.solution is Solution.FEASIBLE
    assert summary.nothing_found
    assert summary.findings[0].startswith("No plan was found")
    assert "the outcome of doing nothing" in summary.findings[0]
    assert summary.objective_kusd == pytest.approx(summary.do_nothing_kusd)


def test_progress_tells_phases_in_order_and_bounds_that_meet() -> None:
    lines: list[SolverProgress] = []
    summary = summary_of(golden_toy(), gap=0, on_progress=lines.append)

    phases = list(dict.fromkeys(line.phase for line in lines))
    stations = (
        "read",
        "prepare",
        "build",
        "handoff",
        "highs",
        "relaxation",
        "do nothing",
        "groups",
        "extract",
        "check",
    )
    assert [phase for phase in phases if phase in stations] == list(stations)
    elapsed = [line.elapsed_s for line in lines]
    assert elapsed == sorted(elapsed)
    assert {"read", "prepare", "build", "handoff", "highs", "extract", "check", "total"} <= set(summary.timings_s)
    last = [line for line in lines if line.objective_kusd is not None][-1]
    assert last.objective_kusd == pytest.approx(summary.objective_kusd)


# What clashes


FORCED = {"forced_track": "fast"}
IMPOSSIBLE: dict[str, tuple[Data, str]] = {
    "a service floor above all supply": (
        toy(
            stockpiles={"store": {"capacity_t": 0}},
            projects={"Mine": {"capacity_t_per_y": 0}},
            limits={"all served": {"kind": "service_floor", "tiers": ["essential_civilian"], "served_share": 1.0}},
        ),
        "Service floor 'all served' falls short by 30 t/y for 'civilian' in ban@2028.",
    ),
    "a cover out of reach": (
        toy(stockpiles={"store": {"cover_days": 365, "fill_t_per_y": 60}}),
        "Stockpile 'store' would miss its cover target or end minimum by 40 t in 2026.",
    ),
    "an end minimum that is lost": (
        toy(stockpiles={"store": {"opening_t": 90, "end_minimum_t": 50, "loss_share_per_y": 0.5, "fill_t_per_y": 10}}),
        # 10 a year, half of what was there lost: 55 in 2026, then 37.5, 28.75, 24.375
        "Stockpile 'store' would miss its cover target or end minimum by 25.62 t in 2029.",
    ),
    "forced tracks against permit slots": (
        toy(
            projects={
                "Mine": {**FORCED, "tracks": {"fast": {"permit_years": 0, "construction_years": 1, "permit_slots": 2}}}
            },
            limits={"one permit a year": {"kind": "permit_slots", "slots_per_y": 1}},
        ),
        "Limit 'one permit a year' would have to be exceeded by 1 slot in ",
    ),
    "a forced track against a budget": (
        toy(
            projects={"Mine": {**FORCED, "latest_start": 2026}},
            limits={"capital": {"kind": "budget", "covers": ["capex"], "amount_kusd_per_y": 20}},
        ),
        "Limit 'capital' would have to be exceeded by 400 kUSD in 2026.",
    ),
    "two forced projects that exclude each other": (
        toy(projects={"Mine": FORCED, "Pit": {**golden_toy()["projects"]["Mine"], **FORCED, "excludes": ["Mine"]}}),
        "Projects 'Pit' and 'Mine', which exclude each other, would both have to start.",
    ),
    "a forced project that must wait for another": (
        toy(
            projects={
                "Mine": {**FORCED, "latest_start": 2026, "requires": ["Pit"]},
                "Pit": {**golden_toy()["projects"]["Mine"], "earliest_start": 2027},
            }
        ),
        "Project 'Mine' would have to start before 'Pit', which it requires.",
    ),
}


@pytest.mark.parametrize(("data", "sentence"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_cannot_be_is_infeasible_and_the_limit_is_named(data: Data, sentence: str) -> None:
    plan = optimizer.solve(data)

    assert (plan.summary.termination, plan.summary.solution) == (Termination.INFEASIBLE, Solution.NONE)
    assert any(found.startswith(sentence) for found in plan.summary.conflict), plan.summary.conflict
    assert len(plan.summary.conflict) == len(set(plan.summary.conflict))
    assert plan.tables == {}


# Groups, and doing nothing


def two_metals(group_of_second: str) -> Data:
    """The toy's metal, and another that no recipe ties to it; each may be onboarded from a cheaper source."""
    data = toy(
        commodities={"other metal": {"stage": "refined", "mineral_group": group_of_second}},
        facilities={"China 2": {"place": "CHN", "outputs": {"other metal": 1}, "cost_kusd_per_t": 3}},
        demands={
            "other": {
                "commodity": "other metal",
                "tier": "other",
                "quantity_t_per_y": 10,
                "shortage_penalty_kusd_per_t": 40,
            }
        },
    )
    data["routes"]["from China 2"] = {
        "commodity": "other metal",
        "origin": "CHN",
        "destination": "USA",
        "onboarding": {"cost_kusd": 30},
    }
    return data


@pytest.mark.parametrize(
    ("group", "blocks"), [("metal", {"metal"}), ("another", {"metal", "another"})], ids=["one group", "two groups"]
)
def test_each_group_of_minerals_has_its_gap_and_the_bound_holds(group: str, blocks: set[str]) -> None:
    summary = summary_of(two_metals(group), gap=0)

    assert set(summary.gap_by_group) == blocks
    assert all(gap == pytest.approx(0, abs=1e-6) for gap in summary.gap_by_group.values())
    assert summary.solution == Solution.OPTIMAL


def test_groups_tied_by_a_recipe_are_one() -> None:
    data = two_metals("another")
    data["facilities"]["plant"] = {
        "place": "USA",
        "inputs": {"other metal": 1},
        "outputs": {"metal": 1},
        "capacity_t_per_y": 5,
    }
    assert set(summary_of(data, gap=0).gap_by_group) == {"another + metal"}


def test_a_budget_in_common_does_not_tie_groups_and_the_bound_stays_below_the_plan() -> None:
    data = two_metals("another")
    data["limits"] = {"money": {"kind": "budget", "covers": ["capex", "onboarding"], "amount_kusd_per_y": 150}}
    summary = summary_of(data, gap=0)

    assert set(summary.gap_by_group) == {"metal", "another", "shared_budgets"}
    assert summary.bound_kusd is not None
    assert summary.objective_kusd is not None
    assert summary.bound_kusd <= summary.objective_kusd


def with_budget(amount_kusd_per_y: float) -> Data:
    data = two_metals("another")
    money = {"kind": "budget", "covers": ["capex", "onboarding"], "amount_kusd_per_y": amount_kusd_per_y}
    return {**data, "limits": {"money": money}}


@pytest.mark.parametrize(("amount_kusd_per_y", "onboarded"), [(150, {"from China 2"}), (29, set())])
def test_a_group_is_polished_within_what_the_others_leave_of_a_budget(
    amount_kusd_per_y: float, onboarded: set[str]
) -> None:
    # From doing nothing: for 30 the second metal is bought at 3, not 10 t a year short at 40.
    instance = prepare(load(with_budget(amount_kusd_per_y)))
    form = standard_form(build_model(instance), instance)
    control = Control(gap=0)
    nothing = do_nothing(form, control).x
    relaxation = relax_by_group(instance, form, control)
    assert nothing is not None
    assert relaxation is not None

    x = polish(form, relaxation, nothing, control)
    assert {form.columns[j].key[0] for j in form.columns_of("onboard") if x[j] > 0.5} == onboarded


@pytest.mark.parametrize("data", [golden_toy(), two_metals("another"), with_budget(150), with_budget(29)])
def test_the_search_along_groups_finds_the_optimum_of_the_whole(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = summary_of(data, gap=0)
    monkeypatch.setattr(sys.modules["lodeplan.optimizer.solver"], "LARGE_FROM_NONZEROS", 0)
    along_groups = summary_of(data, gap=0)

    assert along_groups.objective_kusd == pytest.approx(whole.objective_kusd, rel=1e-9)
    assert along_groups.solution == Solution.OPTIMAL


def test_a_bound_of_the_groups_that_the_plan_disproves_leaves_the_bound_of_the_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solver = sys.modules["lodeplan.optimizer.solver"]

    def too_high(instance: Instance, form: Form, control: Control, done: dict[str, Run]) -> Relaxation | None:
        relaxation = relax_by_group(instance, form, control, done)
        return None if relaxation is None else replace(relaxation, bound=relaxation.bound * 1.01)

    honest = summary_of(golden_toy(), gap=1e-9)
    monkeypatch.setattr(solver, "relax_by_group", too_high)
    found = summary_of(golden_toy(), gap=1e-9)

    assert honest.objective_kusd is not None
    assert found.termination == Termination.OPTIMAL
    assert found.bound_kusd == found.objective_kusd == pytest.approx(honest.objective_kusd, rel=1e-9)


def test_what_the_search_calls_optimal_is_held_against_the_decisions_of_the_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def blind(form: Form, control: Control, start: object) -> Answer:
        nothing = answer_of(form, do_nothing(form, control))
        control.proven.add(nothing.objective_kusd)
        return replace(nothing, bound_kusd=nothing.objective_kusd)

    data = with_budget(150)
    honest = summary_of(data, gap=1e-9)
    monkeypatch.setattr(sys.modules["lodeplan.optimizer.solver"], "search", blind)
    found = summary_of(data, gap=1e-9)

    assert honest.objective_kusd is not None
    assert honest.do_nothing_kusd is not None
    assert honest.objective_kusd < honest.do_nothing_kusd
    assert found.termination == Termination.OPTIMAL
    assert found.bound_kusd == found.objective_kusd == pytest.approx(honest.objective_kusd, rel=1e-9)


@pytest.mark.parametrize(
    ("parts", "least"),
    [([1.0, 2.0], 3.0), ([-4.0], -4.0), ([1e6, 5.0 - 1e6], 3.00001), ([1.0, -math.inf], -math.inf), ([], 0.0)],
)
def test_bounds_of_parts_add_up_as_far_as_they_do_not_cancel(parts: list[float], least: float) -> None:
    assert bound_of_parts(parts) == pytest.approx(least, rel=1e-9)


def test_a_bound_that_a_point_disproves_leaves_the_others() -> None:
    proven = Control(0.0).proven
    for bound in (90.0, 101.0, 95.0, math.nan, -math.inf):
        proven.add(bound)

    assert proven.kusd == 101
    assert proven.hold_against(100.0) == proven.kusd == 95
    assert proven.hold_against(80.0) == proven.kusd == -math.inf


@pytest.mark.parametrize("data", [golden_toy(), two_metals("another"), with_budget(29), workshop()])
def test_a_search_by_branching_alone_finds_the_optimum_too(data: Data) -> None:
    form = form_of(data)
    assert form.integer.any()
    runs = [run_highs(form, Settings(gap=0, plain=plain)) for plain in (False, True)]

    assert [run.termination for run in runs] == [Termination.OPTIMAL] * 2
    assert runs[1].objective == pytest.approx(runs[0].objective, rel=1e-9)
    assert runs[1].bound == pytest.approx(runs[1].objective, rel=1e-9)


def test_doing_nothing_starts_onboards_and_stores_nothing() -> None:
    # 100 t a year from China at 13.5; in the ban 50 t from the ally at 15, and 50 t of civilian demand short at 60.
    summary = summary_of(golden_toy(), gap=0)

    calm = sum(1350 / 1.05**year for year in range(4))
    banned = 1350 + 1350 / 1.05 + sum((50 * 15 + 50 * 60) / 1.05**year for year in (2, 3))
    assert summary.do_nothing_kusd == pytest.approx(0.8 * calm + 0.2 * banned)
    assert summary.objective_kusd is not None
    assert summary.do_nothing_kusd is not None
    assert summary.gap_of_worth == 0


def test_doing_nothing_has_no_cost_where_it_is_not_possible() -> None:
    summary = summary_of(toy(stockpiles={"store": {"cover_days": 30}}), gap=0)

    assert summary.solution == Solution.OPTIMAL
    assert summary.do_nothing_kusd is None
    assert summary.gap_of_worth is None


def test_a_limit_of_time_in_an_lp_gives_no_point() -> None:
    run: Run = run_highs(form_of(golden_toy()).relaxed(), Settings(time_limit_s=1e-9))

    assert run.termination == Termination.TIME_LIMIT
    assert run.x is None


def test_a_proven_bound_only_rises_in_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["lodeplan.optimizer.solver"], "LARGE_FROM_NONZEROS", 0)
    for data in (golden_toy(), two_metals("another"), with_budget(150), with_budget(29), workshop()):
        lines: list[SolverProgress] = []
        summary = summary_of(data, gap=1e-6, on_progress=lines.append)

        bounds = [line.bound_kusd for line in lines if line.bound_kusd is not None]
        assert bounds == sorted(bounds)
        assert summary.bound_kusd == pytest.approx(max(bounds), rel=1e-9)


def test_what_is_told_of_a_future_by_itself_names_it() -> None:
    lines: list[SolverProgress] = []
    summary_of({**golden_toy(), "risk": {"objective": "maximum_regret"}}, gap=0, on_progress=lines.append)

    phases = list(dict.fromkeys(line.phase for line in lines))
    alone = [phase for phase in phases if " alone: " in phase]
    assert {phase.split(" alone: ")[0] for phase in alone} == set(golden_toy()["futures"])
    bounds = [line.bound_kusd for line in lines if line.bound_kusd is not None and line.phase not in alone]
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("seed", range(20))
def test_what_edges_connect_is_what_scipy_says_is_connected(seed: int) -> None:
    from scipy.sparse.csgraph import connected_components

    random = np.random.default_rng(seed)
    nodes, edges = int(random.integers(1, 60)), int(random.integers(0, 80))
    ends = random.integers(0, nodes, (2, edges))
    graph = sp.coo_array((np.ones(edges), tuple(ends)), shape=(nodes, nodes))
    count, labels = connected_components(graph, directed=False)
    first = [int(np.flatnonzero(labels == label)[0]) for label in labels]
    assert connected(nodes, *ends).tolist() == first
    assert len(set(first)) == count


def test_a_group_that_is_too_far_off_keeps_the_plan_from_counting_as_optimal(monkeypatch: pytest.MonkeyPatch) -> None:
    """However near the whole is: what is wrong in a small mineral vanishes in it."""
    instance = prepare(load(golden_toy()))
    form = standard_form(build_model(instance), instance)
    control = Control(0.9)
    relaxation = relax_by_group(instance, form, control)
    nothing = do_nothing(form, control)
    assert relaxation is not None
    assert nothing.x is not None
    bound = relaxation.bound * form.money_unit
    held = replace(answer_of(form, nothing), bound_kusd=bound)
    answer = judged_by_group(judged(held, control), relaxation, form)
    assert (answer.solution, answer.open_groups) == (Solution.OPTIMAL, ())

    monkeypatch.setattr(groups, "GROUP_MONEY_KUSD", 0.0)
    answer = judged_by_group(judged(held, control), relaxation, form)
    assert (answer.termination, answer.solution) == (Termination.SEARCH_LIMIT, Solution.FEASIBLE)
    assert set(answer.open_groups) == {name for name, gap in answer.gap_by_group.items() if gap > 0.01} != set()
