"""Cost steps, home capacity and price floors."""

from __future__ import annotations

import numpy as np
import pytest
from check_plans import Data, golden_toy

from lodeplan import optimizer
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.optimizer.prepare.supply import cost_steps, home_capacity
from lodeplan.scenarios import load
from lodeplan.schemas.scenario import Facility, Horizon

PERIODS = Calendar.of(Horizon(first_year=2026, period_years=[1, 2]))


def facility(**fields: object) -> Facility:
    return Facility.model_validate({"place": "CHN", "outputs": {"metal": 1}, **fields})


def steps(**fields: object) -> list[tuple[float, list[float]]]:
    return [(step.width_t_per_y, step.cost_kusd_per_t.tolist()) for step in cost_steps(facility(**fields), PERIODS)]


def test_a_plain_cost_is_one_step_that_only_the_capacity_limits() -> None:
    assert steps(cost_kusd_per_t={2026: 3, 2028: 5}) == [(float("inf"), [3, 4])]


def test_home_has_its_share_of_the_capacity() -> None:
    assert home_capacity(facility(capacity_t_per_y={2026: 10, 2027: 30}, home_share=0.5), PERIODS).tolist() == [5, 15]
    assert home_capacity(facility(), PERIODS).tolist() == [np.inf, np.inf]
    assert home_capacity(facility(home_share=0), PERIODS).tolist() == [0, 0]


def test_listed_steps_keep_their_order_and_costs_by_year() -> None:
    listed = [{"width_t_per_y": 5, "cost_kusd_per_t": 2}, {"width_t_per_y": 7, "cost_kusd_per_t": {2026: 4, 2027: 6}}]
    assert steps(steps=listed) == [(5, [2, 2]), (7, [4, 6])]


CURVES: list[tuple[Data, list[tuple[float, float]]]] = [
    # P = 20 + 0.05 Q: at the middles 200 and 600 of two steps
    ({"observed_t_per_y": 0, "slope_kusd_per_t2_y": 0.05}, [(400, 30), (400, 50)]),
    # a buyer: 400 * 40 = 16,000, then 800 * 60 = 48,000
    ({"observed_t_per_y": 0, "slope_kusd_per_t2_y": 0.05, "basis": "buyer"}, [(400, 40), (400, 80)]),
    # b = 20 / (2 * 200); P at 350 and 650
    ({"observed_t_per_y": 200, "elasticity": 2}, [(200, 20), (300, 27.5), (300, 42.5)]),
    ({"observed_t_per_y": 800, "elasticity": 2}, [(800, 20)]),
]


@pytest.mark.parametrize(("curve", "expected"), CURVES)
def test_a_supply_curve_is_cut_into_chords(curve: Data, expected: list[tuple[float, float]]) -> None:
    found = steps(cost_kusd_per_t=20, supply_curve={"up_to_t_per_y": 800, **curve})
    assert [(width, cost[0]) for width, cost in found] == [pytest.approx(step) for step in expected]


def test_a_curve_keeps_its_slope_and_widths_when_its_price_moves() -> None:
    curve = {"observed_t_per_y": 100, "elasticity": 1, "up_to_t_per_y": 200, "steps": 1}
    # b = 10 / 100 from 2026
    assert steps(cost_kusd_per_t={2026: 10, 2027: 30}, supply_curve=curve) == [
        (100, [10, 30]),
        (100, [pytest.approx(15), pytest.approx(35)]),
    ]


def test_a_curve_without_an_end_reaches_to_the_largest_home_capacity() -> None:
    curve = {"observed_t_per_y": 20, "slope_kusd_per_t2_y": 0.1, "steps": 2}
    found = steps(cost_kusd_per_t=10, capacity_t_per_y={2026: 50, 2027: 120}, home_share=0.5, supply_curve=curve)
    assert [width for width, _ in found] == [20, 20, 20]


def test_a_growing_capacity_under_a_curve_passes_the_check() -> None:
    data = golden_toy()
    data["facilities"]["China"] |= {
        "capacity_t_per_y": {2026: 50, 2028: 200},
        "supply_curve": {"observed_t_per_y": 40, "elasticity": 5},
    }
    assert optimizer.solve(data).summary.check is not None


@pytest.mark.parametrize(("reference", "payment"), [(60, 50), (110, 0), (130, -6)])
def test_a_price_floor_pays_below_and_keeps_a_share_above(reference: float, payment: float) -> None:
    data = golden_toy()
    floor = {"floor_kusd_per_t": 110, "reference_price_kusd_per_t": reference, "kept_above_share": 0.3}
    data["facilities"]["Ally"]["price_floor"] = floor
    instance = prepare(load(data))
    assert instance.supply.support_kusd_per_t["Ally"].tolist() == pytest.approx([payment] * 6)
    [support] = [term for term in instance.costs.flows if term.name == "support"]
    row = instance.supply.steps.index(("Ally", 0))
    assert support.kusd_per_unit[row].tolist() == pytest.approx([-payment] * 6)


def test_costs_of_yearly_flows_count_every_year_of_a_node() -> None:
    data = golden_toy()
    data["horizon"]["period_years"] = [1, 1, 3]
    instance = prepare(load(data))
    [production] = [term for term in instance.costs.flows if term.name == "production"]
    cheapest = production.kusd_per_unit.min(axis=0)
    by_node = dict(zip(instance.tree.names, cheapest.tolist(), strict=True))
    three_years = pytest.approx(10 + 10 / 1.05 + 10 / 1.05**2)
    assert by_node == {"2026": 10, "2027": 10, "2028": three_years, "ban@2028": three_years}
