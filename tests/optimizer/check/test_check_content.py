"""The check traces what material is made of, and finds material of the wrong content."""

from __future__ import annotations

import pytest
from check_plans import Data, Lists, Mutation, both, cell, more, scenario_with, without
from check_tiny import assert_broken, assert_holds, bought, tiny, tiny_plan

from lodeplan.optimizer.check.case import World
from lodeplan.optimizer.check.content import Content, Variant
from lodeplan.schemas import Scenario

BAN = "demands/need/source_bans/no China"


def traced() -> Data:
    """Home smelts ore from China and Australia; `need` takes nothing Chinese from the middle of 2027 on."""
    data = tiny(1, 1)
    data["facilities"] |= {
        "pit": {"place": "CHN", "outputs": {"ore": 1}},
        "mine": {"place": "AUS", "outputs": {"ore": 1}},
        "smelter": {"place": "USA", "inputs": {"ore": 2}, "outputs": {"metal": 1}},
    }
    data["routes"] |= {
        "ore CHN": {"commodity": "ore", "origin": "CHN", "destination": "USA"},
        "ore AUS": {"commodity": "ore", "origin": "AUS", "destination": "USA"},
    }
    data["demands"]["need"]["source_bans"] = {"no China": {"places": ["CHN"], "onset": "2027-07-02"}}
    data["demands"]["other"] = {**tiny()["demands"]["need"], "quantity_t_per_y": 50}
    return data


def traced_plan() -> Lists:
    return {
        **tiny_plan(1, 1),
        "run": [
            ["China", 0, "2026", 150.0],
            ["China", 0, "2027", 50.0],
            ["pit", 0, "2027", 80.0],
            ["mine", 0, "2027", 120.0],
            ["smelter", 0, "2027", 100.0],
        ],
        "activity": [["smelter", "CHN", "2027", 40.0], ["smelter", "clean", "2027", 60.0]],
        "ship": [
            ["CHN-USA", "all/CHN", "2026", 150.0],
            ["CHN-USA", "all/CHN", "2027", 50.0],
            ["ore CHN", "all/CHN", "2027", 80.0],
            ["ore AUS", "all/clean", "2027", 120.0],
        ],
        "declare": [["metal", "USA", "clean", "CHN", "2027", 5.0]],
        "serve": [
            ["need", "itself/CHN", "2026", 100.0],
            ["other", "itself/CHN", "2026", 50.0],
            # 182 of 365 days are without the ban: 49.9 t/y may be Chinese
            ["need", "itself/CHN", "2027", 45.0],
            ["need", "itself/clean", "2027", 55.0],
            ["other", "itself/CHN", "2027", 50.0],
        ],
    }


@pytest.mark.proves("demand_takes_clean_material")
def test_a_plan_under_a_source_ban_holds() -> None:
    assert_holds(traced(), traced_plan())


BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "ore changes its origin on the way",
        both(without("ship", ["ore CHN", "all/CHN", "2027"]), more("ship", ["ore CHN", "all/clean", "2027", 80.0])),
        "balance of ore (clean) at CHN in 2027 is off by 80 t/y: 0 t/y in, 80 t/y out",
    ),
    (
        "ore changes its origin in the smelter",
        both(
            cell("activity", ["smelter", "CHN", "2027"], "run_t_per_y", 30.0),
            cell("activity", ["smelter", "clean", "2027"], "run_t_per_y", 70.0),
        ),
        "balance of ore (clean) at USA in 2027 is off by 20 t/y: 120 t/y in, 140 t/y out",
    ),
    (
        "metal of a mode is of its content",
        both(
            cell("serve", ["need", "itself/CHN", "2027"], "served_t_per_y", 40.0),
            cell("serve", ["need", "itself/clean", "2027"], "served_t_per_y", 60.0),
        ),
        "balance of metal (clean) at USA in 2027 is off by 5 t/y: 60 t/y in, 65 t/y out",
    ),
    (
        "modes do not add up",
        cell("activity", ["smelter", "clean", "2027"], "run_t_per_y", 50.0),
        "activity of smelter over its modes at 2027 is 90 t/y, should be 100 t/y",
    ),
    (
        "metal is not declared",
        without("declare", ["metal"]),
        "balance of metal (clean) at USA in 2027 is off by 5 t/y: 60 t/y in, 55 t/y out",
    ),
    (
        "metal is declared clean",
        more("declare", ["metal", "USA", "CHN", "clean", "2027", 5.0]),
        "declare of metal USA CHN clean at 2027 does not exist in the scenario",
    ),
    (
        "less is declared than nothing",
        cell("declare", ["metal"], "declared_t_per_y", -5.0),
        "declared_t_per_y of metal USA clean CHN at 2027 is -5 t/y, at least 0 t/y",
    ),
    (
        "a ban takes hold earlier",
        scenario_with(f"{BAN}/onset", "2027-03-15"),
        # 73 of 365 days are left
        "demand need met from CHN, under source ban no China, at 2027 is 45 t/y, at most 20 t/y",
    ),
    (
        "a ban has always been",
        scenario_with(f"{BAN}/onset", None),
        "demand need met from CHN, under source ban no China, at 2026 is 100 t/y, at most 0 t/y",
    ),
    (
        "a band that does not say the content",
        more("ship", ["CHN-USA", "all", "2026", 1.0]),
        "ship of CHN-USA all at 2026 does not exist in the scenario",
    ),
    (
        "an option that does not say the content",
        more("serve", ["need", "itself", "2026", 1.0]),
        "serve of need itself at 2026 does not exist in the scenario",
    ),
    (
        "an unknown mode",
        more("activity", ["smelter", "AUS", "2027", 1.0]),
        "activity of smelter AUS at 2027 does not exist in the scenario",
    ),
    (
        "a mode where there is no choice",
        more("activity", ["mine", "clean", "2027", 1.0]),
        "activity of mine clean at 2027 does not exist in the scenario",
    ),
    (
        "a mode below nothing",
        both(
            cell("activity", ["smelter", "CHN", "2027"], "run_t_per_y", -1.0),
            cell("activity", ["smelter", "clean", "2027"], "run_t_per_y", 101.0),
        ),
        "run_t_per_y of smelter CHN at 2027 is -1 t/y, at least 0 t/y",
    ),
]


@pytest.mark.parametrize(("mutate", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
@pytest.mark.proves("modes_add_up")
def test_material_of_the_wrong_content_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(traced(), traced_plan(), mutate, words)


def banning() -> Data:
    """A store that may hold nothing Chinese, alloy for metal, and metal let go."""
    data = tiny(1)
    data["commodities"]["metal"]["disposable"] = True
    data["commodities"]["alloy"] = {"stage": "refined", "mineral_group": "metal"}
    data["facilities"] |= {
        "ally": {"place": "AUS", "outputs": {"metal": 1}},
        "smith": {"place": "CHN", "outputs": {"alloy": 1}},
        "alloy ally": {"place": "AUS", "outputs": {"alloy": 1}},
    }
    data["routes"] |= {
        "AUS-USA": {"commodity": "metal", "origin": "AUS", "destination": "USA"},
        "alloy CHN": {"commodity": "alloy", "origin": "CHN", "destination": "USA"},
        "alloy AUS": {"commodity": "alloy", "origin": "AUS", "destination": "USA"},
    }
    ban = {"no China": {"places": ["CHN"], "role": "last_origin"}}
    data["stockpiles"]["store"] = {"commodity": "metal", "source_bans": ban}
    data["demands"]["need"] |= {
        "substitutes": {"alloy": {"commodity": "alloy", "ratio_t_per_t": 2}},
        "source_bans": ban,
    }
    return data


def banning_plan() -> Lists:
    return {
        **tiny_plan(1),
        "run": [["ally", 0, "2026", 100.0], ["alloy ally", 0, "2026", 40.0], ["China", 0, "2026", 3.0]],
        "ship": [
            ["AUS-USA", "all/clean", "2026", 100.0],
            ["CHN-USA", "all/CHN last_origin", "2026", 3.0],
            ["alloy AUS", "all/clean", "2026", 40.0],
        ],
        "serve": [["need", "itself/clean", "2026", 80.0], ["need", "alloy/clean", "2026", 20.0]],
        "store": [["store", "2026", 20.0, 0.0, 20.0]],
        "dispose": [["metal", "USA", "2026", 3.0]],
    }


def test_a_plan_with_bans_by_last_origin_holds() -> None:
    assert_holds(banning(), banning_plan())


BANNING_BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "the store holds Chinese metal",
        both(
            cell("store", ["store", "2026"], "buy_t_per_y", 23.0),
            cell("store", ["store", "2026"], "stock_t", 23.0),
            without("dispose", ["metal"]),
        ),
        "balance of metal (clean) at USA in 2026 is off by 3 t/y: 100 t/y in, 103 t/y out",
    ),
    (
        "a substitute is Chinese",
        both(without("serve", ["need", "alloy/clean"]), more("serve", ["need", "alloy/CHN last_origin", "2026", 20.0])),
        "demand need met from CHN last_origin, under source ban no China, at 2026 is 20 t/y, at most 0 t/y",
    ),
    (
        "clean metal is let go without being declared down",
        both(
            cell("dispose", ["metal", "USA", "2026"], "dispose_t_per_y", 4.0),
            cell("serve", ["need", "itself/clean", "2026"], "served_t_per_y", 79.0),
        ),
        "balance of metal (CHN last_origin) at USA in 2026 is off by 1 t/y: 3 t/y in, 4 t/y out",
    ),
]


@pytest.mark.parametrize(
    ("mutate", "words"), [case[1:] for case in BANNING_BROKEN], ids=[case[0] for case in BANNING_BROKEN]
)
@pytest.mark.proves("demand_takes_clean_material")
def test_a_broken_ban_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(banning(), banning_plan(), mutate, words)


# Reading: tags, own tags, modes


def content_of(data: Data) -> Content:
    return World(Scenario.model_validate(data)).content


def written(variant: Variant) -> str:
    return " + ".join(sorted(tag.name for tag in variant))


def banned(**bans: Data) -> Data:
    """The scenario above with other bans."""
    data = traced()
    data["demands"]["need"]["source_bans"] = bans
    return data


def test_equal_places_with_equal_roles_are_one_tag_by_the_first_of_its_names() -> None:
    data = banned(a={"places": ["allies", "CHN"]}, b={"places": ["CHN"], "role": "mined_in"})
    data["limits"]["cap"] = {
        "kind": "share_cap",
        "commodity": "metal",
        "places": ["CHN", "AUS"],
        "cap_share": 1,
        "origin_role": "any_stage",
    }
    data["demands"]["other"]["source_bans"] = {"c": {"places": ["CHN"], "role": "refined_in"}}
    # `allies, CHN` and `CHN, AUS` are the same places; the second is written `AUS, CHN`, which is the first by name.
    names = ["AUS, CHN", "CHN mined_in", "CHN refined_in"]
    assert sorted(tag.name for tag in content_of(data).tags.traced["metal"]) == names
    assert list(content_of(data).variants["metal"])[:4] == ["clean", *names]
    assert list(content_of(data).variants["metal"])[-1] == "AUS, CHN + CHN mined_in + CHN refined_in"
    assert content_of(data).variants["scrap"] == {"": frozenset()}


def test_a_region_is_meant_with_any_of_its_members() -> None:
    data = banned(a={"places": ["allies"]})
    data["places"]["Rest"] = {"members": {"AUS": 0.1, "CHN": 0.9}}
    (tag,) = content_of(data).tags.traced["metal"]
    assert tag.places == {"AUS", "Rest"}


def test_a_region_of_a_measure_is_out_if_it_is_excepted_itself() -> None:
    data = banned()
    data["places"]["Rest"] = {"members": {"AUS": 0.1, "CHN": 0.9}}
    data["tariffs"]["a"] = {"programme": "232", "commodities": ["metal"], "origin_role": "mined_in"}

    def places(origins: list[str], *excepted: str) -> frozenset[str]:
        data["tariffs"]["a"] |= {"origins": origins, "except_origins": list(excepted)}
        (tag,) = content_of(data).tags.traced["metal"]
        return tag.places

    assert places(["CHN", "AUS"], "AUS") == {"CHN", "Rest"}
    assert places(["CHN", "AUS"], "Rest") == {"CHN", "AUS"}
    assert places(["Rest"], "AUS") == {"Rest"}
    assert places(["CHN"], "CHN") == frozenset()


def test_what_it_is_made_of_is_traced_but_not_for_a_last_origin() -> None:
    data = banned(a={"places": ["CHN"], "role": "last_origin"}, b={"places": ["CHN"]})
    assert written(content_of(data).tags.traced["metal"]) == "CHN + CHN last_origin"
    assert written(content_of(data).tags.traced["ore"]) == "CHN"


def test_measures_and_caps_give_tags_unless_they_are_by_last_origin() -> None:
    data = banned()
    measure = {"programme": "232", "origins": ["*"], "except_origins": ["allies", "USA"], "commodities": ["ore"]}
    data["tariffs"]["a"] = measure
    assert content_of(data).tags.traced["ore"] == frozenset()
    data["tariffs"]["a"] = {**measure, "origin_role": "mined_in"}
    (tag,) = content_of(data).tags.traced["ore"]
    assert (tag.name, tag.places) == ("* without USA, allies mined_in", {"CHN"})
    assert content_of(data).tags.traced["metal"] == frozenset()
    data["tariffs"]["a"] |= {"includes_derivatives": True}
    assert content_of(data).tags.traced["metal"] == {tag}
    data["tariffs"]["a"] |= {"except_commodities": ["metal"]}
    assert content_of(data).tags.traced["metal"] == frozenset()


@pytest.mark.parametrize(
    ("facility", "tags"),
    [
        ({"place": "CHN", "outputs": {"metal": 1}}, "any + last + mined + refined"),
        ({"place": "CHN", "outputs": {"ore": 1}}, "any + mined"),
        ({"place": "AUS", "outputs": {"metal": 1}}, ""),
        ({"place": "AUS", "outputs": {"metal": 1}, "mined_in": "CHN"}, "any + mined"),
        ({"place": "AUS", "outputs": {"metal": 1}, "refined_in": "CHN"}, "any + refined"),
        ({"place": "CHN", "outputs": {"metal": 1}, "mined_in": "AUS", "refined_in": "AUS"}, "any + last"),
        ({"place": "CHN", "inputs": {"ore": 1}, "outputs": {"metal": 1}}, "any + last + refined"),
        # by its main product it refines nothing
        ({"place": "CHN", "inputs": {"ore": 1}, "outputs": {"scrap": 1, "metal": 1}}, "any + last"),
    ],
)
def test_a_producer_gives_tags_by_its_place(facility: Data, tags: str) -> None:
    roles = {"any": "any_stage", "last": "last_origin", "mined": "mined_in", "refined": "refined_in"}
    data = banned(**{name: {"places": ["CHN"], "role": role} for name, role in roles.items()})
    data["facilities"]["new"] = facility
    content = content_of(data)
    made = content.made("new", next(iter(content.modes["new"])), next(reversed(facility["outputs"])))
    assert {tag.role for tag in made} == {roles[name] for name in tags.split(" + ") if name}


@pytest.mark.proves("modes_add_up")
def test_a_producer_runs_in_modes_of_the_tags_that_are_not_its_own() -> None:
    data = banned(a={"places": ["CHN"]}, b={"places": ["AUS"]}, c={"places": ["USA"], "role": "last_origin"})
    data["facilities"]["abroad"] = {**data["facilities"]["smelter"], "place": "CHN"}
    content = content_of(data)
    assert list(content.modes["smelter"]) == ["clean", "AUS", "CHN", "AUS + CHN"]
    assert list(content.modes["abroad"]) == ["clean", "AUS"]
    assert list(content.modes["mine"]) == [""]
    # what is Chinese anyhow takes Chinese ore; at home the last origin is home
    assert written(content.taken("abroad", "clean", "ore")) == "CHN"
    assert written(content.made("abroad", "AUS", "metal")) == "AUS + CHN"
    assert written(content.taken("smelter", "AUS", "ore")) == "AUS"
    assert written(content.made("smelter", "AUS", "metal")) == "AUS + USA last_origin"


def test_a_route_gives_its_own_last_origin() -> None:
    data = banned(a={"places": ["CHN"], "role": "last_origin"}, b={"places": ["CHN"]})
    data["routes"]["AUS-USA"] = {"commodity": "metal", "origin": "AUS", "destination": "USA"}
    content = content_of(data)
    both_tags = content.variants["metal"]["CHN + CHN last_origin"]
    assert written(content.arriving("AUS-USA", both_tags)) == "CHN"
    assert written(content.arriving("CHN-USA", content.variants["metal"]["clean"])) == "CHN last_origin"


def test_what_is_recovered_carries_the_tags_of_an_offer_there() -> None:
    roles = ("last_origin", "mined_in", "refined_in")
    data = banned(**{role: {"places": ["USA"], "role": role} for role in roles})
    data["demands"]["scrap"] = {
        **data["demands"]["need"],
        "commodity": "scrap",
    }
    data["recycling"] = {"metal": {"commodity": "metal"}, "scrap": {"commodity": "scrap"}}
    content = content_of(data)
    assert written(content.recovered("metal")) == "USA last_origin + USA mined_in + USA refined_in"
    assert written(content.recovered("scrap")) == "USA last_origin + USA mined_in"


def test_an_untraced_scenario_has_one_variant_of_everything() -> None:
    assert_holds(tiny(), {**tiny_plan(), **bought({"2026": 100.0, "2027": 100.0})})
