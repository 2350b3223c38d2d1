"""A scenario gets in by name, file, folder or mapping; what is wrong with it is said at once, and where."""

import json
import re
from copy import deepcopy
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import pytest
from folders import ROOT
from hypothesis import given
from hypothesis import strategies as st
from solved import TEXTBOOK
from tiny_scenario import problems_of, the_problem_of, tiny

from lodeplan import scenarios
from lodeplan.scenarios.reading.catalogue import find_shipped
from lodeplan.scenarios.reading.documents import parse_value
from lodeplan.scenarios.reading.fields import value_under
from lodeplan.scenarios.validation import find_warnings
from lodeplan.schemas import InputProblem, InvalidInput, Scenario, scenario_json_schema
from lodeplan.schemas.hazards import Triangle
from lodeplan.schemas.problems import join_path

TINY_YAML = """\
name: small
home: USA
horizon: {first_year: 2026, period_years: [1, 1]}
commodities:
  metal: {stage: refined, mineral_group: metal}
places:
  USA: {}
  CHN: {}
facilities:
  offer: {place: CHN, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  metal CHN: {commodity: metal, origin: CHN, destination: USA}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 5, shortage_penalty_kusd_per_t: 100}
"""

HEAD_YAML = """\
name: in-tables
home: USA
horizon: {first_year: 2026, period_years: [1, 1]}
places:
  USA: {}
"""

TABLES = {
    "commodities.csv": "name,stage,mineral_group,hts\nmetal,refined,metal,8112.92; 8112.99\n",
    "places.csv": "name,groups\nCHN,rivals\nAUS,\n",
    "facilities.csv": "name,place,outputs,cost_kusd_per_t\noffer,CHN,metal=1,2026=10; 2027=11\n",
    "facilities.more.csv": "name,place,outputs,capacity_t_per_y,cost_kusd_per_t\nmine,AUS,metal=1,5,9\n",
    "projects.csv": (
        "name,place,outputs,capacity_t_per_y,cost_kusd_per_t,capex_kusd,"
        "tracks.standard.permit_years,tracks.standard.construction_years\n"
        "plant,USA,metal=1,5,0,100,0,1\n"
    ),
    "routes.csv": "name,commodity,origin,destination,freight_kusd_per_t\nc,metal,CHN,USA,1\na,metal,AUS,USA,\n",
    "tariffs.csv": "name,programme,origins,commodities,rate_share,onset\nduty,mfn,CHN,metal,0.25,2026-07-01\n",
    "demands.csv": (
        "name,commodity,tier,quantity_t_per_y,shortage_penalty_kusd_per_t\nuser,metal,other,5,0.1=50; 1=400\n"
    ),
    "provenance.csv": "table,name,field,kind,source\nroutes,*,freight_kusd_per_t,assumed,Our judgement\n",
    "provenance.more.csv": "table,kind,source,year\ndemands,published,A yearbook,2025\n",
}


def write_folder(folder: Path, **changed: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "scenario.yaml").write_text(HEAD_YAML)
    for file, text in {**TABLES, **{name.replace("_csv", ".csv"): text for name, text in changed.items()}}.items():
        (folder / file).write_text(text)
    return folder


def yaml_problem(text: str) -> InputProblem:
    with pytest.raises(InvalidInput) as caught:
        scenarios.load_text(text, file="s.yaml")
    assert len(caught.value.problems) == 1, str(caught.value)
    return caught.value.problems[0]


# Sources


def test_every_small_shipped_scenario_loads_by_its_name() -> None:
    # The large ones load where their warnings are counted.
    assert {"golden-toy", "stock-or-accept", "tariff-escalation"} <= set(TEXTBOOK)
    for name in TEXTBOOK:
        assert scenarios.load(name).name == name


def test_shipped_scenarios_have_titles_in_plain_words() -> None:
    assert all(" " in item.title for item in scenarios.names())
    titles = [item.title for item in scenarios.names()]
    assert len(set(titles)) == len(titles), "no two look the same in a list"


def test_yaml_json_and_a_mapping_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(TINY_YAML)
    from_yaml = scenarios.load(tmp_path / "s.yaml")
    raw = scenarios.read(tmp_path / "s.yaml")
    (tmp_path / "s.json").write_text(json.dumps(raw))

    assert scenarios.load(str(tmp_path / "s.json")) == from_yaml
    assert scenarios.load(raw) == from_yaml
    assert scenarios.load(from_yaml) == from_yaml


def test_loading_leaves_the_mapping_it_was_given_alone() -> None:
    data = tiny()

    scenarios.load(data, [{"op": "scale", "path": "routes.*.freight_kusd_per_t", "value": 2}])

    assert data == tiny()


def test_a_folder_of_tables_is_a_scenario(tmp_path: Path) -> None:
    scenario = scenarios.load(write_folder(tmp_path / "folder"))

    assert scenario.commodities["metal"].hts == ["8112.92", "8112.99"]
    assert set(scenario.places) == {"USA", "CHN", "AUS"}
    assert scenario.places["CHN"].groups == ["rivals"]
    assert scenario.facilities["offer"].cost_kusd_per_t == {2026: 10, 2027: 11}
    assert scenario.facilities["mine"].capacity_t_per_y == 5
    assert scenario.projects["plant"].tracks["standard"].lead_years == 1
    assert scenario.routes["a"].freight_kusd_per_t == 0
    assert scenario.tariffs["duty"].origins == ["CHN"]
    assert str(scenario.tariffs["duty"].onset) == "2026-07-01"
    assert scenario.demands["user"].shortage_penalty_kusd_per_t == {0.1: 50, 1: 400}
    assert [(row.table, row.name, row.year) for row in scenario.provenance] == [
        ("routes", "*", None),
        ("demands", "*", 2025),
    ]


def test_other_files_of_a_folder_are_not_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    (folder / "notes.yaml").write_text("{broken")
    (folder / "README.md").write_text("About")

    assert scenarios.load(folder).name == "in-tables"


def test_a_base_is_changed_by_patches_and_header(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(TINY_YAML)
    (tmp_path / "more.yaml").write_text(
        "name: more\nbase: base.yaml\npatches:\n- {op: set, path: demands.user.quantity_t_per_y, value: 7}\n"
    )

    scenario = scenarios.load(tmp_path / "more.yaml")

    assert scenario.name == "more"
    assert scenario.demands["user"].quantity_t_per_y == 7


def test_a_base_may_be_a_shipped_name_also_in_a_mapping() -> None:
    patches = [{"op": "remove", "path": "tariffs"}]

    scenario = scenarios.load({"name": "free-trade", "base": "golden-toy", "patches": patches})

    assert scenario.tariffs == {}
    assert scenario.name == "free-trade"


def test_a_mapping_cannot_reach_files_by_its_base(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(TINY_YAML)

    assert the_problem_of({"name": "x", "base": str(tmp_path / "base.yaml")}).code == "unknown_scenario"


def test_a_base_that_is_its_own_base_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").write_text("name: loop\nbase: loop.yaml\n")

    assert the_problem_of(tmp_path / "loop.yaml").code == "broken_base"


def test_other_fields_beside_a_base_are_an_error(tmp_path: Path) -> None:
    found = the_problem_of({"name": "x", "base": "golden-toy", "events": {}})

    assert (found.code, found.path) == ("field_with_base", "events")


def test_a_misspelt_shipped_name_is_answered_with_the_closest() -> None:
    found = the_problem_of("golden-tyo")

    assert found.code == "unknown_scenario"
    assert "golden-toy" in str(found.remedy)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert the_problem_of(tmp_path / "none.yaml").code == "unknown_scenario"
    assert the_problem_of(tmp_path).code == "no_scenario"


def test_a_folder_of_results_does_not_hide_the_shipped_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "golden-toy").mkdir()
    write_folder(tmp_path / "stock-or-accept")

    assert scenarios.load("golden-toy").name == "golden-toy"
    assert scenarios.load("stock-or-accept").name == "in-tables"


def blocks_of_the_reference_page() -> list[str]:
    page = (ROOT / "docs" / "reference" / "scenario.md").read_text()
    return re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)


def put_on_top(data: dict[str, Any], piece: dict[str, Any]) -> dict[str, Any]:
    both = {key: put_on_top(data[key], piece[key]) for key in piece if isinstance(data.get(key), dict)}
    return {**data, **piece, **both}


def pieces_of_the_reference_page() -> list[dict[str, Any]]:
    """The smallest scenario, then with one piece after the other put on top."""
    blocks = [parse_value(block) for block in blocks_of_the_reference_page()]
    return list(accumulate((block for block in blocks if "base" not in block), put_on_top))


def test_the_scenarios_of_the_reference_page_load() -> None:
    whole = [block for block in blocks_of_the_reference_page() if block.startswith("name:")]

    assert [scenarios.load_text(block).name for block in whole] == ["small", "us-2026-fast-permits"]


def test_the_pieces_of_the_reference_page_load_one_on_top_of_the_other() -> None:
    steps = pieces_of_the_reference_page()

    assert len(steps) == 11
    for data in steps:
        assert find_warnings(scenarios.load(data)).open == []


# Text that cannot be read


def test_broken_yaml_is_reported_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(TINY_YAML.replace("  CHN: {}\n", "  CHN: {\n"))

    found = the_problem_of(path)

    assert found.code == "broken_yaml"
    assert found.file == str(path)
    assert found.line is not None
    assert 8 <= found.line <= 10


def test_broken_json_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text('{\n"name": "x",\n}')

    found = the_problem_of(path)

    assert (found.code, found.line) == ("broken_json", 3)


def test_a_key_given_twice_is_an_error_with_its_line() -> None:
    found = yaml_problem(TINY_YAML + "home: CHN\n")

    assert (found.code, found.path, found.line) == ("duplicate_key", "home", 15)


def test_a_key_given_twice_in_json_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"name": "a", "name": "b"}')

    assert the_problem_of(tmp_path / "s.json").code == "broken_json"


def test_nested_aliases_are_refused_before_they_grow() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    names = "abcdefghijklmnopqrstuvw"
    for before, after in pairwise(names):
        bomb += f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"

    found = yaml_problem(bomb)

    assert (found.code, found.line) == ("yaml_alias", 1)


def test_a_list_that_contains_itself_is_refused() -> None:
    assert yaml_problem("name: &a [*a]\n").code == "yaml_alias"


def test_a_plan_in_place_of_a_scenario_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(
        json.dumps({"summary": {"scenario": "toy"}, "tables": [{"rows": [[0]] * 20_000}]})
    )
    found = the_problem_of(tmp_path / "plan.json")
    assert found.code == "plan_for_scenario"
    assert found.file is not None
    assert found.file.endswith("plan.json")


def test_very_deep_nesting_is_refused() -> None:
    yaml, json_text = "name: x\ntitle:\n  " + "[" * 2_000, '{"name":\n"x",\n"title": ' + "[" * 200_000
    for text, code in ((yaml, "broken_yaml"), (json_text, "broken_json")):
        found = yaml_problem(text)
        assert (found.code, found.line) == (code, 3)
        assert "more than 50 levels deep" in found.message


def test_nesting_that_can_be_read_but_is_too_deep_is_refused_with_its_place() -> None:
    deep = "[" * 60 + "]" * 60

    from_yaml, from_json = yaml_problem(f"name: x\ntitle: {deep}\n"), yaml_problem(f'{{"name": "x", "title": {deep}}}')

    assert (from_yaml.line, from_json.path) == (2, "title" + ".0" * 50)
    assert from_yaml.message == from_json.message


def test_tags_that_name_python_objects_are_refused() -> None:
    assert yaml_problem("name: !!python/name:os.system x\n").code == "yaml_tag"


@pytest.mark.parametrize(
    "written",
    [
        "!!python/object:os.system {a: 1}",
        "!!python/object/apply:os.system [ls]",
        "!mine {a: 1}",
        "!!set {a, b}",
        "!!binary aGVsbG8=",
        "{!mine a: 1}",
    ],
)
def test_tags_are_refused_with_their_line_wherever_they_stand(written: str) -> None:
    found = yaml_problem(f"name: x\ntitle: {written}\n")

    assert (found.code, found.file, found.line) == ("yaml_tag", "s.yaml", 2)
    assert "!" in found.message


@pytest.mark.parametrize("text", ["name: !!bool maybe\n", "name: !!int x\n", "name: " + "9" * 5000])
def test_a_value_that_is_not_what_its_tag_or_form_says_is_refused(text: str) -> None:
    found = yaml_problem(text)

    assert (found.code, found.line) == ("broken_yaml", 1)


def test_half_a_character_in_json_is_refused() -> None:
    assert yaml_problem('{"name": "\\ud800"}').code == "broken_json"


def test_text_that_is_not_utf_8_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"name: x\ntitle: caf\xe9\n")

    found = the_problem_of(tmp_path / "s.yaml")

    assert (found.code, found.line) == ("not_utf8", 2)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n"])
def test_text_that_is_no_mapping_is_an_error(text: str) -> None:
    assert yaml_problem(text).code == "not_a_mapping"


def test_names_that_yaml_1_1_took_for_truth_values_are_names() -> None:
    text = TINY_YAML.replace("CHN", "NO")

    assert "NO" in scenarios.load_text(text).places


# Values that do not fit


def change(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    *above, last = path.split("/")
    inner = data
    for key in above:
        inner = inner[key]
    inner[last] = value
    return data


def test_a_negative_capacity_is_reported_with_what_is_allowed_and_its_unit() -> None:
    found = the_problem_of(change(tiny(), "facilities/mine/capacity_t_per_y", -3))

    assert (found.code, found.path, found.value) == ("out_of_bounds", "facilities.mine.capacity_t_per_y", -3)
    assert "at least 0" in str(found.allowed)
    assert "t/y" in str(found.allowed)


def test_a_bad_number_by_year_is_one_problem_at_its_year() -> None:
    found = the_problem_of(change(tiny(), "facilities/mine/capacity_t_per_y", {"2026": 5, "2027": -1}))

    assert (found.path, found.value) == ("facilities.mine.capacity_t_per_y.2027", -1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "1e999"])
def test_numbers_that_are_not_finite_are_refused(value: Any) -> None:
    found = the_problem_of(change(tiny(), "facilities/mine/capacity_t_per_y", value))

    assert found.path == "facilities.mine.capacity_t_per_y"


def test_numbers_that_are_not_finite_are_refused_in_yaml_and_json() -> None:
    for number in ("1e999", ".nan", ".inf"):
        found = yaml_problem(TINY_YAML.replace("cost_kusd_per_t: 10", f"cost_kusd_per_t: {number}"))
        assert (found.path, found.line) == ("facilities.offer.cost_kusd_per_t", 10)
    text = json.dumps(change(tiny(), "facilities/offer/cost_kusd_per_t", float("nan")))
    with pytest.raises(InvalidInput):
        scenarios.load_text(text)


def test_a_word_where_a_number_should_stand_is_one_problem() -> None:
    found = the_problem_of(change(tiny(), "facilities/mine/capacity_t_per_y", "plenty"))

    assert (found.code, found.value) == ("wrong_type", "plenty")


VALUES = "a number at least 0, values with probabilities such as `0=0.5; 0.4=0.5` or a mapping with the fields low"


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ("often", "", VALUES),
        (-1, "", VALUES),
        ({}, "", VALUES),
        ({"low": 1, "mode": 2}, "high", "a number at least 0 (Largest value)"),
        ({"low": 1, "mode": 2, "high": 3, "hi": 3}, "hi", "`high`"),
        ({"low": 1, "mode": "x", "high": 3}, "mode", "a number at least 0 (Most likely value)"),
        ("1=0.5; 2=1.5", "2", "a number at least 0 and at most 1"),
    ],
)
def test_of_a_value_with_several_forms_only_the_one_meant_is_spoken_of(value: Any, path: str, said: str) -> None:
    hazard = {"changes": "exports", "places": "CHN", "yearly_rate": 0.1, "availability_share": 0}

    found = the_problem_of(change(tiny(), "hazards", {"ban": {**hazard, "duration_years": value}}))

    assert found.path == ".".join(filter(None, ["hazards.ban.duration_years", path]))
    assert said in f"{found.allowed} {found.remedy}"


def test_a_misspelt_field_is_answered_with_the_closest() -> None:
    found = the_problem_of(change(tiny(), "facilities/mine/capcity_t_per_y", 5))

    assert (found.code, found.path) == ("unknown_field", "facilities.mine.capcity_t_per_y")
    assert "`capacity_t_per_y`" in str(found.remedy)


def test_a_misspelt_section_is_answered_with_the_closest() -> None:
    found = the_problem_of(change(tiny(), "facility", {}))

    assert (found.code, found.path) == ("unknown_field", "facility")
    assert "`facilities`" in str(found.remedy)


def test_a_missing_field_is_named() -> None:
    data = tiny()
    del data["demands"]["user"]["tier"]

    found = the_problem_of(data)

    assert (found.code, found.path) == ("missing_field", "demands.user.tier")
    assert "military" in str(found.allowed)


def test_an_unknown_word_is_answered_with_the_words_there_are() -> None:
    found = the_problem_of(change(tiny(), "demands/user/tier", "millitary"))

    assert found.code == "unknown_word"
    assert "essential_civilian" in str(found.allowed)
    assert "`military`" in str(found.remedy)


def test_an_unknown_kind_of_limit_or_event_is_answered_with_the_kinds_there_are() -> None:
    limit = the_problem_of(change(tiny(), "limits/cap/kind", "share_capp"))
    event = the_problem_of(change(tiny(), "events/ban", {"onset": 2028}))

    assert (limit.code, limit.path) == ("unknown_word", "limits.cap.kind")
    assert "`share_cap`" in str(limit.remedy)
    assert (event.code, event.path) == ("missing_field", "events.ban.changes")
    assert "exports" in str(event.allowed)
    assert "tariffs" in str(event.allowed)


def test_a_tariff_code_without_quotes_is_told_to_put_it_in_quotes() -> None:
    found = the_problem_of(change(tiny(), "commodities/metal/hts", [8112.92]))

    assert found.path == "commodities.metal.hts.0"
    assert "quotes" in str(found.remedy)


def test_everything_wrong_is_said_at_once() -> None:
    data = tiny()
    change(data, "facilities/mine/capacity_t_per_y", -3)
    change(data, "facilities/mine/capcity", 3)
    change(data, "routes/ore AUS/origin", "AUX")
    change(data, "futures/calm", {"probability": 1})
    change(data, "events/ban/onset", 2026)
    change(data, "name", "Not A Name")

    assert {problem.path for problem in problems_of(data)} == {
        "facilities.mine.capacity_t_per_y",
        "facilities.mine.capcity",
        "routes.'ore AUS'.origin",
        "futures",
        "events.ban.onset",
        "name",
    }


def test_an_unknown_name_in_a_broken_entry_is_found_too() -> None:
    data = tiny()
    change(data, "facilities/mine/capcity", 3)
    change(data, "facilities/mine/place", "AUX")
    change(data, "facilities/offer/capacity_t_per_y", "2026=-1")
    change(data, "facilities/offer/outputs", {"mettal": 1})
    change(data, "routes/metal CHN/onboarding", {"lead": 1})
    change(data, "routes/metal CHN/origin", "CHM")

    assert {problem.path for problem in problems_of(data)} == {
        "facilities.mine.capcity",
        "facilities.mine.place",
        "facilities.offer.capacity_t_per_y.2026",
        "facilities.offer.outputs.mettal",
        "routes.'metal CHN'.onboarding.lead",
        "routes.'metal CHN'.origin",
    }


def test_a_section_that_cannot_be_read_says_what_is_checked_later() -> None:
    found = problems_of(change(tiny(), "places", 5))

    assert [problem.path for problem in found] == ["places"]
    assert "checked once" in str(found[0].remedy)


def test_the_line_of_a_yaml_value_is_reported() -> None:
    found = yaml_problem(TINY_YAML.replace("origin: CHN", "origin: CHM"))

    assert (found.code, found.file, found.line) == ("unknown_place", "s.yaml", 12)


def places_in(data: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else []
    here = [(*above, key) for key in keys]
    return here + [place for key in keys for place in places_in(data[key], (*above, key))]


WITH_ALL_PIECES = pieces_of_the_reference_page()[-1]
PLACES = places_in(tiny())
MORE_PLACES = places_in(WITH_ALL_PIECES)
SCRAPS = st.sampled_from(
    [
        None,
        -1,
        0,
        1e300,
        float("nan"),
        10**30,
        True,
        "",
        "x",
        "2026=1",
        "=",
        "*",
        [],
        [[]],
        {},
        {"": 1},
        {"x": {"y": []}},
    ]
)


def put_scraps(data: Any, changes: list[tuple[tuple[Any, ...], Any]]) -> list[InputProblem]:
    """The problems of a scenario after these changes, none if it loads."""
    for place, value in changes:
        inner = data
        for key in place[:-1]:
            inner = value_under(inner, str(key))
        if isinstance(inner, dict) or (isinstance(inner, list) and place[-1] in range(len(inner))):
            inner[place[-1]] = value
    try:
        find_warnings(scenarios.load(data))
    except InvalidInput as error:
        return error.problems
    return []


@given(st.lists(st.tuples(st.sampled_from(PLACES), SCRAPS), min_size=1, max_size=4))
def test_whatever_stands_anywhere_is_a_scenario_or_a_list_of_problems(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    assert all(problem.path and str(problem) for problem in put_scraps(tiny(), changes))


@given(st.lists(st.tuples(st.sampled_from(MORE_PLACES), SCRAPS), min_size=1, max_size=4))
def test_whatever_stands_anywhere_among_all_the_pieces_is_a_scenario_or_a_list_of_problems(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    assert all(problem.path and str(problem) for problem in put_scraps(deepcopy(WITH_ALL_PIECES), changes))


# Tables


def folder_problem(folder: Path, **changed: str) -> InputProblem:
    return the_problem_of(write_folder(folder, **changed))


def test_the_row_of_a_table_is_reported(tmp_path: Path) -> None:
    text = "name,commodity,origin,destination\nc,metal,CHN,USA\na,metal,AUX,USA\n"

    found = folder_problem(tmp_path / "f", routes_csv=text)

    assert found.code == "unknown_place"
    assert found.file is not None
    assert found.file.endswith("routes.csv")
    assert found.line == 3


def test_a_misspelt_column_is_one_problem_not_one_a_row(tmp_path: Path) -> None:
    found = folder_problem(tmp_path / "f", places_csv="name,grups\nCHN,rivals\nAUS,friends\n")

    assert (found.code, found.path, found.line) == ("unknown_field", "places", 1)
    assert "`groups`" in str(found.remedy)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name,groups,groups\nCHN,a,b\nAUS,,\n", "duplicate_column"),
        ("name,groups\nCHN,a\nAUS,\nCHN,b\n", "duplicate_name"),
        ("name,groups\nCHN,a\nAUS,\n,b\n", "missing_name"),
        ("name,groups\nCHN,a,b\nAUS,\n", "ragged_row"),
        ('name,groups\nCHN,"a"b\nAUS,\n', "broken_csv"),
    ],
)
def test_a_broken_table_is_reported(tmp_path: Path, text: str, code: str) -> None:
    assert code in [problem.code for problem in problems_of(write_folder(tmp_path / "f", places_csv=text))]


def test_a_table_that_is_no_collection_is_an_error(tmp_path: Path) -> None:
    found = folder_problem(tmp_path / "f", facilties_csv="name,place\n")

    assert found.code == "unknown_table"
    assert "`facilities`" in str(found.remedy)


def test_a_name_in_the_head_and_in_a_table_is_given_twice(tmp_path: Path) -> None:
    found = folder_problem(tmp_path / "f", places_csv="name\nCHN\nAUS\nUSA\n")

    assert found.code == "duplicate_name"


NEW_TABLES = {
    "places.csv": "name,groups,memberships.partners.onset,memberships.partners.until\nCHN,rivals,,\nAUS,,2026-07-01,\n",
    "facilities.more.csv": (
        "name,place,outputs,capacity_t_per_y,cost_kusd_per_t,growth.share_per_y,growth.before_t_per_y,reserves_t,"
        "mined_in\nmine,AUS,metal=1,5,9,0.2,3,100,\nship,AUS,metal=1,5,9,,,,CHN\n"
    ),
    "tariffs.csv": (
        "name,programme,origins,commodities,rate_share,quota.in_quota_rate_share,quota.volume_by_origin_t_per_y\n"
        "duty,mfn,CHN; partners,metal,0.25,0,CHN=2; AUS=1\n"
    ),
    "demands.csv": (
        "name,commodity,tier,quantity_t_per_y,shortage_penalty_kusd_per_t,substitutes.thrift.limit_share,"
        "substitutes.thrift.delay_years,elastic.price_kusd_per_t,elastic.elasticity,source_bans.dfars.places,"
        "source_bans.dfars.onset\n"
        "user,metal,other,5,0.1=50; 1=400,2026=0.1; 2027=0.2,1,10,0.5,rivals,2027\n"
        "other,metal,other,5,100,,,,,,\n"
    ),
    "recycling.csv": "name,commodity,available_t_per_y,cost_kusd_per_t\nscrap,metal,2026=1; 2027=2,3\n",
    "hazards.csv": (
        "name,changes,places,yearly_rate,availability_share,duration_years.low,duration_years.mode,duration_years.high\n"
        "ban,exports,CHN,0.1,0=0.5; 0.4=0.5,0.5,1,2\n"
    ),
    "facilities.csv": "name,place,outputs,cost_kusd_per_t,capacity_t_per_y\noffer,CHN,metal=1,2026=10; 2027=11,9\n",
    "limits.csv": (
        "name,kind,onset,tiers,served_share,commodity,cap_index,violation_price_kusd\n"
        "loss,survival,2027,other; military,0.5,,,\nindex,concentration_cap,,,,metal,0.6,3\n"
    ),
}


def new_tables(folder: Path, **changed: str) -> Path:
    tables = {**NEW_TABLES, **{name.replace("_csv", ".csv"): text for name, text in changed.items()}}
    write_folder(folder, **tables)
    with (folder / "scenario.yaml").open("a") as head:
        head.write("sampling: {futures: 3}\n")
    return folder


def test_cells_and_columns_of_tables_hold_what_nests(tmp_path: Path) -> None:
    scenario = scenarios.load(new_tables(tmp_path / "f"))

    assert str(scenario.places["AUS"].memberships["partners"].onset) == "2026-07-01"
    assert scenario.places["CHN"].memberships == {}
    mine, ship, quota = scenario.facilities["mine"], scenario.facilities["ship"], scenario.tariffs["duty"].quota
    assert mine.growth is not None
    assert mine.growth.share_per_y == 0.2
    assert (ship.growth, ship.mined_in) == (None, "CHN")
    assert quota is not None
    assert quota.volume_by_origin_t_per_y == {"CHN": 2, "AUS": 1}
    user, other = scenario.demands["user"], scenario.demands["other"]
    assert user.substitutes["thrift"].limit_share == {2026: 0.1, 2027: 0.2}
    assert user.elastic is not None
    assert user.source_bans["dfars"].places == ["rivals"]
    assert (other.substitutes, other.elastic, other.source_bans) == ({}, None, {})
    assert scenario.recycling["scrap"].available_t_per_y == {2026: 1, 2027: 2}
    assert scenario.hazards["ban"].availability_share == {0: 0.5, 0.4: 0.5}
    assert scenario.hazards["ban"].duration_years == Triangle(low=0.5, mode=1, high=2)
    assert {limit.kind for limit in scenario.limits.values()} == {"survival", "concentration_cap"}


@pytest.mark.parametrize(
    ("table", "before", "after", "path", "line"),
    [
        ("demands_csv", "0.2,1,10", "1.2,1,10", "demands.user.substitutes.thrift.limit_share.2027", 2),
        ("demands_csv", "0.5,rivals", "0.5,rivls", "demands.user.source_bans.dfars.places", 2),
        ("demands_csv", "10,0.5,", "10,,", "demands.user.elastic.elasticity", 2),
        ("demands_csv", "thrift.limit_share", "thrift.limits_share", "demands", 1),
        ("facilities.more_csv", "0.2,3,100", "-1,3,100", "facilities.mine.growth.share_per_y", 2),
        ("facilities.more_csv", ",CHN\n", ",CHM\n", "facilities.ship.mined_in", 3),
        ("hazards_csv", "0.5,1,2", "3,1,2", "hazards.ban.duration_years", 2),
        ("hazards_csv", "0.5,1,2", ",1,2", "hazards.ban.duration_years.low", 2),
        ("hazards_csv", "0.4=0.5", "0.4=0.6", "hazards.ban.availability_share", 2),
        ("recycling_csv", "2027=2", "2027=-2", "recycling.scrap.available_t_per_y.2027", 2),
        ("tariffs_csv", "AUS=1", "AUX=1", "tariffs.duty.quota.volume_by_origin_t_per_y.AUX", 2),
        ("places_csv", "2026-07-01,", "2026-07-01,2026", "places.AUS.memberships.partners.until", 3),
        ("limits_csv", "survival,2027", "survival,2026", "limits.loss.onset", 2),
    ],
)
def test_what_is_wrong_below_a_cell_is_said_with_its_row(
    tmp_path: Path, table: str, before: str, after: str, path: str, line: int
) -> None:
    file = table.replace("_csv", ".csv")
    assert before in NEW_TABLES[file]

    found = the_problem_of(new_tables(tmp_path / "f", **{table: NEW_TABLES[file].replace(before, after)}))

    assert (found.path, found.line) == (path, line)
    assert str(found.file).endswith(file)


# The schema


def test_the_json_schema_describes_every_field_of_a_scenario() -> None:
    schema = scenario_json_schema()

    assert set(schema["properties"]) == set(Scenario.model_fields)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "kUSD" in json.dumps(schema)


# Signs that are no text


@pytest.mark.parametrize("char", ["\0", "\x07", "\x1b", "\x7f", "\x85"])
def test_control_characters_in_texts_and_names_are_refused_with_their_place(char: str) -> None:
    data = tiny()
    change(data, "title", f"a{char}b")
    change(data, f"places/X{char}", {"note": f"c{char}"})

    found = [problem for problem in problems_of(data) if problem.code == "control_character"]

    assert [problem.path for problem in found] == [
        join_path(["places", f"X{char}"]),
        join_path(["places", f"X{char}", "note"]),
        "title",
    ]
    assert f"U+{ord(char):04X}" in found[0].message


def test_line_breaks_and_tabs_may_stand_in_texts() -> None:
    text = "one\n\ttwo\r\nthree"

    assert scenarios.load(change(tiny(), "description", text)).description == text


def test_an_unknown_name_says_whether_files_were_looked_for_too() -> None:
    with pytest.raises(InvalidInput) as asked:
        find_shipped("golden-tyo")
    found = the_problem_of("golden-tyo")

    assert asked.value.problems[0].message == "no scenario of this name is shipped."
    assert found.message == "no shipped scenario, file or folder has this name."
    assert "`golden-toy`" in str(found.remedy)
    assert found.remedy == asked.value.problems[0].remedy


# Too much


def with_bad_demands(count: int) -> dict[str, Any]:
    return change(tiny(), "demands", {f"d{number}": {"x": 1} for number in range(count)})


def test_nine_hundred_problems_are_all_said() -> None:
    found = problems_of(with_bad_demands(180))

    assert len(found) == 900
    assert "more_problems" not in {problem.code for problem in found}


def test_beyond_a_thousand_problems_the_last_one_says_how_many_more_there_are() -> None:
    *said, last = problems_of(with_bad_demands(5_000))

    assert len(said) == 1_000
    assert (last.code, last.message) == ("more_problems", "24,000 more problems were found.")


def test_of_unknown_names_too_at_most_a_thousand_are_said() -> None:
    data = tiny()
    demand = {**data["demands"]["user"], "commodity": "mettal"}
    *said, last = problems_of(change(data, "demands", {f"d{number}": demand for number in range(1_500)}))

    assert {problem.code for problem in said} == {"unknown_commodity"}
    assert (len(said), last.code) == (1_000, "more_problems")
    assert last.message == "500 more problems were found."


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("demands", {f"d{number}": {} for number in range(200_001)}, "scenario"),
        (
            "demands/user/quantity_t_per_y",
            {str(year): 1 for year in range(1, 10_000)},
            "demands.user.quantity_t_per_y",
        ),
        (
            "demands/user/quantity_t_per_y",
            ";".join(f"{year}=1" for year in range(20_000)),
            "demands.user.quantity_t_per_y",
        ),
        ("commodities/metal/hts", [1] * 10_000, "commodities.metal.hts"),
        ("demands/user/title", "x" * 100_001, "demands.user.title"),
    ],
)
def test_more_of_anything_than_anyone_writes_is_one_problem(path: str, value: Any, where: str) -> None:
    found = the_problem_of(change(tiny(), path, value))

    assert (found.code, found.path) == ("too_many", where)
    assert "at most" in str(found.allowed)
