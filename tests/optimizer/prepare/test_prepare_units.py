"""Units of the numbers the solver sees: powers of two, near what home uses and pays."""

from __future__ import annotations

import math

import pytest
from check_plans import Data, golden_toy, workshop
from families import amounts, optimum

from lodeplan import optimizer
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.prepare.units import Units
from lodeplan.scenarios import load


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


DEAR = """
commodities:
  pinch: {stage: refined, mineral_group: pinch}
  dear: {stage: refined, mineral_group: dear}
places: {USA: {}, A: {}}
facilities:
  offer of pinch: {place: A, outputs: {pinch: 1}, cost_kusd_per_t: 0}
  offer of dear: {place: A, outputs: {dear: 1}, cost_kusd_per_t: 200000, capacity_t_per_y: 6000}
routes:
  from A: {commodity: pinch, origin: A, destination: USA}
demands:
  user: {commodity: pinch, tier: other, quantity_t_per_y: 0.000001, shortage_penalty_kusd_per_t: 500000}
  nobody: {commodity: pinch, tier: export, quantity_t_per_y: 0, shortage_penalty_kusd_per_t: 1500000}
"""


def test_money_of_something_dear_that_nobody_wants_does_not_hide_what_little_is_wanted() -> None:
    # In units of money as large as a tonne of what is dear, a gram short costs less than the solver sees.
    plan = optimum(DEAR)

    assert plan.summary.objective_kusd == 0
    assert amounts(plan, "shortage", "demand") == {}


def with_beside(data: Data, count: int) -> Data:
    """The same with commodities that nothing makes, wants or ships."""
    beside = {f"idle {number}": {"stage": "ore", "mineral_group": f"idle {number}"} for number in range(count)}
    return {**data, "commodities": {**data["commodities"], **beside}}


def swarf_comes_back(ratio: float) -> Data:
    """A shop makes parts of metal and swarf beside; a melt makes metal of swarf again."""
    data = golden_toy()
    data["commodities"] |= {
        "parts": {"stage": "product", "mineral_group": "metal"},
        "swarf": {"stage": "scrap", "mineral_group": "metal", "disposable": True},
    }
    data["facilities"] |= {
        "shop": {"place": "USA", "inputs": {"metal": ratio}, "outputs": {"parts": 1, "swarf": 0.2}},
        "melt": {"place": "USA", "inputs": {"swarf": ratio}, "outputs": {"metal": 1}},
    }
    for name in ("shop", "melt"):
        data["facilities"][name]["cost_kusd_per_t"] = 1
    data["demands"]["parts"] = {
        "commodity": "parts",
        "tier": "other",
        "quantity_t_per_y": 10,
        "shortage_penalty_kusd_per_t": 100,
    }
    return data


@pytest.mark.parametrize("beside", [0, 500])
def test_a_loop_of_recipes_has_units_of_its_size_however_many_commodities_stand_beside(beside: int) -> None:
    units = units_of(with_beside(swarf_comes_back(1.2), beside))
    alone = units_of(swarf_comes_back(1.2))
    assert {name: units.tonnes[name] for name in alone.tonnes} == alone.tonnes
    assert units.kusd == alone.kusd
    assert all(1e-3 <= unit <= 1 for name, unit in units.tonnes.items() if name in alone.tonnes)


def test_a_loop_of_recipes_among_many_commodities_has_the_plan_it_has_alone() -> None:
    alone = optimizer.solve(swarf_comes_back(1.2), gap=0).summary.objective_kusd
    beside = optimizer.solve(with_beside(swarf_comes_back(1.2), 500), gap=0).summary.objective_kusd
    assert beside == pytest.approx(alone, rel=1e-9)


def test_a_loop_of_two_recipes_that_multiply_by_much_has_units_within_their_ratio() -> None:
    data = golden_toy()
    data["commodities"]["slag"] = {"stage": "scrap", "mineral_group": "metal", "disposable": True}
    data["facilities"] |= {
        "to slag": {"place": "USA", "inputs": {"metal": 1000}, "outputs": {"slag": 1}, "cost_kusd_per_t": 1},
        "from slag": {"place": "USA", "inputs": {"slag": 1000}, "outputs": {"metal": 1}, "cost_kusd_per_t": 1},
    }
    units = units_of(data)
    assert units.tonnes["slag"] / units.tonnes["metal"] == 1024


def chain_of_500(ratio: float) -> Data:
    """Metal could be made in 500 steps from a form that nobody sells."""
    data = golden_toy()
    names = [f"form {number}" for number in range(500)]
    data["commodities"] |= {name: {"stage": "refined", "mineral_group": "metal"} for name in names}
    data["facilities"] |= {
        f"make {into}": {"place": "USA", "inputs": {of: ratio}, "outputs": {into: 1}, "cost_kusd_per_t": 1}
        for of, into in zip([*names[1:], "last"], names, strict=True)
    }
    data["commodities"]["last"] = {"stage": "ore", "mineral_group": "metal"}
    data["facilities"]["into metal"] = {
        "place": "USA",
        "inputs": {"form 0": ratio},
        "outputs": {"metal": 1},
        "cost_kusd_per_t": 1,
    }
    return data


def test_a_chain_of_500_recipes_ends_in_units_that_are_numbers() -> None:
    units = units_of(chain_of_500(100))
    assert all(is_power_of_two(unit) and 0 < unit < math.inf for unit in units.tonnes.values())


def test_a_chain_of_500_recipes_leaves_the_plan_as_it_is() -> None:
    assert optimizer.solve(chain_of_500(1.01), gap=0).summary.objective_kusd == pytest.approx(5172.1574344, rel=1e-8)


def test_what_is_made_from_two_products_has_the_size_of_the_larger() -> None:
    data = workshop()
    small = dict(data["facilities"]["plant"], inputs={"ore": 2}, outputs={"small": 1})
    data["commodities"]["small"] = {"stage": "refined", "mineral_group": "metal"}
    data["facilities"]["small plant"] = small
    data["demands"]["small"] = {
        "commodity": "small",
        "tier": "other",
        "quantity_t_per_y": 1e-3,
        "shortage_penalty_kusd_per_t": 100,
    }
    assert units_of(data).tonnes["ore"] == units_of(workshop()).tonnes["ore"]
