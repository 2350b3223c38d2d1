"""The pages on validation and coverage: as their tools write them, with a reason for each large difference."""

from __future__ import annotations

import csv
import re

import pytest
from solved import shipped

from lodeplan.schemas import Scenario
from tools import coverage, validation
from tools.held_out import BY_PARTNER, Forecast, as_of, forecasts, only, price, trade
from tools.observed import ALLOWED, Compared, Difference, Imports, Year, compared, solved, without_calibration, year_of
from tools.official import rate
from tools.pages import fact_rows
from tools.us_2026_build.duty import DutyBook
from tools.us_2026_build.fact_tables import BASE_YEAR, FOLDER, Facts, read_facts
from tools.us_2026_build.market import market
from tools.us_2026_build.vintage import BASE
from tools.us_2026_build.write import read_measures
from tools.validation_base import BY_HAND, check_notes, explained, explanations, prices, volumes

PAGE = validation.PAGE.read_text(encoding="utf-8")
MOST_SINGLE_FACTS = 5
"""Rows a source without confirmed terms may have in one table."""
OPEN = re.compile(
    r"USGS|US Geological Survey|CEPII|World Bank|USITC|EIA|Congressional|The White House|Federal Register"
)


@pytest.fixture(scope="module")
def facts() -> Facts:
    return read_facts()


@pytest.fixture(scope="module")
def base() -> Scenario:
    return shipped(validation.SCENARIO)


@pytest.fixture(scope="module")
def known(facts: Facts) -> coverage.Coverage:
    return coverage.Coverage(shipped(coverage.SCENARIO), facts)


@pytest.fixture(scope="module")
def rows(facts: Facts, base: Scenario) -> list[Compared]:
    with_term, without = (year_of(solved(s), str(BASE_YEAR)) for s in (base, without_calibration(base)))
    return compared(facts, base, with_term, without)


def test_the_page_on_coverage_is_what_its_script_writes() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "run `python -m tools.coverage`"


def test_every_mineral_of_the_list_is_there_and_every_commodity_belongs_to_one(facts: Facts) -> None:
    listed = coverage.minerals()
    assert len(listed) == 60
    assert set().union(*listed.values()) == facts.materials.keys()


def test_demand_sources_and_duty_are_known_of_every_mineral(known: coverage.Coverage) -> None:
    for mineral, names in coverage.minerals().items():
        for field in ("demand", "import sources", "prices", "tariff line", "tiers"):
            assert known.fields[field](names), f"{mineral}: {field}"


def test_no_number_counted_in_the_coverage_is_without_a_source(known: coverage.Coverage) -> None:
    without = [
        f"{mineral} {field}"
        for mineral, names in coverage.minerals().items()
        for field, kinds in known.fields.items()
        if "unsourced" in kinds(names)
    ]
    assert without == []


def test_every_difference_of_the_base_year_over_ten_points_has_a_note(rows: list[Compared]) -> None:
    check_notes((difference for row in rows for difference in row.differences()), explanations())


def test_a_difference_without_a_note_is_an_error() -> None:
    with pytest.raises(ValueError, match="unobtainium/metal price"):
        check_notes([Difference("unobtainium/metal", "price", 1.0, 2.0)], explanations())


def test_differences_are_found_in_either_direction_and_bounds_are_kept() -> None:
    fair = Compared(
        commodity="metal",
        consumption=(100.0, 100.0, 100.0),
        reliance=(0.5, 0.5, 0.5),
        bound="equal",
        largest="AUS",
        largest_share=(0.5, 0.5, 0.5),
        price=(1.0, 1.0, 1.0),
        world_output=(100.0, 100.0),
        world_total=None,
        moved_without=0.0,
    )
    more, less = 1 + 2 * ALLOWED, 1 - 2 * ALLOWED
    changes = [
        ({}, []),
        ({"consumption": (100.0, 100.0 * more, 100.0)}, ["consumption"]),
        ({"reliance": (0.5, 0.5 + 2 * ALLOWED, 0.5)}, ["reliance"]),
        ({"reliance": (0.5, 0.5 + 2 * ALLOWED, 0.5), "bound": "above"}, []),
        ({"reliance": (0.5, 0.5 - 2 * ALLOWED, 0.5), "bound": "above"}, ["reliance"]),
        ({"reliance": (0.5, 0.5 + 2 * ALLOWED, 0.5), "bound": "below"}, ["reliance"]),
        ({"largest_share": (0.5, 0.5 - 2 * ALLOWED, 0.5)}, ["share"]),
        ({"largest_share": (0.5, 0.5, 0.5 + 2 * ALLOWED)}, ["share without term"]),
        ({"price": (1.0, less, 1.0)}, ["price"]),
        ({"world_output": (100.0, 100.0 * more)}, ["world output"]),
    ]
    for change, expected in changes:
        changed = Compared(**{**vars(fair), **change})
        assert [difference.figure for difference in changed.differences()] == expected


def test_the_base_year_on_the_page_is_what_the_model_has(facts: Facts, rows: list[Compared]) -> None:
    base_market = market(facts, BASE, DutyBook(read_measures(), facts))
    differences = [difference for row in rows for difference in row.differences()]
    stale = "run `python -m tools.validation`"
    for text in (volumes(rows), prices(rows, base_market), explained(differences, explanations())):
        assert text in PAGE, stale


def test_ten_minerals_can_be_checked_by_hand(rows: list[Compared]) -> None:
    found = [row for row in rows if row.commodity in BY_HAND]
    assert len(found) == 10
    for row in found:
        assert row.reliance[0] is not None
        assert row.largest_share[0] is not None
        assert row.reliance[1] == pytest.approx(row.reliance[0], abs=0.03)
        assert row.largest_share[1] == pytest.approx(row.largest_share[0], abs=0.05)


def test_notes_are_about_commodities_that_exist(facts: Facts) -> None:
    assert {name for name, _ in explanations()} <= facts.materials.keys()


def test_an_error_of_a_forecast_is_the_trade_put_with_the_wrong_partner() -> None:
    actual = {"AUS": 0.6, "CHL": 0.4}
    assert Forecast("right", dict(actual)).error(actual) == (0.0, 0.0)
    assert Forecast("half", {"AUS": 0.5, "CHL": 0.5}).error(actual) == pytest.approx((0.1, 0.1))
    assert Forecast("wrong", {"AUS": 0.0, "CHL": 1.0}).error(actual) == pytest.approx((0.6, 0.6))


def test_the_year_held_out_is_not_in_the_calibration(facts: Facts) -> None:
    known = as_of(only(facts, ("lithium/chemical",)), ("lithium/chemical",), (2021, 2022, 2023))
    imports = [facts.quantities["lithium.imports", year].value_t for year in (2021, 2022, 2023)]
    assert known.quantities["lithium.imports", BASE_YEAR].value_t == pytest.approx(sum(imports) / 3)
    assert known.prices["lithium/chemical", BASE_YEAR].price_kusd_per_t == price("lithium/chemical", (2021, 2022, 2023))


def test_the_price_of_the_year_tested_is_that_of_the_base_year(facts: Facts) -> None:
    for name in BY_PARTNER:
        assert price(name, (BASE_YEAR,)) == pytest.approx(facts.prices[name, BASE_YEAR].price_kusd_per_t, rel=0.01)


def test_shares_of_trade_add_to_one_and_so_do_forecasts(facts: Facts) -> None:
    for name in BY_PARTNER:
        known = trade(name, (BASE_YEAR,))
        assert sum(known.share(country) for country in known.t) == pytest.approx(1)
    actual, found = forecasts(facts, "cobalt/refined")
    assert sum(actual.values()) == pytest.approx(1)
    for forecast in found:
        assert sum(forecast.shares.values()) == pytest.approx(1)


def test_the_page_names_every_commodity_forecast_and_section(facts: Facts) -> None:
    for name in (*facts.materials, *BY_PARTNER):
        assert f"| {name} |" in PAGE or f"**{name}**" in PAGE, name
    sections = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    assert len(sections) == 6, sections


def test_reliance_is_net_imports_over_what_is_used() -> None:
    year = Year(Imports({"metal": {"AUS": 80.0}}), {"metal": 40.0}, {"metal": 20.0}, needs={}, worth={})
    assert year.consumption("metal") == 100.0
    assert year.net_import_reliance("metal") == pytest.approx(0.6)


def test_a_hazard_of_its_own_makes_a_stop_more_likely_than_the_class_alone() -> None:
    assert rate("CHN", "gallium/metal") > rate("CHN", "phosphate/rock") > 0
    assert rate("AUS", "phosphate/rock") < rate("CHN", "phosphate/rock")


def test_official_results_have_a_source_and_a_year() -> None:
    for row in fact_rows("official_results.csv"):
        assert row["source"], row["key"]
        assert float(row["value"]) > 0
        assert int(row["year"]) >= 2023


def test_no_table_of_published_figures_comes_from_a_source_without_confirmed_terms() -> None:
    for path in sorted(FOLDER.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row.get("kind", "published") == "published"]
        publishers: dict[str, int] = {}
        for row in rows:
            source = row.get("source", "")
            if source and not OPEN.search(source):
                publisher = re.split(r"[,:;(]", source)[0].strip()
                publishers[publisher] = publishers.get(publisher, 0) + 1
        if path.name.startswith(("projects_unquantified", "not_modelled")):
            continue
        assert {name: n for name, n in publishers.items() if n > MOST_SINGLE_FACTS} == {}, path.name


@pytest.mark.slow(about_s=120)
def test_the_page_on_validation_is_what_its_script_writes() -> None:
    assert validation.page() == PAGE, "run `python -m tools.validation`"
