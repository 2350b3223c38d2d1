"""A part of a scenario is a scenario: what belongs to the rest alone is gone, and nothing refers to it."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_scenario import the_problem_of, tiny

from lodeplan import scenarios
from lodeplan.schemas import Scenario


def two_metals() -> dict[str, Any]:
    """The tiny scenario with a second metal of another group, a stop of it, and a plant that makes it on the side."""
    data = tiny()
    data["commodities"]["tin"] = {"stage": "refined", "mineral_group": "tin"}
    data["facilities"]["tin offer"] = {"place": "AUS", "outputs": {"tin": 1}, "cost_kusd_per_t": 20}
    data["facilities"]["smelter"]["outputs"] = {"metal": 1, "tin": 0.01}
    data["routes"]["tin AUS"] = {"commodity": "tin", "origin": "AUS", "destination": "USA"}
    data["demands"]["tin user"] = {
        "commodity": "tin",
        "tier": "other",
        "quantity_t_per_y": 5,
        "shortage_penalty_kusd_per_t": 90,
        "substitutes": {"metal": {"commodity": "metal", "limit_share": 0.1}},
    }
    data["tariffs"]["tin duty"] = {"programme": "mfn", "commodities": ["tin"], "rate_share": 0.1}
    data["events"]["tin stop"] = {
        "changes": "exports",
        "commodities": ["tin"],
        "onset": "2028-01-01",
        "availability_share": 0,
    }
    data["futures"]["tin stop"] = {"probability": 0.1, "events": ["tin stop"]}
    data["futures"]["both"] = {"probability": 0.1, "events": ["tin stop", "ban"]}
    data["provenance"] = [
        {"table": "routes", "name": "tin AUS", "kind": "assumed", "source": "judged"},
        {"table": "routes", "name": "*", "kind": "assumed", "source": "judged"},
    ]
    return data


def kept(path: str, *names: str) -> Scenario:
    return scenarios.load(two_metals(), [{"op": "keep", "path": path, "value": list(names)}])


def test_a_mineral_group_is_kept_with_what_belongs_to_it() -> None:
    part = kept("mineral_groups", "metal")
    whole = scenarios.load(two_metals())
    assert part.commodities.keys() == {"ore", "metal"}
    assert part.routes.keys() == whole.routes.keys() - {"tin AUS"}
    assert part.facilities["smelter"].outputs == {"metal": 1}
    assert "tin offer" not in part.facilities
    assert part.demands.keys() == {"user"}
    assert "tin duty" not in part.tariffs
    assert [row.name for row in part.provenance] == ["*"]


def test_only_a_star_is_a_sign_in_what_is_kept() -> None:
    named = [{"op": "set", "path": "commodities.tin.mineral_group", "value": "tin [a]?"}]
    for wanted in ("tin [a]?", "tin [*"):
        part = scenarios.load(two_metals(), [*named, {"op": "keep", "path": "mineral_groups", "value": [wanted]}])
        assert part.commodities.keys() == {"tin"}
    assert the_problem_of(two_metals(), [{"op": "keep", "path": "mineral_groups", "value": ["ti?"]}])


def test_a_future_that_is_left_without_its_events_gives_its_probability_back() -> None:
    part = kept("mineral_groups", "metal")
    assert part.events.keys() == {"ban"}
    assert part.futures.keys() == {"calm", "ban", "both"}
    assert part.futures["both"].events == ["ban"]
    assert part.futures["calm"].probability is None


def test_a_plant_goes_with_its_main_product_and_a_substitute_with_its_commodity() -> None:
    part = kept("mineral_groups", "tin")
    assert part.facilities.keys() == {"tin offer"}
    assert not part.projects
    assert part.demands["tin user"].substitutes == {}


def test_futures_are_kept_with_their_events() -> None:
    part = kept("futures", "calm", "tin*")
    assert part.futures.keys() == {"calm", "tin stop"}
    assert part.events.keys() == {"tin stop"}


def test_keeping_everything_changes_nothing() -> None:
    assert kept("mineral_groups", "*").content_hash() == scenarios.load(two_metals()).content_hash()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("mineral_groups", ["tinn"], "there is no mineral group 'tinn'"),
        ("futures", ["clam"], "there is no future 'clam'"),
        ("commodities", ["tin"], "`keep` takes the path mineral_groups or futures"),
        ("futures", 3, "`keep` takes the path"),
    ],
)
def test_a_name_that_means_nothing_and_another_path_are_said(path: str, value: object, words: str) -> None:
    problem = the_problem_of(two_metals(), [{"op": "keep", "path": path, "value": value}])
    assert words in problem.message


@pytest.mark.parametrize("group", ["gallium", "copper", "rare_earths", "lithium"])
def test_each_group_of_the_united_states_is_a_scenario_of_its_own(group: str) -> None:
    part = scenarios.load("us-2026-lite", [{"op": "keep", "path": "mineral_groups", "value": [group]}])
    assert {commodity.mineral_group for commodity in part.commodities.values()} == {group}
