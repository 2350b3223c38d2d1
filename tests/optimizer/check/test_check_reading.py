"""How the independent check reads a scenario: time, selections, tree, cost steps, duty by day, worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from check_plans import Data, golden_toy

from lodeplan.optimizer.check.availability import Events
from lodeplan.optimizer.check.case import World
from lodeplan.optimizer.check.duty import Duty
from lodeplan.optimizer.check.objective import cvar_kusd
from lodeplan.optimizer.check.periods import Period, decimal_year, mean, share_of_days
from lodeplan.optimizer.check.selections import place_share, selects_code, selects_name
from lodeplan.optimizer.check.steps import cost_steps
from lodeplan.optimizer.check.tree import build_tree
from lodeplan.schemas import Scenario

# Time, selections, tree


def test_numbers_by_year_hold_until_the_next_entry_and_a_period_takes_their_mean() -> None:
    period = Period(index=0, year=2026, length_y=4, start_y=0)
    assert mean({2028: 8.0, 2027: 4.0}, period) == (4 + 4 + 8 + 8) / 4
    assert mean(3.0, period) == 3.0


def test_a_rule_counts_by_its_days() -> None:
    period = Period(index=0, year=2027, length_y=2, start_y=0)  # 365 + 366 days
    assert share_of_days(date(2028, 1, 1), None, period) == 366 / 731
    assert share_of_days(date(2027, 12, 31), date(2028, 1, 2), period) == 2 / 731
    assert share_of_days(date(2020, 1, 1), date(2027, 1, 1), period) == 0
    assert decimal_year(date(2028, 7, 1)) == 2028 + 182 / 366


def test_places_are_selected_by_name_group_and_member() -> None:
    data = golden_toy()
    data["places"] |= {"Rest": {"members": {"CHN": 0.25, "AUS": 0.75}}, "AUS": {"groups": ["allies"]}}
    places = Scenario.model_validate(data).places
    assert place_share(["*"], "Rest", places) == 1
    assert place_share(["Rest"], "Rest", places) == 1
    assert place_share(["allies"], "Rest", places) == 0.75
    assert place_share(["CHN", "allies"], "Rest", places) == 1
    assert place_share(["allies"], "CHN", places) == 0


def test_names_match_patterns_and_codes_match_prefixes() -> None:
    assert selects_name(["gallium/*"], "gallium/metal")
    assert not selects_name(["gallium"], "gallium/metal")
    assert not selects_name(["g.llium/*"], "gallium/metal")
    assert selects_code(["8112.92"], ["8112921000"])
    assert not selects_code(["8112.92.1"], ["8112.92", "8112.99.10"])


def test_the_base_path_stops_where_no_probability_is_left() -> None:
    data = golden_toy()
    data["futures"]["ban"]["probability"] = 1
    tree = build_tree(Scenario.model_validate(data))
    assert list(tree.nodes) == ["2026", "2027", "ban@2028", "ban@2029"]
    assert tree.leaves == {"ban@2029"}
    assert tree.last_node == {"calm": "2027", "ban": "ban@2029"}


def test_cvar_is_the_mean_of_the_worst_futures() -> None:
    losses = {str(loss): float(loss) for loss in range(1, 101)}
    assert cvar_kusd(losses, dict.fromkeys(losses, 0.01), 0.95) == pytest.approx(98.0)


# Cost steps


@pytest.mark.parametrize(
    ("curve", "steps"),
    [
        # P = 20 + 0.05 Q from nothing to 800 in two steps: at the middles 200 and 600
        ({"observed_t_per_y": 0, "slope_kusd_per_t2_y": 0.05, "basis": "market"}, [(400, 30), (400, 50)]),
        # x P(x): 400 * 40 = 16,000, then 800 * 60 = 48,000
        ({"observed_t_per_y": 0, "slope_kusd_per_t2_y": 0.05, "basis": "buyer"}, [(400, 40), (400, 80)]),
        # b = 20 / (2 * 200) = 0.05 beyond 200: P at 350 and 650 is 27.5 and 42.5
        ({"observed_t_per_y": 200, "elasticity": 2}, [(200, 20), (300, 27.5), (300, 42.5)]),
    ],
)
def test_a_supply_curve_becomes_steps(curve: Data, steps: list[tuple[float, float]]) -> None:
    data = golden_toy()
    data["facilities"]["China"] |= {"cost_kusd_per_t": 20, "supply_curve": {"up_to_t_per_y": 800, **curve}}
    scenario = Scenario.model_validate(data)
    period = build_tree(scenario).periods[0]
    found = cost_steps(scenario.facilities["China"], period, (period,))
    assert [(step.width_t_per_y, step.cost_kusd_per_t) for step in found] == [pytest.approx(step) for step in steps]


def test_a_curve_keeps_its_slope_when_its_price_moves() -> None:
    data = golden_toy()
    curve = {"observed_t_per_y": 100, "elasticity": 1, "up_to_t_per_y": 200, "steps": 1}
    data["facilities"]["China"] |= {"cost_kusd_per_t": {2026: 10, 2027: 30}, "supply_curve": curve}
    scenario = Scenario.model_validate(data)
    first, second = build_tree(scenario).periods[:2]
    found = cost_steps(scenario.facilities["China"], second, (first, second))
    # b = 10 / 100 from 2026; in 2027 P at 150 is 30 + 0.1 * 50
    assert [step.cost_kusd_per_t for step in found] == [30, pytest.approx(35)]


# Duty by day


def duty(tariffs: Data, changes: Data | None = None, node: str = "2026") -> Duty:
    """Duty of the golden toy's route from China, customs value 10, under other measures."""
    data = golden_toy()
    default = {"programme": "mfn", "commodities": ["*"]}
    data["tariffs"] = {name: {**default, **measure} for name, measure in tariffs.items()}
    for key, value in (changes or {}).items():
        data[key] = {**data[key], **value}
    world = World(Scenario.model_validate(data))
    return world.duty("from China", world.tree.nodes[node])


def test_duties_add_up() -> None:
    rates = {"mfn": 0.1, "301": 0.25, "232": 0.25, "ad": 0.6668, "cvd": 0.935}
    assert duty({name: {"rate_share": rate} for name, rate in rates.items()}).over_quota == pytest.approx(22.018)


def test_a_measure_counts_from_its_first_day_to_the_day_before_its_end() -> None:
    # 2026-04-01 to 2026-06-30 are 91 of 365 days
    measure = {"rate_share": 0.2, "onset": "2026-04-01", "until": "2026-07-01"}
    assert duty({"a": measure}).over_quota == pytest.approx(2 * 91 / 365)


def test_rates_take_the_value_of_the_day_s_year() -> None:
    measure = {"rate_share": {2026: 0.1, 2027: 0.3}}
    data = {"horizon": {"first_year": 2026, "period_years": [2, 1, 1]}}
    assert duty({"a": measure}, data).over_quota == pytest.approx((1 + 3) / 2)


def test_a_higher_precedence_replaces_a_programme_or_a_measure_on_the_days_it_is_in_force() -> None:
    base = {"a": {"rate_share": 0.1}, "b": {"rate_share": 0.2, "programme": "301"}}
    over = {"rate_share": 0.5, "programme": "232", "precedence": 1, "replaces": ["mfn", "b"]}
    assert duty({**base, "c": over}).over_quota == pytest.approx(5)
    for not_higher in (0, -1):
        assert duty({**base, "c": {**over, "precedence": not_higher}}).over_quota == pytest.approx(8)
    # from 2026-07-02 on, 183 of 365 days
    later = duty({**base, "c": {**over, "onset": "2026-07-02"}}).over_quota
    assert later == pytest.approx(3 * 182 / 365 + 5 * 183 / 365)


def test_an_all_in_ceiling_adds_what_it_leaves_above_its_programmes() -> None:
    ceiling = {"programme": "232", "all_in_ceiling_share": 0.15, "rate_share": 0.5}
    others = {"mfn": {"rate_share": 0.06}, "301": {"rate_share": 0.25, "programme": "301"}}
    assert duty({**others, "a": ceiling}).over_quota == pytest.approx(0.6 + 2.5 + (1.5 - 0.6))
    assert duty({"mfn": {"rate_share": 0.2}, "a": ceiling}).over_quota == pytest.approx(2.0)


def test_specific_duties_are_by_gross_weight_and_minimum_prices_add_what_is_lacking() -> None:
    commodity = {"metal": {"stage": "refined", "mineral_group": "metal", "contained_share": 0.5}}
    assert duty({"a": {"rate_kusd_per_t_gross": 0.7}}, {"commodities": commodity}).over_quota == pytest.approx(1.4)
    assert duty({"a": {"minimum_price_kusd_per_t": 13}}).over_quota == pytest.approx(3)
    assert duty({"a": {"minimum_price_kusd_per_t": 9}}).over_quota == 0


def test_a_metal_value_duty_is_on_the_reference_price() -> None:
    commodity = {"metal": {"stage": "refined", "mineral_group": "metal", "reference_price_kusd_per_t": 40}}
    measure = {"rate_share": 0.25, "base": "metal_value"}
    assert duty({"a": measure}, {"commodities": commodity}).over_quota == pytest.approx(10)


def test_without_a_customs_value_only_specific_and_metal_duties_apply() -> None:
    route = {"from China": {"commodity": "metal", "origin": "CHN", "destination": "USA"}}
    measures = {
        "a": {"rate_share": 0.2, "rate_kusd_per_t_gross": 0.3},
        "b": {"minimum_price_kusd_per_t": 13},
        "c": {"all_in_ceiling_share": 0.5},
    }
    assert duty(measures, {"routes": route}).over_quota == pytest.approx(0.3)


def test_exemptions_and_other_destinations_and_codes_keep_a_measure_away() -> None:
    commodity = {"metal": {"stage": "refined", "mineral_group": "metal", "hts": ["8112.92.10"]}}
    rate = {"rate_share": 0.1}

    def due(**measure: Any) -> float:
        return duty({"a": {**rate, **measure}}, {"commodities": commodity}).over_quota

    assert due() == pytest.approx(1)
    assert due(commodities=[], hts=["811292"]) == pytest.approx(1)
    assert due(commodities=[], hts=["8112.99"]) == 0
    assert due(commodities=[]) == 0
    assert due(except_origins=["CHN"]) == 0
    assert due(except_commodities=["met*"]) == 0
    assert due(except_hts=["8112"]) == 0
    assert due(destination="AUS") == 0
    assert due(origins=["AUS"]) == 0


def test_an_event_switches_measures_on_and_off_on_its_days() -> None:
    measures = {"a": {"rate_share": 0.1}, "b": {"rate_share": 0.4, "active": False}}
    event = {
        "changes": "tariffs",
        "onset": "2028-03-01",  # day 61 of 366: 306 days are left
        "switch_on": ["b"],
        "switch_off": ["a"],
    }
    assert duty(measures, {"events": {"ban": event}}, "2028").over_quota == pytest.approx(1)
    switched = duty(measures, {"events": {"ban": event}}, "ban@2028").over_quota
    assert switched == pytest.approx(1 * 60 / 366 + 4 * 306 / 366)


def test_a_quota_changes_its_own_rate_only() -> None:
    quota = {"volume_t_per_y": 400, "in_quota_rate_share": 0.05}
    found = duty({"a": {"rate_share": 0.3, "quota": quota}, "b": {"rate_share": 0.1}})
    assert found.in_quota == pytest.approx(1.5)
    assert found.over_quota == pytest.approx(4)
    assert found.quotas == {"a": 1}


def test_a_region_takes_each_member_s_duty_and_events_by_share() -> None:
    places = {"CHN": {"members": {"RUS": 0.25, "KAZ": 0.75}}, "RUS": {}, "KAZ": {"groups": ["allies"]}}
    measures = {"a": {"rate_share": 0.8, "origins": ["RUS"]}, "b": {"rate_share": 0.1, "except_origins": ["allies"]}}
    assert duty(measures, {"places": places}).over_quota == pytest.approx(0.25 * (8 + 1))
    data = golden_toy()
    data["places"] |= places
    data["events"]["ban"] |= {"places": ["KAZ"], "availability_share": 0.5, "onset": "2028-07-02"}
    scenario = Scenario.model_validate(data)
    conditions = Events(scenario).conditions(build_tree(scenario).nodes["ban@2028"])
    # 183 of 366 days, three quarters of the region, half of what is left
    assert conditions.route_availability["from China"] == pytest.approx(1 - 0.75 * 0.5 * 0.5)
