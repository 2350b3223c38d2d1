"""Trees that branch again, and events that fade: exact cases, the arithmetic above each."""

import pytest
from families import amounts, cost_kusd, optimum, put

TENSION = """
horizon: {first_year: 1, period_years: [1, 1, 1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
projects:
  mine:
    place: USA
    outputs: {metal: 1}
    capacity_t_per_y: 10
    cost_kusd_per_t: 5
    capex_kusd: 180
    end_value_share: 0
    start_in_branches: true
    tracks: {standard: {permit_years: 0, construction_years: 1}}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 40}
events:
  tension: {changes: price, places: [A], onset: 2, factor: 1.1}
  ban: {changes: exports, places: [A], onset: 3, availability_share: 0}
futures:
  calm: {}
  tension: {probability: 0.19, events: [tension]}
  ban: {probability: 0.01, events: [ban], after: tension}
"""
"""A year costs 100 from A (110 under tension), 50 from the mine, 400 short. Whether tension ends in a ban is known in
year 3. Never built: 100 + P(calm) 300 + P(tension) 330 + P(ban) (110 + 800)."""


def chances(tension: float, ban: float) -> list[dict[str, object]]:
    return [*put("futures.tension.probability", tension), *put("futures.ban.probability", ban)]


@pytest.mark.parametrize(
    ("tension", "ban", "starts", "objective_kusd"),
    [
        # Built in year 1 it saves 0.8 * 150 + 0.19 * 180 + 0.01 * 760 = 161.8 for 180. In year 2, under tension:
        # 0.19 * 120 + 0.01 * 700 = 29.8 for 0.2 * 180 = 36. In year 3, when the ban is there: 0.01 (350 - 180).
        (0.19, 0.01, ["ban@3"], 100 + 0.8 * 300 + 0.19 * 330 + 0.01 * 910 - 1.7),
        # Here year 1 saves 120 + 18 + 76 = 214 for 180, net 34; year 2 12 + 70 for 36, net 46; year 3 net 17.
        (0.1, 0.1, ["tension@2"], 100 + 0.8 * 300 + 0.1 * 330 + 0.1 * 910 - 46),
    ],
)
def test_a_decision_waits_for_the_second_branching_where_that_pays(
    tension: float, ban: float, starts: list[str], objective_kusd: float
) -> None:
    plan = optimum(TENSION, *chances(tension, ban))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert list(plan.tables["starts"]["node"]) == starts
    nodes = amounts(plan, "nodes", "node", of="probability")
    assert (nodes["2"], nodes["tension@2"]) == (0.8, 0.2)
    assert (nodes["tension@3"], nodes["ban@3"]) == (tension, ban)
    assert "ban@2" not in nodes


def test_knowing_the_second_branching_a_year_earlier_is_worth_what_it_saves() -> None:
    # Without `after` the ban is known in year 2: the mine is started for it alone, 0.1 (700 - 180) = 52, not 46.
    plan = optimum(TENSION, *chances(0.1, 0.1), *put("futures.ban", {"probability": 0.1, "events": ["tension", "ban"]}))

    assert cost_kusd(plan) == pytest.approx(100 + 0.8 * 300 + 0.1 * 330 + 0.1 * 910 - 52)
    assert list(plan.tables["starts"]["node"]) == ["ban@2"]


def test_an_event_fades_evenly_over_its_recovery() -> None:
    # Nothing is made in 2027; from 1 January 2028 the effect falls to nothing over 2 * 365.25 = 730.5 days.
    # In the 366 days of 2028 it is 1 - 183 / 730.5 in the mean; in 2029, whose last half day is free of it,
    # (730.5 - 366)^2 / (2 * 730.5) days of 365. What is not made is short at 10.
    plan = optimum("""
horizon: {first_year: 2026, period_years: [1, 1, 1, 1]}
places: {USA: {}}
facilities:
  mine: {place: USA, outputs: {metal: 1}, capacity_t_per_y: 100, cost_kusd_per_t: 0}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 100, shortage_penalty_kusd_per_t: 10}
events:
  strike:
    {changes: output, places: [USA], onset: 2027-01-01, until: 2028-01-01, recovery_years: 2, availability_share: 0}
futures:
  strike: {events: [strike]}
""")

    second, third = 1 - 183 / 730.5, (730.5 - 366) ** 2 / (2 * 730.5) / 365
    assert amounts(plan, "shortage", "node") == {
        "strike@2027": 100,
        "strike@2028": 100 * second,
        "strike@2029": 100 * third,
    }
    assert cost_kusd(plan) == pytest.approx(1000 * (1 + second + third))
