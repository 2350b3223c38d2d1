"""Stockpiles: when they open, fill and must be full again: exact cases, the arithmetic above each."""

import pytest
from families import amounts, cost_kusd, optimum, put, worth

RESERVE = """
horizon: {first_year: 1, period_years: [1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
stockpiles:
  reserve: {commodity: metal, kind: strategic, release_events: [ban], opening_t: 10}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: {1: 0, 2: 10}, shortage_penalty_kusd_per_t: 100}
events:
  ban: {changes: exports, places: [A], onset: 2, availability_share: 0}
  strike: {changes: output, places: [A], onset: 2, availability_share: 0}
futures:
  calm: {}
  ban: {probability: 0.2, events: [ban]}
  strike: {probability: 0.2, events: [strike]}
"""


@pytest.mark.parametrize(
    ("field", "value", "objective_kusd", "released"),
    [
        # As planned 10 t are bought at 10; the ban opens the reserve; in the strike 10 t are short at 100: 60 + 200.
        ("release_events", ["ban"], 260, {"ban@2": 10}),
        ("release_events", ["*"], 60, {"ban@2": 10, "strike@2": 10}),
        # A commercial stock serves whatever happens.
        ("kind", "commercial", 0, {"2": 10, "ban@2": 10, "strike@2": 10}),
    ],
)
def test_a_strategic_reserve_opens_in_its_emergency_only(
    field: str, value: object, objective_kusd: float, released: dict[str, float]
) -> None:
    plan = optimum(RESERVE, *put(f"stockpiles.reserve.{field}", value))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    store = plan.tables["store"]
    assert amounts(plan, "store", "node", of="release_t_per_y") == {
        node: released.get(node, 0) for node in dict.fromkeys(store["node"])
    }


COMMERCIAL = """
horizon: {first_year: 1, period_years: [1, 1, 1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A:
    place: A
    outputs: {metal: 1}
    capacity_t_per_y: {1: 10, 2: 0, 3: 30}
    cost_kusd_per_t: {1: 10, 3: 30, 4: 20}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
stockpiles:
  store: {commodity: metal, opening_t: 10, cover_days: 365, replenish_within_years: 2}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 100}
"""


def test_a_stock_with_time_to_fill_again_is_used_where_a_fixed_target_would_forbid_it() -> None:
    # Nothing is sold in year 2. With two years to fill again, 10 t are released: 100 + 0 + 300. Else they are short.
    three = put("horizon.period_years", [1, 1, 1])

    assert cost_kusd(optimum(COMMERCIAL, *three)) == pytest.approx(400)
    fixed = optimum(COMMERCIAL, *three, {"op": "remove", "path": "stockpiles.store.replenish_within_years"})
    assert cost_kusd(fixed) == pytest.approx(100 + 1000 + 300)


def test_what_was_released_is_bought_again_within_two_years() -> None:
    # Released in year 2, it may lack at the end of year 3 but not of year 4. Full again in year 3 it costs 10 t more at
    # 30, and as it may then lack for two years beyond the horizon, year 4 is served from it: 100 + 0 + 600 + 0. With a
    # stock to leave behind it is bought in year 4, at 20.
    plan = optimum(COMMERCIAL)
    assert cost_kusd(plan) == pytest.approx(100 + 0 + 600 + 0)
    assert amounts(plan, "store", "node", of="stock_t") == {"1": 10, "2": 0, "3": 10, "4": 0}

    kept = optimum(COMMERCIAL, *put("stockpiles.store.end_minimum_t", 10))
    assert cost_kusd(kept) == pytest.approx(100 + 0 + 300 + 200 + 200)


def test_a_cover_target_is_bought_once_and_kept() -> None:
    # 73 days of 10 t/y are 2 t. 2 * 100 for the user, 2 * 10 for the store and 2 * 1 a year to hold it.
    # One t more in year 1 alone is held for 1 and used in year 2; in year 2 it costs 10 + 1.
    plan = optimum("""
horizon: {first_year: 1, period_years: [1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
stockpiles:
  store: {commodity: metal, cover_days: 73, holding_kusd_per_t_y: 1}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 100}
""")

    assert cost_kusd(plan) == pytest.approx(224)
    assert amounts(plan, "store", "node", of="stock_t") == {"1": 2, "2": 2}
    assert worth(plan, "stock_covers_target", "store", "1") == pytest.approx(1)
    assert worth(plan, "stock_covers_target", "store", "2") == pytest.approx(11)


FILLED = """
horizon: {first_year: 1, period_years: [1, 1, 1]}
commodities:
  metal: {stage: refined, mineral_group: metal, reference_price_kusd_per_t: 10}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, capacity_t_per_y: {1: 100, 3: 0}, cost_kusd_per_t: 10}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
stockpiles:
  store: {commodity: metal, fill_t_per_y: 3, holding_kusd_per_t_y: 1}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: {1: 0, 3: 10}, shortage_penalty_kusd_per_t: 100}
"""


def test_a_store_fills_no_faster_than_its_limit() -> None:
    # 3 t in each of two years, 4 short in the third: 60 + 3 + 6 + 400. One t/y more saves 100 - 10 less its holding.
    plan = optimum(FILLED)

    assert cost_kusd(plan) == pytest.approx(469)
    assert worth(plan, "stock_is_filled_within_limit", "store", "1") == pytest.approx(-88)
    assert worth(plan, "stock_is_filled_within_limit", "store", "2") == pytest.approx(-89)


def test_a_store_holds_no_more_than_its_room() -> None:
    # 5 t of room: the first of the two years need buy 2 only: 50 + 2 + 5 + 500. One t of room saves 100 - 10 - 2,
    # as the second year fills no faster.
    plan = optimum(FILLED, *put("stockpiles.store.capacity_t", 5))

    assert cost_kusd(plan) == pytest.approx(557)
    assert amounts(plan, "store", "node", of="stock_t")["1"] == 2
    assert worth(plan, "stock_stays_within_room", "store", "2") == pytest.approx(-88)


def test_a_budget_of_purchases_counts_the_reference_price_and_the_premium() -> None:
    # 24 kUSD a year at 10 + 2 buy 2 t: 4 * 12 + 2 + 4 + 6 * 100. One kUSD in year 2 buys 1/12 t, which saves 100 - 13.
    plan = optimum(
        FILLED,
        *put("stockpiles.store.buying_premium_kusd_per_t", 2),
        *put("limits", {"stock": {"kind": "budget", "covers": ["stock"], "amount_kusd_per_y": 24}}),
    )

    assert cost_kusd(plan) == pytest.approx(48 + 6 + 600)
    assert worth(plan, "budget_is_kept", "stock", "2") == pytest.approx(-87 / 12)


CLIMB = """
horizon: {first_year: 1, period_years: [1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A:
    place: A
    outputs: {metal: 1}
    cost_kusd_per_t: 10
    supply_curve: {observed_t_per_y: 300, slope_kusd_per_t2_y: 0.1, up_to_t_per_y: 700, steps: 40, basis: market}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
stockpiles:
  store: {commodity: metal, holding_kusd_per_t_y: 1}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 300, shortage_penalty_kusd_per_t: 100}
events:
  ban: {changes: exports, places: [A], onset: 2, availability_share: 0}
futures:
  calm: {}
  ban: {probability: 0.2, events: [ban]}
"""
CURVE = "facilities.'offer A'.supply_curve"


@pytest.mark.parametrize(
    ("basis", "stored_t", "objective_kusd"),
    [
        # A t in store is worth 0.8 * 10 + 0.2 * 100 = 28 next year and costs 1 to hold. The price is 27 at 170 t beyond
        # the 300 of year 1: 3,000 + 170 * (10 + 27) / 2 + 170, then 0.8 * 130 * 10 + 0.2 * 130 * 100.
        ("market", 170, 3000 + 3145 + 170 + 1040 + 2600),
        # One who pays the rise on all 300 t too sees 10 + 0.1 * 310 = 41 on the first step: 3,000 + 2,400 + 6,000.
        ("buyer", 0, 11_400),
    ],
)
def test_buying_for_stock_climbs_the_supply_curve(basis: str, stored_t: float, objective_kusd: float) -> None:
    plan = optimum(CLIMB, *put(f"{CURVE}.basis", basis))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert plan.summary.stocks[0].stock_t == pytest.approx(stored_t)


def test_at_a_price_that_stays_the_whole_year_is_bought_for_stock() -> None:
    # 600 t at 10, 300 held.
    plan = optimum(CLIMB, {"op": "remove", "path": CURVE})

    assert cost_kusd(plan) == pytest.approx(6300)
