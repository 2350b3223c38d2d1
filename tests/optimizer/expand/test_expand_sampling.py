"""Futures drawn from hazards, reduced and written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from check_plans import Data, golden_toy

from lodeplan import scenarios
from lodeplan.optimizer.expand import Expansion, expand
from lodeplan.optimizer.expand.sampling import draw_futures
from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.schemas import InvalidInput, Scenario
from lodeplan.schemas.events import ExportEvent, OutputEvent

BAN: Data = {"changes": "exports", "places": ["CHN"], "yearly_rate": 0.2, "availability_share": 0, "duration_years": 1}
STRIKE: Data = {
    "changes": "output",
    "places": ["AUS"],
    "yearly_rate": 0.1,
    "availability_share": {"low": 0.2, "mode": 0.5, "high": 0.9},
    "duration_years": {"low": 0.2, "mode": 1, "high": 2},
    "recovery_years": 0.5,
}


def toy(hazards: Data, sampling: Data, **changes: Any) -> Scenario:
    data = {**golden_toy(), "events": {}, "futures": {}, "hazards": hazards, "sampling": {"draws": 500, **sampling}}
    return Scenario.model_validate({**data, **changes})


def drawn(hazards: Data, sampling: Data, **changes: Any) -> Expansion:
    return expand(toy(hazards, sampling, **changes))


def test_a_sure_hazard_is_written_out_as_one_future_with_named_and_dated_events() -> None:
    ban = {**BAN, "yearly_rate": 1, "duration_years": 1.5, "recovery_years": 0.25, "destinations": ["USA"]}
    found = drawn({"ban": ban}, {"futures": 5})
    assert list(found.scenario.futures) == ["ban 2027 + ban 2029"]
    future = found.scenario.futures["ban 2027 + ban 2029"]
    assert (future.probability, future.stress) == (1.0, False)
    assert future.events == ["ban 2027", "ban 2029"]
    fields = {"changes": "exports", "places": ["CHN"], "destinations": ["USA"], "availability_share": 0}
    assert found.scenario.events["ban 2027"] == ExportEvent.model_validate(
        {**fields, "onset": 2027, "until": "2028-07-02", "recovery_years": 0.25}
    )
    # The horizon ends before it is over.
    assert found.scenario.events["ban 2029"] == ExportEvent.model_validate({**fields, "onset": 2029})


def test_output_hazards_become_output_events() -> None:
    strike = {**STRIKE, "yearly_rate": 1, "availability_share": 0.5, "duration_years": 3, "title": "Strike"}
    found = drawn({"strike": strike}, {"futures": 1})
    event = found.scenario.events["strike 2027"]
    assert isinstance(event, OutputEvent)
    assert (event.title, event.places, event.until) == ("Strike", ["AUS"], None)


def test_a_future_without_events_is_that_nothing_happens() -> None:
    found = drawn({"ban": BAN}, {"futures": 20}).scenario
    assert found.futures["nothing happens"].events == []
    assert found.futures["nothing happens"].probability == pytest.approx(0.8**3, abs=4 * np.sqrt(0.25 / 500))
    never = drawn({"ban": {**BAN, "yearly_rate": 0}}, {"futures": 20})
    assert {name: future.probability for name, future in never.scenario.futures.items()} == {"nothing happens": 1}
    assert never.sampling is not None
    assert (never.sampling.distance_y, never.sampling.relative_distance, never.sampling.distinct_draws) == (0, 0, 1)


def test_a_horizon_of_one_period_leaves_nothing_to_happen() -> None:
    found = drawn({"ban": BAN}, {"futures": 3}, horizon={"first_year": 2026, "period_years": [4]})
    assert list(found.scenario.futures) == ["nothing happens"]


def test_drawn_futures_take_what_the_listed_ones_leave() -> None:
    events = golden_toy()["events"]
    listed = {"calm": {"probability": 0.3}, "ban": {"probability": 0.2, "events": list(events)}}
    listed["test"] = {"probability": 0, "stress": True, "events": list(events)}
    source = toy({"strike": STRIKE}, {"futures": 6}, events=events, futures=listed)
    found = expand(source)
    futures = found.scenario.futures
    assert [futures[name] for name in listed] == [source.futures[name] for name in listed]
    drawn_ones = [future.probability for name, future in futures.items() if name not in listed]
    assert len(drawn_ones) == 6
    assert drawn_ones == sorted(drawn_ones, key=lambda p: -(p or 0))
    assert sum(p or 0 for p in drawn_ones) == pytest.approx(0.5)
    assert found.sampling is not None
    assert found.sampling.probability == pytest.approx(0.5)


def test_variants_of_an_event_in_one_year_are_numbered_and_shared_by_futures() -> None:
    ban = {**BAN, "availability_share": {0: 0.5, 0.5: 0.5}}
    found = drawn({"ban": ban, "strike": {**STRIKE, "duration_years": 0.5, "availability_share": 0}}, {"futures": 400})
    events = found.scenario.events
    expected = {f"ban {year}{variant}" for year in (2027, 2028, 2029) for variant in ("", " #2")}
    assert set(events) == expected | {f"strike {year}" for year in (2027, 2028, 2029)}
    assert events["ban 2028"] != events["ban 2028 #2"]
    used = [name for future in found.scenario.futures.values() for name in future.events]
    assert used.count("ban 2027") > 1
    for future in found.scenario.futures.values():
        onsets = [events[name].onset for name in future.events]
        assert onsets == sorted(onsets)


def test_a_future_of_many_events_has_a_short_name_of_its_own() -> None:
    often = {**BAN, "yearly_rate": 0.9, "duration_years": 0.5, "availability_share": {"low": 0, "mode": 0, "high": 1}}
    found = drawn({"a ban of exports by the rival": often}, {"futures": 40, "draws": 40}).scenario
    names = list(found.futures)
    assert len(names) == 40
    assert max(map(len, names)) <= 120
    assert sum("and 2 more" in name for name in names) > 20


def test_draws_in_which_nearly_the_same_is_lost_are_one() -> None:
    found = drawn({"ban": {**BAN, "availability_share": {0.5: 0.5, 0.5001: 0.5}}}, {"futures": 400})
    assert found.sampling is not None
    # A ban holds a year; whether it comes in each of three years is all that differs.
    assert found.sampling.distinct_draws == 8
    assert found.sampling.futures == 8
    assert found.sampling.distance_y == 0


def test_a_draw_that_loses_nothing_counts_as_one_without_events() -> None:
    found = drawn({"ban": {**BAN, "yearly_rate": 1, "availability_share": 1}}, {"futures": 5})
    assert found.scenario.events == {}
    assert list(found.scenario.futures) == ["nothing happens"]


def test_a_draw_without_events_can_be_kept_though_none_is_like_it() -> None:
    hazards = {f"ban {letter}": {**BAN, "yearly_rate": 0.45, "availability_share": 0.4} for letter in "ABCDEFGHIJ"}
    found = drawn(hazards, {"futures": 1, "draws": 200, "seed": 3})
    assert found.sampling is not None
    assert found.sampling.distinct_draws == 200
    assert list(found.scenario.futures) == ["nothing happens"]


def test_a_hazard_added_at_the_end_leaves_the_draws_of_the_others() -> None:
    calendar = Calendar((2026, 2027, 2028), (1, 1, 1))
    one, two = toy({"ban": BAN}, {"futures": 5}), toy({"ban": BAN, "strike": STRIKE}, {"futures": 5})
    assert one.sampling is not None
    before = draw_futures(one.hazards, one.sampling, calendar).lost[:, 0]
    after = draw_futures(two.hazards, one.sampling, calendar).lost[:, 0]
    assert np.array_equal(before, after)
    assert before.any()


def test_the_same_seed_gives_the_same_scenario_and_another_seed_another() -> None:
    hazards = {"ban": BAN, "strike": STRIKE}
    first, again = drawn(hazards, {"futures": 9}), drawn(hazards, {"futures": 9})
    assert first.scenario.content_hash() == again.scenario.content_hash()
    assert first.sampling == again.sampling
    assert drawn(hazards, {"futures": 9, "seed": 1}).scenario.content_hash() != first.scenario.content_hash()


def test_losses_are_counted_as_the_plan_counts_them() -> None:
    """Half of two years out of four, a quarter of what is left fading over half a year, as days of the calendar."""
    calendar = Calendar((2026, 2027), (1, 4))
    strike = {**STRIKE, "yearly_rate": 1, "availability_share": 0.5, "duration_years": 2, "recovery_years": 4}
    source = toy({"strike": strike}, {"futures": 1, "draws": 1})
    assert source.sampling is not None
    lost = draw_futures(source.hazards, source.sampling, calendar).lost
    # After two years of full effect the effect falls from 1 to 1/2 over the next two: (2 + 1.5) / 4 of one half.
    assert lost[0, 0] == pytest.approx([0, 0.5 * 3.5 / 4], abs=1e-3)


def test_what_two_events_of_a_hazard_take_of_one_period_adds_up() -> None:
    source = toy({"ban": {**BAN, "yearly_rate": 1, "availability_share": 0.2}}, {"futures": 1, "draws": 1})
    assert source.sampling is not None
    lost = draw_futures(source.hazards, source.sampling, Calendar((2026, 2027), (1, 2))).lost
    assert lost[0, 0] == pytest.approx([0, 0.4 + 0.4])


def test_the_report_says_what_the_reduction_costs() -> None:
    hazards = {"ban": BAN, "strike": STRIKE}
    reports = [drawn(hazards, {"futures": count}).sampling for count in (1, 5, 20, 80, 500)]
    found = [report for report in reports if report is not None]
    assert len(found) == 5
    assert [report.futures for report in found] == [1, 5, 20, 80, found[-1].distinct_draws]
    assert [report.relative_distance for report in found[:1] + found[-1:]] == pytest.approx([1, 0])
    assert all(np.diff([report.distance_y for report in found]) < 0)
    for name in hazards:
        errors = [abs(report.lost_share[name].kept - report.lost_share[name].drawn) for report in found]
        assert errors[3] < 0.1 * found[0].lost_share[name].drawn
        assert errors[4] < 1e-3
    assert found[0].lost_share["ban"].drawn == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 1500))


def test_distance_is_counted_in_years_of_full_loss() -> None:
    ban = {**BAN, "yearly_rate": 1, "duration_years": 5, "availability_share": {0: 0.5, 0.5: 0.5}}
    found = drawn({"ban": ban}, {"futures": 1, "draws": 1000}, horizon={"first_year": 2026, "period_years": [1, 5]})
    assert found.sampling is not None
    # Five years are lost in whole or by half, so a draw of the rarer kind is 2.5 years off.
    half = 2 * abs(found.sampling.lost_share["ban"].drawn - 0.75)
    assert found.sampling.distance_y == pytest.approx(2.5 * (0.5 - half))


def test_a_name_that_is_taken_is_refused() -> None:
    events = {"ban 2027": {"changes": "demand", "onset": 2027, "factor": 2}}
    futures = {"more": {"probability": 0.5, "events": ["ban 2027"]}, "nothing happens": {"probability": 0.1}}
    with pytest.raises(InvalidInput, match="ban 2027") as caught:
        drawn({"ban": BAN}, {"futures": 9}, events=events, futures=futures)
    assert [problem.code for problem in caught.value.problems] == ["name_taken"]


def test_a_hazard_with_a_long_name_is_refused_and_one_just_short_enough_is_not() -> None:
    often = {**BAN, "yearly_rate": 0.9, "duration_years": 0.5, "availability_share": {"low": 0, "mode": 0, "high": 1}}
    found = drawn({"h" * 80: often}, {"futures": 300}).scenario
    assert max(map(len, [*found.futures, *found.events])) <= 120
    with pytest.raises(InvalidInput, match="at most 80"):
        drawn({"h" * 81: often}, {"futures": 1})


def test_survival_limits_stand_beside_drawn_futures() -> None:
    limit = {"kind": "survival", "places": ["CHN"], "onset": 2028, "tiers": ["military"], "served_share": 1}
    found = drawn({"ban": BAN}, {"futures": 2}, limits={"floor": limit}).scenario
    assert [(name, future.stress) for name, future in found.futures.items()][-1] == ("without CHN", True)
    assert len(found.futures) == 3
    assert sum(future.probability or 0 for future in found.futures.values()) == pytest.approx(1)


def test_writing_out_once_is_enough_and_what_is_written_out_is_a_scenario() -> None:
    once = drawn({"ban": BAN, "strike": STRIKE}, {"futures": 9})
    assert expand(once.scenario).scenario is once.scenario
    assert (once.scenario.hazards, once.scenario.sampling) == ({}, None)
    assert Scenario.model_validate(once.scenario.model_dump(mode="json")) == once.scenario
    assert once.sampling is not None
    assert type(once.sampling).model_validate_json(once.sampling.model_dump_json()) == once.sampling


def test_the_example_draws_its_futures() -> None:
    found = expand(scenarios.load("sampled-futures"))
    assert len(found.scenario.futures) == 20
    assert found.sampling is not None
    assert set(found.sampling.lost_share) == {"China stops exports", "Russia stops exports", "strike in Australia"}
