"""Units of the numbers the solver sees: powers of two, near what home uses and pays."""

from __future__ import annotations

import math

import pytest
from check_plans import Data, golden_toy, workshop

import optimizer
from optimizer.prepare import prepare
from optimizer.prepare.units import Units
from scenarios import load


def units_of(data: Data) -> Units:
    return prepare(load(data)).units


def is_power_of_two(number: float) -> bool:
    return math.frexp(number)[0] == 0.5


@pytest.mark.parametrize("data", [golden_toy(), workshop()], ids=["golden toy", "workshop"])
def test_units_are_powers_of_two_so_that_scaling_is_exact(data: Data) -> None:
    units = units_of(data)
    assert set(units.tonnes) == set(data["commodities"])
    assert all(is_power_of_two(unit) for unit in (*units.tonnes.values(), units.kusd))


@pytest.mark.parametrize("demand_t", [1e-3, 1.0, 1e3, 1e8])
def test_a_thousand_units_are_about_home_s_demand(demand_t: float) -> None:
    data = golden_toy()
    data["demands"]["military"]["quantity_t_per_y"] = demand_t
    data["demands"]["civilian"]["quantity_t_per_y"] = 0
    assert demand_t / 1000 / math.sqrt(2) <= units_of(data).tonnes["metal"] <= demand_t / 1000 * math.sqrt(2)


def test_units_pass_up_the_recipes_to_inputs_nobody_demands() -> None:
    data = workshop()
    data["facilities"]["plant"]["inputs"] = {"ore": 64}
    units = units_of(data)
    assert units.tonnes["ore"] / units.tonnes["metal"] == 64


def test_a_commodity_nobody_uses_has_a_unit_too() -> None:
    data = golden_toy()
    data["commodities"]["idle"] = {"stage": "ore", "mineral_group": "metal"}
    assert units_of(data).tonnes["idle"] == 1


@pytest.mark.parametrize("scale", [1e-6, 1e7], ids=["grams", "millions of tonnes"])
def test_the_plan_does_not_depend_on_how_large_the_numbers_are(scale: float) -> None:
    data = golden_toy()
    for demand in data["demands"].values():
        demand["quantity_t_per_y"] *= scale
    data["facilities"]["Ally"]["capacity_t_per_y"] *= scale
    data["projects"]["Mine"]["capacity_t_per_y"] *= scale
    data["projects"]["Mine"]["capex_kusd"] *= scale
    data["projects"]["Mine"]["tracks"]["fast"]["extra_cost_kusd"] *= scale
    plan = optimizer.solve(data, gap=0)
    assert plan.summary.objective_kusd == pytest.approx(5172.1574344 * scale, rel=1e-8)
