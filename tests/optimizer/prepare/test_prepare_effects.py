"""What events leave of output, routes, prices and demand."""

from __future__ import annotations

import pytest
from check_plans import Data, golden_toy

from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.scenarios import load


def under(*events: Data, **changes: Data) -> Instance:
    """The golden toy with these events in its future `ban`."""
    data = golden_toy()
    data["events"] = {f"e{number}": {"onset": 2028, **event} for number, event in enumerate(events)}
    data["futures"]["ban"]["events"] = list(data["events"])
    for section, entries in changes.items():
        for name, value in entries.items():
            part = data.setdefault(section, {})
            part[name] = {**part.get(name, {}), **value} if isinstance(value, dict) else value
    return prepare(load(data))


def at(instance: Instance, node: str, values: object) -> float:
    return float(values[instance.tree.names.index(node)])  # type: ignore[index]


HALF = {"changes": "output", "places": ["AUS"], "availability_share": 0.5}


def test_output_falls_by_the_days_an_event_is_in_force() -> None:
    # 2028-07-02 to 2029-04-01: 183 of 366 days, then 90 of 365
    instance = under({**HALF, "onset": "2028-07-02", "until": "2029-04-01"})
    capacity = instance.supply.capacity_t_per_y["Ally"]
    assert at(instance, "ban@2028", capacity) == pytest.approx(50 * (1 - 0.5 * 0.5))
    assert at(instance, "ban@2029", capacity) == pytest.approx(50 * (1 - 0.5 * 90 / 365))
    assert at(instance, "2028", capacity) == 50
    assert at(instance, "ban@2028", instance.supply.planned_capacity_t_per_y["Ally"]) == 50


@pytest.mark.proves("facility_runs_within_capacity")
def test_events_that_meet_multiply() -> None:
    instance = under(HALF, {**HALF, "availability_share": 0.2})
    assert at(instance, "ban@2028", instance.supply.capacity_t_per_y["Ally"]) == pytest.approx(50 * 0.5 * 0.2)


def test_a_project_abroad_or_at_home_can_be_hit_by_name() -> None:
    instance = under({**HALF, "places": ["*"], "facilities": ["Mi*"]})
    assert at(instance, "ban@2028", instance.supply.capacity_t_per_y["Mine"]) == pytest.approx(20)
    assert at(instance, "ban@2028", instance.supply.capacity_t_per_y["Ally"]) == 50


def test_an_unlimited_offer_is_closed_in_whole_periods_and_stays_unlimited_in_others() -> None:
    instance = under({**HALF, "places": ["CHN"], "availability_share": 0, "onset": "2028-07-02"})
    assert at(instance, "ban@2028", instance.supply.capacity_t_per_y["China"]) == float("inf")
    assert at(instance, "ban@2029", instance.supply.capacity_t_per_y["China"]) == 0


def test_a_region_is_hit_by_the_share_of_its_members() -> None:
    places = {"AUS": {"members": {"WA": 0.4, "QLD": 0.6}}, "WA": {"groups": ["west"]}, "QLD": {}}
    instance = under({**HALF, "places": ["west"], "availability_share": 0}, places=places)
    assert at(instance, "ban@2028", instance.supply.capacity_t_per_y["Ally"]) == pytest.approx(50 * 0.6)


BAN = {"changes": "exports", "places": ["AUS"], "availability_share": 0.25}


def test_an_export_event_leaves_a_share_of_the_route_s_capacity() -> None:
    instance = under(BAN, routes={"from ally": {"capacity_t_per_y": 80}})
    assert at(instance, "ban@2028", instance.trade.capacity_t_per_y["from ally"]) == pytest.approx(20)
    assert at(instance, "2028", instance.trade.capacity_t_per_y["from ally"]) == 80


def test_without_a_capacity_a_route_is_held_to_a_share_of_its_running_offers() -> None:
    facilities = {
        "second": {
            "place": "AUS",
            "outputs": {"metal": 2},
            "capacity_t_per_y": 30,
            "home_share": 0.5,
            "cost_kusd_per_t": 9,
        }
    }
    instance = under(BAN, facilities=facilities)
    # 50 and 2 * 30 * 0.5
    assert at(instance, "ban@2028", instance.trade.capacity_t_per_y["from ally"]) == pytest.approx(0.25 * 80)
    assert at(instance, "2028", instance.trade.capacity_t_per_y["from ally"]) == float("inf")


def test_a_route_from_an_unlimited_offer_is_closed_in_whole_periods_and_stays_unlimited_in_others() -> None:
    instance = under({**BAN, "places": ["CHN"], "availability_share": 0, "onset": "2028-07-02"})
    assert at(instance, "ban@2028", instance.trade.capacity_t_per_y["from China"]) == float("inf")
    assert at(instance, "ban@2029", instance.trade.capacity_t_per_y["from China"]) == 0


def test_a_route_without_a_capacity_is_held_to_a_share_of_the_steps_of_an_offer_without_one() -> None:
    steps = [{"width_t_per_y": 30, "cost_kusd_per_t": 10}, {"width_t_per_y": 10, "cost_kusd_per_t": 12}]
    offer = {"China": {"steps": steps, "cost_kusd_per_t": 0}}
    instance = under({**BAN, "places": ["CHN"]}, facilities=offer)
    assert at(instance, "ban@2028", instance.trade.capacity_t_per_y["from China"]) == pytest.approx(0.25 * 40)
    assert at(instance, "ban@2028", instance.supply.capacity_t_per_y["China"]) == float("inf")


@pytest.mark.parametrize("home_share", [None, 0])
def test_a_route_from_a_hub_is_closed_in_whole_periods_and_stays_unlimited_in_others(home_share: float | None) -> None:
    places = {"NZL": {}}
    routes = {
        "to NZL": {"commodity": "metal", "origin": "AUS", "destination": "NZL"},
        "from NZL": {"commodity": "metal", "origin": "NZL", "destination": "USA"},
    }
    sold_elsewhere = {"local": {**golden_toy()["facilities"]["Ally"], "place": "NZL", "home_share": home_share}}
    facilities = {} if home_share is None else sold_elsewhere
    event = {**BAN, "places": ["NZL"], "availability_share": 0, "onset": "2028-07-02"}
    instance = under(event, places=places, routes=routes, facilities=facilities)
    assert at(instance, "ban@2028", instance.trade.capacity_t_per_y["from NZL"]) == float("inf")
    assert at(instance, "ban@2029", instance.trade.capacity_t_per_y["from NZL"]) == 0


def test_a_route_whose_own_offers_rest_for_a_period_is_held_to_what_they_offer_then() -> None:
    rests = {"Ally": {"capacity_t_per_y": {2026: 50, 2029: 0}}}
    instance = under(BAN, facilities=rests)
    assert at(instance, "ban@2028", instance.trade.capacity_t_per_y["from ally"]) == pytest.approx(0.25 * 50)
    assert at(instance, "ban@2029", instance.trade.capacity_t_per_y["from ally"]) == 0


def test_a_price_event_moves_costs_abroad_and_never_at_home() -> None:
    instance = under({"changes": "price", "factor": 2.0, "onset": "2028-07-02"})
    cost = dict(zip(instance.supply.steps, instance.supply.cost_kusd_per_t, strict=True))
    assert at(instance, "ban@2028", cost["China", 0]) == pytest.approx(10 * 1.5)
    assert at(instance, "ban@2029", cost["Ally", 0]) == pytest.approx(15 * 2)
    assert at(instance, "ban@2029", cost["Mine", 0]) == 13


def test_a_demand_event_moves_the_tiers_and_commodities_it_names() -> None:
    instance = under({"changes": "demand", "factor": 1.5, "tiers": ["military"]})
    civilian, military = instance.demands.quantity_t_per_y
    assert at(instance, "ban@2028", military) == pytest.approx(30)
    assert at(instance, "ban@2028", civilian) == 80
    assert at(instance, "2028", military) == 20


def test_shortage_steps_move_with_demand() -> None:
    demand = {"military": {"shortage_penalty_kusd_per_t": {0.25: 10, 1: 500}}}
    instance = under({"changes": "demand", "factor": 2.0, "tiers": ["military"]}, demands=demand)
    limits = dict(zip(instance.demands.steps, instance.demands.step_limit_t_per_y, strict=True))
    assert at(instance, "ban@2028", limits["military", 0]) == pytest.approx(10)
    assert at(instance, "ban@2028", limits["military", 1]) == pytest.approx(30)


@pytest.mark.proves("onboarded_route_takes_minimum")
def test_a_minimum_volume_shrinks_with_the_route_and_its_largest_offer() -> None:
    facilities = {"small": {"place": "AUS", "outputs": {"metal": 1}, "capacity_t_per_y": 10, "cost_kusd_per_t": 9}}
    instance = under(
        {**BAN, "availability_share": 0.5},
        {**HALF, "facilities": ["Ally"], "availability_share": 0.4},
        facilities=facilities,
        routes={"from ally": {"onboarding": {"minimum_t_per_y": 30}}},
    )
    minimum = instance.trade.minimum_t_per_y["from ally"]
    assert at(instance, "2028", minimum) == 30
    assert at(instance, "ban@2028", minimum) == pytest.approx(30 * 0.5 * 0.4)
