"""The rules of reading hold in every field of a scenario, in whatever it is written."""

from __future__ import annotations

import json
from typing import Any, get_args, get_origin

import pytest
from pydantic import ValidationError
from scenario_fields import FieldOf, fields, is_date, is_name_list, is_number, numbered, numbers_within
from tiny_scenario import problems_of, the_problem_of, tiny

from lodeplan import optimizer, scenarios
from lodeplan.scenarios.reading.explain import in_words
from lodeplan.scenarios.rules.list_items import looks_like_several
from lodeplan.schemas import InvalidInput
from lodeplan.schemas.scenario import Scenario
from lodeplan.service.cli.validation import patches_of

FIELDS = fields()
BY_NUMBER = [field for field in FIELDS if numbered(field)]
NAME_LISTS = [field for field in FIELDS if is_name_list(field)]
DATES = [field for field in FIELDS if is_date(field)]
NUMBERS = [field for field in FIELDS if is_number(field)]
WITH_NUMBERS = [field for field in FIELDS if numbers_within(field)]


def named(found: list[FieldOf]) -> Any:
    return pytest.mark.parametrize("field", found, ids=lambda field: field.path)


def is_share(field: FieldOf) -> bool:
    """Whether one number from 0 to 1 stands in a field."""
    if not is_number(field):
        return False
    reads = []
    for value in (0.5, 40):
        try:
            field.reads.validate_python(value)
        except ValidationError as error:
            reads.append({item["type"] for item in error.errors()})
        else:
            reads.append(set())
    return not reads[0] and bool(reads[1] & {"less_than", "less_than_equal"})


def codes(field: FieldOf, value: Any) -> set[str]:
    """The kinds of error with which a field refuses a value; empty if it takes it."""
    try:
        field.reads.validate_python(value)
    except ValidationError as error:
        return {item["type"] for item in error.errors()}
    return set()


def test_the_schema_has_fields_of_every_kind() -> None:
    assert len(BY_NUMBER) >= 30
    assert len(NAME_LISTS) >= 25
    assert len(DATES) >= 10
    assert len(NUMBERS) >= 60
    assert len(WITH_NUMBERS) >= 35


# One key twice


@named(BY_NUMBER)
def test_a_key_that_is_given_twice_in_a_cell_is_refused(field: FieldOf) -> None:
    key = numbered(field)

    assert "duplicate_key" in codes(field, f"{key}=0.5; {key}=0.25")


@named(BY_NUMBER)
def test_two_spellings_of_one_key_are_refused(field: FieldOf) -> None:
    key = numbered(field)

    for spelling in (f"{key}.0" if key == "2026" else f"{key}0", f"0{key}", f" {key} "):
        assert "duplicate_key" in codes(field, {key: 0.5, spelling: 0.25}), spelling
        assert "duplicate_key" in codes(field, f"{key}=0.5; {spelling}=0.25"), spelling


def test_a_name_that_is_given_twice_in_a_cell_is_refused_wherever_names_have_numbers() -> None:
    checked = 0
    for field in WITH_NUMBERS:
        if any(get_origin(option) is dict and str in get_args(get_args(option)[0]) for option in numbers_within(field)):
            assert "duplicate_key" in codes(field, "CHN=0.5; CHN=0.25"), field.path
            checked += 1
    assert checked >= 3


def test_both_values_of_a_key_that_is_given_twice_are_said() -> None:
    found = the_problem_of(tiny() | {}, [put("demands.user.quantity_t_per_y", "2026=50; 2026=80; 2027=60")])

    assert (found.code, found.path) == ("duplicate_key", "demands.user.quantity_t_per_y")
    assert "2026=50, 2026=80" in found.message


def test_a_patch_does_not_choose_between_the_values_of_a_key_that_is_given_twice() -> None:
    data = tiny()
    data["demands"]["user"]["quantity_t_per_y"] = "2026=50; 2026=80"

    found = problems_of(data, [put("demands.user.quantity_t_per_y.2027", 5)])

    assert "duplicate_key" in {problem.code for problem in found}


def test_a_year_that_a_patch_adds_in_another_spelling_is_refused() -> None:
    data = tiny()
    data["demands"]["user"]["quantity_t_per_y"] = {"2026": 50}

    found = the_problem_of(data, [put("demands.user.quantity_t_per_y.'2026.0'", 80)])

    assert (found.code, found.path) == ("duplicate_key", "demands.user.quantity_t_per_y")


def test_numbers_and_texts_that_are_one_key_in_python_are_refused() -> None:
    data = tiny()
    data["demands"]["user"]["quantity_t_per_y"] = {2026: 50, "2026": 80}

    found = the_problem_of(data)

    assert found.code == "duplicate_key"
    assert "50 and 80" in found.message


def test_a_key_that_is_given_twice_in_json_or_yaml_is_refused_with_both_values() -> None:
    for text in ('{"name": "a", "home": "USA", "name": "b"}', "name: a\nhome: USA\nname: b\n"):
        found = [problem for problem in problems_of_text(text) if "twice" in problem.message]
        assert len(found) == 1
        assert "a and b" in found[0].message


def test_a_path_that_a_command_line_sets_twice_is_refused_with_both_values() -> None:
    with pytest.raises(InvalidInput) as caught:
        patches_of(["demands.user.quantity_t_per_y=50", "demands.'user'.quantity_t_per_y=80", "risk.tail_weight=0.1"])

    (found,) = caught.value.problems
    assert (found.code, found.path, found.file) == ("duplicate_key", "demands.user.quantity_t_per_y", "--set")
    assert "50 and 80" in found.message


@pytest.mark.parametrize("value", ["{2026: 50, 2026: 80}", "{2026: 50, '2026.0': 80}", "2026=50; 2026=80"])
def test_a_key_that_is_given_twice_in_a_value_on_the_command_line_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        scenarios.load(tiny(), patches_of([f"demands.user.quantity_t_per_y={value}"]))

    assert "50" in str(caught.value)
    assert "80" in str(caught.value)


# Lists of names


@named([field for field in NAME_LISTS if "hts" not in field.name])
@pytest.mark.parametrize("text", ["allies, covered", "allies,covered", "allies | covered", "allies\ncovered"])
def test_names_that_are_not_separated_by_semicolons_are_found(field: FieldOf, text: str) -> None:
    for value in (text, [text]):
        assert any(map(looks_like_several, field.reads.validate_python(value)))


COMMA_IN = {
    "places.groups": "places.AUS.groups",
    "tariffs.origins": "tariffs.mfn.origins",
    "tariffs.except_origins": "tariffs.mfn.except_origins",
    "tariffs.commodities": "tariffs.mfn.commodities",
    "tariffs.except_commodities": "tariffs.mfn.except_commodities",
    "tariffs.all_in_with": "tariffs.mfn.all_in_with",
    "tariffs.replaces": "tariffs.mfn.replaces",
    "projects.requires": "projects.'new smelter'.requires",
    "projects.excludes": "projects.'new smelter'.excludes",
    "stockpiles.release_events": "stockpiles.store.release_events",
    "stockpiles.source_bans.places": "stockpiles.store.source_bans.rule.places",
    "limits.futures": "limits.cap.futures",
    "commodities.mineral": "commodities.metal.mineral",
    "limits.places": "limits.cap.places",
    "limits.commodities": "limits.floor.commodities",
    "events.places": "events.ban.places",
    "events.commodities": "events.ban.commodities",
    "events.destinations": "events.ban.destinations",
    "events.facilities": "events.strike.facilities",
    "events.projects": "events.delay.projects",
    "events.switch_on": "events.law.switch_on",
    "events.switch_off": "events.law.switch_off",
    "futures.events": "futures.ban.events",
    "hazards.places": "hazards.storm.places",
    "hazards.commodities": "hazards.storm.commodities",
    "hazards.destinations": "hazards.storm.destinations",
}
"""Where each list of names stands in the scenario below; kinds of events and limits share what they have in common."""


def with_every_list() -> dict[str, Any]:
    data = tiny()
    data["stockpiles"]["store"]["source_bans"] = {"rule": {"places": ["rivals"]}}
    data["limits"]["floor"] = {"kind": "service_floor", "tiers": "other", "served_share": 0.1}
    dates = {"onset": "2027-07-01"}
    data["events"] |= {
        "strike": {"changes": "output", "places": "AUS", "availability_share": 0.5} | dates,
        "delay": {"changes": "projects", "delay_years": 1} | dates,
        "law": {"changes": "tariffs", "switch_off": "mfn"} | dates,
    }
    storm = {"changes": "exports", "places": "CHN", "yearly_rate": 0.1, "availability_share": 0, "duration_years": 1}
    data["hazards"] = {"storm": storm}
    data["sampling"] = {"futures": 5}
    data["futures"]["calm"] = {"probability": 0.3}
    return data


def test_the_lists_below_are_all_there_are() -> None:
    assert {field.path for field in NAME_LISTS if "hts" not in field.name} == {*COMMA_IN}


@pytest.mark.parametrize("path", COMMA_IN.values())
def test_a_comma_in_a_list_is_refused_and_told_to_be_a_semicolon(path: str) -> None:
    scenarios.load(with_every_list())
    for value in ("CHN, AUS", ["CHN, AUS"], ["rivals,allies"], "mfn*, ban*"):
        found = [problem for problem in problems_of(with_every_list(), [put(path, value)]) if problem.path == path]
        assert [problem.code for problem in found] == ["several_in_one"], value
        assert "`;`" in str(found[0].remedy)


def test_a_name_with_a_comma_may_be_listed_if_something_has_it() -> None:
    data = tiny()
    data["places"]["Korea, Republic of"] = {}
    data["tariffs"]["mfn"]["except_origins"] = "Korea, Republic of; AUS"

    scenario = scenarios.load(data)

    assert scenario.tariffs["mfn"].except_origins == ["Korea, Republic of", "AUS"]


def test_blanks_around_the_items_of_a_list_do_not_count() -> None:
    data = tiny()
    data["places"]["AUS"] = {"groups": [" rivals "]}

    assert scenarios.load(data).places["AUS"].groups == ["rivals"]


# Tariff codes

CODE_LISTS = [field for field in NAME_LISTS if "hts" in field.name]


@named(CODE_LISTS)
def test_a_list_of_codes_takes_codes_only(field: FieldOf) -> None:
    for text in ("81", "8112", "8112.92", "811292", "8112.92.10", "81129210", "8112.92.1000", "8112.92.10.00"):
        assert codes(field, text) == set()
        assert codes(field, [text, "26"]) == set()
    for text in (
        "8112.92, 8112.99", "8112.2", "811", "8.11292E+09", ".", "8112.", "..8112", "8112*", "8112 92", "8112-92",
        "chapter 81", "8112.92.10.00.00", "٨١١٢", "81.1.292",
    ):  # fmt: skip
        assert codes(field, text) == {"tariff_code"}, text
        assert codes(field, ["8112", text]) == {"tariff_code"}, text
    for number in (8112, 8112.2, True):
        assert codes(field, [number]) == {"tariff_code"}
    assert codes(field, 8112.92) == {"tariff_code"}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("8112.2", '"8112.20"'),
        (8112.2, '"8112.20"'),
        ("101.21", '"0101.21"'),
        ("8.11292E+09", '"8112.92.00.00"'),
        ("8112 92 10", '"8112.92.10"'),
        ("8112*", '"8112"'),
        ("2504100", '"0250.41.00" or "2504.10.00"'),
        (8112.92, '"8112.92"'),
    ],
)
def test_a_broken_tariff_code_is_answered_with_what_it_was(text: Any, meant: str) -> None:
    found = the_problem_of(tiny(), [put("tariffs.extra.hts", [text])])

    assert meant in str(found.remedy)


# Dates

BAD_DATES = [
    "07/01/2026", "1.7.2026", "01.07.26", "2026-7-1", "2026/07/01", "2026-07", "07.2026", "2026.0", 2026.0, "2026.5",
    1782864000, "1782864000", 1782864000000, 20260701, "20260701", 46204, "1 July 2026", "July 1, 2026", "Q3 2026",
    "2026-07-01T00:00:00", "2026-07-01 12:00", "2026-W27", "2026-02-30", "2026-13-01", "0", -5, 9999, 12026,
    "next year", True, None, "", "２０２６", "2026-07-01Z",
]  # fmt: skip


@named(DATES)
def test_a_date_is_a_day_or_a_year_and_nothing_else(field: FieldOf) -> None:
    for good in ("2026-07-01", " 2026-07-01 ", "2026", 2026, "9998"):
        assert codes(field, good) == set(), good
    for bad in BAD_DATES:
        if bad is not None or field.model.model_fields[field.name].is_required():
            assert codes(field, bad) == {"broken_date"}, bad


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("07/01/2026", "Write 2026-07-01 or 2026-01-07, whichever is meant."),
        ("31/12/2026", "Write 2026-12-31."),
        ("1.7.2026", "Write 2026-07-01."),
        ("01.07.26", "Write 2026-07-01."),
        ("2026-7-1", "Write 2026-07-01."),
        ("2026/07/01", "Write 2026-07-01."),
        ("2026-07", "Write 2026-07-01."),
        ("07/2026", "Write 2026-07-01."),
        ("2026.0", "Write 2026-01-01."),
        (2026.0, "Write 2026-01-01, or 2026."),
        (1782864000, "Write 2026-07-01."),
        ("1782864000000", "Write 2026-07-01."),
        (46204, "Write 2026-07-01."),
        (20260701, "Write 2026-07-01."),
        ("1 July 2026", "Write 2026-07-01."),
        ("Jul 1, 2026", "Write 2026-07-01."),
        ("Q3 2026", "Write 2026-07-01."),
        ("2026-07-01T00:00:00Z", "Write 2026-07-01."),
        ("2026-13-01", "Write 2026-01-13."),
        ("soon", "Write a day as 2026-07-01, or a year as 2026."),
    ],
)
def test_a_date_as_people_write_it_is_answered_with_the_day_that_was_meant(written: Any, meant: str) -> None:
    found = the_problem_of(tiny(), [put("tariffs.mfn.onset", written)])

    assert (found.code, found.path, found.remedy) == ("broken_date", "tariffs.mfn.onset", meant)


@pytest.mark.parametrize("written", ["2026-7-1", "2026-02-30", "2026-07-01T00:00:00Z", "2026.0", "1782864000"])
def test_a_date_in_yaml_is_read_as_in_a_cell(written: str) -> None:
    text = json.dumps(tiny()).replace('"2027-01-01"', "WHEN")
    found = problems_of_text("# YAML\n" + text.replace("WHEN", written))

    assert [(problem.code, problem.path) for problem in found] == [("broken_date", "events.ban.onset")]


# Sizes of numbers


@named(NUMBERS)
def test_a_number_is_0_or_of_a_size_that_can_be_computed_with(field: FieldOf) -> None:
    for number in (1e-10, 1e-12, 5e-324, 1e15, 1e16, 1.7e308, "1e16", "1e-12", 10**30):
        assert codes(field, number) - {"dict_type"} in ({"magnitude"}, {"less_than"}, {"less_than_equal"}), number
    for number in (float("inf"), float("nan"), "inf"):
        assert codes(field, number) - {"dict_type"}, number
    assert codes(field, 1e-9) == set()
    assert "magnitude" not in codes(field, 9e14)
    assert "magnitude" not in codes(field, 0)


@named(WITH_NUMBERS)
def test_numbers_in_mappings_and_lists_are_held_to_the_same_sizes(field: FieldOf) -> None:
    key = numbered(field) or "CHN"
    for number in (1e-12, 1e16):
        for value in ({key: number}, [number], f"{key}={number}", str(number)):
            assert codes(field, value), value
        if key == "0.5":
            assert codes(field, {number: 0.5}), number


@named(NUMBERS + WITH_NUMBERS)
def test_true_is_no_number(field: FieldOf) -> None:
    assert codes(field, True)
    assert codes(field, "1_000")


def test_a_number_that_stands_for_no_limit_is_told_to_be_left_out() -> None:
    found = the_problem_of(tiny(), [put("facilities.mine.capacity_t_per_y", 1e16)])

    assert (found.code, found.path) == ("magnitude", "facilities.mine.capacity_t_per_y")
    assert found.remedy == "Leave it out for no limit."


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("10,5", "Write 10.5."),
        ("1,234", "Write 1234, or 1.234, whichever is meant."),
        ("1,234.5", "Write 1234.5."),
        ("1.234,5", "Write 1234.5."),
        ("2026=5, 2028=8", "Separate pairs by `;`."),
    ],
)
def test_a_number_as_people_write_it_is_answered_with_the_number_that_was_meant(written: str, meant: str) -> None:
    found = the_problem_of(tiny(), [put("facilities.mine.capacity_t_per_y", written)])

    assert found.path.startswith("facilities.mine.capacity_t_per_y")
    assert found.remedy == meant


@pytest.mark.parametrize(
    ("path", "written", "meant"),
    [
        ("economics.discount_rate", 5, "0.05"),
        ("economics.discount_rate", 1, "0.01"),
        ("risk.tail_weight", 25, "0.25"),
        ("limits.cap.cap_share", 65, "0.65"),
        ("limits.cap.cap_share", {"2026": 0.7, "2028": 62.5}, "0.625"),
        ("limits.cap.cap_share", "2026=0.7; 2028=100", "1"),
        ("facilities.mine.home_share", "60", "0.6"),
    ],
)
def test_per_cent_where_a_fraction_belongs_is_answered_with_the_fraction(path: str, written: Any, meant: str) -> None:
    cap = {"kind": "share_cap", "commodity": "metal", "places": ["CHN"], "cap_share": 0.9}
    found = the_problem_of(tiny(), [put("limits.cap", cap), put(path, written)])

    assert found.code == "out_of_bounds"
    assert found.remedy == f"Did you mean {meant}?"


@pytest.mark.parametrize("field", [field for field in FIELDS if is_share(field)], ids=lambda field: field.path)
def test_every_field_that_is_at_most_1_asks_whether_per_cent_were_meant(field: FieldOf) -> None:
    with pytest.raises(ValidationError) as caught:
        field.reads.validate_python(40)

    assert "Did you mean 0.4?" in {in_words(item)[3] for item in caught.value.errors()}


@pytest.mark.parametrize("path", ["risk.tail_level", "economics.discount_rate", "solve.gap"])
@pytest.mark.parametrize("share", [-1e-6, 1])
def test_a_share_that_must_leave_something_is_from_0_and_below_1(path: str, share: float) -> None:
    assert the_problem_of(tiny(), [put(path, share)]).code == "out_of_bounds"


@pytest.mark.parametrize("written", [-5, 101, 2500])
def test_what_is_no_per_cent_is_not_taken_for_one(written: float) -> None:
    found = the_problem_of(tiny(), [put("economics.discount_rate", written)])

    assert "mean" not in str(found.remedy)


@pytest.mark.parametrize("size", [9.9e14, 1e-9])
@pytest.mark.parametrize(
    "path",
    [
        "projects.'new smelter'.capex_kusd",
        "projects.'new smelter'.capacity_t_per_y",
        "facilities.mine.capacity_t_per_y",
        "facilities.mine.cost_kusd_per_t",
        "facilities.mine.reserves_t",
        "facilities.offer.outputs.metal",
        "facilities.smelter.inputs.ore",
        "routes.'ore AUS'.freight_kusd_per_t",
        "routes.'ore AUS'.capacity_t_per_y",
        "stockpiles.store.opening_t",
        "demands.user.quantity_t_per_y",
        "demands.user.shortage_penalty_kusd_per_t",
    ],
)
def test_the_largest_and_the_least_numbers_are_solved_or_refused_with_their_place(path: str, size: float) -> None:
    data = tiny()
    data["stockpiles"]["store"].pop("capacity_t")
    data["routes"]["metal CHN"].pop("onboarding")

    scenario = scenarios.load(data, [put(path, size)])
    try:
        solution, refused = str(optimizer.solve(scenario).summary.solution), []
    except InvalidInput as error:
        # Beside the other numbers of the scenario it may still be nothing, or no limit.
        solution, refused = "none", [problem.path.split(".")[0] for problem in error.problems]

    assert solution in ("optimal", "feasible") or {*refused} <= {*Scenario.model_fields}


def test_a_day_where_a_year_should_stand_is_told_to_be_its_year() -> None:
    found = the_problem_of(tiny(), [put("projects.'new smelter'.earliest_start", "2027-07-01")])

    assert found.remedy == "Write the year, 2027."


def put(path: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "path": path, "value": value}


def problems_of_text(text: str) -> Any:
    with pytest.raises(InvalidInput) as caught:
        scenarios.load_text(text)
    return caught.value.problems


def test_every_number_of_the_schema_that_has_no_fraction_has_bounds() -> None:
    for field in FIELDS:
        if field.model is Scenario and field.name == "schema_version":
            continue
        if field.annotation is int or field.model.model_fields[field.name].annotation is int:
            assert field.model.model_fields[field.name].metadata, field.path
