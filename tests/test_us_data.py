"""The United States scenarios: built as said, closed in the base year, sourced number by number."""

import csv
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import optimizer
import scenarios
from scenarios.us_2026.build.duty import DutyBook
from scenarios.us_2026.build.facts import BASE_YEAR, Facts, read_facts
from scenarios.us_2026.build.home import balances, plants
from scenarios.us_2026.build.market import Market, market
from scenarios.us_2026.build.vintage import BASE, PLAN
from scenarios.us_2026.build.write import all_files, read_measures
from schemas import Scenario
from schemas.scenario import Facility, TariffMeasure

FOLDERS = {"plan": PLAN.folder, "base": BASE.folder}
SUPPLY_TABLES = ("commodities", "places", "facilities", "routes", "demands")


@pytest.fixture(scope="module")
def facts() -> Facts:
    return read_facts()


@pytest.fixture(scope="module")
def base_market(facts: Facts) -> Market:
    return market(facts, BASE, DutyBook(read_measures(), facts))


@pytest.fixture(scope="module", params=FOLDERS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return scenarios.load(FOLDERS[request.param])


@pytest.fixture(scope="module")
def base() -> Scenario:
    return scenarios.load(BASE.folder)


def first(value: float | dict[int, float] | None) -> float:
    """A number, or the first of numbers by year."""
    assert value is not None
    return value if isinstance(value, int | float) else value[min(value)]


def smallest(value: float | dict[int, float]) -> float:
    return value if isinstance(value, int | float) else min(value.values())


def largest(value: float | dict[int, float]) -> float:
    return value if isinstance(value, int | float) else max(value.values())


def base_activity(facility: Facility) -> float:
    """What a facility did in the base year, t/y: its observed volume, or all of its capacity."""
    return facility.supply_curve.observed_t_per_y if facility.supply_curve else first(facility.capacity_t_per_y)


def test_building_again_changes_nothing() -> None:
    changed = [path.name for path, content in all_files().items() if path.read_text(encoding="utf-8") != content]
    assert changed == [], "run `python -m scenarios.us_2026.build`"


def test_every_number_has_a_source() -> None:
    for folder in FOLDERS.values():
        rows = [row for path in sorted(folder.glob("provenance*.csv")) for row in read(path)]
        patterns: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in rows:
            patterns[row["table"]].append((row["name"] or "*", row["field"] or "*"))
        missing = [
            f"{folder.name} {table} {entry['name']} {field}"
            for table in SUPPLY_TABLES
            for entry in read(folder / f"{table}.csv")
            for field, cell in entry.items()
            if holds_number(field, cell)
            if not any(fnmatchcase(entry["name"], name) and fnmatchcase(field, at) for name, at in patterns[table])
        ]
        assert missing == []


def test_every_assumed_number_has_a_range() -> None:
    for folder in FOLDERS.values():
        without = [
            f"{row['table']} {row['name']} {row['field']}"
            for row in read(folder / "provenance.supply.csv")
            if row["kind"] == "assumed" and not (row["low"] and row["high"])
            if row["field"] not in ("mined_in", "refined_in")
        ]
        assert without == []


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def holds_number(field: str, cell: str) -> bool:
    text_fields = ("name", "title", "note", "hts", "stage", "mineral_group", "place", "groups", "commodity", "origin")
    return bool(cell) and field not in (*text_fields, "destination", "tier", "disposable")


def test_home_balances_of_the_base_year_close(base: Scenario) -> None:
    left: dict[str, float] = defaultdict(float)
    supply: dict[str, float] = defaultdict(float)
    for facility in base.facilities.values():
        activity = base_activity(facility)
        for commodity, amount in facility.outputs.items():
            supply[commodity] += amount * activity
        for commodity, amount in facility.inputs.items():
            left[commodity] -= amount * activity
    for demand in base.demands.values():
        left[demand.commodity] -= first(demand.quantity_t_per_y)
    gaps = {commodity: (supply[commodity] + left[commodity]) / supply[commodity] for commodity in base.commodities}
    assert {commodity: gap for commodity, gap in gaps.items() if abs(gap) > 2e-4} == {}


def test_use_of_the_base_year_agrees_with_published_consumption(facts: Facts, base_market: Market) -> None:
    # Published consumption also counts changes of stock; copper's and lithium's bases differ or are withheld.
    found = balances(facts, plants(base_market))
    off = {}
    for commodity in facts.materials:
        published = facts.flow_t(commodity, "check")
        if published:
            balance = found[commodity]
            ours = balance.imports + balance.output - balance.exports
            if facts.materials[commodity].final_use == "exports":
                ours = balance.use
            off[commodity] = ours / published - 1
    assert len(off) >= 8
    assert {commodity: round(gap, 3) for commodity, gap in off.items() if abs(gap) > 0.05} == {}


def test_net_import_reliance_agrees_with_what_is_published(facts: Facts, base_market: Market) -> None:
    found = balances(facts, plants(base_market))
    off = {
        row.commodity: (reliance, row.share)
        for row in facts.reliance
        if (reliance := found[row.commodity].net_import_reliance) < row.share - 0.03
        or (row.bound == "equal" and reliance > row.share + 0.03)
    }
    assert off == {}


def test_calibration_brings_every_source_to_the_landed_price_and_moves_no_money(base_market: Market) -> None:
    total: dict[str, float] = defaultdict(float)
    spend: dict[str, float] = defaultdict(float)
    for source in base_market.sources:
        term, landed = base_market.calibration_kusd_per_t(source), base_market.landed_kusd_per_t(source)
        assert landed + term == pytest.approx(base_market.price_kusd_per_t(source.commodity), rel=1e-4)
        total[source.commodity] += term * source.observed_t_per_y
        spend[source.commodity] += landed * source.observed_t_per_y
    for commodity, amount in total.items():
        assert abs(amount) < 1e-4 * spend[commodity]


def test_prices_are_positive(scenario: Scenario) -> None:
    for facility in scenario.facilities.values():
        assert smallest(facility.cost_kusd_per_t) > 0
    for route in scenario.routes.values():
        assert route.customs_value_kusd_per_t is not None
        assert smallest(route.customs_value_kusd_per_t) > 0


def test_every_source_can_sell_what_it_sold_and_leads_home(scenario: Scenario) -> None:
    for name, facility in scenario.facilities.items():
        if facility.supply_curve and facility.supply_curve.observed_t_per_y > 0:
            home_capacity = first(facility.capacity_t_per_y) * facility.home_share
            assert home_capacity >= facility.supply_curve.observed_t_per_y * 0.999, name
        if facility.place != scenario.home:
            commodity = next(iter(facility.outputs))
            assert any(r.commodity == commodity and r.origin == facility.place for r in scenario.routes.values()), name


def test_capacity_covers_demand_in_every_year_without_new_projects(scenario: Scenario) -> None:
    supply: dict[str, float] = defaultdict(float)
    for facility in scenario.facilities.values():
        for commodity, amount in facility.outputs.items():
            supply[commodity] += amount * largest(facility.capacity_t_per_y or 0.0) * facility.home_share
    wanted: dict[str, float] = defaultdict(float)
    for demand in scenario.demands.values():
        wanted[demand.commodity] += largest(demand.quantity_t_per_y)
    assert {c: amount / supply[c] for c, amount in wanted.items() if amount > supply[c]} == {}


def test_a_commodity_has_at_most_four_named_sources_and_others(base: Scenario) -> None:
    by_commodity: dict[str, list[str]] = defaultdict(list)
    for route in base.routes.values():
        by_commodity[route.commodity].append(route.origin)
    for origins in by_commodity.values():
        assert len([origin for origin in origins if not origin.endswith(" others")]) <= 4
        assert len(origins) <= 5


def test_withheld_figures_are_not_read_as_zero(facts: Facts) -> None:
    published = [row for row in facts.quantities.values() if row.kind == "published"]
    zero = {row.key for row in published if row.value_t == 0 and row.year == BASE_YEAR}
    assert zero == set()
    assert ("tungsten.secondary", 2024) in facts.quantities
    assert facts.quantities["tungsten.secondary", 2024].kind == "assumed"


def test_the_calibrated_base_year_comes_out_as_observed(base: Scenario) -> None:
    plan = optimizer.solve(base)
    assert plan.summary.solution == "optimal"
    run = plan.tables["run"].groupby("facility")["run_t_per_y"].sum()
    off = {
        name: run.get(name, 0.0) / base_activity(facility) - 1
        for name, facility in base.facilities.items()
        if abs(run.get(name, 0.0) / base_activity(facility) - 1) > 1e-3
    }
    assert off == {}
    short = plan.tables["shortage"].set_index("demand")["shortage_t_per_y"]
    wanted = {name: first(demand.quantity_t_per_y) for name, demand in base.demands.items()}
    assert {name: amount for name, amount in short.items() if amount > 1e-4 * wanted[str(name)]} == {}


def test_a_duty_moves_imports_away_from_the_source_that_pays_it(base: Scenario) -> None:
    measure = TariffMeasure(programme="further", origins=["CHN"], commodities=["ndfeb/magnet"], rate_share=0.25)
    dutied = base.model_copy(update={"tariffs": {**base.tariffs, "further": measure}})
    before, after = (shipped(scenario, "ndfeb/magnet CHN") for scenario in (base, dutied))
    assert 0 < after < 0.95 * before


def shipped(scenario: Scenario, route: str) -> float:
    ship = optimizer.solve(scenario).tables["ship"]
    return float(ship.loc[ship["route"] == route, "ship_t_per_y"].sum())


def test_the_build_and_the_optimizer_agree_on_the_duties_of_the_base_year(base: Scenario, base_market: Market) -> None:
    duties = optimizer.solve(base).tables["duties"].groupby("route")["duty_kusd_per_t"].sum()
    for source in base_market.sources:
        assert duties.get(source.name, 0.0) == pytest.approx(
            base_market.duty_kusd_per_t[source.name], rel=1e-9, abs=1e-12
        )
