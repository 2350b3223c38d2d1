"""Risk of the United States scenario: hazards by class and cause, their check against the record, the library."""

import csv
from pathlib import Path

import pytest

import optimizer
import scenarios
from optimizer.expand import expand
from scenarios.counts import counts
from scenarios.us_2026.build.hazards import (
    FOLDER,
    YEARS_OF_RECORD,
    Facts,
    Supply,
    all_files,
    expected_interruptions,
    hazard_rows,
    read,
    read_facts,
)
from schemas import Scenario

LIBRARY = sorted((FOLDER.parent / "library").glob("*.yaml"))
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "hazards.md"


@pytest.fixture(scope="module")
def facts() -> Facts:
    return read_facts()


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return scenarios.load(FOLDER)


def test_building_hazards_again_changes_nothing() -> None:
    changed = [path.name for path, content in all_files().items() if path.read_text(encoding="utf-8") != content]
    assert changed == [], "run `python -m scenarios.us_2026.build.hazards`"


def test_a_country_is_in_the_class_its_stability_says(facts: Facts) -> None:
    # Estimates of 2023: Canada 0.822, Chile 0.136, Brazil -0.409, China -0.513.
    classes = {country: facts.class_of(country)["class"] for country in ("CAN", "CHL", "BRA", "CHN")}
    assert classes == {"CAN": "stable", "CHL": "fair", "BRA": "shaky", "CHN": "unstable"}


def test_a_rate_is_that_of_the_class_times_the_multiple(facts: Facts) -> None:
    # Indonesia is shaky: exports 0.01 a year, times 4 as it has stopped a mineral.
    hazard = next(row for row in facts.hazards if row["name"] == "Indonesia stops metals")
    rate = facts.rate(hazard)
    assert (rate.low, rate.mode, rate.high) == pytest.approx((0.012, 0.04, 0.12))


def test_rates_rise_from_class_to_class_and_lie_in_their_ranges(facts: Facts) -> None:
    for changes in ("exports", "output"):
        rates = [float(row[f"{changes}_per_y"]) for row in facts.classes]
        assert rates == sorted(rates)
        for row in facts.classes:
            assert float(row[f"{changes}_low"]) < float(row[f"{changes}_per_y"]) < float(row[f"{changes}_high"])


def test_a_hazard_keeps_what_means_something_and_goes_if_it_meets_nothing(facts: Facts) -> None:
    supply = Supply(
        groups={"CHN": {"CHN", "others"}, "BRA": {"BRA"}},
        commodities={"yttrium/oxide", "niobium/ferro"},
        shipped={"CHN": set(), "others": {"yttrium/oxide"}, "BRA": {"niobium/ferro"}},
        made={"CHN": set(), "others": {"yttrium/oxide"}, "BRA": set()},
    )
    rows = {row["name"]: row for row in hazard_rows(facts, supply)}
    # China sells yttrium within a region; all its exports are hit too. No niobium is made in Brazil here.
    assert set(rows) == {"China stops rare earths and magnets", "China stops all minerals"}
    assert rows["China stops rare earths and magnets"]["commodities"] == "yttrium/*"


def test_expected_interruptions_stand_in_their_ranges_around_the_record(facts: Facts) -> None:
    found = expected_interruptions(facts)
    assert len(found) == 4
    for group, (expected, seen) in found.items():
        assert expected.low < seen < expected.high, group


def test_the_page_gives_the_expected_interruptions(facts: Facts) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for group, (expected, seen) in expected_interruptions(facts).items():
        assert f"| {group} | {expected.mode:.1f} ({expected.low:.1f} to {expected.high:.1f}) | {seen} |" in page


def test_each_event_of_the_record_counts_for_a_hazard_or_says_why_not(facts: Facts) -> None:
    names = {row["name"] for row in facts.hazards}
    for event in facts.record:
        assert event["source"] and event["what"], event["event"]
        assert event["hazard"] in names or "ot counted" in event["what"], event["event"]
        if int(event["onset"][:4]) not in YEARS_OF_RECORD:
            assert "After the years counted" in event["what"], event["event"]


def test_every_event_a_severity_cites_is_in_the_record(facts: Facts) -> None:
    known = {event["event"] for event in facts.record}
    for cause in facts.causes.values():
        cited = {word.strip("(),.;:") for word in cause["reasoning"].split() if word.strip("(),.;:")[-5:-4] == "_"}
        assert cited <= known, cause["cause"]


def test_every_number_of_hazards_has_a_source_and_every_assumed_rate_a_range(scenario: Scenario) -> None:
    assert counts(scenario)["numbers_unsourced"] == 0
    rows = [row for row in read(FOLDER / "provenance.hazards.csv") if row["kind"] == "assumed"]
    assert [row["name"] for row in rows if not (row["low"] and row["high"])] == []
    rated = {row["name"] for row in rows if row["field"] == "yearly_rate"}
    assert rated == set(scenario.hazards)


def test_hazards_without_sampling_do_not_change_a_plan() -> None:
    few = [{"op": "keep", "path": "mineral_groups", "value": ["gallium", "germanium"]}]
    none = [*few, {"op": "set", "path": "hazards", "value": {}}]
    with_hazards, without = (optimizer.solve(FOLDER, patches) for patches in (few, none))
    assert with_hazards.objective_kusd == without.objective_kusd


def test_futures_can_be_drawn_from_the_hazards_of_a_few_minerals() -> None:
    patches = [
        {"op": "keep", "path": "mineral_groups", "value": ["gallium", "germanium"]},
        {"op": "set", "path": "futures", "value": {}},
        {"op": "set", "path": "sampling", "value": {"futures": 20, "draws": 500, "seed": 1}},
    ]
    found = expand(scenarios.load(FOLDER, patches)).scenario
    assert len(found.futures) == 20
    assert sum(future.probability or 0 for future in found.futures.values()) == pytest.approx(1)
    assert any(name.startswith("China stops gallium") for name in found.futures)


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: path.stem)
def test_every_scenario_of_the_library_loads_and_says_what_it_is(path: Path) -> None:
    found = scenarios.load(path)
    assert found.name == path.stem
    assert len(found.description) > 60
    assert found.content_hash() != scenarios.load(FOLDER).content_hash()


def test_tables_of_facts_have_no_stray_cells() -> None:
    for path in sorted((FOLDER / "facts").glob("hazards*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            widths = {len(row) for row in csv.reader(file)}
        assert len(widths) == 1, path.name
