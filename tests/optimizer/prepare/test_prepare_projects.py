"""Starts: when they may be, when they come on line, when they are paid, what they are worth in the end."""

from __future__ import annotations

from typing import Any

import pytest
from check_plans import Data, golden_toy

from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.scenarios import load

TRACK = {"permit_years": 1, "construction_years": 0}


def with_mine(lengths: list[int] | None = None, events: Data | None = None, **fields: Any) -> Instance:
    """The golden toy with one track a year long, 400 kUSD and a life of ten years, changed by `fields`."""
    data = golden_toy()
    data["horizon"]["period_years"] = lengths or [1, 1, 1, 1]
    mine = {**data["projects"]["Mine"], "capex_kusd": 400, "life_years": 10, "tracks": {"standard": TRACK}}
    mine["end_value_share"] = None
    data["projects"]["Mine"] = {**mine, **fields}
    if events:
        data["events"] = {name: {"onset": 2028, **event} for name, event in events.items()}
        data["futures"]["ban"]["events"] = list(data["events"])
    return prepare(load(data))


def offers(instance: Instance) -> set[str]:
    return {instance.tree.names[node] for _, _, node in instance.programme.starts}


def share_on_line(instance: Instance, start: str, node: str) -> float:
    """Share of capacity at a node from a start at another."""
    tree = instance.tree
    begun, at = tree.names.index(start), tree.names.index(node)
    reached = instance.programme.reached["Mine", at]
    # what is reached counts a start no later than the last that could have reached it
    return sum(gain for _, last, gain in reached if begun in tree.ancestors[last])


def due_kusd(instance: Instance, start: str) -> dict[str, float]:
    begun = instance.tree.names.index(start)
    return {
        instance.tree.names[node]: kusd
        for ((_, _, at), node), kusd in instance.programme.capex_due_kusd.items()
        if at == begun
    }


def end_value_kusd(instance: Instance, start: str) -> dict[str, float]:
    begun = instance.tree.names.index(start)
    return {
        instance.tree.names[leaf]: kusd
        for ((_, _, at), leaf), kusd in instance.programme.end_value_kusd.items()
        if at == begun
    }


# Where a start may be


def test_a_start_is_offered_on_the_base_path_while_it_can_come_on_line() -> None:
    assert offers(with_mine()) == {"2026", "2027", "2028"}
    assert offers(with_mine(tracks={"standard": {**TRACK, "permit_years": 3}})) == {"2026"}


def test_a_start_is_offered_within_its_window() -> None:
    assert offers(with_mine(earliest_start=2027, latest_start=2027)) == {"2027"}


def test_a_start_in_branches_is_offered_only_where_allowed() -> None:
    assert offers(with_mine(start_in_branches=True)) == {"2026", "2027", "2028", "ban@2028"}


def test_a_committed_project_has_no_start_on_offer() -> None:
    assert offers(with_mine(committed_start=2026)) == set()


# When it runs


def test_a_project_runs_from_the_first_period_that_begins_on_line() -> None:
    instance = with_mine(tracks={"standard": {"permit_years": 0.5, "construction_years": 0.75}})
    assert share_on_line(instance, "2026", "2027") == 0
    assert share_on_line(instance, "2026", "2028") == 1


def test_ramp_up_counts_years_on_line_at_the_beginning_of_long_periods() -> None:
    instance = with_mine([1, 3, 2, 1], ramp_up_share=[0.25, 0.5, 1.0])
    # periods from 2026, 2027, 2030, 2032; on line from 2027
    shares = [share_on_line(instance, "2026", node) for node in ("2026", "2027", "2030", "2032")]
    assert shares == [0, 0.25, 1, 1]
    # started in 2027: on line from 2028, so two years by 2030
    assert [share_on_line(instance, "2027", node) for node in ("2027", "2030", "2032")] == [0, 1, 1]
    # started in 2030: on line from 2031, one year by 2032
    assert share_on_line(instance, "2030", "2032") == 0.5


def test_ramp_up_may_go_down() -> None:
    instance = with_mine(ramp_up_share=[1.0, 0.4])
    assert [share_on_line(instance, "2026", node) for node in ("2027", "2028", "2029")] == pytest.approx([1, 0.4, 0.4])


def test_a_committed_project_runs_by_its_own_date() -> None:
    instance = with_mine([1, 1, 1, 1], committed_start=2025, ramp_up_share=[0.5, 1.0])
    shares = {instance.tree.names[node]: share for (_, node), share in instance.programme.committed_share.items()}
    assert shares == {"2026": 0.5, "2027": 1, "2028": 1, "2029": 1, "ban@2028": 1, "ban@2029": 1}


LATE = {"standard": {"permit_years": 2, "construction_years": 0}}


@pytest.mark.proves("project_runs_when_on_line")
def test_an_event_delays_a_project_not_yet_on_line_at_its_onset() -> None:
    instance = with_mine(events={"late": {"changes": "projects", "delay_years": 1, "onset": "2028-01-02"}}, tracks=LATE)
    # started in 2027, on line in 2029: in the future with the event only in 2030
    assert share_on_line(instance, "2027", "2029") == 1
    assert share_on_line(instance, "2027", "ban@2029") == 0


@pytest.mark.proves("project_runs_when_on_line")
def test_an_event_leaves_a_project_alone_that_runs_at_its_onset() -> None:
    for onset in ("2028-01-01", "2028-06-01"):
        instance = with_mine(events={"late": {"changes": "projects", "delay_years": 1, "onset": onset}}, tracks=LATE)
        assert share_on_line(instance, "2026", "ban@2028") == 1
        assert share_on_line(instance, "2026", "ban@2029") == 1


def test_delays_follow_one_another_in_the_order_of_their_onset() -> None:
    """On line 2027.5; moved to 2028.5 in 2027; so not yet on line in mid 2028 and moved to 2029."""
    track = {"standard": {"permit_years": 1.5, "construction_years": 0}}
    second = {"changes": "projects", "delay_years": 0.5, "onset": "2028-06-01"}
    first = {"changes": "projects", "delay_years": 1, "onset": "2027-02-01"}
    instance = with_mine([1, 1, 1, 1, 1], events={"second": second, "first": first}, tracks=track)
    assert share_on_line(instance, "2026", "ban@2028") == 0
    assert share_on_line(instance, "2026", "ban@2029") == 1
    # alone, the second finds it running
    alone = with_mine([1, 1, 1, 1, 1], events={"second": second}, tracks=track)
    assert share_on_line(alone, "2026", "ban@2028") == 1


def test_a_failed_project_never_comes_on_line_and_is_worth_nothing() -> None:
    instance = with_mine(events={"gone": {"changes": "projects", "onset": "2028-01-02"}}, tracks=LATE)
    assert share_on_line(instance, "2027", "ban@2029") == 0
    assert end_value_kusd(instance, "2027")["ban@2029"] == 0
    assert end_value_kusd(instance, "2027")["2029"] > 0


def test_a_start_decided_after_the_onset_is_delayed_too() -> None:
    event = {"changes": "projects", "delay_years": 1}
    instance = with_mine([1, 1, 1, 1, 1], events={"late": event}, start_in_branches=True)
    assert share_on_line(instance, "ban@2028", "ban@2029") == 0
    assert share_on_line(instance, "ban@2028", "ban@2030") == 1


# What it costs and is worth


def test_capex_falls_due_by_its_profile_across_periods_of_different_length_and_a_branch() -> None:
    instance = with_mine([1, 2, 1, 2], capex_spending_share=[0.1, 0.2, 0.3, 0.4], events={"x": {**BAN, "onset": 2029}})
    # periods from 2026, 2027, 2029, 2030; years 2026 | 2027 + 2028 | 2029
    assert due_kusd(instance, "2026") == pytest.approx({"2026": 40, "2027": 200, "2029": 160, "ban@2029": 160})
    # from 2027: 2027 + 2028 | 2029 | 2030
    assert due_kusd(instance, "2027") == pytest.approx(
        {"2027": 120, "2029": 120, "2030": 160, "ban@2029": 120, "ban@2030": 160}
    )


def test_capex_after_the_horizon_is_not_counted() -> None:
    instance = with_mine(capex_spending_share=[0.5, 0.0, 0.5])
    assert due_kusd(instance, "2028") == pytest.approx({"2028": 200})


BAN = {"changes": "exports", "places": ["CHN"], "availability_share": 0}


def test_extra_cost_of_a_track_falls_due_at_the_start() -> None:
    instance = with_mine(tracks={"fast": {**TRACK, "extra_cost_kusd": 70}})
    [extra] = [term for term in instance.costs.starts if term.name == "fast_track"]
    assert {(start[2], node): kusd for (start, node), kusd in extra.kusd.items()} == {
        (start[2], start[2]): 70 for start in instance.programme.starts
    }


def test_end_value_is_the_share_of_life_left_times_capex_paid() -> None:
    instance = with_mine(capex_spending_share=[0.5, 0.25, 0.25])
    # the horizon ends with 2029; on line 2027: 7 of 10 years left, all paid
    assert end_value_kusd(instance, "2026") == pytest.approx({"2029": 0.7 * 400, "ban@2029": 0.7 * 400})
    # on line 2029: 9 of 10 left, three quarters paid
    assert end_value_kusd(instance, "2028") == pytest.approx({"2029": 0.9 * 300})


def test_a_stated_end_value_is_a_share_of_capex_paid() -> None:
    instance = with_mine(end_value_share=0.25, capex_spending_share=[0.5, 0.0, 0.0, 0.5])
    assert end_value_kusd(instance, "2027")["2029"] == pytest.approx(0.25 * 200)


def test_a_life_that_is_over_leaves_nothing_and_a_delayed_start_keeps_more() -> None:
    assert end_value_kusd(with_mine(life_years=2), "2026")["2029"] == 0
    event = {"late": {"changes": "projects", "delay_years": 1, "onset": "2028-01-02"}}
    delayed = end_value_kusd(with_mine(events=event, tracks=LATE), "2027")
    # on line 2029 or 2030: 9 or 10 years left of 10 at the end of 2029
    assert delayed == pytest.approx({"2029": 360, "ban@2029": 400})


# Onboarding


def qualified(lead_years: float, **rule: Any) -> tuple[set[str], dict[str, str]]:
    """Nodes where the ally may be onboarded; for each node the last decision that serves there."""
    data = golden_toy()
    data["routes"]["from ally"] |= {"capacity_t_per_y": 50, "onboarding": {"lead_years": lead_years, **rule}}
    instance = prepare(load(data))
    names = instance.tree.names
    usable = {names[node]: names[decision] for (_, node), decision in instance.qualification.usable.items()}
    return {names[node] for _, node in instance.qualification.offers}, usable


@pytest.mark.proves("onboarding_stays")
def test_a_route_serves_from_the_first_period_a_lead_time_after_its_onboarding() -> None:
    decided, usable = qualified(1.5)
    assert decided == {"2026", "2027", "2028"}
    assert usable == {"2028": "2026", "2029": "2027", "ban@2028": "2026", "ban@2029": "2027"}


def test_onboarding_keeps_its_window_and_may_be_allowed_in_branches() -> None:
    assert qualified(0, earliest=2027, latest=2028)[0] == {"2027", "2028"}
    decided, usable = qualified(0, in_branches=True)
    assert {"ban@2028", "ban@2029"} <= decided
    assert usable["ban@2029"] == "ban@2029"
