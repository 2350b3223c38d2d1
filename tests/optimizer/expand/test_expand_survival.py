"""Survival limits written out as stress tests and service floors."""

from __future__ import annotations

from typing import Any

import pytest
from check_plans import Data, golden_toy

from lodeplan import scenarios
from lodeplan.optimizer.expand import expand
from lodeplan.schemas import InvalidInput, Scenario
from lodeplan.schemas.limits import ServiceFloor, Survival

SURVIVE: Data = {"kind": "survival", "onset": "2027-03-01", "tiers": ["military"], "served_share": 0.9}


def written_out(limits: Data, **changes: Any) -> Scenario:
    return expand(toy(limits, **changes)).scenario


def toy(limits: Data, **changes: Any) -> Scenario:
    return Scenario.model_validate({**golden_toy(), "limits": limits, **changes})


def test_a_scenario_without_survival_limits_and_sampling_is_returned_as_it_is() -> None:
    scenario = Scenario.model_validate(golden_toy())
    expansion = expand(scenario)
    assert expansion.scenario is scenario
    assert expansion.sampling is None


def test_each_place_that_may_be_lost_becomes_a_stress_test_with_two_events() -> None:
    limit = {**SURVIVE, "until": 2029, "left_share": 0.25}
    scenario = written_out({"floor": limit}, events={}, futures={"calm": {}})
    assert list(scenario.futures) == ["calm", "without CHN", "without AUS"]
    lost = scenario.futures["without CHN"]
    assert (lost.stress, lost.probability, lost.after) == (True, 0.0, None)
    assert lost.events == ["without CHN: exports", "without CHN: output"]
    events = [scenario.events[name].model_dump(mode="json", exclude_unset=True) for name in lost.events]
    dates = {"places": ["CHN"], "onset": "2027-03-01", "until": "2029-01-01", "availability_share": 0.25}
    assert events == [{"changes": "exports", **dates}, {"changes": "output", **dates}]


def test_a_service_floor_in_the_stress_tests_stands_in_place_of_the_limit() -> None:
    limit = {
        **SURVIVE,
        "commodities": ["met*"],
        "violation_price_kusd": 7,
        "title": "Any one",
        "served_share": {2027: 1},
    }
    slots = {"kind": "permit_slots", "slots_per_y": 1}
    scenario = written_out({"floor": limit, "slots": slots})
    assert list(scenario.limits) == ["floor", "slots"]
    assert scenario.limits["floor"] == ServiceFloor(
        kind="service_floor",
        title="Any one",
        tiers=["military"],
        commodities=["met*"],
        served_share={2027: 1},
        violation_price_kusd=7,
        futures=["without CHN", "without AUS"],
    )


def test_listed_futures_and_their_events_are_not_touched() -> None:
    before = toy({"floor": SURVIVE})
    after = expand(before).scenario
    for name, future in before.futures.items():
        assert after.futures[name] is future
    for name, event in before.events.items():
        assert after.events[name] is event
    assert isinstance(before.limits["floor"], Survival)


def test_stress_tests_alone_leave_the_years_to_go_as_planned() -> None:
    scenario = written_out({"floor": SURVIVE}, events={}, futures={})
    assert list(scenario.futures) == ["as_planned", "without CHN", "without AUS"]
    assert scenario.futures["as_planned"].probability == 1
    assert not scenario.futures["as_planned"].stress


def test_home_regions_and_places_that_do_nothing_are_never_lost() -> None:
    places = {
        "IDL": {"groups": ["rivals"]},
        "REG": {"members": {"MEM": 0.5, "AUS": 0.5}, "groups": ["rivals"]},
        "MEM": {"groups": ["rivals"]},
        "USA": {"groups": ["rivals"]},
        "AUS": {},
        "CHN": {"groups": ["rivals"]},
    }
    scenario = written_out({"floor": {**SURVIVE, "places": ["rivals"]}}, places=places, events={}, futures={})
    assert [name for name, future in scenario.futures.items() if future.stress] == ["without MEM", "without CHN"]


def test_a_limit_that_means_no_place_leaves_no_floor_behind() -> None:
    places = {**golden_toy()["places"], "IDL": {}}
    scenario = written_out({"floor": {**SURVIVE, "places": ["IDL"]}}, places=places)
    assert scenario.limits == {}
    assert list(scenario.futures) == list(golden_toy()["futures"])


def test_tests_of_a_place_that_two_limits_mean_name_the_limit() -> None:
    late = {**SURVIVE, "places": ["CHN"], "onset": 2029}
    scenario = written_out({"early": SURVIVE, "late": late}, events={}, futures={})
    tests = ["without CHN (early)", "without AUS", "without CHN (late)"]
    assert list(scenario.futures) == ["as_planned", *tests]
    assert [scenario.limits[name].futures for name in ("early", "late")] == [tests[:2], tests[2:]]
    assert scenario.events["without CHN (late): output"].onset.year == 2029


def test_a_name_that_is_taken_is_refused_with_what_to_do() -> None:
    futures = {"calm": {}, "without CHN": {"probability": 0.1, "events": ["ban"]}}
    with pytest.raises(InvalidInput, match=r"futures.'without CHN': this name is needed .* is taken") as caught:
        written_out({"floor": SURVIVE}, futures=futures)
    (problem,) = caught.value.problems
    assert problem.code == "name_taken"
    assert problem.remedy is not None
    assert "Rename" in problem.remedy


def test_a_name_that_grows_too_long_is_refused() -> None:
    name = "floor" * 22
    late = {**SURVIVE, "places": ["CHN"]}
    with pytest.raises(InvalidInput) as caught:
        written_out({name: SURVIVE, "late": late})
    assert {problem.code for problem in caught.value.problems} == {"name_too_long"}


def test_writing_out_once_is_enough() -> None:
    once = written_out({"floor": SURVIVE})
    assert expand(once).scenario is once
    assert Scenario.model_validate(once.model_dump(mode="json")) == once


def test_the_example_loses_each_of_its_suppliers() -> None:
    scenario = expand(scenarios.load("lose-any-one-country")).scenario
    assert list(scenario.futures) == ["as_planned", "without A", "without B"]
