"""Hazards of the United States scenario: built as said, sourced, as frequent as recorded; what is drawn from them."""

from collections import Counter
from fnmatch import fnmatchcase

import pytest
from solved import shipped

from lodeplan import scenarios
from lodeplan.optimizer.expand import Expansion, expand
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.optimizer.prepare.tree import build_tree
from lodeplan.optimizer.solver import standard_form
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas import Scenario
from lodeplan.schemas.patterns import matches
from tools import hazards_page
from tools.us_2026_build.fact_tables import HazardFacts, read_hazard_facts
from tools.us_2026_build.hazards import YEARS_OF_RECORD, comparisons, hazard_rows, rate, stability_class
from tools.us_2026_build.vintage import PLAN
from tools.us_2026_build.write import all_files

NUMBERS = ("yearly_rate", "availability_share", "duration_years", "recovery_years", "bloc_correlation")


@pytest.fixture(scope="module")
def facts() -> HazardFacts:
    return read_hazard_facts()


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return shipped("us-2026")


@pytest.fixture(scope="module")
def deep() -> Expansion:
    return expand(shipped("us-2026-deep"))


def test_building_hazards_again_changes_nothing() -> None:
    files = all_files()
    for name in ("hazards.csv", "provenance.hazards.csv"):
        assert files[PLAN.folder / name] == (PLAN.folder / name).read_text(encoding="utf-8"), name


def test_the_page_is_what_its_script_writes() -> None:
    assert hazards_page.written() == hazards_page.PAGE.read_text(encoding="utf-8"), "run `python -m tools.hazards_page`"


def test_every_number_of_a_hazard_has_a_source_and_a_range(scenario: Scenario) -> None:
    rows = [row for row in scenario.provenance if row.table == "hazards"]
    without = [
        f"{name} {field}"
        for name, hazard in scenario.hazards.items()
        for field in NUMBERS
        if field in hazard.model_fields_set
        and not any(
            fnmatchcase(name, row.name)
            and fnmatchcase(field, row.field)
            and row.low is not None
            and row.high is not None
            for row in rows
        )
    ]
    assert without == []


def test_a_rate_lies_within_its_range(scenario: Scenario) -> None:
    ranges = {row.name: row for row in scenario.provenance if (row.table, row.field) == ("hazards", "yearly_rate")}
    for name, hazard in scenario.hazards.items():
        low, high = ranges[name].low, ranges[name].high
        assert low is not None
        assert high is not None
        assert low < hazard.yearly_rate < high, name


def test_less_stable_classes_are_interrupted_more_often(facts: HazardFacts) -> None:
    by_stability = sorted(facts.classes, key=lambda row: -row.stability_from)
    for rates in ([row.exports_per_y for row in by_stability], [row.output_per_y for row in by_stability]):
        assert rates == sorted(rates)
    assert stability_class(facts, "CAN").name == "stable"
    assert stability_class(facts, "CHN").name == "unstable"


def test_a_rate_is_that_of_the_class_times_the_multiple(facts: HazardFacts) -> None:
    hazards = {hazard.name: hazard for hazard in facts.hazards}
    # China is of the unstable class: exports 0.015 a year, times 4. Chile is fair: output 0.025 a year, times 2.
    assert rate(facts, hazards["China stops rare earths and magnets"]).per_y == pytest.approx(0.06)
    assert rate(facts, hazards["Chilean copper accident or strike"]).per_y == pytest.approx(0.05)


def test_what_was_recorded_lies_within_the_range_of_what_was_to_be_expected(facts: HazardFacts) -> None:
    for found in comparisons(facts):
        recorded = len(found.recorded)
        assert found.expected.low_per_y <= recorded <= found.expected.high_per_y, found.group
        least, most = hazards_page.means_that_fit(recorded)
        assert least <= found.expected.per_y <= most, found.group


def test_every_event_of_the_record_counts_once_or_says_why_not(facts: HazardFacts) -> None:
    counted = Counter(event for found in comparisons(facts) for event in found.recorded)
    assert set(counted.values()) == {1}
    others = [event for event in facts.record if event.event not in counted]
    assert all("ot counted" in event.what or "fter the years counted" in event.what for event in others)
    assert {event.hazard for event in facts.record if event.hazard} <= {hazard.name for hazard in facts.hazards}
    assert all(int(event.onset[:4]) in YEARS_OF_RECORD for event in facts.record if event.event in counted)


def test_shares_left_by_controls_are_counts_of_cases() -> None:
    # Nothing left in five of eleven cases, a quarter in three, half in three; to two digits, and adding to 1.
    left = read_hazard_facts().severity["control"].availability_share
    assert left == f"0={1 - 2 * round(3 / 11, 2):g}; 0.25={3 / 11:.2f}; 0.5={3 / 11:.2f}"


def test_every_hazard_meets_supply_in_all_that_it_names(scenario: Scenario, facts: HazardFacts) -> None:
    selections = Selections(scenario)
    made = {**scenario.facilities, **scenario.projects}.values()
    supplied = [
        (commodity, place) for plant in made for commodity in plant.outputs for place in selections.parts(plant.place)
    ]
    idle = []
    for name, hazard in scenario.hazards.items():
        named = selections.named_places(hazard.places)
        met = [
            (commodity, place)
            for commodity, place in supplied
            if place in named and matches(commodity, hazard.commodities)
        ]
        idle += [(name, pattern) for pattern in hazard.commodities if not any(matches(c, [pattern]) for c, _ in met)]
        idle += [
            (name, place)
            for place in hazard.places
            if not selections.named_places([place]) & {place for _, place in met}
        ]
    assert idle == []
    assert set(scenario.hazards) == {row["name"] for row in hazard_rows(facts)}


def test_hazards_change_nothing_where_nothing_is_drawn(scenario: Scenario) -> None:
    assert scenario.hazards
    assert expand(scenario).scenario is scenario


@pytest.mark.slow
def test_lite_stays_small_and_hazards_add_nothing_to_it() -> None:
    with_hazards = scenarios.load("us-2026-lite")
    without = scenarios.load("us-2026-lite", [{"op": "remove", "path": "hazards"}])
    nonzeros = []
    for part in (with_hazards, without):
        instance = prepare(part)
        nonzeros.append(standard_form(build_model(instance), instance).nonzeros)
    assert nonzeros[0] == nonzeros[1] <= 250_000


def test_deep_has_all_minerals_and_keeps_every_future_it_draws(scenario: Scenario, deep: Expansion) -> None:
    assert deep.sampling is not None
    assert set(deep.scenario.commodities) == set(scenario.commodities)
    assert deep.sampling.futures == deep.sampling.draws == len(deep.scenario.futures)
    assert deep.sampling.distance_y == 0
    assert not set(scenario.futures) & set(deep.scenario.futures)


def test_the_tree_of_deep_is_as_large_as_its_description_says(deep: Expansion) -> None:
    nodes = len(build_tree(deep.scenario, Calendar.of(deep.scenario.horizon)))
    assert f" {len(deep.scenario.futures)} futures" in deep.scenario.description
    assert f" {nodes} nodes" in deep.scenario.description


def test_the_defense_stockpile_opens_in_drawn_futures(deep: Expansion) -> None:
    reserves = [pile for pile in deep.scenario.stockpiles.values() if pile.kind == "strategic"]
    assert reserves
    assert all(matches(event, pile.release_events) for pile in reserves for event in deep.scenario.events)


def test_fewer_futures_than_draws_would_make_the_plan_careless() -> None:
    # What the page on hazards says of 200 draws reduced to 40.
    few = [
        {"op": "set", "path": f"sampling.{field}", "value": value} for field, value in (("futures", 40), ("draws", 200))
    ]
    found = expand(scenarios.load("us-2026-deep", few))
    assert found.sampling is not None
    lost = found.sampling.lost_share.values()
    assert sum(share.kept for share in lost) < 0.4 * sum(share.drawn for share in lost)
    assert max(future.probability or 0 for future in found.scenario.futures.values()) > 0.75
