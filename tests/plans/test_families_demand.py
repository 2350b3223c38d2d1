"""Shortage, substitution, need given up, fixed proportions: exact cases, the arithmetic above each."""

import pytest
from families import amounts, cost_kusd, optimum, put, worth

RISING = """
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, capacity_t_per_y: 95, cost_kusd_per_t: 60}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 100, shortage_penalty_kusd_per_t: {0.1: 50, 1: 400}}
"""


def test_the_first_tonnes_short_weigh_less_than_buying_them() -> None:
    # 10 t may lack at 50 rather than cost 60: 90 * 60 + 10 * 50. What A could sell more is worth nothing.
    plan = optimum(RISING)

    assert cost_kusd(plan) == pytest.approx(5900)
    assert worth(plan, "facility_runs_within_capacity", "offer A") == 0


def test_the_last_tonnes_short_weigh_most() -> None:
    # 70 * 60 + 10 * 50 + 20 * 400; one more t from A saves 400 - 60.
    plan = optimum(RISING, *put("facilities.'offer A'.capacity_t_per_y", 70))

    assert cost_kusd(plan) == pytest.approx(12_700)
    assert amounts(plan, "shortage", "step") == {0: 10, 1: 20}
    assert worth(plan, "facility_runs_within_capacity", "offer A") == pytest.approx(-340)


FERRITE = """
horizon: {first_year: 1, period_years: [1, 1, 1]}
commodities:
  magnet: {stage: product, mineral_group: rare earths}
  ferrite: {stage: product, mineral_group: iron}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {magnet: 1}, cost_kusd_per_t: 20}
  ferrite works: {place: USA, outputs: {ferrite: 1}, cost_kusd_per_t: 2}
routes:
  from A: {commodity: magnet, origin: A, destination: USA}
demands:
  motors:
    commodity: magnet
    tier: other
    quantity_t_per_y: 100
    shortage_penalty_kusd_per_t: 100
    substitutes:
      ferrite: {commodity: ferrite, ratio_t_per_t: 3, limit_share: 0.3, cost_kusd_per_t: 4, delay_years: 1}
events:
  ban: {changes: exports, places: [A], onset: 2, availability_share: 0}
futures:
  calm: {}
  ban: {probability: 0.5, events: [ban]}
"""
SUBSTITUTE = "demands.motors.substitutes.ferrite"


def test_a_substitute_is_used_to_its_limit_once_it_can_be() -> None:
    # 3 * 2 + 4 = 10 a t against 20, from year 2 on, for 30 of 100 t. Year 1: 2,000; then 30 * 10 + 70 * 20 = 1,700
    # as planned, 300 + 70 * 100 = 7,300 under the ban.
    plan = optimum(FERRITE)

    assert cost_kusd(plan) == pytest.approx(2000 + 0.5 * 2 * 1700 + 0.5 * 2 * 7300)
    served = amounts(plan, "serve", "option", "node")
    assert served["ferrite", "2"] == 30
    assert ("ferrite", "1") not in served
    assert amounts(plan, "run", "facility", "node")["ferrite works", "ban@3"] == 90


def test_a_substitute_for_the_emergency_waits_for_it_and_its_delay() -> None:
    # Never as planned: 2,000 a year. Under the ban nothing in year 2, when 100 t are short, then 300 + 7,000.
    plan = optimum(FERRITE, *put(f"{SUBSTITUTE}.after_departure", True))

    assert cost_kusd(plan) == pytest.approx(2000 + 0.5 * 4000 + 0.5 * (10_000 + 7300))
    assert ("ferrite", "ban@3") in amounts(plan, "serve", "option", "node")


def test_doing_with_less_takes_no_material() -> None:
    # 20 of 100 t are done without at 8 a t, from the start: three years of 160 + 80 * 20.
    less = {"limit_share": 0.2, "cost_kusd_per_t": 8}
    plan = optimum(FERRITE, *put("demands.motors.substitutes", {"less": less}), *put("futures", {}))

    assert cost_kusd(plan) == pytest.approx(3 * 1760)
    assert amounts(plan, "run", "facility") == {"offer A": 240}


ELASTIC = """
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 140}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
demands:
  user:
    commodity: metal
    tier: other
    quantity_t_per_y: 100
    shortage_penalty_kusd_per_t: 1000
    elastic: {price_kusd_per_t: 100, elasticity: 0.5, down_to_share: 0.5, steps: 5}
"""


def test_need_gives_way_to_the_price_along_its_curve() -> None:
    # 100 (1 + s / 0.5) = 140 at s = 0.2: 80 t are wanted. Steps of 10 t at 110, 130, 150, ...: the first two are given
    # up, worth 2,400, which is the area under the curve. 80 * 140 + 2,400.
    plan = optimum(ELASTIC)

    assert cost_kusd(plan) == pytest.approx(13_600)
    assert amounts(plan, "serve", "option") == {"itself": 80, "given up 0": 10, "given up 1": 10}
    assert plan.summary.spend_kusd == pytest.approx(80 * 140)


def test_need_is_given_up_no_further_than_its_curve_reaches() -> None:
    # At 500 all five steps go, at 110, 130, 150, 170 and 190: 50 * 500 + 10 * 750.
    plan = optimum(ELASTIC, *put("facilities.'offer A'.cost_kusd_per_t", 500))

    assert cost_kusd(plan) == pytest.approx(25_000 + 7500)


def test_fixed_proportions_lead_a_scarce_input_to_its_best_use() -> None:
    # 10 t of magnets. A drone takes 0.02 and is worth 20, 1,000 a t of magnet; a motor 0.1 and 30, 300 a t.
    # All 200 drones take 4 t, the other 6 make 60 motors of 150: 90 short at 30. One more t makes 10 motors.
    plan = optimum("""
commodities:
  magnet: {stage: product, mineral_group: rare earths}
  motor: {stage: product, mineral_group: rare earths}
  drone: {stage: product, mineral_group: rare earths}
places: {USA: {}}
facilities:
  magnet works: {place: USA, outputs: {magnet: 1}, cost_kusd_per_t: 0, capacity_t_per_y: 10}
  motor works: {place: USA, inputs: {magnet: 0.1}, outputs: {motor: 1}}
  drone works: {place: USA, inputs: {magnet: 0.02}, outputs: {drone: 1}}
demands:
  motors: {commodity: motor, tier: other, quantity_t_per_y: 150, shortage_penalty_kusd_per_t: 30}
  drones: {commodity: drone, tier: other, quantity_t_per_y: 200, shortage_penalty_kusd_per_t: 20}
""")

    assert cost_kusd(plan) == pytest.approx(2700)
    assert amounts(plan, "run", "facility") == {"magnet works": 10, "motor works": 60, "drone works": 200}
    assert worth(plan, "facility_runs_within_capacity", "magnet works") == pytest.approx(-300)
