"""Duty of the golden toy's route from China (customs value 10) under other measures, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from check_plans import Data, golden_toy

from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.scenarios import load


def instance_of(tariffs: Data, **changes: Data) -> Instance:
    data = golden_toy()
    default = {"programme": "mfn", "commodities": ["*"], "origins": ["CHN"]}
    data["tariffs"] = {name: {**default, **measure} for name, measure in tariffs.items()}
    for section, entries in changes.items():
        for name, value in entries.items():
            part = data.setdefault(section, {})
            part[name] = {**part.get(name, {}), **value} if isinstance(value, dict) else value
    return prepare(load(data))


def duty(tariffs: Data, node: str = "2026", band: str = "all", **changes: Data) -> float:
    """kUSD/t."""
    instance = instance_of(tariffs, **changes)
    row = list(instance.trade.bands).index(("from China", band))
    return float(instance.trade.duty_kusd_per_t[row, instance.tree.names.index(node)])


def test_duties_of_all_programmes_add_up() -> None:
    rates = {"mfn": 0.1, "301": 0.25, "232": 0.25, "ad": 0.6668, "cvd": 0.935}
    assert duty({name: {"rate_share": rate} for name, rate in rates.items()}) == pytest.approx(22.018)


def test_a_measure_of_a_part_of_the_year_counts_by_its_days() -> None:
    # April to June: 91 of 365 days
    assert duty({"a": {"rate_share": 0.2, "onset": "2026-04-01", "until": "2026-07-01"}}) == pytest.approx(2 * 91 / 365)
    # from 2027-07-02 on, 183 of the 730 days of two years
    measure = {"a": {"rate_share": 0.2, "onset": "2027-07-02"}}
    assert duty(measure, horizon={"period_years": [2, 1, 1]}) == pytest.approx(2 * 183 / 730)


def test_a_rate_by_year_is_that_of_the_day() -> None:
    measure = {"a": {"rate_share": {2026: 0.1, 2027: 0.3}}}
    assert duty(measure, horizon={"period_years": [2, 1, 1]}) == pytest.approx((1 + 3) / 2)


def test_customs_value_is_the_mean_of_the_period_and_carries_the_price_factor() -> None:
    route = {"from China": {"customs_value_kusd_per_t": {2026: 10, 2027: 14}}}
    measure = {"a": {"rate_share": 0.5}}
    assert duty(measure, routes=route, horizon={"period_years": [2, 1, 1]}) == pytest.approx(0.5 * 12)
    data = golden_toy()
    data["tariffs"]["duty"]["rate_share"] = 0.5
    data["events"]["ban"] = {"changes": "price", "factor": 3.0, "onset": "2028-07-02"}
    instance = prepare(load(data))
    # half of 2028 at three times the price: twice on the mean
    assert instance.trade.duty_kusd_per_t[0, instance.tree.names.index("ban@2028")] == pytest.approx(0.5 * 20)


BASE = {"a": {"rate_share": 0.1}, "b": {"rate_share": 0.2, "programme": "301"}}
OVER = {"rate_share": 0.5, "programme": "232", "precedence": 1, "replaces": ["mfn", "b"]}


@pytest.mark.parametrize(
    ("changes", "duty_kusd_per_t"),
    [
        ({}, 5.0),  # both are replaced, one by its programme, one by its name
        ({"replaces": ["mfn"]}, 5.0 + 2.0),
        ({"precedence": 0}, 5.0 + 1.0 + 2.0),  # of no higher precedence
        ({"precedence": -1}, 5.0 + 1.0 + 2.0),  # of a lower one
        ({"onset": "2026-07-02"}, 3 * 182 / 365 + 5 * 183 / 365),  # only on the days it is in force
        ({"active": False}, 3.0),
    ],
)
def test_a_measure_of_higher_precedence_replaces_others(changes: Data, duty_kusd_per_t: float) -> None:
    assert duty({**BASE, "c": {**OVER, **changes}}) == pytest.approx(duty_kusd_per_t)


def test_a_replaced_measure_still_replaces() -> None:
    top = {"rate_share": 0.7, "programme": "top", "precedence": 2, "replaces": ["232"]}
    assert duty({**BASE, "c": OVER, "d": top}) == pytest.approx(7)


def test_an_all_in_ceiling_adds_what_it_leaves_above_its_programmes() -> None:
    ceiling = {"programme": "deal", "all_in_ceiling_share": 0.15}
    others = {"mfn": {"rate_share": 0.06}, "301": {"rate_share": 0.25, "programme": "301"}}
    assert duty({**others, "c": ceiling}) == pytest.approx(0.6 + 2.5 + (1.5 - 0.6))
    assert duty({**others, "c": {**ceiling, "all_in_with": ["mfn", "301"]}}) == pytest.approx(0.6 + 2.5)
    assert duty({"mfn": {"rate_share": 0.2}, "c": ceiling}) == pytest.approx(2)


def test_two_ceilings_do_not_count_each_other() -> None:
    ceiling = {"programme": "mfn", "all_in_ceiling_share": 0.15}
    assert duty({"c": ceiling, "d": ceiling}) == pytest.approx(1.5 + 1.5)


def test_a_minimum_price_adds_what_the_customs_value_lacks() -> None:
    assert duty({"a": {"minimum_price_kusd_per_t": 13}}) == pytest.approx(3)
    assert duty({"a": {"minimum_price_kusd_per_t": 9, "rate_share": 0.1}}) == pytest.approx(1)


def test_a_duty_by_weight_is_on_gross_weight() -> None:
    # 0.25 t contained per t gross: a t contained weighs 4
    commodity = {"metal": {"contained_share": 0.25}}
    assert duty({"a": {"rate_kusd_per_t_gross": 0.3}}, commodities=commodity) == pytest.approx(1.2)
    assert duty({"a": {"rate_kusd_per_t_gross": 0.3, "rate_share": 0.1}}, commodities=commodity) == pytest.approx(2.2)


def test_a_duty_on_metal_value_is_on_the_reference_price() -> None:
    commodity = {"metal": {"reference_price_kusd_per_t": 40}}
    assert duty({"a": {"rate_share": 0.25, "base": "metal_value"}}, commodities=commodity) == pytest.approx(10)


def test_without_a_customs_value_duties_on_it_and_minimum_prices_do_not_apply() -> None:
    measures = {
        "a": {"rate_share": 0.2, "rate_kusd_per_t_gross": 0.3},
        "b": {"minimum_price_kusd_per_t": 13},
        "c": {"all_in_ceiling_share": 0.5},
    }
    assert duty(measures, routes={"from China": {"customs_value_kusd_per_t": None}}) == pytest.approx(0.3)


def test_a_region_pays_each_member_s_duty_by_its_share() -> None:
    places = {"CHN": {"members": {"RUS": 0.25, "KAZ": 0.75}}, "RUS": {}, "KAZ": {"groups": ["friends"]}}
    measures = {
        "a": {"rate_share": 0.8, "origins": ["RUS"]},
        "b": {"rate_share": 0.1, "origins": ["*"], "except_origins": ["friends"]},
    }
    assert duty(measures, places=places) == pytest.approx(0.25 * (8 + 1))


@pytest.mark.parametrize(
    ("measure", "applies"),
    [
        ({}, True),
        ({"commodities": [], "hts": ["8112.92"]}, True),
        ({"commodities": [], "hts": ["81129210"]}, True),
        ({"commodities": [], "hts": ["8112.99"]}, False),
        ({"commodities": []}, False),
        ({"commodities": ["met*"]}, True),
        ({"except_commodities": ["met*"]}, False),
        ({"except_hts": ["8112"]}, False),
        ({"origins": ["AUS"]}, False),
        ({"except_origins": ["CHN"]}, False),
        ({"destination": "AUS"}, False),
    ],
)
def test_a_measure_applies_to_what_it_names_and_not_to_what_it_exempts(measure: Data, applies: bool) -> None:
    found = duty({"a": {"rate_share": 0.1, **measure}}, commodities={"metal": {"hts": ["8112.92.10"]}})
    assert found == pytest.approx(1.0 if applies else 0.0)


def test_an_event_switches_measures_on_and_off_on_its_days_and_in_its_future_alone() -> None:
    measures = {"a": {"rate_share": 0.1}, "b": {"rate_share": 0.4, "active": False, "until": "2027-01-01"}}
    data = golden_toy()
    default = {"programme": "mfn", "commodities": ["*"], "origins": ["CHN"]}
    data["tariffs"] = {name: {**default, **measure} for name, measure in measures.items()}
    # from 2028-03-01, day 61 of 366
    data["events"]["ban"] = {"changes": "tariffs", "onset": "2028-03-01", "switch_on": ["b"], "switch_off": ["a"]}
    instance = prepare(load(data))
    found = dict(zip(instance.tree.names, instance.trade.duty_kusd_per_t[0].tolist(), strict=True))

    assert found["2028"] == pytest.approx(1)
    assert found["ban@2028"] == pytest.approx(1 * 60 / 366 + 4 * 306 / 366)
    assert found["ban@2029"] == pytest.approx(4)


QUOTA: dict[str, Any] = {"rate_share": 0.3, "quota": {"volume_t_per_y": 400, "in_quota_rate_share": 0.05}}


def test_a_quota_splits_a_route_into_bands_that_differ_by_its_own_rate_alone() -> None:
    measures = {"a": QUOTA, "b": {"rate_share": 0.1, "programme": "301"}}
    assert duty(measures, band="in_quota") == pytest.approx(0.5 + 1)
    assert duty(measures, band="over_quota") == pytest.approx(3 + 1)


def test_a_quota_of_a_part_of_the_year_keeps_its_volume_and_has_its_rate_on_its_days() -> None:
    measures = {"a": {**QUOTA, "onset": "2026-07-02"}}
    assert duty(measures, band="in_quota") == pytest.approx(0.5 * 183 / 365)
    assert duty(measures, band="over_quota") == pytest.approx(3 * 183 / 365)
    assert instance_of(measures).trade.quotas["a", ""].tolist() == [400] * 6


def test_a_region_s_flow_counts_against_a_quota_by_the_share_it_applies_to() -> None:
    places = {"CHN": {"members": {"RUS": 0.25, "KAZ": 0.75}}, "RUS": {}, "KAZ": {}}
    instance = instance_of({"a": {**QUOTA, "origins": ["KAZ"]}}, places=places)
    assert instance.trade.quota_routes == {("a", ""): {"from China": 0.75}}


def test_duty_is_told_by_measure() -> None:
    instance = instance_of(BASE)
    assert dict(instance.trade.duty_by_measure[0][0]) == pytest.approx({"a": 1, "b": 2})
