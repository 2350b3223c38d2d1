"""Stockpiles by node."""

from __future__ import annotations

import pytest
from check_plans import Data, golden_toy

from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.scenarios import load


def with_store(lengths: list[int] | None = None, **fields: object) -> Instance:
    data: Data = golden_toy()
    data["horizon"]["period_years"] = lengths or [1, 1, 1, 1]
    data["stockpiles"]["store"] = {**data["stockpiles"]["store"], **fields}
    data["commodities"]["metal"]["reference_price_kusd_per_t"] = {2026: 12, 2028: 16}
    return prepare(load(data))


def by_node(instance: Instance, rows: Floats) -> dict[str, float]:
    return dict(zip(instance.tree.names, rows[0].tolist(), strict=True))


def test_stock_is_lost_every_year_of_a_period() -> None:
    instance = with_store([2, 1, 3], loss_share_per_y=0.1, opening_t=50)
    kept = by_node(instance, instance.stocks.kept_share)
    assert kept["2026"] == pytest.approx(0.9**2)
    assert kept["ban@2028"] == pytest.approx(0.9)
    assert by_node(instance, instance.stocks.opening_t)["2026"] == pytest.approx(50 * 0.81)
    assert sum(instance.stocks.opening_t[0].tolist()) == pytest.approx(50 * 0.81)


def test_a_commercial_stock_is_released_at_any_time_and_a_strategic_one_in_its_events() -> None:
    free = with_store()
    strategic = with_store(kind="strategic")
    other = with_store(kind="strategic", release_events=["b*"])
    assert set(by_node(free, free.stocks.release_limit_t_per_y).values()) == {float("inf")}
    limits = by_node(strategic, strategic.stocks.release_limit_t_per_y)
    assert {node for node, limit in limits.items() if limit > 0} == {"ban@2028", "ban@2029"}
    assert by_node(other, other.stocks.release_limit_t_per_y) == limits


def test_an_event_that_is_over_opens_no_reserve() -> None:
    data = golden_toy()
    data["stockpiles"]["store"]["kind"] = "strategic"
    data["events"]["ban"]["until"] = "2029-01-01"
    instance = prepare(load(data))
    limits = by_node(instance, instance.stocks.release_limit_t_per_y)
    assert limits["ban@2028"] == float("inf")
    assert limits["ban@2029"] == 0


@pytest.mark.proves("stock_covers_target")
def test_cover_is_days_of_demand_on_the_base_path_and_the_end_minimum_at_its_end() -> None:
    instance = with_store(cover_days={2026: 73, 2027: 36.5}, end_minimum_t=15)
    floor = by_node(instance, instance.stocks.stock_floor_t)
    assert floor == pytest.approx({"2026": 20, "2027": 10, "2028": 10, "2029": 15, "ban@2028": 0, "ban@2029": 0})


def test_cover_counts_demand_of_the_commodity_where_the_stock_is() -> None:
    data = golden_toy()
    data["stockpiles"]["store"]["cover_days"] = 73
    data["demands"]["civilian"]["place"] = "AUS"
    instance = prepare(load(data))
    assert by_node(instance, instance.stocks.stock_floor_t)["2026"] == pytest.approx(0.2 * 20)


def test_a_purchase_weighs_on_a_budget_at_reference_price_and_premium() -> None:
    instance = with_store(buying_premium_kusd_per_t=1)
    purchase = by_node(instance, instance.stocks.purchase_kusd_per_t)
    assert (purchase["2026"], purchase["ban@2028"]) == (13, 17)


def test_stock_is_worth_something_at_leaves_alone() -> None:
    instance = with_store()
    worth = by_node(instance, instance.stocks.end_value_kusd_per_t)
    assert {node for node, kusd in worth.items() if kusd} == {"2029", "ban@2029"}


def test_holding_counts_every_year_of_a_node() -> None:
    instance = with_store([1, 1, 2])
    two_years = pytest.approx(0.5 + 0.5 / 1.05)
    [holding] = [term for term in instance.costs.flows if term.name == "holding"]
    assert by_node(instance, holding.kusd_per_unit) == {
        "2026": 0.5,
        "2027": 0.5,
        "2028": two_years,
        "ban@2028": two_years,
    }
