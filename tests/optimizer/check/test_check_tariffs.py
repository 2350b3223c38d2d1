"""The check finds what breaks the rules on quotas, clubs, derivatives and duties by content."""

from __future__ import annotations

from typing import Any

import pytest
from check_plans import Data, Lists, Mutation, both, cell, more, scenario_with, without
from check_tiny import assert_broken, assert_holds, bought, tiny, tiny_plan

from lodeplan.optimizer.check.case import World
from lodeplan.optimizer.check.duty import Duty
from lodeplan.schemas import Scenario

QUOTA = "tariffs/quota/quota"


def under_quotas(in_quota: float, over_quota: float) -> Data:
    """China and two parts of a union sell metal; China has 50 t/y of the quota for itself, the others 20."""
    data = tiny(1)
    data["economics"]["view"] = "national"
    for place in ("KOR", "JPN"):
        data["places"][place] = {}
        data["facilities"][place] = {"place": place, "outputs": {"metal": 1}}
        data["routes"][f"{place}-USA"] = {"commodity": "metal", "origin": place, "destination": "USA"}
    for route in data["routes"].values():
        route["customs_value_kusd_per_t"] = 10
    data["tariffs"]["quota"] = {
        "programme": "trq",
        "commodities": ["metal"],
        "rate_share": over_quota,
        "quota": {
            "volume_t_per_y": 20,
            "volume_by_origin_t_per_y": {"CHN": 50},
            "in_quota_rate_share": in_quota,
        },
    }
    return data


def quota_plan(duty_kusd: float) -> Lists:
    made = {"China": 60.0, "KOR": 15.0, "JPN": 25.0}
    return {
        **tiny_plan(1),
        "run": [[name, 0, "2026", t] for name, t in made.items()],
        "ship": [
            ["CHN-USA", "in_quota", "2026", 50.0],
            ["CHN-USA", "over_quota", "2026", 10.0],
            ["KOR-USA", "in_quota", "2026", 15.0],
            ["JPN-USA", "in_quota", "2026", 5.0],
            ["JPN-USA", "over_quota", "2026", 20.0],
        ],
        "serve": [["need", "itself", "2026", 100.0]],
        "node_costs": [["2026", "duty", duty_kusd]],
    }


@pytest.mark.proves("quota_fills_first", "over_quota_needs_full_quota")
def test_plans_that_fill_quotas_hold() -> None:
    # 70 t within and 30 t over it
    assert_holds(under_quotas(0.05, 0.25), quota_plan(0.5 * 70 + 2.5 * 30))
    assert_holds(under_quotas(0.25, 0.05), quota_plan(2.5 * 70 + 0.5 * 30))


FROM_CHINA_OVER_QUOTA = both(
    cell("ship", ["CHN-USA", "in_quota"], "ship_t_per_y", 45.0),
    cell("ship", ["CHN-USA", "over_quota"], "ship_t_per_y", 15.0),
)
LITTLE_OVER_QUOTA = both(
    cell("ship", ["CHN-USA", "in_quota"], "ship_t_per_y", 30.0),
    cell("ship", ["CHN-USA", "over_quota"], "ship_t_per_y", 0.01),
    cell("run", ["China"], "run_t_per_y", 30.01),
    cell("serve", ["need"], "served_t_per_y", 70.01),
    more("shortage", ["need", 0, "2026", 29.99]),
)
QUOTAS_BROKEN: list[tuple[str, float, Mutation, str]] = [
    (
        "an origin takes more than its own volume",
        0.05,
        scenario_with(f"{QUOTA}/volume_by_origin_t_per_y/CHN", 40),
        "in-quota flow under quota (CHN) at 2026 is 50 t/y, at most 40 t/y",
    ),
    (
        "the others take more than they share",
        0.05,
        scenario_with(f"{QUOTA}/volume_t_per_y", 12),
        "in-quota flow under quota at 2026 is 20 t/y, at most 12 t/y",
    ),
    (
        "an origin without a volume of its own shares that of the others",
        0.05,
        scenario_with(f"{QUOTA}/volume_by_origin_t_per_y", {}),
        "in-quota flow under quota at 2026 is 70 t/y, at most 20 t/y",
    ),
    (
        "flow over a quota that is dearer, and not full",
        0.5,
        FROM_CHINA_OVER_QUOTA,
        "in-quota flow under quota (CHN) at 2026, which costs more than the flow over it, is 45 t/y, at least 50 t/y",
    ),
    (
        "a little flow over a quota that is dearer, and half empty",
        0.5,
        LITTLE_OVER_QUOTA,
        "flow over the quota of quota (CHN), which is not full and costs more, at 2026 is 0.01 t/y, at most 0 t/y",
    ),
    (
        "what another route leaves of a dearer quota",
        0.5,
        both(without("ship", ["KOR-USA"]), without("run", ["KOR"]), more("shortage", ["need", 0, "2026", 15.0])),
        "in-quota flow under quota at 2026, which costs more than the flow over it, is 5 t/y, at least 20 t/y",
    ),
]


@pytest.mark.parametrize(
    ("in_quota", "mutate", "words"), [case[1:] for case in QUOTAS_BROKEN], ids=[case[0] for case in QUOTAS_BROKEN]
)
@pytest.mark.proves("quota_fills_first")
def test_a_broken_quota_is_found(in_quota: float, mutate: Mutation, words: str) -> None:
    assert_broken(under_quotas(in_quota, 0.25), quota_plan(0.0), mutate, words)


@pytest.mark.proves("over_quota_needs_full_quota")
def test_a_cheaper_quota_need_not_be_full() -> None:
    data, lists = under_quotas(0.05, 0.25), quota_plan(0.5 * 65 + 2.5 * 35)
    FROM_CHINA_OVER_QUOTA(data, lists)
    assert_holds(data, lists)


def test_a_quota_counts_a_region_by_the_part_it_applies_to() -> None:
    data, lists = under_quotas(0.05, 0.25), quota_plan(0.0)
    data["places"]["CHN"] = {"members": {"RUS": 0.25, "KAZ": 0.75}}
    data["places"] |= {"RUS": {}, "KAZ": {}}
    data["tariffs"]["quota"]["origins"] = ["KAZ", "KOR", "JPN"]
    lists["node_costs"] = [["2026", "duty", 0.5 * 20 + 2.5 * 20 + 0.75 * (0.5 * 50 + 2.5 * 10)]]
    data["tariffs"]["quota"]["quota"]["volume_by_origin_t_per_y"] = {"CHN": 37.5}
    assert_holds(data, lists)
    cut = scenario_with(f"{QUOTA}/volume_by_origin_t_per_y", {"CHN": 30})
    assert_broken(data, lists, cut, "in-quota flow under quota (CHN) at 2026 is 37.5 t/y, at most 30 t/y")


# Duty


def duty(tariffs: Data, changes: Data | None = None, variant: str = "", year: int = 2026) -> Duty:
    """Duty on metal from China, customs value 10, under these measures."""
    data = tiny(1, 1)
    data["routes"]["CHN-USA"]["customs_value_kusd_per_t"] = 10
    default = {"programme": "mfn", "commodities": ["metal"], "rate_share": 0.1}
    data["tariffs"] = {name: {**default, **measure} for name, measure in tariffs.items()}
    for key, value in (changes or {}).items():
        data[key] = {**data[key], **value}
    world = World(Scenario.model_validate(data))
    return world.duty("CHN-USA", world.tree.nodes[str(year)], world.content.variants["metal"][variant])


def member(**terms: Any) -> Data:
    return {"places": {"CHN": {"memberships": {"club": terms}}}}


def test_a_club_counts_on_the_days_of_membership() -> None:
    club, others = {"a": {"origins": ["club"]}}, {"a": {"except_origins": ["club"]}}
    # 2026-04-01 to 2026-06-30 are 91 of 365 days
    spring = member(onset="2026-04-01", until="2026-07-01")
    assert duty(club, spring).over_quota == pytest.approx(91 / 365)
    assert duty(others, spring).over_quota == pytest.approx(1 - 91 / 365)
    assert duty(club, spring, year=2027).over_quota == 0
    assert duty(club, member()).over_quota == pytest.approx(1)
    assert duty(club).over_quota == 0


def test_a_club_of_a_member_counts_for_its_part_of_a_region() -> None:
    places = {"CHN": {"members": {"RUS": 0.25, "KAZ": 0.75}}, "RUS": {"memberships": {"club": {}}}, "KAZ": {}}
    assert duty({"a": {"origins": ["club"]}}, {"places": places}).over_quota == pytest.approx(0.25)
    places["CHN"] |= {"memberships": {"club": {"onset": 2027}}}
    assert duty({"a": {"origins": ["club"]}}, {"places": places}, year=2027).over_quota == pytest.approx(1)


def test_a_club_is_no_group_in_events_and_caps() -> None:
    data = {**tiny(1), **member()}
    data["places"] |= {"USA": {}}
    data["limits"] = {"cap": {"kind": "share_cap", "commodity": "metal", "places": ["club"], "cap_share": 0.1}}
    assert_holds(data, {**tiny_plan(1), **bought({"2026": 100.0})})


def test_a_quota_for_a_club_splits_its_routes_into_bands() -> None:
    quota = {"quota": {"volume_t_per_y": 1, "in_quota_rate_share": 0.05}, "origins": ["club"]}
    assert duty({"a": quota}, member(onset="2027-01-01"), year=2027).in_quota == pytest.approx(0.5)
    assert duty({"a": quota}, member(onset="2027-01-01")).quotas == {}


def test_derivatives_pay_as_what_they_are_made_of() -> None:
    facilities = {
        "smelter": {"place": "AUS", "inputs": {"ore": 1}, "outputs": {"scrap": 1}},
        "works": {"place": "AUS", "inputs": {"scrap": 1}, "outputs": {"metal": 1}},
    }
    measure = {"commodities": ["ore"]}
    assert duty({"a": measure}, {"facilities": facilities}).over_quota == 0
    measure |= {"includes_derivatives": True}
    assert duty({"a": measure}, {"facilities": facilities}).over_quota == pytest.approx(1)
    assert duty({"a": measure}, {"facilities": {"works": facilities["works"]}}).over_quota == 0
    exempt = {**measure, "except_commodities": ["metal"]}
    assert duty({"a": exempt}, {"facilities": facilities}).over_quota == 0
    track = {"permit_years": 0, "construction_years": 1}
    project = {**facilities["works"], "capacity_t_per_y": 1, "capex_kusd": 0, "tracks": {"standard": track}}
    planned = {"facilities": {"smelter": facilities["smelter"]}, "projects": {"works": project}}
    assert duty({"a": measure}, planned).over_quota == pytest.approx(1)


def test_a_measure_by_content_is_on_variants_with_its_tag() -> None:
    measures = {"a": {"origins": ["CHN"], "origin_role": "mined_in", "rate_share": 0.3}, "b": {}}
    assert duty(measures, variant="CHN mined_in").over_quota == pytest.approx(4)
    assert duty(measures, variant="clean").over_quota == pytest.approx(1)
    measures["a"] |= {"precedence": 1, "replaces": ["b"]}
    assert duty(measures, variant="CHN mined_in").over_quota == pytest.approx(3)


def by_content() -> Data:
    """Metal from Australia, some of it mined in China, under a duty on what was mined there."""
    data = tiny(1)
    data["facilities"] = {
        "own": {"place": "AUS", "outputs": {"metal": 1}},
        "passed on": {"place": "AUS", "outputs": {"metal": 1}, "mined_in": "CHN"},
    }
    data["routes"] = {
        "AUS-USA": {"commodity": "metal", "origin": "AUS", "destination": "USA", "customs_value_kusd_per_t": 10}
    }
    data["tariffs"]["mined"] = {
        "programme": "301",
        "commodities": ["metal"],
        "origins": ["CHN"],
        "origin_role": "mined_in",
        "rate_share": 0.5,
    }
    return data


def content_plan() -> Lists:
    return {
        **tiny_plan(1, cost_kusd=5 * 40),
        "run": [["own", 0, "2026", 60.0], ["passed on", 0, "2026", 40.0]],
        "ship": [
            ["AUS-USA", "all/clean", "2026", 60.0],
            ["AUS-USA", "all/CHN mined_in", "2026", 40.0],
        ],
        "serve": [["need", "itself/clean", "2026", 60.0], ["need", "itself/CHN mined_in", "2026", 40.0]],
        "node_costs": [["2026", "duty", 5 * 40]],
    }


def test_a_plan_under_a_duty_by_content_holds() -> None:
    assert_holds(by_content(), content_plan(), 200.0)


CONTENT_BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "content is hidden from a duty",
        both(
            cell("ship", ["AUS-USA", "all/CHN mined_in"], "ship_t_per_y", 25.0),
            cell("ship", ["AUS-USA", "all/clean"], "ship_t_per_y", 75.0),
        ),
        "balance of metal (clean) at AUS in 2026 is off by 15 t/y: 60 t/y in, 75 t/y out",
    ),
    (
        "a duty by content is higher",
        scenario_with("tariffs/mined/rate_share", 0.6),
        "cost duty at 2026 is reported as 200 kUSD, recomputed 240 kUSD",
    ),
    (
        "a duty by content is not in force",
        scenario_with("tariffs/mined/active", False),
        "cost duty at 2026 is reported as 200 kUSD, recomputed 0 kUSD",
    ),
]


@pytest.mark.parametrize(
    ("mutate", "words"), [case[1:] for case in CONTENT_BROKEN], ids=[case[0] for case in CONTENT_BROKEN]
)
def test_a_broken_rule_of_duties_by_content_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(by_content(), content_plan(), mutate, words)


def test_variants_share_the_quota_of_their_route() -> None:
    data, lists = by_content(), content_plan()
    quota = {"volume_t_per_y": 50, "in_quota_rate_share": 0.1}
    data["tariffs"]["quota"] = {"programme": "trq", "commodities": ["metal"], "rate_share": 0.2, "quota": quota}
    lists["ship"] = [
        ["AUS-USA", "in_quota/clean", "2026", 30.0],
        ["AUS-USA", "over_quota/clean", "2026", 30.0],
        ["AUS-USA", "in_quota/CHN mined_in", "2026", 20.0],
        ["AUS-USA", "over_quota/CHN mined_in", "2026", 20.0],
    ]
    lists["node_costs"] = [["2026", "duty", 50 * 1 + 50 * 2 + 40 * 5]]
    lists["futures"] = [["as planned", 1.0, 350.0]]
    assert_holds(data, lists, 350.0)
    cut = scenario_with("tariffs/quota/quota/volume_t_per_y", 45)
    assert_broken(data, lists, cut, "in-quota flow under quota at 2026 is 50 t/y, at most 45 t/y")
