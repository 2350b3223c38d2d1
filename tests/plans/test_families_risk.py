"""What weighs most: the tail, the worst future, regret, shortage: exact cases, the arithmetic above each."""

import pytest
from families import amounts, cost_kusd, optimum, put

STORE = """
horizon: {first_year: 1, period_years: [1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
stockpiles:
  store: {commodity: metal, holding_kusd_per_t_y: 5}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: {1: 0, 2: 10}, shortage_penalty_kusd_per_t: 50}
events:
  outage: {changes: output, places: [A], onset: 2, availability_share: 0}
futures:
  calm: {}
  outage: {probability: 0.1, events: [outage]}
"""
"""With s t in store the calm future costs 15 s + 10 (10 - s) = 100 + 5 s, the outage 500 - 35 s."""


@pytest.mark.parametrize(
    ("objective", "stored_t", "objective_kusd"),
    [
        # 0.9 (100 + 5 s) + 0.1 (500 - 35 s) = 140 + s.
        ("cost", 0, 140),
        # The outage is the dearer up to s = 10, where both cost 150.
        ("worst_future", 10, 150),
        # Above 100 and 150, the best of each: 5 s and 350 - 35 s, equal at 8.75: 43.75. Expected cost 148.75.
        ("maximum_regret", 8.75, 0.999 * 43.75 + 0.001 * 148.75),
        # With 10 t nothing is short, whatever it costs.
        ("expected_shortage", 10, 0.001 * 150),
    ],
)
def test_what_is_minimised_decides_how_much_is_stored(objective: str, stored_t: float, objective_kusd: float) -> None:
    plan = optimum(STORE, *put("risk.objective", objective))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert plan.summary.stocks[0].stock_t == pytest.approx(stored_t)


def test_the_same_regret_in_both_futures_is_shown_beside_the_best_of_each() -> None:
    plan = optimum(STORE, *put("risk.objective", "maximum_regret"))

    assert amounts(plan, "regrets", "future", of="best_kusd") == {"calm": 100, "outage": 150}
    assert amounts(plan, "regrets", "future", of="regret_kusd") == {"calm": 43.75, "outage": 43.75}


def test_weight_on_the_tail_moves_the_store_at_an_exact_weight() -> None:
    # The worst tenth is the outage: (1 - w) (140 + s) + w (500 - 35 s) falls with s from w = 1 / 36 on.
    for weight, stored_t in ((0.027, 0), (0.029, 10)):
        plan = optimum(STORE, *put("risk", {"tail_weight": weight, "tail_level": 0.9}))
        assert plan.summary.stocks[0].stock_t == pytest.approx(stored_t)


@pytest.mark.parametrize(
    ("objective", "route", "objective_kusd"),
    [
        # A costs 132, 500 if it fails (0.1 %); B 137.4 always.
        ("cost", "from A", 132 + 0.001 * 368),
        ("worst_future", "from B", 137.4),
        # Regret of A 0 and 362.6, of B 5.4 and 0.
        ("maximum_regret", "from B", 0.999 * 5.4 + 0.001 * 137.4),
    ],
)
def test_of_two_actions_the_one_with_the_smaller_regret_is_taken_however_unlikely_the_loss(
    objective: str, route: str, objective_kusd: float
) -> None:
    plan = optimum(
        "cheap-or-safe-supplier", *put("futures.'A fails'.probability", 0.001), *put("risk.objective", objective)
    )

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert list(plan.tables["onboardings"]["route"]) == [route]
    if objective == "maximum_regret":
        best = amounts(plan, "regrets", "future", of="best_kusd")
        assert best == {"supply holds": 132, "A fails": 137.4}


@pytest.mark.parametrize("risk", [{"tail_weight": 0.9}, {"objective": "worst_future"}])
def test_a_stress_test_weighs_in_no_measure_of_risk(risk: dict[str, object]) -> None:
    # Without a store the outage costs 500; but it is a test that nothing need stand, so nothing is stored for it.
    stress = {"calm": {}, "outage": {"stress": True, "events": ["outage"]}}
    plan = optimum(STORE, *put("futures", stress), *put("risk", risk))

    assert cost_kusd(plan) == pytest.approx(100)
    assert plan.summary.expected_cost_kusd == pytest.approx(100)
    assert plan.summary.cvar_kusd == pytest.approx(100)


def test_a_test_that_departs_after_a_future_is_not_asked_of_its_best_plan() -> None:
    # 10 t a year from A at 2 or B at 5; a t held over a year's end costs 10. The ban on A departs in year 2: known to
    # come it costs 20 + 3 * 50 = 170. In year 3, if the ban has not come, a loss of all imports is tested: 10 t are
    # held at the end of year 2, 80 + 100 = 180. The plan does both, each in its own node: no regret at all, and the
    # objective is the thousandth of expected cost. Asked of the ban's own plan, the test would make that 240.
    plan = optimum("""
horizon: {first_year: 1, period_years: [1, 1, 1, 1]}
places: {USA: {}, A: {}, B: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 2}
  offer B: {place: B, outputs: {metal: 1}, cost_kusd_per_t: 5}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
  from B: {commodity: metal, origin: B, destination: USA}
stockpiles:
  store: {commodity: metal, holding_kusd_per_t_y: 10}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 60}
events:
  ban: {changes: exports, places: [A], onset: 2, availability_share: 0}
  loss: {changes: exports, onset: 3, until: 4, availability_share: 0}
futures:
  calm: {}
  ban: {probability: 0.5, events: [ban]}
  test: {stress: true, events: [loss]}
limits:
  stands: {kind: service_floor, tiers: [other], served_share: 1, futures: [test]}
risk: {objective: maximum_regret}
""")

    regrets = plan.tables["regrets"].set_index("future")
    assert regrets["best_kusd"].to_dict() == pytest.approx({"calm": 180, "ban": 170})
    assert regrets["regret_kusd"].to_dict() == pytest.approx({"calm": 0, "ban": 0})
    assert plan.summary.objective_kusd == pytest.approx(0.175)
