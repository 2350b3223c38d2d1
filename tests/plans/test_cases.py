"""Scenarios whose optimum can be worked out by hand; each file says how."""

from typing import Any

import pytest

from lodeplan import optimizer

Patches = list[dict[str, Any]]


def solve(name: str, patches: Patches | None = None) -> optimizer.Plan:
    plan = optimizer.solve(name, patches or [], gap=0)
    assert plan.summary.termination == "optimal"
    return plan


def put(path: str, value: Any) -> Patches:
    return [{"op": "set", "path": path, "value": value}]


def shipped_t(plan: optimizer.Plan) -> dict[str, float]:
    """t/y by route, all nodes of a one-period scenario."""
    return dict(plan.tables["ship"].groupby("route")["ship_t_per_y"].sum())


def onboarded(plan: optimizer.Plan) -> list[str]:
    return sorted(plan.tables["onboardings"]["route"])


@pytest.mark.parametrize(
    ("probability", "stored_t", "objective_kusd"),
    [(0.0697, 0, 110 * 0.0697), (0.0698, 1, 6 + 24 * 0.0698)],
)
def test_stock_is_bought_exactly_above_the_break_even_probability(
    probability: float, stored_t: float, objective_kusd: float
) -> None:
    plan = solve("stock-or-accept", put("futures.outage.probability", probability))

    assert plan.summary.objective_kusd == pytest.approx(objective_kusd, abs=1e-6)
    bought = sum(level.stock_t for level in plan.summary.stocks if level.period == 1)
    assert bought == pytest.approx(stored_t, abs=1e-6)


@pytest.mark.parametrize(
    ("probability", "route", "objective_kusd"),
    [(0.0146, "from A", 132 + 368 * 0.0146), (0.0148, "from B", 137.4)],
)
def test_the_safe_supplier_is_chosen_exactly_above_the_switching_probability(
    probability: float, route: str, objective_kusd: float
) -> None:
    plan = solve("cheap-or-safe-supplier", put("futures.'A fails'.probability", probability))

    assert plan.summary.objective_kusd == pytest.approx(objective_kusd, abs=1e-6)
    assert onboarded(plan) == [route]


@pytest.mark.parametrize(
    ("rate_share", "route", "objective_kusd"), [(0.353, "from A", 137.3), (0.355, "from B", 137.4)]
)
def test_the_dearer_supplier_wins_above_the_break_even_duty(
    rate_share: float, route: str, objective_kusd: float
) -> None:
    plan = solve("break-even-duty", put("tariffs.'duty on A'.rate_share", rate_share))

    assert plan.summary.objective_kusd == pytest.approx(objective_kusd, abs=1e-6)
    assert onboarded(plan) == [route]


@pytest.mark.proves("flow_stays_within_quota")
def test_a_tariff_rate_quota_gives_the_lower_rate_to_the_first_tonnes_only() -> None:
    plan = solve("tariff-rate-quota")

    assert plan.summary.objective_kusd == pytest.approx(122_000, abs=1e-3)
    bands = plan.tables["ship"].set_index(["route", "band"])["ship_t_per_y"].to_dict()
    assert bands == {("from A", "in_quota"): pytest.approx(400), ("from A", "over_quota"): pytest.approx(600)}
    assert plan.summary.duty_kusd == pytest.approx(400 * 5 + 600 * 30)


@pytest.mark.proves("share_stays_below_cap")
def test_a_concentration_cap_splits_the_purchase() -> None:
    plan = solve("concentration-cap")

    assert plan.summary.objective_kusd == pytest.approx(109_800, abs=1e-3)
    assert shipped_t(plan) == {"from A": pytest.approx(650), "from B": pytest.approx(350)}
    (row,) = plan.tables["concentration"].to_dict("records")
    assert row["concentration_index"] == pytest.approx(0.545, abs=1e-9)
    assert (row["largest_source"], row["largest_share"]) == ("A", pytest.approx(0.65))


CURVE = "facilities.'rising offer'.supply_curve"


@pytest.mark.parametrize(
    ("basis", "steps", "bought_t", "objective_kusd"),
    [
        ("buyer", 10, 400, 400 * 40 + 600 * 60),
        ("market", 10, 800, 32_000 + 200 * 60),
        ("market", 5, 800, 32_000 + 200 * 60),
    ],
)
def test_a_buyer_who_moves_the_price_stops_earlier_than_a_price_taker(
    basis: str, steps: int, bought_t: float, objective_kusd: float
) -> None:
    plan = solve("rising-import-price", put(f"{CURVE}.basis", basis) + put(f"{CURVE}.steps", steps))

    assert plan.summary.objective_kusd == pytest.approx(objective_kusd, abs=1e-3)
    assert shipped_t(plan)["from supplier"] == pytest.approx(bought_t)


def test_five_segments_overstate_the_buyers_cost_by_exactly_the_stated_bound() -> None:
    plan = solve("rising-import-price", put(f"{CURVE}.steps", 5))

    slope, width = 0.05, 160
    assert plan.summary.objective_kusd == pytest.approx(52_000 + slope * width**2 / 4, abs=1e-3)


def test_duties_of_different_programmes_add_up() -> None:
    plan = solve("stacked-duty")

    assert plan.summary.duty_kusd == pytest.approx(220.18)
    assert plan.summary.objective_kusd == pytest.approx(320.18)
    by_measure = plan.tables["duties"].set_index("measure")["duty_kusd"].to_dict()
    assert by_measure == {
        "claimed first": pytest.approx(10),
        "claimed second": pytest.approx(25),
        "claimed third": pytest.approx(25),
        "claimed countervailing": pytest.approx(66.68),
        "claimed antidumping": pytest.approx(93.5),
    }


@pytest.mark.parametrize(("market_price", "support_kusd"), [(60, -50_000), (130, 6_000)])
def test_a_price_floor_pays_below_and_takes_its_share_above(market_price: float, support_kusd: float) -> None:
    place = "facilities.'home mine'.price_floor.reference_price_kusd_per_t"
    plan = solve("price-floor", put(place, market_price))

    assert plan.summary.cost_terms_kusd["support"] == pytest.approx(support_kusd)
    assert plan.summary.objective_kusd == pytest.approx(100 * 1000 + support_kusd)


@pytest.mark.parametrize(
    ("tail_weight", "stored_t", "objective_kusd"), [(0, 300, 6_750), (0.25, 375, 7_687.5), (0.5, 375, 8_250)]
)
@pytest.mark.proves("tail_excess_is_counted")
def test_weight_on_the_tail_raises_the_stock(tail_weight: float, stored_t: float, objective_kusd: float) -> None:
    plan = solve("discrete-stockpile", put("risk.tail_weight", tail_weight))

    assert plan.summary.objective_kusd == pytest.approx(objective_kusd, abs=1e-3)
    (level,) = [level.stock_t for level in plan.summary.stocks if level.period == 1]
    assert level == pytest.approx(stored_t, abs=1e-4)


@pytest.mark.parametrize(("tail_weight", "objective_kusd"), [(0, 50.5), (0.9, 5.05 + 88.2)])
@pytest.mark.proves("tail_excess_is_counted")
def test_cvar_of_a_hundred_equal_chances_is_the_mean_of_the_worst_five(
    tail_weight: float, objective_kusd: float
) -> None:
    plan = solve("hundred-losses", put("risk.tail_weight", tail_weight))

    assert plan.summary.cvar_kusd == pytest.approx(98.0, abs=1e-6)
    assert plan.summary.expected_cost_kusd == pytest.approx(50.5, abs=1e-6)
    assert plan.summary.objective_kusd == pytest.approx(objective_kusd, abs=1e-6)


@pytest.mark.proves("commodity_balances")
def test_a_by_product_is_held_to_its_host_and_gives_the_host_its_value() -> None:
    plan = solve("by-product")

    assert plan.summary.objective_kusd == pytest.approx(1000 * 0.3 + 30 * 400)
    served = plan.tables["serve"].set_index("demand")["served_t_per_y"].to_dict()
    assert served["gallium"] == pytest.approx(50)
    assert plan.summary.shortage_t == {"other": pytest.approx(30)}
    values = plan.tables["marginal_values"]
    of_capacity = values.loc[values["name"] == "alumina refinery", "value"]
    assert list(of_capacity) == [pytest.approx(-(0.05 * 400 - 0.3))]


def test_the_scarcer_of_two_complements_decides_the_output() -> None:
    plan = solve("complement")

    assert plan.summary.objective_kusd == pytest.approx(15 * 60 + 1.5 * 250 + 50 * 500)
    assert plan.summary.shortage_t == {"other": pytest.approx(50)}
    assert shipped_t(plan) == {"Nd": pytest.approx(15), "Dy": pytest.approx(1.5)}


def test_more_of_the_abundant_complement_changes_nothing() -> None:
    before = solve("complement").summary.objective_kusd
    after = solve("complement", put("facilities.'offer Nd'.capacity_t_per_y", 30)).summary.objective_kusd

    assert after == pytest.approx(before)


def test_an_escalating_duty_brings_processing_home() -> None:
    plan = solve("tariff-escalation")

    assert plan.summary.objective_kusd == pytest.approx(60 * 12 + 40 * 15)
    assert shipped_t(plan) == {"cathode": pytest.approx(60), "semi": pytest.approx(40)}


def test_without_the_escalating_duty_all_is_imported_finished() -> None:
    plan = solve("tariff-escalation", [{"op": "remove", "path": "tariffs.'duty on semi'"}])

    assert plan.summary.objective_kusd == pytest.approx(1000)
    assert shipped_t(plan) == {"semi": pytest.approx(100)}
