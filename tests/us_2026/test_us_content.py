"""Where material of the United States scenarios was mined and refined, and the rule for defence that asks for it."""

import csv
from pathlib import Path

import pytest
from solved import shipped

from lodeplan import optimizer, scenarios
from lodeplan.optimizer.plan import Plan
from lodeplan.schemas import Scenario
from lodeplan.schemas.scenario import Facility
from tools.us_2026_build.fact_tables import Content, read_facts
from tools.us_2026_build.vintage import BASE, PLAN

TOLD = ("mined_in", "refined_in")


@pytest.fixture(scope="module")
def content() -> dict[tuple[str, str], Content]:
    return read_facts().content


@pytest.fixture(scope="module", params=[PLAN, BASE], ids=["plan", "base"])
def folder(request: pytest.FixtureRequest) -> Path:
    return request.param.folder  # type: ignore[no-any-return]


def offers(scenario: Scenario) -> dict[tuple[str, str], Facility]:
    """Offers abroad by commodity and place."""
    return {
        (next(iter(facility.outputs)), facility.place): facility
        for facility in scenario.facilities.values()
        if facility.place != scenario.home
    }


def test_the_tables_hold_what_the_facts_say_and_nothing_else(
    folder: Path, content: dict[tuple[str, str], Content]
) -> None:
    found = {
        key: (offer.mined_in or "", offer.refined_in or "")
        for key, offer in offers(scenarios.load(folder)).items()
        if offer.mined_in or offer.refined_in
    }
    assert found == {key: (row.mined_in, row.refined_in) for key, row in content.items()}


def test_every_fact_names_another_country_and_a_source(content: dict[tuple[str, str], Content]) -> None:
    countries = read_facts().countries
    for key, row in content.items():
        places = {row.mined_in, row.refined_in} - {""}
        assert places, key
        assert row.place not in places, key
        assert {row.place, *places} <= set(countries), key
        assert len(row.source) > 30, key
        assert (row.kind == "assumed") == ("Assumed" in row.source), f"{key}: what is judged says so"


def test_every_origin_of_material_has_its_row_of_provenance(
    folder: Path, content: dict[tuple[str, str], Content]
) -> None:
    with (folder / "provenance.supply.csv").open(encoding="utf-8", newline="") as stream:
        rows = {(row["name"], row["field"]): row for row in csv.DictReader(stream) if row["field"] in TOLD}
    expected = {
        (f"{row.commodity} {row.place}", field): row.kind
        for row in content.values()
        for field in TOLD
        if getattr(row, field)
    }
    assert {key: row["kind"] for key, row in rows.items()} == expected
    assert all(row["source"] and row["year"] for row in rows.values())


def test_what_came_through_a_covered_nation_is_known_as_such() -> None:
    scenario = shipped("us-2026")
    covered = {name for name, place in scenario.places.items() if "covered_nations" in place.groups}
    through = {
        key
        for key, offer in offers(scenario).items()
        if offer.place not in covered and {offer.mined_in, offer.refined_in} & covered
    }
    assert {("ndfeb/magnet", place) for place in ("JPN", "PHL", "DEU")} <= through
    assert {("gallium/metal", "JPN"), ("germanium/metal", "DEU"), ("graphite/anode", "KOR")} <= through
    assert {("yttrium/oxide", place) for place in ("DEU", "AUT", "KOR")} <= through
    assert {("ndpr/oxide", "EST"), ("beryllium/metal", "KAZ")} <= through
    assert not {("ndpr/oxide", "MYS"), ("nickel/refined", "NOR"), ("gallium/metal", "CAN")} & through


PART = [
    {"op": "keep", "path": "mineral_groups", "value": ["rare_earths", "gallium"]},
    {"op": "keep", "path": "futures", "value": ["as_planned", "china_full_stop"]},
]
"""Magnets and gallium, where nearly everything comes through China, on the base path and when China sells nothing."""


@pytest.fixture(scope="module")
def clean() -> Plan:
    return optimizer.solve("us-2026-clean-military", PART, gap=1e-3)


@pytest.mark.slow
def test_defence_gets_nothing_that_was_in_a_covered_nation(clean: Plan) -> None:
    served = clean.tables["serve"].merge(clean.tables["nodes"][["node", "period"]], on="node")
    served = served[served["demand"].str.endswith(" military") & (served["served_t_per_y"] > 1e-6)]
    from_2027 = served[served["period"] >= 2027]
    assert set(from_2027["option"]) == {"itself/clean"}
    assert {"ndfeb/magnet military", "gallium/metal military"} <= set(from_2027["demand"])
    short = clean.tables["shortage"]
    assert short[short["demand"].str.endswith(" military")].empty


@pytest.mark.slow
def test_magnets_of_allies_do_not_count_so_home_makes_clean_ones(clean: Plan) -> None:
    shipped = clean.tables["ship"]
    from_allies = shipped[shipped["route"].isin([f"ndfeb/magnet {place}" for place in ("JPN", "PHL", "DEU")])]
    assert set(from_allies["band"].str.partition("/")[2]) == {"covered_nations"}
    others = shipped[(shipped["route"] == "ndfeb/magnet others") & (shipped["node"] == "2027")]
    activity = clean.tables["activity"]
    at_home = activity[(activity["node"] == "2027") & (activity["mode"] == "clean")].set_index("facility")
    scenario = scenarios.load("us-2026-clean-military", PART)
    wanted = scenario.demands["ndfeb/magnet military"].quantity_t_per_y
    assert isinstance(wanted, dict)
    made = at_home.loc["magnet plants USA", "run_t_per_y"] + others["ship_t_per_y"].sum()
    assert made >= wanted[2027] * (1 - 1e-6)
    assert at_home.loc["magnet plants USA", "run_t_per_y"] > 100


@pytest.mark.slow
def test_there_is_enough_clean_material_so_the_rule_costs_next_to_nothing(clean: Plan) -> None:
    free = optimizer.solve(
        "us-2026-clean-military",
        [*PART, {"op": "set", "path": "demands.'* military'.source_bans", "value": {}}],
        gap=1e-3,
    )
    assert "activity" not in free.tables or free.tables["activity"].empty
    assert clean.summary.objective_kusd == pytest.approx(free.summary.objective_kusd, rel=2e-3)
