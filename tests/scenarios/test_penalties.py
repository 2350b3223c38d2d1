"""Penalties far beyond any price: a legal scenario ends in a plan, and cost is the same wherever it stands."""

from __future__ import annotations

import sys
from typing import Any

import pandas as pd
import pytest
from campaigns import drawn
from check_plans import Data, golden_toy
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from lodeplan import optimizer
from lodeplan.optimizer.model import build_model, risk
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver import Answer, Control, solve_form, standard_form
from lodeplan.scenarios import load
from lodeplan.schemas import InvalidInput, Solution, Termination

RISKS: list[Data] = [
    {},
    {"tail_weight": 0.5, "tail_level": 0.9},
    {"objective": "worst_future"},
    {"objective": "maximum_regret"},
    {"objective": "expected_shortage"},
]


@st.composite
def short_of_everything(draw: st.DrawFn) -> Data:
    """Metals of any size and price, of which no supplier and no project has enough, and a ban on half of them."""
    lengths = draw(st.lists(st.sampled_from([1, 2, 5]), min_size=2, max_size=4))
    data: Data = {
        "name": "short",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": lengths},
        "places": {"USA": {}, "CHN": {}, "AUS": {}},
        "risk": draw(st.sampled_from(RISKS)),
        **{section: {} for section in ("commodities", "facilities", "projects", "routes", "demands", "stockpiles")},
    }
    penalty = draw(st.sampled_from([1e5, 1e7, 1e9]))
    for number in range(draw(st.integers(1, 3))):
        metal, size, price = f"metal {number}", 10 ** draw(st.integers(-2, 6)), 10 ** draw(st.integers(-1, 4))
        data["commodities"][metal] = {"stage": "refined", "mineral_group": metal}
        for place, dearer in (("CHN", 1), ("AUS", 1.3)):
            data["facilities"][f"{metal} {place}"] = {
                "place": place,
                "outputs": {metal: 1},
                "cost_kusd_per_t": price * dearer,
                "capacity_t_per_y": size * draw(st.sampled_from([0.1, 0.3, 0.45])),
            }
            data["routes"][f"{metal} {place}"] = {"commodity": metal, "origin": place, "destination": "USA"}
        data["projects"][f"{metal} mine"] = {
            "place": "USA",
            "outputs": {metal: 1},
            "capacity_t_per_y": size * 0.05,
            "cost_kusd_per_t": price * 0.9,
            "capex_kusd": size * price * draw(st.sampled_from([0.02, 0.5])),
            "tracks": {"standard": {"permit_years": draw(st.integers(0, 1)), "construction_years": 1}},
        }
        data["stockpiles"][f"{metal} store"] = {"commodity": metal, "holding_kusd_per_t_y": price * 0.05}
        data["demands"][f"{metal} user"] = {
            "commodity": metal,
            "tier": "other",
            "quantity_t_per_y": size,
            "shortage_penalty_kusd_per_t": penalty,
        }
    onset = 2026 + lengths[0]
    data["events"] = {"ban": {"changes": "exports", "places": ["CHN"], "onset": onset, "availability_share": 0}}
    data["futures"] = {"calm": {}, "ban": {"probability": 0.2, "events": ["ban"]}}
    return data


def ends_in_a_plan(data: Data) -> None:
    summary = optimizer.solve(data, gap=1e-4).summary
    assert (summary.termination, summary.solution) == (Termination.OPTIMAL, Solution.OPTIMAL)
    assert summary.check is not None


QUIET: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


def test_an_unavoidable_shortage_at_any_penalty_ends_in_a_plan() -> None:
    seed(1)(settings(max_examples=25, **QUIET)(given(short_of_everything())(ends_in_a_plan)))()


@pytest.mark.slow
@settings(max_examples=drawn(ci=20, full=300), **QUIET)
@given(short_of_everything())
def test_an_unavoidable_shortage_at_any_penalty_ends_in_a_plan_or_says_that_numbers_are_too_far_apart(
    data: Data,
) -> None:
    try:
        ends_in_a_plan(data)
    except InvalidInput as error:
        codes = {problem.code for problem in error.problems}
    else:
        codes = {"numbers_too_far_apart"}
    assert codes == {"numbers_too_far_apart"}


# Cost in the objective, or in rows


@pytest.mark.parametrize("objective", ["cost", "expected_shortage"])
def test_cost_in_rows_and_in_the_objective_gives_the_same_plan(objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {**golden_toy(), "risk": {"objective": objective}}
    straight = optimizer.solve(data, gap=0)
    every = frozenset(prepare(load(data)).tree.names)
    monkeypatch.setattr(risk, "compared_nodes", lambda _: every)
    in_rows = optimizer.solve(data, gap=0)

    assert in_rows.summary.objective_kusd == pytest.approx(straight.summary.objective_kusd, rel=1e-9)
    for name, table in straight.tables.items():
        numbers = {"rtol": 1e-6, "atol": 1e-6}
        by = [column for column in table.columns if table[column].dtype == object]
        pd.testing.assert_frame_equal(*(
            t.sort_values(by).reset_index(drop=True) for t in (table, in_rows.tables[name])
        ), **numbers)  # fmt: skip


# What is known to be feasible


def says_infeasible(*_: Any) -> Answer:
    return Answer(Termination.INFEASIBLE, Solution.NONE)


def fails(*_: Any) -> Answer:
    return Answer(Termination.ERROR, Solution.NONE)


@pytest.mark.parametrize("search", [says_infeasible, fails])
@pytest.mark.parametrize("cover_days", [0, 30], ids=["nothing to do", "a cover to keep"])
def test_no_scenario_is_infeasible_while_a_feasible_point_is_known(
    search: Any, cover_days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = golden_toy()
    data["stockpiles"]["store"]["cover_days"] = cover_days
    best = optimizer.solve(data, gap=0).summary
    monkeypatch.setattr(sys.modules["lodeplan.optimizer.solver"], "search", search)
    summary = optimizer.solve(data, gap=0).summary

    assert (summary.termination, summary.solution) == (Termination.OPTIMAL, Solution.OPTIMAL)
    assert summary.objective_kusd == pytest.approx(best.objective_kusd)
    assert summary.check is not None


def test_what_is_infeasible_stays_so() -> None:
    data = golden_toy()
    data["stockpiles"]["store"] |= {"cover_days": 365, "fill_t_per_y": 1}
    instance = prepare(load(data))
    answer = solve_form(instance, standard_form(build_model(instance), instance), Control(gap=0))

    assert (answer.termination, answer.solution) == (Termination.INFEASIBLE, Solution.NONE)


# Prices


@pytest.mark.parametrize("weight", [0, 0.2, 0.5, 0.9])
def test_a_price_at_a_node_is_the_same_whatever_the_tail_weighs(weight: float) -> None:
    # Metal from China is 13.5 kUSD/t at every node that no ban meets, and no plan changes that.
    data = {**golden_toy(), "projects": {}, "stockpiles": {}, "risk": {"tail_weight": weight, "tail_level": 0.9}}
    values = optimizer.solve(data, gap=0).tables["marginal_values"]
    prices = values[values["what"].str.startswith("commodity_balances") & values["name"].str.endswith("USA")]
    calm = prices[~prices["node"].str.startswith("ban@")]

    assert len(calm) > 0
    assert calm["at_node"].to_list() == pytest.approx([13.5] * len(calm))
