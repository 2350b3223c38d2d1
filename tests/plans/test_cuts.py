"""Years that are alike, cut into periods in any way: one objective; and what a cut cannot show.

Flows are paid for in every year of a period, each at its own discount.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from families import amounts, cost_kusd, optimum, put
from hypothesis import strategies as st
from strategies import FIRST_YEAR, Data, scenarios
from test_properties import examples, for_all, objective_kusd, size_kusd, values_of

BASE_Y, AFTER_Y = 2, 4
"""Years before and after the one departure of a steady scenario."""
CUTS = ((2, 3, 1), (2, 1, 3), (2, 2, 2), (1, 1, 4), (1, 1, 1, 1, 2), (1, 1, 1, 1, 1, 1))
BASE = """
horizon: {first_year: 2026, period_years: [1, 1]}
economics: {discount_rate: 0.08}
places: {USA: {}, CHN: {}}
facilities:
  offer CHN: {place: CHN, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  metal CHN: {commodity: metal, origin: CHN, destination: USA, freight_kusd_per_t: 1, customs_value_kusd_per_t: 10}
tariffs:
  duty: {programme: mfn, commodities: [metal], rate_share: 0.1}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 50, shortage_penalty_kusd_per_t: 100}
"""
PROJECT = {
    "place": "USA",
    "outputs": {"metal": 1},
    "capacity_t_per_y": 50,
    "cost_kusd_per_t": 6,
    "capex_kusd": 2100,
    "end_value_share": 0,
    "latest_start": 2026,
    "tracks": {"std": {"permit_years": 1, "construction_years": 0}},
}


def mean_factor(rate: float, years: range) -> float:
    return sum((1 + rate) ** -year for year in years)


def steady(data: Data) -> Data:
    """The same with years that are alike, and nothing that depends on when within them it happens."""
    found: Data = _of_the_first_year(deepcopy(data))
    found |= {"projects": {}, "stockpiles": {}, "recycling": {}}
    for route in found["routes"].values():
        route.pop("onboarding", None)
    for measure in found["tariffs"].values():
        measure |= {"onset": None, "until": None}
    for event in found["events"].values():
        event |= {"onset": f"{FIRST_YEAR + BASE_Y}-01-01", "until": None}
    found["economics"]["discount_rate"] = 0.07
    return found


def _of_the_first_year(value: Any) -> Any:
    if isinstance(value, dict) and value and all(isinstance(key, int) and key >= FIRST_YEAR for key in value):
        return value[min(value)]
    if isinstance(value, dict):
        return {key: _of_the_first_year(item) for key, item in value.items()}
    return [_of_the_first_year(item) for item in value] if isinstance(value, list) else value


def cut(data: Data, *lengths: int) -> Data:
    return {**data, "horizon": {"first_year": FIRST_YEAR, "period_years": list(lengths)}}


@examples
def test_years_that_are_alike_may_be_cut_in_any_way(count: int) -> None:
    @for_all(count, scenarios(most_projects=0), st.sampled_from(CUTS))
    def holds(data: Data, lengths: tuple[int, ...]) -> None:
        whole = values_of(cut(steady(data), BASE_Y, AFTER_Y))
        parts = values_of(cut(steady(data), *lengths))
        close = 1e-7 * size_kusd(whole)
        assert objective_kusd(parts) == pytest.approx(objective_kusd(whole), rel=0, abs=close)


@pytest.mark.parametrize("lengths", [[10], [5, 5], [1, 9], [9, 1], [3, 3, 4], [1] * 10])
def test_ten_equal_years_cost_the_same_in_any_periods(lengths: list[int]) -> None:
    plan = optimum(BASE, *put("horizon.period_years", lengths))

    years = mean_factor(0.08, range(10))
    assert cost_kusd(plan) == pytest.approx(50 * 12 * years, rel=1e-9)
    assert plan.summary.duty_kusd == pytest.approx(50 * years, rel=1e-9)
    assert plan.summary.spend_kusd == pytest.approx(50 * 12 * years, rel=1e-9)
    terms = amounts(plan, "cost_terms", "term", of="expected_kusd")
    assert terms == {"production": 500 * years, "freight": 50 * years, "duty": 50 * years}


@pytest.mark.parametrize(
    ("lengths", "worth_kusd"),
    [
        # 12 - 6 = 6 kUSD/t on 50 t/y from 2027 on, in nine years; two years late in one.
        ([1] * 10, 300 * mean_factor(0.08, range(1, 10))),
        ([1, 9], 300 * mean_factor(0.08, range(1, 10))),
        ([1, 4, 5], 300 * mean_factor(0.08, range(1, 10))),
        ([2, 8], 300 * mean_factor(0.08, range(2, 10))),
        ([10], 0),
    ],
)
def test_a_project_is_built_where_its_savings_are_worth_its_cost(lengths: list[int], worth_kusd: float) -> None:
    """At one kUSD less it is started, at one more it is not, whatever the periods."""
    years = put("horizon.period_years", lengths)
    for capex_kusd, starts in ((worth_kusd - 1, 1), (worth_kusd + 1, 0)):
        if capex_kusd > 0:
            plan = optimum(BASE, *years, *put("projects", {"p": {**PROJECT, "capex_kusd": capex_kusd}}))
            assert len(plan.summary.projects) == starts


def test_the_worths_of_a_project_by_cut_are_those_of_the_conventions_page() -> None:
    yearly, late = (300 * mean_factor(0.08, range(first, 10)) for first in (1, 2))
    assert (round(yearly, 2), round(late, 2)) == (1874.07, 1596.29)


@pytest.mark.parametrize("lengths", [[1, 1, 1, 1], [4], [1, 3], [2, 2]])
def test_capex_counts_at_the_year_in_which_it_falls_due_and_end_value_at_the_last(lengths: list[int]) -> None:
    # Committed by force in 2026, paid over four years; half its capex is left at the end, counted as the last year.
    project = {
        **PROJECT,
        "capex_kusd": 1000,
        "capex_spending_share": [0.4, 0.3, 0.2, 0.1],
        "end_value_share": 0.5,
        "grant_share": 0.1,
        "forced_track": "std",
        "cost_kusd_per_t": 1000,
        "tracks": {"std": {"permit_years": 0, "construction_years": 1, "extra_cost_kusd": 7}},
    }
    plan = optimum(BASE, *put("horizon.period_years", lengths), *put("projects", {"p": project}))

    paid = sum(1000 * share * 1.08**-year for year, share in enumerate([0.4, 0.3, 0.2, 0.1]))
    terms = amounts(plan, "cost_terms", "term", of="expected_kusd")
    assert terms["capex"] == paid
    assert terms["grant"] == -0.1 * paid
    assert terms["fast_track"] == 7
    assert terms["end_value_projects"] == -500 * 1.08**-3


@pytest.mark.parametrize("lengths", [[1, 1, 1], [3], [1, 2]])
def test_stock_is_held_in_every_year_and_worth_something_in_the_last(lengths: list[int]) -> None:
    # 30 t are there from the beginning, and worth keeping.
    pile = {"commodity": "metal", "opening_t": 30, "holding_kusd_per_t_y": 0.5, "end_value_kusd_per_t": 40}
    pile["fill_t_per_y"] = 0
    plan = optimum(BASE, *put("horizon.period_years", lengths), *put("stockpiles", {"s": pile}))

    terms = amounts(plan, "cost_terms", "term", of="expected_kusd")
    assert terms["holding"] == 30 * 0.5 * mean_factor(0.08, range(3))
    assert terms["end_value_stock"] == -30 * 40 * 1.08**-2


@pytest.mark.parametrize("lengths", [[1, 1, 1], [3], [2, 1]])
@pytest.mark.parametrize(
    "limit",
    [
        {"kind": "share_cap", "commodity": "metal", "places": ["CHN"], "cap_share": 0.4, "violation_price_kusd": 3},
        {"kind": "budget", "covers": ["support"], "amount_kusd_per_y": 30, "violation_price_kusd": 3},
        {"kind": "service_floor", "tiers": ["other"], "served_share": 0.9, "violation_price_kusd": 3},
    ],
    ids=lambda limit: limit["kind"],
)
def test_a_soft_limit_that_is_exceeded_every_year_costs_the_same_in_any_periods(
    limit: Data, lengths: list[int]
) -> None:
    # A plant at home that the state pays 2 kUSD/t, and too little metal for all.
    patches = [
        *put("facilities.plant", {"place": "USA", "outputs": {"metal": 1}, "capacity_t_per_y": 20}),
        *put("facilities.plant.cost_kusd_per_t", 9),
        *put("facilities.plant.price_floor", {"floor_kusd_per_t": 12, "reference_price_kusd_per_t": 10}),
        *put("facilities.'offer CHN'.capacity_t_per_y", 20),
        *put("limits", {"limit": limit}),
    ]
    plan = optimum(BASE, *put("horizon.period_years", lengths), *patches)
    yearly = optimum(BASE, *put("horizon.period_years", [1, 1, 1]), *patches)

    assert cost_kusd(plan) == pytest.approx(cost_kusd(yearly), rel=1e-9)
    violated = [p.summary.cost_terms_kusd["limit_violation"] for p in (plan, yearly)]
    assert violated[0] == pytest.approx(violated[1], rel=1e-9)
    assert violated[0] > 0


def test_the_marginal_value_at_a_node_is_the_price_of_a_tonne_whatever_the_period_s_length() -> None:
    for lengths in ([1, 1], [2, 8], [10]):
        plan = optimum(BASE, *put("horizon.period_years", lengths))
        values = plan.tables["marginal_values"]
        metal = values[values["what"] == "commodity_balances"]
        assert metal["at_node"].tolist() == pytest.approx([12.0] * len(lengths))


@pytest.mark.parametrize("objective", ["worst_future", "maximum_regret", "expected_shortage"])
def test_other_objectives_do_not_depend_on_the_cut_either(objective: str) -> None:
    ban = {"changes": "exports", "places": ["CHN"], "onset": "2027-01-01", "availability_share": 0}
    futures = {"calm": {}, "ban": {"probability": 0.3, "events": ["ban"]}}
    patches = [*put("events", {"ban": ban}), *put("futures", futures), *put("risk.objective", objective)]
    costs = [
        cost_kusd(optimum(BASE, *put("horizon.period_years", lengths), *patches))
        for lengths in ([1, 1, 1, 1], [1, 3], [1, 1, 2])
    ]
    assert costs[1:] == pytest.approx([costs[0]] * 2, rel=1e-9, abs=1e-9)


def test_shortages_in_tonnes_are_not_discounted_and_their_worth_is() -> None:
    plan = optimum(BASE, *put("horizon.period_years", [4]), *put("facilities.'offer CHN'.capacity_t_per_y", 30))

    assert plan.summary.shortage_t == {"other": pytest.approx(80)}
    [row] = plan.tables["shortages"].to_dict("records")
    assert row["expected_t"] == pytest.approx(80)
    assert row["expected_penalty_kusd"] == pytest.approx(20 * 100 * mean_factor(0.08, range(4)))


def test_a_test_that_exceeds_a_soft_limit_pays_in_each_of_its_years() -> None:
    ban = {"changes": "exports", "places": ["CHN"], "onset": "2027-01-01", "availability_share": 0}
    floor = {"kind": "service_floor", "tiers": ["other"], "served_share": 1, "futures": ["test"]}
    patches = [
        *put("events", {"ban": ban}),
        *put("futures", {"calm": {"probability": 1}, "test": {"stress": True, "events": ["ban"]}}),
        *put("limits", {"floor": {**floor, "violation_price_kusd": 2}}),
    ]
    costs = [cost_kusd(optimum(BASE, *put("horizon.period_years", lengths), *patches)) for lengths in ([1, 3], [1] * 4)]
    assert costs[0] == pytest.approx(600 * mean_factor(0.08, range(4)) + 100 * mean_factor(0.08, range(1, 4)))
    assert costs[1] == pytest.approx(costs[0])
