"""What is minimised decides how much to store against a ban that comes once in a hundred times.

10 t/y are wanted in two years, at 10 kUSD/t. x t stored in the first cost 1 kUSD/t to hold and take the place of
purchases in the second, or of shortage at 100 kUSD/t. So the calm future costs 200 + x and the ban 1100 - 89 x, in
expectation 209 + 0.1 x; known to come, they would cost 200 and 210.
"""

import pytest

from lodeplan import optimizer
from lodeplan.optimizer.plan import Plan

EXPECTED_AT_89_NINTHS = 209 + 0.1 * 89 / 9


def solve(objective: str) -> Plan:
    return optimizer.solve(
        {
            "name": "rare-ban",
            "home": "USA",
            "horizon": {"first_year": 2026, "period_years": [1, 1]},
            "economics": {"discount_rate": 0},
            "risk": {"objective": objective},
            "commodities": {"metal": {"stage": "refined", "mineral_group": "metal"}},
            "places": {"USA": {}, "CHN": {}},
            "facilities": {"offer": {"place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10}},
            "routes": {"by sea": {"commodity": "metal", "origin": "CHN", "destination": "USA"}},
            "stockpiles": {"store": {"commodity": "metal", "holding_kusd_per_t_y": 1}},
            "demands": {
                "user": {
                    "commodity": "metal",
                    "tier": "other",
                    "quantity_t_per_y": 10,
                    "shortage_penalty_kusd_per_t": 100,
                }
            },
            "events": {"ban": {"changes": "exports", "places": ["CHN"], "onset": 2027, "availability_share": 0}},
            "futures": {"calm": {}, "ban": {"probability": 0.01, "events": ["ban"]}},
        },
        gap=0,
    )


@pytest.mark.parametrize(
    ("objective", "stored_t", "least"),
    [
        ("cost", 0, 209),
        ("worst_future", 10, 0.999 * 210 + 0.001 * 210),
        ("maximum_regret", 89 / 9, 0.999 * 89 / 9 + 0.001 * EXPECTED_AT_89_NINTHS),
        ("expected_shortage", 10, 0.001 * 210),
    ],
)
@pytest.mark.proves("worst_future_is_counted")
def test_an_objective_stores_what_it_should(objective: str, stored_t: float, least: float) -> None:
    plan = solve(objective)

    assert plan.summary.objective_kusd == pytest.approx(least, rel=1e-9)
    store = plan.tables["store"]
    assert store[store["node"] == "2026"]["stock_t"].sum() == pytest.approx(stored_t)


def test_regret_is_what_a_future_costs_above_its_own_best_plan() -> None:
    regrets = solve("maximum_regret").tables["regrets"].set_index("future")

    assert regrets["best_kusd"].to_dict() == {"calm": pytest.approx(200), "ban": pytest.approx(210)}
    assert regrets["regret_kusd"].to_dict() == {"calm": pytest.approx(89 / 9), "ban": pytest.approx(89 / 9)}
