"""Scenarios as they were stored are read whole, also those that are not valid any more."""

import json
from datetime import date

import pytest
from tiny_scenario import tiny

from lodeplan import scenarios
from lodeplan.scenarios.reading.as_stored import constructed, read_as_stored
from lodeplan.schemas import Scenario

NAMES = [entry.name for entry in scenarios.names() if not entry.name.startswith("us-")] + ["us-2026-lite"]


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_made_without_a_look_at_rules_is_the_same_as_with_one(name: str) -> None:
    scenario = scenarios.load(name)
    again = constructed(json.loads(scenario.model_dump_json()))
    assert again.model_dump() == scenario.model_dump()
    assert again == scenario


def test_what_is_not_valid_is_read_as_it_stands_with_todays_types() -> None:
    data = json.loads(Scenario.model_validate(tiny()).model_dump_json())
    data["economics"]["discount_rate"] = -1
    data["places"]["CHN"]["groups"] = ["", "a, b"]
    data["a field of long ago"] = 1
    del data["risk"]
    scenario = read_as_stored(json.dumps(data).encode())
    assert scenario.economics.discount_rate == -1
    assert scenario.places["CHN"].groups == ["", "a, b"]
    assert scenario.risk.tail_level == 0.9
    assert scenario.events["ban"].onset == date(2027, 1, 1)
    assert scenario.tariffs["extra"].rate_share == {2026: 0.25}
    assert scenario.demands["user"].shortage_penalty_kusd_per_t == {0.1: 50.0, 1.0: 400.0}
    assert scenario.limits["cap"].kind == "share_cap"
