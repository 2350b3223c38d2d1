"""Chains, joint products, growth, reserves and recycling: exact cases, the arithmetic above each."""

import pytest
from families import amounts, cost_kusd, optimum, put, shipped, worth

CAPACITY = "facility_runs_within_capacity"


def test_a_ban_on_ore_abroad_starves_the_refinery_in_between() -> None:
    plan = optimum("ore-ban-upstream")

    assert cost_kusd(plan) == pytest.approx(500 + 0.75 * 500 + 0.25 * 6600)
    assert amounts(plan, "ship", "route", "node") == {
        ("metal from B", "1"): 50,
        ("metal from B", "2"): 50,
        ("metal from C", "ore ban@2"): 20,
        ("ore A to B", "1"): 100,
        ("ore A to B", "2"): 100,
    }
    assert amounts(plan, "shortage", "node") == {"ore ban@2": 30}


def test_scarce_ore_carries_the_penalty_through_the_yield() -> None:
    # 50 t of ore make 25 t, C gives 20, 5 are short. One more t of ore makes half a t, which saves 200 and costs 10.
    plan = optimum("ore-ban-upstream", *put("facilities.'mine A'.capacity_t_per_y", 50))

    assert worth(plan, CAPACITY, "mine A", "1") == pytest.approx(-(200 - 10) / 2)
    assert worth(plan, CAPACITY, "mine A", "2") == pytest.approx(-0.75 * (200 - 10) / 2)
    assert worth(plan, CAPACITY, "mine A", "ore ban@2") == 0
    assert cost_kusd(plan) == pytest.approx(1.75 * (25 * 10 + 20 * 30 + 5 * 200) + 0.25 * 6600)


def test_with_the_dear_source_at_the_margin_ore_is_worth_what_it_saves_there() -> None:
    # 80 t of ore make 40 t, C gives 10 of its 20: one more t of ore saves half of 30 - 10.
    plan = optimum("ore-ban-upstream", *put("facilities.'mine A'.capacity_t_per_y", 80))

    assert worth(plan, CAPACITY, "mine A", "1") == pytest.approx(-(30 - 10) / 2)


def test_the_host_is_worth_more_as_its_by_product_s_shortage_weighs_more() -> None:
    # As the example, with 800 instead of 400: 1,000 * 0.3 + 30 * 800; one more t of alumina saves 0.05 * 800 - 0.3.
    plan = optimum("by-product", *put("demands.gallium.shortage_penalty_kusd_per_t", 800))

    assert cost_kusd(plan) == pytest.approx(300 + 24_000)
    assert worth(plan, CAPACITY, "alumina refinery") == pytest.approx(-39.7)


BASKET = """
commodities:
  Nd: {stage: refined, mineral_group: rare earths}
  La: {stage: refined, mineral_group: rare earths, disposable: true, disposal_cost_kusd_per_t: 2}
places: {USA: {}}
facilities:
  separation: {place: USA, outputs: {Nd: 0.2, La: 0.5}, capacity_t_per_y: 500, cost_kusd_per_t: 1}
demands:
  magnets: {commodity: Nd, tier: other, quantity_t_per_y: 20, shortage_penalty_kusd_per_t: 100}
  catalysts: {commodity: La, tier: other, quantity_t_per_y: 30, shortage_penalty_kusd_per_t: 5}
"""


@pytest.mark.parametrize(
    ("penalty", "run_t", "disposed", "objective_kusd"),
    [
        # From 60 t on La is surplus: one more t costs 1 + 0.5 * 2 = 2 and saves 0.2 * 100 = 20. At 100 t: 100 + 40.
        (100, 100, {"La": 20}, 140),
        # At a penalty of 8 it saves 1.6, so it stops at 60 t, where 8 t of Nd are short: 60 + 64.
        (8, 60, {}, 124),
    ],
)
def test_a_basket_is_made_for_its_dear_part_while_that_pays_for_letting_the_rest_go(
    penalty: float, run_t: float, disposed: dict[str, float], objective_kusd: float
) -> None:
    plan = optimum(BASKET, *put("demands.magnets.shortage_penalty_kusd_per_t", penalty))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert amounts(plan, "run", "facility") == {"separation": run_t}
    assert amounts(plan, "dispose", "commodity") == disposed


@pytest.mark.proves("commodity_balances")
def test_a_basket_that_cannot_let_its_surplus_go_stops_where_the_first_market_is_full() -> None:
    # 60 t fill the market for La; 8 t of Nd are short at 100: 60 + 800.
    plan = optimum(BASKET, *put("commodities.La.disposable", False), *put("commodities.La.disposal_cost_kusd_per_t", 0))

    assert cost_kusd(plan) == pytest.approx(860)
    assert amounts(plan, "run", "facility") == {"separation": 60}


@pytest.mark.proves("commodity_balances")
def test_yields_multiply_along_a_chain() -> None:
    # 1.25 t of concentrate a t of metal, 1.6 t of ore a t of concentrate: 10 t of metal take 20 t of ore.
    # 20 * 3 for ore, 12.5 * 2 and 10 * 4 to process: 60 + 25 + 40.
    plan = optimum("""
commodities:
  ore: {stage: ore, mineral_group: metal}
  concentrate: {stage: concentrate, mineral_group: metal}
  metal: {stage: refined, mineral_group: metal}
places: {USA: {}}
facilities:
  mine: {place: USA, outputs: {ore: 1}, cost_kusd_per_t: 3}
  mill: {place: USA, inputs: {ore: 1.6}, outputs: {concentrate: 1}, cost_kusd_per_t: 2}
  smelter: {place: USA, inputs: {concentrate: 1.25}, outputs: {metal: 1}, cost_kusd_per_t: 4}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 100}
""")

    assert cost_kusd(plan) == pytest.approx(125)
    assert amounts(plan, "run", "facility") == {"mine": 20, "mill": 12.5, "smelter": 10}
    assert worth(plan, "commodity_balances", "ore USA") == pytest.approx(3)
    # 1.25 * (1.6 * 3 + 2) + 4
    assert worth(plan, "commodity_balances", "metal USA") == pytest.approx(12.5)


HUB = """
places: {USA: {}, A: {}, HUB: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  straight: {commodity: metal, origin: A, destination: USA, capacity_t_per_y: 5, customs_value_kusd_per_t: 10}
  to the hub: {commodity: metal, origin: A, destination: HUB, freight_kusd_per_t: 1}
  from the hub:
    {commodity: metal, origin: HUB, destination: USA, freight_kusd_per_t: 1, hub_markup_kusd_per_t: 2,
     customs_value_kusd_per_t: 10}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 8, shortage_penalty_kusd_per_t: 100}
"""
DUTY_ON_A = put(
    "tariffs.'duty on A'", {"programme": "mfn", "origins": ["A"], "commodities": ["metal"], "rate_share": 0.5}
)


@pytest.mark.proves("route_flows_within_capacity")
def test_what_the_straight_route_cannot_carry_goes_over_a_hub_at_its_mark_up() -> None:
    # 5 * 10 + 3 * (10 + 1 + 1 + 2)
    plan = optimum(HUB)

    assert cost_kusd(plan) == pytest.approx(92)
    assert plan.summary.cost_terms_kusd["hub_markup"] == pytest.approx(6)
    assert worth(plan, "route_flows_within_capacity", "straight") == pytest.approx(-4)


def test_a_duty_on_the_last_origin_sends_all_over_the_hub() -> None:
    # Straight 10 + 5 = 15, over the hub 14: 8 * 14.
    plan = optimum(HUB, *DUTY_ON_A)

    assert cost_kusd(plan) == pytest.approx(112)
    assert shipped(plan) == {"to the hub": 8, "from the hub": 8}


MINE_AND_BACKSTOP = """
horizon: {first_year: 1, period_years: [1, 1, 1, 1]}
places: {USA: {}, A: {}}
facilities:
  mine: {place: USA, outputs: {metal: 1}, capacity_t_per_y: 10, cost_kusd_per_t: 5}
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 20}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 100}
"""


@pytest.mark.proves("reserves_are_not_exceeded")
def test_reserves_run_out_in_the_third_year() -> None:
    # 25 t at 10 t/y, and a saving of 15 that is worth most now: 10, 10, 5, 0. At 10 %:
    # 50 + 50 / 1.1 + (25 + 100) / 1.21 + 200 / 1.331. One more t in the ground saves 15 in the third year.
    plan = optimum(MINE_AND_BACKSTOP, *put("facilities.mine.reserves_t", 25), *put("economics.discount_rate", 0.1))

    assert cost_kusd(plan) == pytest.approx(50 + 50 / 1.1 + 125 / 1.21 + 200 / 1.331)
    run = plan.tables["run"]
    assert amounts(plan, "run", "facility", "node") == {
        ("mine", "1"): 10,
        ("mine", "2"): 10,
        ("mine", "3"): 5,
        ("offer A", "3"): 5,
        ("offer A", "4"): 10,
    }
    assert len(run) == 5
    assert worth(plan, "reserves_are_not_exceeded", "mine", "4") == pytest.approx(-15 / 1.21)


@pytest.mark.proves("reserves_are_not_exceeded")
def test_reserves_count_the_years_of_a_period() -> None:
    # Two periods of two years: 25 t are 10 t/y in the first and 2.5 t/y in the second.
    plan = optimum(
        MINE_AND_BACKSTOP,
        *put("horizon.period_years", [2, 2]),
        *put("facilities.mine.reserves_t", 25),
        *put("economics.discount_rate", 0.1),
    )

    # 10 * 5 in each of two years, then 2.5 * 5 + 7.5 * 20 in each of the others.
    assert cost_kusd(plan) == pytest.approx(50 * (1 + 1.1**-1) + 162.5 * (1.1**-2 + 1.1**-3))
    assert amounts(plan, "run", "facility", "node")["mine", "3"] == 2.5


@pytest.mark.proves("facility_keeps_running")
def test_minimum_utilisation_makes_a_plant_run_at_a_loss() -> None:
    # 40 of 100 t at 30, though A sells at 10: 40 * 30 + 60 * 10. One t more of the minimum costs 20.
    plan = optimum("""
places: {USA: {}, A: {}}
facilities:
  plant: {place: USA, outputs: {metal: 1}, capacity_t_per_y: 100, cost_kusd_per_t: 30, minimum_utilisation_share: 0.4}
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 100, shortage_penalty_kusd_per_t: 200}
""")

    assert cost_kusd(plan) == pytest.approx(1800)
    assert amounts(plan, "run", "facility") == {"plant": 40, "offer A": 60}
    assert worth(plan, "facility_keeps_running", "plant") == pytest.approx(20)


@pytest.mark.proves("activity_grows_within_limit")
def test_from_a_seed_of_five_doubling_gives_5_15_and_35() -> None:
    # Nothing ran before: 0 * 2 + 5, 5 * 2 + 5, 15 * 2 + 5. A t of the mine costs 5, of the backstop 20:
    # 300 * 20 - 15 * (5 + 15 + 35). One t more in the first year is 1 + 2 + 4 over the years.
    plan = optimum(
        MINE_AND_BACKSTOP,
        *put("horizon.period_years", [1, 1, 1]),
        *put("facilities.mine.capacity_t_per_y", 100),
        *put("facilities.mine.growth", {"share_per_y": 1, "seed_t_per_y": 5, "before_t_per_y": 0}),
        *put("demands.user.quantity_t_per_y", 100),
    )

    assert cost_kusd(plan) == pytest.approx(6000 - 15 * 55)
    runs = amounts(plan, "run", "facility", "node")
    assert [runs["mine", node] for node in "123"] == [5, 15, 35]
    growth = [worth(plan, "activity_grows_within_limit", "mine", node) for node in "123"]
    assert growth == pytest.approx([-15 * 7, -15 * 3, -15])


@pytest.mark.proves("activity_grows_within_limit")
def test_growth_after_a_period_of_two_years_is_that_of_two_years() -> None:
    # 2 t ran before: 2 * 2 + 5 = 9 a year for two years, then 9 * 2^2 + 2 * 5 = 46.
    plan = optimum(
        MINE_AND_BACKSTOP,
        *put("horizon.period_years", [2, 1]),
        *put("facilities.mine.capacity_t_per_y", 100),
        *put("facilities.mine.growth", {"share_per_y": 1, "seed_t_per_y": 5, "before_t_per_y": 2}),
        *put("demands.user.quantity_t_per_y", 100),
    )

    assert cost_kusd(plan) == pytest.approx(6000 - 15 * (2 * 9 + 46))


@pytest.mark.parametrize("share_per_y", [1, 1e6, 9e14], ids=["doubling", "a millionfold", "beyond any number"])
def test_growth_over_fifty_years_is_a_plan_whatever_the_factor(share_per_y: float) -> None:
    # The mine is cheaper, ran in the first period and grows by far more than it could be built for.
    plan = optimum(
        MINE_AND_BACKSTOP,
        *put("horizon.period_years", [50, 50]),
        *put("facilities.mine.capacity_t_per_y", {1: 1, 51: 100}),
        *put("facilities.mine.growth", {"share_per_y": share_per_y}),
        *put("demands.user.quantity_t_per_y", 100),
    )

    assert cost_kusd(plan) == pytest.approx(50 * (5 + 99 * 20) + 50 * 100 * 5)


@pytest.mark.parametrize("share_per_y", [1, 9e14])
def test_what_did_not_run_before_does_not_grow_in_fifty_years_either(share_per_y: float) -> None:
    plan = optimum(
        MINE_AND_BACKSTOP,
        *put("horizon.period_years", [50, 50]),
        *put("facilities.mine.capacity_t_per_y", 100),
        *put("facilities.mine.growth", {"share_per_y": share_per_y, "before_t_per_y": 0, "seed_t_per_y": 1e-9}),
        *put("demands.user.quantity_t_per_y", 100),
    )

    assert cost_kusd(plan) == pytest.approx(100 * 100 * 20, rel=1e-5)


def test_a_seed_of_the_whole_capacity_leaves_no_limit_on_growth() -> None:
    plan = optimum(
        MINE_AND_BACKSTOP,
        *put("horizon.period_years", [50, 50]),
        *put("facilities.mine.capacity_t_per_y", 100),
        *put("facilities.mine.growth", {"share_per_y": 1, "before_t_per_y": 0, "seed_t_per_y": 100}),
        *put("demands.user.quantity_t_per_y", 100),
    )

    assert cost_kusd(plan) == pytest.approx(100 * 100 * 5)
    assert worth(plan, "activity_grows_within_limit", "mine", "1") == 0


RECYCLING = """
horizon: {first_year: 2026, period_years: [1, 1, 1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 20}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 100}
recycling:
  old products:
    {commodity: metal, from_commodity: metal, recovered_t_per_t: 0.3, lag_years: 2,
     past_use_t_per_y: {2024: 8, 2025: 6}, cost_kusd_per_t: 5}
"""


@pytest.mark.proves("scrap_follows_past_use")
def test_scrap_comes_back_two_years_after_use_also_from_before_the_horizon() -> None:
    # 0.3 of 8 and 6 used before, then of 10 and 10: 10.2 t at 5 instead of 20: 800 - 15 * 10.2.
    plan = optimum(RECYCLING)

    assert cost_kusd(plan) == pytest.approx(800 - 15 * 10.2)
    assert amounts(plan, "recover", "node") == {"2026": 2.4, "2027": 1.8, "2028": 3, "2029": 3}


def test_a_tonne_used_now_is_worth_also_what_comes_back_of_it() -> None:
    # A sells 5 t in 2026: 5 + 2.4 are used and 2.6 short, so that 0.3 * 7.4 = 2.22 t come back in 2028.
    # One more t in 2026 saves 100 - 20, and 0.3 * (20 - 5) two years later.
    plan = optimum(RECYCLING, *put("facilities.'offer A'.capacity_t_per_y", {2026: 5, 2027: 100}))

    assert amounts(plan, "recover", "node") == {"2026": 2.4, "2027": 1.8, "2028": 2.22, "2029": 3}
    recovered = 2.4 + 1.8 + 2.22 + 3
    assert cost_kusd(plan) == pytest.approx((40 - 2.6 - recovered) * 20 + recovered * 5 + 2.6 * 100)
    assert worth(plan, CAPACITY, "offer A", "2026") == pytest.approx(-(80 + 4.5))


@pytest.mark.proves("scrap_follows_past_use")
def test_scrap_comes_back_from_a_substitute_s_use() -> None:
    # No magnets are to be had. 4 of 10 t are met by twice as much ferrite, at 2 a t met; 6 are short at 100.
    # Year 1: 8 t of ferrite at 3. Year 2: half of them come back at 1, 4 t are bought at 3.
    plan = optimum("""
horizon: {first_year: 1, period_years: [1, 1]}
commodities:
  magnet: {stage: product, mineral_group: rare earths}
  ferrite: {stage: product, mineral_group: iron}
places: {USA: {}}
facilities:
  ferrite works: {place: USA, outputs: {ferrite: 1}, cost_kusd_per_t: 3}
demands:
  motors:
    commodity: magnet
    tier: other
    quantity_t_per_y: 10
    shortage_penalty_kusd_per_t: 100
    substitutes:
      ferrite magnets: {commodity: ferrite, ratio_t_per_t: 2, limit_share: 0.4, cost_kusd_per_t: 2}
recycling:
  old motors: {commodity: ferrite, from_commodity: ferrite, recovered_t_per_t: 0.5, lag_years: 1, cost_kusd_per_t: 1}
""")

    assert amounts(plan, "recover", "node") == {"2": 4}
    assert amounts(plan, "serve", "option", "node") == {("ferrite magnets", "1"): 4, ("ferrite magnets", "2"): 4}
    assert cost_kusd(plan) == pytest.approx((24 + 600 + 8) + (4 * 1 + 4 * 3 + 600 + 8))
