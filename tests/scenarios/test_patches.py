"""Patches and `--set` change a scenario by paths, and say so when a path meets nothing."""

from typing import Any

import pytest
from tiny_scenario import problems_of, the_problem_of, tiny

from lodeplan import scenarios
from lodeplan.schemas import InvalidInput, Patch, Scenario
from lodeplan.schemas.problems import join_path, split_path

STANDARD = "projects.'new smelter'.tracks.standard"


def patched(*patches: dict[str, Any] | Patch, **more: Any) -> Scenario:
    return scenarios.load({**tiny(), **more}, patches)


def op(name: str, path: str, value: Any = None) -> dict[str, Any]:
    return {"op": name, "path": path, "value": value}


# Paths


@pytest.mark.parametrize(
    "keys",
    [
        ["routes", "gallium/metal CHN", "freight_kusd_per_t"],
        ["routes", "it's", "origin"],
        ["routes", "a.b", "origin"],
        ["demands", "*", "quantity_t_per_y"],
        ["economics", "", "x"],
        ["it's", 'said "so"', """it's "so\"""", "'", '"', "''", """'\"'"""],
    ],
)
def test_a_path_and_its_keys_say_the_same(keys: list[str]) -> None:
    assert split_path(join_path(keys)) == keys


@pytest.mark.parametrize("path", ["routes.'metal CHN.origin", "routes..origin", "'routes'x.y"])
def test_a_path_that_cannot_be_read_is_a_problem(path: str) -> None:
    assert the_problem_of(tiny(), [op("set", path, 1)]).code == "broken_path"


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("routs.'metal CHN'.origin", "`routes`"),
        ("routes.'metal CHM'.origin", "`metal CHN`"),
        ("routes.'metal CHN'.orgin", "`origin`"),
        ("routes.*.orgin", "`origin`"),
        ("routes.'meta1*'.origin", "`metal CHN`"),
        ("risk.tail_wait", "`tail_weight`"),
        ("limits.cap.cap_shares", "`cap_share`"),
    ],
)
def test_a_path_that_matches_nothing_names_the_closest_keys(path: str, near: str) -> None:
    found = the_problem_of(tiny(), [op("set", path, "USA")])

    assert (found.code, found.path) == ("no_match", path)
    assert near in str(found.remedy)


def test_a_path_below_a_single_value_is_a_problem() -> None:
    found = the_problem_of(tiny(), [op("set", "home.name", 1)])

    assert (found.code, found.path) == ("path_too_long", "home.name")


def test_a_name_of_a_collection_is_not_made_by_a_path_that_goes_on_below_it() -> None:
    found = the_problem_of(tiny(), [op("set", "demands.usr.quantity_t_per_y", 5)])

    assert found.code == "no_match"
    assert "`user`" in str(found.remedy)


def test_a_pattern_within_a_name_matches_the_names_that_fit() -> None:
    scenario = patched(op("set", "routes.'metal *'.freight_kusd_per_t", 7))

    assert scenario.routes["metal CHN"].freight_kusd_per_t == 7
    assert scenario.routes["ore AUS"].freight_kusd_per_t == 0


# set


def test_set_puts_a_value_also_where_a_default_stood() -> None:
    scenario = patched(op("set", "risk.tail_weight", 0.25), op("set", "horizon.period_years.2", 3))

    assert scenario.risk.tail_weight == 0.25
    assert scenario.horizon.period_years == [1, 2, 3]


def test_set_makes_a_new_entry_and_a_new_year() -> None:
    scenario = patched(
        op("set", "demands.user.quantity_t_per_y", {"2026": 5}),
        op("set", "demands.user.quantity_t_per_y.2028", 8),
        op("set", "places.CAN", {"groups": ["allies"]}),
    )

    assert scenario.demands["user"].quantity_t_per_y == {2026: 5, 2028: 8}
    assert scenario.places["CAN"].groups == ["allies"]


def test_set_makes_an_absent_section_of_one_entry_but_not_of_all() -> None:
    path = "routes.'ore AUS'.onboarding.lead_years"

    scenario = patched(op("set", path, 2), op("set", "projects.*.price_floor", None), op("set", "risk.tail_level", 0.5))
    by_star = patched(op("set", "routes.*.onboarding.lead_years", 2))

    assert scenario.routes["ore AUS"].onboarding is not None
    assert by_star.routes["metal CHN"].onboarding == scenario.routes["ore AUS"].onboarding
    assert by_star.routes["ore AUS"].onboarding is None


def test_set_by_star_gives_each_place_a_value_of_its_own() -> None:
    scenario = patched(
        op("set", "routes.*.freight_kusd_per_t", {"2026": 1}),
        op("set", "routes.'ore AUS'.freight_kusd_per_t.2026", 2),
    )

    assert scenario.routes["metal CHN"].freight_kusd_per_t == {2026: 1}
    assert scenario.routes["ore AUS"].freight_kusd_per_t == {2026: 2}


# scale


def test_scale_multiplies_numbers_numbers_by_year_and_defaults() -> None:
    scenario = patched(
        op("set", "facilities.mine.capacity_t_per_y", "2026=10; 2028=20"),
        op("scale", "facilities.mine.capacity_t_per_y", 1.5),
        op("scale", "demands.*.quantity_t_per_y", 0.5),
        op("scale", "facilities.*.home_share", 0.5),
    )

    assert scenario.facilities["mine"].capacity_t_per_y == {2026: 15, 2028: 30}
    assert scenario.demands["user"].quantity_t_per_y == 20
    assert {facility.home_share for facility in scenario.facilities.values()} == {0.5}


def test_scale_by_star_passes_over_what_has_no_number() -> None:
    scenario = patched(op("scale", "facilities.*.capacity_t_per_y", 2))

    assert scenario.facilities["offer"].capacity_t_per_y is None
    assert scenario.facilities["mine"].capacity_t_per_y == 100


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        (op("scale", "facilities.offer.capacity_t_per_y", 2), "patch_without_effect"),
        (op("scale", "projects.*.life_years", "twice"), "broken_patch"),
        (op("scale", "projects.*.life_years", 10**400), "broken_patch"),
        (op("scale", "routes.'metal CHN'", 2), "broken_patch"),
        (op("scale", "routes.*.origin", 2), "broken_patch"),
        (op("scale", "routes.'ore AUS'.onboarding.lead_years", 2), "no_match"),
        (op("scale", "facilities.*.price_floor.floor_kusd_per_t", 2), "no_match"),
        (op("scale", "demands.other", 2), "no_match"),
        (op("scale", "stockpiles.*.fill_t_per_y", 2), "patch_without_effect"),
    ],
)
def test_scale_where_there_is_no_number_is_a_problem(patch: dict[str, Any], code: str) -> None:
    assert the_problem_of(tiny(), [patch]).code == code


# add


def test_add_adds_to_a_number_a_list_and_a_mapping() -> None:
    scenario = patched(
        op("add", "facilities.mine.capacity_t_per_y", 5),
        op("add", "projects.'new smelter'.capex_kusd", -40),
        op("add", "places.CHN.groups", "covered"),
        op("add", "places.AUS.groups", ["allies", "fta"]),
        op("add", "places", {"CAN": {}}),
        op("add", "limits", {"slots": {"kind": "permit_slots", "slots_per_y": 1}}),
    )

    assert scenario.facilities["mine"].capacity_t_per_y == 55
    assert scenario.projects["new smelter"].capex_kusd == 60
    assert scenario.places["CHN"].groups == ["rivals", "covered"]
    assert scenario.places["AUS"].groups == ["allies", "fta"]
    assert set(scenario.places) == {"USA", "CHN", "AUS", "Others", "CAN"}
    assert set(scenario.limits) == {"cap", "slots"}


def test_add_understands_a_list_written_as_text() -> None:
    scenario = patched(op("set", "places.CHN.groups", "rivals; covered"), op("add", "places.CHN.groups", "far"))

    assert scenario.places["CHN"].groups == ["rivals", "covered", "far"]


def test_add_to_an_absent_list_begins_with_its_default() -> None:
    scenario = patched(op("add", "events.ban.destinations", "USA"))

    assert scenario.events["ban"].model_dump()["destinations"] == ["*", "USA"]


def test_a_patch_of_a_default_leaves_other_scenarios_alone() -> None:
    patched(op("set", "events.ban.destinations.0", "USA"))

    assert patched().events["ban"].model_dump()["destinations"] == ["*"]


def test_add_does_not_replace_an_entry_that_is_there() -> None:
    found = the_problem_of(tiny(), [op("add", "places", {"CHN": {}})])

    assert found.code == "exists_already"
    assert "`set`" in str(found.remedy)


@pytest.mark.parametrize("path", ["home", "routes.*.origin", "facilities.mine"])
def test_add_where_nothing_can_be_added_is_a_problem(path: str) -> None:
    assert the_problem_of(tiny(), [op("add", path, "x")]).code == "broken_patch"


# remove


def test_remove_takes_away_fields_entries_and_items_of_lists() -> None:
    scenario = patched(
        op("remove", "tariffs.extra"),
        op("remove", "routes.*.freight_kusd_per_t"),
        op("remove", "horizon.period_years.2"),
        op("remove", "places.CHN.groups.rivals"),
        op("remove", "limits"),
    )

    assert set(scenario.tariffs) == {"mfn"}
    assert scenario.routes["metal CHN"].freight_kusd_per_t == 0
    assert scenario.horizon.period_years == [1, 2]
    assert scenario.places["CHN"].groups == []
    assert scenario.limits == {}


def test_remove_by_star_empties_a_list_from_its_end() -> None:
    scenario = patched(op("remove", "commodities.metal.hts.*"), op("remove", "tariffs.extra"))

    assert scenario.commodities["metal"].hts == []


@pytest.mark.parametrize(
    ("path", "code"), [("limits.none", "no_match"), ("routes.*.capacity_t_per_y", "patch_without_effect")]
)
def test_remove_of_what_is_not_there_is_a_problem(path: str, code: str) -> None:
    assert the_problem_of(tiny(), [op("remove", path)]).code == code


# Problems and order


def test_patches_apply_in_order() -> None:
    path = "demands.user.quantity_t_per_y"

    assert patched(op("set", path, 10), op("scale", path, 3)).demands["user"].quantity_t_per_y == 30
    assert patched(op("scale", path, 3), op("set", path, 10)).demands["user"].quantity_t_per_y == 10


def test_a_bad_value_says_which_patch_it_came_from() -> None:
    patches = [op("set", "risk.tail_weight", 0.5), op("set", f"{STANDARD}.permit_years", -1)]

    found = the_problem_of(tiny(), patches)

    assert (found.file, found.path, found.value) == ("patch 2", f"{STANDARD}.permit_years", -1)


def test_all_patches_that_fail_are_reported_beside_what_else_is_wrong() -> None:
    patches = [op("set", "a.b", 1), op("set", "home", "UAS"), op("explode", "home"), {"op": "set", "pth": "home"}]

    found = problems_of(tiny(), patches)

    assert sorted((problem.file, problem.path) for problem in found) == [
        ("patch 1", "a.b"),
        ("patch 2", "home"),
        ("patch 3", "patches.2.op"),
        ("patch 4", "patches.3.path"),
        ("patch 4", "patches.3.pth"),
    ]


def test_a_patch_of_a_document_is_named_with_its_file() -> None:
    text = "name: x\nbase: golden-toy\npatches:\n- {op: set, path: home, value: US}\n"
    with pytest.raises(InvalidInput) as caught:
        scenarios.load_text(text, file="x.yaml")

    assert [problem.file for problem in caught.value.problems] == ["x.yaml patch 1"]


# --set


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("risk.tail_weight=0.25", "risk.tail_weight", 0.25),
        ("home = USA", "home", "USA"),
        (
            "routes.'a=b'.freight_kusd_per_t={2026: 1, 2030: 2}",
            "routes.'a=b'.freight_kusd_per_t",
            {"2026": 1, "2030": 2},
        ),
        ("demands.*.quantity_t_per_y=2026=5; 2030=8", "demands.*.quantity_t_per_y", "2026=5; 2030=8"),
        ("tariffs.mfn.active=false", "tariffs.mfn.active", False),
        ("events.ban.onset=2027-03-01", "events.ban.onset", "2027-03-01"),
        ("tariffs.mfn.origins=[CHN, NO]", "tariffs.mfn.origins", ["CHN", "NO"]),
        ("solve.time_limit_s=", "solve.time_limit_s", None),
    ],
)
def test_set_text_is_a_path_and_a_yaml_value(text: str, path: str, value: Any) -> None:
    patch = scenarios.parse_set(text)

    assert (patch.op, patch.path, patch.value) == ("set", path, value)


@pytest.mark.parametrize(
    "text", ["home", "=3", "home=[", "home={a: b", "home=!!python/name:os.system x", "home=&a [*a]"]
)
def test_set_text_that_cannot_be_read_is_a_problem(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        scenarios.parse_set(text)

    assert [problem.code for problem in caught.value.problems] == ["broken_set"]


# Too many


def test_more_than_ten_thousand_patches_are_one_problem() -> None:
    found = the_problem_of(tiny(), [op("set", "risk.tail_weight", 0.5)] * 10_001)

    assert (found.code, found.path, found.allowed) == ("too_many", "patches", "at most 10,000")


def test_after_a_thousand_patches_that_do_not_fit_the_others_are_not_tried() -> None:
    *said, last = problems_of(tiny(), [op("set", f"places.P{number}.note", "x") for number in range(3_000)])

    assert (len(said), last.code, last.path) == (1_000, "not_tried", "patches.1000")


def test_a_later_patch_above_is_where_a_value_comes_from() -> None:
    entry = {**tiny()["routes"]["metal CHN"], "freight_kusd_per_t": -1}
    patches = [op("set", "routes.'metal CHN'.freight_kusd_per_t", 2), op("set", "routes.'metal CHN'", entry)]

    assert the_problem_of(tiny(), patches).file == "patch 2"
    assert the_problem_of(tiny(), [*patches, op("set", "routes.'metal CHN'.freight_kusd_per_t", -2)]).file == "patch 3"


# What nests


NESTED = {
    "hazards": {
        "ban": {
            "changes": "exports",
            "places": "CHN",
            "yearly_rate": 0.1,
            "availability_share": 0,
            "duration_years": "low=1; mode=2; high=3",
        }
    },
    "recycling": {"scrap": {"commodity": "metal", "from_commodity": "metal", "recovered_t_per_t": 0.5}},
}


def test_patches_reach_below_names_within_an_entry() -> None:
    user = "demands.user"
    scenario = patched(
        op("set", f"{user}.substitutes.thrift", {"limit_share": 0.1}),
        op("scale", f"{user}.substitutes.*.limit_share", 2),
        op("set", f"{user}.source_bans.dfars", {"places": "AUS", "role": "last_origin"}),
        op("add", f"{user}.source_bans.dfars.places", "rivals"),
        op("set", f"{user}.elastic", {"price_kusd_per_t": 10, "elasticity": 0.5}),
        op("set", f"{user}.elastic.elasticity", 0.4),
        op("set", "facilities.mine.growth.share_per_y", 0.2),
        op("set", "places.CHN.memberships.partners", {"onset": 2028}),
        op("scale", "recycling.*.recovered_t_per_t", 0.5),
        op("scale", "hazards.ban.duration_years", 2),
        op("set", "hazards.ban.duration_years.high", 8),
        **NESTED,
    )

    demand, growth, hazard = scenario.demands["user"], scenario.facilities["mine"].growth, scenario.hazards["ban"]
    assert demand.substitutes["thrift"].limit_share == 0.2
    assert demand.source_bans["dfars"].places == ["AUS", "rivals"]
    assert demand.elastic is not None
    assert demand.elastic.elasticity == 0.4
    assert growth is not None
    assert growth.share_per_y == 0.2
    assert scenario.recycling["scrap"].recovered_t_per_t == 0.25
    assert hazard.model_dump()["duration_years"] == {"low": 2, "mode": 4, "high": 8}


@pytest.mark.parametrize(
    ("text", "path", "near"),
    [
        ("demands.user.substitutes.thrift.limit_share=0.1", "demands.user.substitutes", None),
        ("hazards.ban.duration_years.hi=3", "hazards.ban.duration_years.hi", "`high`"),
        ("facilities.mine.growth.share=0.1", "facilities.mine.growth.share", "`share_per_y`"),
    ],
)
def test_a_set_below_what_is_not_there_is_a_problem(text: str, path: str, near: str | None) -> None:
    found = the_problem_of({**tiny(), **NESTED}, [scenarios.parse_set(text)])

    assert found.code == "no_match"
    assert path in found.path
    assert near is None or near in str(found.remedy)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("hazards.ban.duration_years=1=0.5; 2=0.5", {1: 0.5, 2: 0.5}),
        ("hazards.ban.duration_years=low=0; mode=1; high=2", {"low": 0, "mode": 1, "high": 2}),
        ("hazards.ban.duration_years={low: 0, mode: 1, high: 2}", {"low": 0, "mode": 1, "high": 2}),
        ("hazards.ban.duration_years=3", 3),
    ],
)
def test_a_distribution_is_set_in_each_of_its_forms(text: str, value: Any) -> None:
    scenario = scenarios.load({**tiny(), **NESTED}, [scenarios.parse_set(text)])

    assert scenario.hazards["ban"].model_dump()["duration_years"] == value
