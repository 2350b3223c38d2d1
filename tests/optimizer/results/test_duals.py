"""Marginal values: every limit of the mathematics shows what one more unit of it is worth, row or bound."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from check_plans import golden_toy
from golden_lps import FOLDER

from lodeplan import optimizer, scenarios
from lodeplan.optimizer.model.declare import Statement, Untold
from lodeplan.optimizer.model.registry import bounds, registry, statements
from lodeplan.schemas import Patch

Data = dict[str, Any]
Change = Callable[[Data, float], None]
"""Widen the limit of a scenario by so much."""
SMALL = 0.01


def shop() -> Data:
    """Two years of 50 t/y; 30 t/y are on offer at 10, the rest goes short at 100 kUSD/t. Nothing is discounted."""
    return {
        "name": "shop",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [1, 1]},
        "economics": {"discount_rate": 0},
        "commodities": {"metal": {"stage": "refined", "mineral_group": "metal"}},
        "places": {"USA": {}, "AUS": {}},
        "facilities": {
            "offer": {"place": "AUS", "outputs": {"metal": 1}, "capacity_t_per_y": 30, "cost_kusd_per_t": 10}
        },
        "routes": {"by sea": {"commodity": "metal", "origin": "AUS", "destination": "USA"}},
        "demands": {
            "user": {
                "commodity": "metal",
                "tier": "other",
                "quantity_t_per_y": 50,
                "shortage_penalty_kusd_per_t": 100,
            }
        },
    }


def with_substitute(data: Data, more: float) -> None:
    data["demands"]["user"]["substitutes"] = {"less": {"limit_share": 0.1 + more / 50, "cost_kusd_per_t": 40}}


def with_scrap(data: Data, more: float) -> None:
    data["recycling"] = {"scrap": {"commodity": "metal", "available_t_per_y": 5 + more, "cost_kusd_per_t": 1}}


def with_scrap_of_the_past(data: Data, more: float) -> None:
    data["recycling"] = {
        "scrap": {
            "commodity": "metal",
            "from_commodity": "metal",
            "recovered_t_per_t": 0.5,
            "lag_years": 9,
            "past_use_t_per_y": 10 + 2 * more,
        }
    }


def with_store(data: Data, **of_store: object) -> None:
    data["stockpiles"] = {"store": {"commodity": "metal", "holding_kusd_per_t_y": 0.5, **of_store}}
    data["demands"]["user"]["quantity_t_per_y"] = {2026: 10, 2027: 50}


def with_filling(data: Data, more: float) -> None:
    with_store(data, fill_t_per_y=5 + more)


def with_room(data: Data, more: float) -> None:
    with_store(data, capacity_t=5 + more)


def with_penalty_steps(data: Data, more: float) -> None:
    data["demands"]["user"]["shortage_penalty_kusd_per_t"] = {0.1 + more / 50: 50, 1: 400}


def with_price_response(data: Data, more: float) -> None:
    # Two steps of 5 t/y, more than which is short.
    reached = 0.8 - 2 * more / 50
    data["demands"]["user"]["elastic"] = {
        "price_kusd_per_t": 20,
        "elasticity": 1e6,
        "down_to_share": reached,
        "steps": 2,
    }


def with_cost_steps(data: Data, more: float) -> None:
    del data["facilities"]["offer"]["capacity_t_per_y"], data["facilities"]["offer"]["cost_kusd_per_t"]
    widths = ((20 + more, 10), (40, 60))
    data["facilities"]["offer"]["steps"] = [{"width_t_per_y": w, "cost_kusd_per_t": c} for w, c in widths]


def with_capacity_below_a_step(data: Data, more: float) -> None:
    with_cost_steps(data, 0)
    data["facilities"]["offer"]["capacity_t_per_y"] = 15 + more


def with_capacity(data: Data, more: float) -> None:
    data["facilities"]["offer"]["capacity_t_per_y"] += more


def with_route_capacity(data: Data, more: float) -> None:
    data["routes"]["by sea"]["capacity_t_per_y"] = 25 + more


def with_minimum_use(data: Data, more: float) -> None:
    plant = {"place": "USA", "outputs": {"metal": 1}, "capacity_t_per_y": 10, "cost_kusd_per_t": 200}
    data["facilities"]["plant"] = {**plant, "minimum_utilisation_share": 0.5 + more / 10}


def with_minimum_purchase(data: Data, more: float) -> None:
    data["facilities"]["offer"] |= {"cost_kusd_per_t": {2026: 10, 2027: 200}}
    data["routes"]["by sea"]["onboarding"] = {"minimum_t_per_y": 5 + more}


def with_cover(data: Data, more: float) -> None:
    with_store(data, cover_days=365 * (10 + more) / 50)
    data["demands"]["user"]["quantity_t_per_y"] = 50


def with_floor(data: Data, more: float) -> None:
    data["facilities"]["offer"] |= {"cost_kusd_per_t": 120, "capacity_t_per_y": 100}
    data["limits"] = {"floor": {"kind": "service_floor", "tiers": ["other"], "served_share": 0.9 - more / 50}}


CASES: dict[str, tuple[tuple[Change, float], ...]] = {
    "substitute_stays_within_limit": ((with_substitute, -2 * 60),),
    "scrap_follows_past_use": ((with_scrap, -2 * 99), (with_scrap_of_the_past, -2 * 100)),
    "stock_is_filled_within_limit": ((with_filling, -89.5),),
    "stock_stays_within_room": ((with_room, -89.5),),
    "shortage_stays_within_step": ((with_penalty_steps, -2 * 350),),
    "need_given_up_stays_within_step": ((with_price_response, -2 * 2 * 80),),
    "cost_step_stays_within_width": ((with_cost_steps, -2 * 50),),
    "facility_runs_within_capacity": ((with_capacity, -2 * 90), (with_capacity_below_a_step, -2 * 90)),
    "route_flows_within_capacity": ((with_route_capacity, -2 * 90),),
    "facility_keeps_running": ((with_minimum_use, 2 * 100),),
    "onboarded_route_takes_minimum": ((with_minimum_purchase, 100),),
    "stock_covers_target": ((with_cover, 100 + 0.5 + 0.5),),
    "shortage_stays_below_floor": ((with_floor, -2 * 20),),
}
"""How a limit is made to bind, and by what one more unit of it in both years changes the objective, by hand."""


@pytest.mark.parametrize(("limit", "change", "worth"), [(k, *case) for k, cases in CASES.items() for case in cases])
def test_a_marginal_value_is_what_one_more_unit_of_the_limit_changes(limit: str, change: Change, worth: float) -> None:
    base, wider = shop(), shop()
    change(base, 0)
    change(wider, SMALL)
    plan, other = (optimizer.solve(data, gap=0) for data in (base, wider))
    values = plan.tables["marginal_values"]
    found = values.loc[values["what"] == limit, "value"].sum()
    assert found == pytest.approx(worth, rel=1e-3)
    assert plan.summary.objective_kusd is not None
    assert other.summary.objective_kusd is not None
    difference = (other.summary.objective_kusd - plan.summary.objective_kusd) / SMALL
    assert found == pytest.approx(difference, rel=1e-4)


def test_every_limit_that_is_a_bound_shows_its_dual() -> None:
    assert set(bounds()) <= set(CASES)


def is_told(statement: Statement) -> bool:
    return not isinstance(statement.marginal_value, Untold)


IN_GOLDEN = sorted(name for name, entry in registry().items() if is_told(entry) and name not in CASES)


@pytest.mark.parametrize("constraint", IN_GOLDEN)
def test_every_constraint_with_a_dual_shows_it_in_a_scenario(constraint: str) -> None:
    elsewhere = {
        "demand_takes_clean_material": "modes_add_up",
        "demand_is_served_or_short": "commodity_balances",
    }
    tighter = {"index_stays_below_cap": [Patch(op="set", path="limits.mix.cap_index", value=0.55)]}
    source = FOLDER / f"{elsewhere.get(constraint, constraint)}.yaml"
    values = optimizer.solve(source, tighter.get(constraint, []), gap=0).tables["marginal_values"]
    assert constraint in set(values["what"])


def test_a_constraint_without_its_dual_says_why() -> None:
    for entry in registry().values():
        assert is_told(entry) or entry.reported.startswith(("no, it ", "no, a definition"))


def test_every_name_in_the_table_of_marginal_values_is_on_the_page_of_the_mathematics() -> None:
    page = (FOLDER.parent.parent / "docs/reference/math.md").read_text(encoding="utf-8")
    for name in statements():
        assert f"\n### `{name}`\n" in page


def test_a_substitute_at_its_cap_is_worth_what_it_saves() -> None:
    data = golden_toy()
    data["demands"]["military"]["substitutes"] = {"less": {"limit_share": 0.1, "cost_kusd_per_t": 0.5}}
    more = deepcopy(data)
    more["demands"]["military"]["substitutes"]["less"]["limit_share"] = 0.1 + SMALL
    plan, other = optimizer.solve(data, gap=0), optimizer.solve(more, gap=0)
    values = plan.tables["marginal_values"]
    shown = values[values["what"] == "substitute_stays_within_limit"]
    assert set(shown["name"]) == {"military less"}
    assert set(shown["node"]) == {"2026", "2027", "2028", "2029", "ban@2028", "ban@2029"}
    assert plan.summary.objective_kusd is not None
    assert other.summary.objective_kusd is not None
    saved = other.summary.objective_kusd - plan.summary.objective_kusd
    assert shown["value"].sum() * 20 * SMALL == pytest.approx(saved, rel=1e-6)


def test_the_variants_of_a_traced_substitute_share_one_marginal_value() -> None:
    plan = optimizer.solve(scenarios.load(FOLDER / "substitute_stays_within_limit.yaml"), gap=0)
    values = plan.tables["marginal_values"]
    shown = values[values["what"] == "substitute_stays_within_limit"]
    assert not shown.duplicated(["name", "node"]).any()


def test_a_project_that_does_not_start_is_worth_what_its_first_tonne_would_save() -> None:
    # The refinery makes a t at 13, whatever it costs to build; China lands one at 13.5. A t stored for year 3 costs
    # (13.5 + 0.5) * 1.05 = 14.7: it saves 13.5 with 80 %, so 19.5 in the ban, and (19.5 + 0.5) * 1.05 = 21 a year on.
    values = optimizer.solve("golden-toy", gap=0).tables["marginal_values"]
    found = values[values["what"] == "project_runs_when_on_line"].set_index("node")["at_node"]
    assert found.to_dict() == pytest.approx({"2": -0.5, "3": -0.5, "4": -0.5, "ban@3": -6.5, "ban@4": -8})
