"""The search by a master over the groups' plans: the optimum of the whole, also where the master is broken."""

from __future__ import annotations

import sys
from itertools import product

import numpy as np
import pytest
from check_plans import Data, golden_toy

from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.solver import Control, Form, solve_form, standard_form
from lodeplan.optimizer.solver.form import Ints
from lodeplan.optimizer.solver.highs import Settings, tried
from lodeplan.optimizer.solver.master import Master
from lodeplan.scenarios import load
from lodeplan.schemas import Solution

GIVEN = ((1e-9, "master"), (0.01, "master"), (1e-9, "decisions"))
ROOM = "lodeplan.optimizer.solver"


def several_groups(seed: int) -> Data:
    """Metals that meet only in a budget and in permits: each bought dear, or from a route or mine that costs first."""
    random, data = np.random.default_rng(seed), golden_toy()
    for number in range(int(random.integers(2, 4))):
        metal = f"metal {number}"
        data["commodities"][metal] = {"stage": "refined", "mineral_group": f"group {number}"}
        price = float(random.integers(2, 6))
        data["facilities"][f"plant {number}"] = {"place": "CHN", "outputs": {metal: 1}, "cost_kusd_per_t": price}
        data["demands"][f"demand {number}"] = {
            "commodity": metal,
            "tier": "other",
            "quantity_t_per_y": float(random.integers(5, 20)),
            "shortage_penalty_kusd_per_t": 40,
        }
        data["routes"][f"route {number}"] = {
            "commodity": metal,
            "origin": "CHN",
            "destination": "USA",
            "onboarding": {"cost_kusd": float(random.integers(20, 60))},
        }
    budget = float(random.integers(40, 120))
    data["limits"] = {"money": {"kind": "budget", "covers": ["capex", "onboarding"], "amount_kusd_per_y": budget}}
    data["risk"] = {"tail_weight": float(random.choice([0.0, 0.2, 0.8])), "tail_level": 0.5}
    return data


def made(data: Data) -> tuple[Instance, Form]:
    instance = prepare(load(data))
    return instance, standard_form(build_model(instance), instance)


def by_brute_force(form: Form, columns: Ints) -> float:
    """The optimum by every choice of these yes/no columns, kUSD."""
    choices = [np.array(values) for values in product((0.0, 1.0), repeat=len(columns))]
    return form.money_unit * min(
        tried(form.with_bounds(columns, values).relaxed(), Settings()).objective
        for values in choices
        if (values <= form.column_upper[columns]).all()
    )


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[ROOM], "LARGE_FROM_NONZEROS", 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("below", [0, 10**9], ids=["prices first", "the whole first"])
def test_the_master_ends_at_the_optimum_with_a_bound_below_it(
    seed: int, below: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[f"{ROOM}.rounds"], "WHOLE_FIRST_BELOW_NONZEROS", below)
    instance, form = made(several_groups(seed))
    best = tried(form, Settings(gap=0.0)).objective * form.money_unit
    answers = [solve_form(instance, form, Control(gap, along=along)) for gap, along in GIVEN]

    for answer, (gap, _) in zip(answers, GIVEN, strict=True):
        assert answer.bound_kusd <= best * (1 + 1e-9)
        assert best * (1 - 1e-9) <= answer.objective_kusd <= best + gap * abs(best) + 1e-7 * abs(best)
        assert answer.solution == Solution.OPTIMAL


@pytest.mark.parametrize("seed", range(3))
def test_every_choice_tried_gives_the_same_optimum(seed: int) -> None:
    instance, form = made(several_groups(seed))
    onboard = form.columns_of("onboard")
    first = np.array([j for j in onboard.tolist() if form.columns[j].key[-1] == form.columns[onboard[0]].key[-1]])
    others = np.setdiff1d(np.flatnonzero(form.integer), first)
    held = form.with_bounds(others, np.zeros(len(others)))
    answer = solve_form(instance, held, Control(1e-9))

    assert len(first) >= 2
    assert answer.objective_kusd == pytest.approx(by_brute_force(held, first), rel=1e-7)
    assert answer.bound_kusd <= by_brute_force(held, first) * (1 + 1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_one_two_and_four_threads_give_the_same_plan(seed: int) -> None:
    instance, form = made(several_groups(seed))
    one, *others = (solve_form(instance, form, Control(0.01, threads=threads)) for threads in (1, 2, 4))

    assert one.x is not None
    for other in others:
        assert other.x is not None
        assert (one.x == other.x).all()
        assert one.bound_kusd == other.bound_kusd


@pytest.mark.parametrize("broken", ["chosen", "relaxed"])
def test_where_the_master_is_broken_the_plan_and_its_bound_are_still_right(
    broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance, form = made(several_groups(4))
    best = tried(form, Settings(gap=0.0)).objective * form.money_unit
    monkeypatch.setattr(Master, broken, lambda self: None)
    answer = solve_form(instance, form, Control(1e-9))

    assert answer.solution == Solution.OPTIMAL
    assert answer.objective_kusd == pytest.approx(best, rel=1e-8)
    assert answer.bound_kusd <= best * (1 + 1e-9)


def test_a_master_that_chooses_what_cannot_be_leaves_a_plan_and_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    instance, form = made(several_groups(4))
    best = tried(form, Settings(gap=0.0)).objective * form.money_unit
    monkeypatch.setattr(Master, "chosen", lambda self: (-1e9, np.where(form.integer, 1.0, 0.0)))
    answer = solve_form(instance, form, Control(1e-9))

    assert answer.objective_kusd == pytest.approx(best, rel=1e-8)
    assert answer.bound_kusd <= best * (1 + 1e-9)
