"""The United States scenarios: built as said, closed in the base year, sourced number by number."""

import csv
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from solved import shipped

from lodeplan import optimizer, scenarios
from lodeplan.scenarios.counts import counts
from lodeplan.schemas import Scenario
from lodeplan.schemas.scenario import Facility, Recycling, TariffMeasure
from tools.us_2026_build.duty import DutyBook
from tools.us_2026_build.fact_tables import BASE_YEAR, Facts, read_facts
from tools.us_2026_build.home import balances, plants
from tools.us_2026_build.market import Market, market
from tools.us_2026_build.vintage import BASE, PLAN
from tools.us_2026_build.write import all_files, read_measures

FOLDERS = {"plan": PLAN.folder, "base": BASE.folder}
SUPPLY_TABLES = ("commodities", "places", "facilities", "routes", "demands", "recycling")


@pytest.fixture(scope="module")
def facts() -> Facts:
    return read_facts()


@pytest.fixture(scope="module")
def base_market(facts: Facts) -> Market:
    return market(facts, BASE, DutyBook(read_measures(), facts))


@pytest.fixture(scope="module", params=FOLDERS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return shipped({"plan": "us-2026", "base": "us-base-2024"}[request.param])


@pytest.fixture(scope="module")
def base() -> Scenario:
    return shipped("us-base-2024")


def test_the_sixty_minerals_of_the_list_are_counted_each_by_itself(facts: Facts) -> None:
    scenario = shipped("us-2026")
    listed = {row.mineral for row in facts.minerals}
    assert len(listed) == 60
    assert {name for commodity in scenario.commodities.values() for name in commodity.minerals} == listed
    assert counts(scenario)["materials"] == 60
    assert len({commodity.mineral_group for commodity in scenario.commodities.values()}) == 48
    assert scenario.commodities["ndpr/oxide"].minerals == ["neodymium", "praseodymium"]


def test_a_commodity_that_names_no_mineral_counts_as_its_group() -> None:
    scenario = scenarios.load("golden-toy")
    assert scenario.commodities["metal/refined"].minerals == ["metal"]
    assert counts(scenario)["materials"] == 1


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
    assert changed == [], "run `python -m tools.us_2026_build`"


def test_every_number_has_a_source() -> None:
    for folder in FOLDERS.values():
        rows = [row for path in sorted(folder.glob("provenance*.csv")) for row in read(path)]
        patterns: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in rows:
            patterns[row["table"]].append((row["name"] or "*", row["field"] or "*"))
        missing = [
            f"{folder.name} {table} {entry['name']} {field}"
            for table in SUPPLY_TABLES
            if (folder / f"{table}.csv").is_file()
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
            if row["kind"] == "assumed" and row["field"] not in PLACES and not (row["low"] and row["high"])
        ]
        assert without == []


PLACES = ("mined_in", "refined_in")
"""What is no number has no range."""


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def holds_number(field: str, cell: str) -> bool:
    text_fields = (
        "name",
        "title",
        "note",
        "hts",
        "stage",
        "mineral_group",
        "mineral",
        "place",
        "groups",
        "commodity",
        "origin",
    )
    text_fields += ("destination", "tier", "disposable", "from_commodity")
    return bool(cell) and field not in text_fields and not field.endswith((".commodity", ".after_departure"))


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


def test_by_products_of_the_base_year_are_what_was_won(facts: Facts, base: Scenario) -> None:
    won = {
        (plant.name, commodity): facts.quantity_t(key)
        for plant in facts.plants
        for commodity, key in plant.by_products.items()
    }
    made = {
        (name, commodity): base.facilities[name].outputs[commodity] * base_activity(base.facilities[name])
        for name, commodity in won
    }
    assert made == pytest.approx(won, rel=1e-5)
    assert {commodity for _, commodity in won} == {
        "lanthanum/oxide",
        "cerium/oxide",
        "tellurium/metal",
        "rhenium/metal",
        "hafnium/metal",
        "platinum/metal",
    }


def test_a_by_product_falls_with_its_host(base: Scenario) -> None:
    hosts = {"copper refineries USA": 441_000.0, "zirconium plants USA": 1150.0}  # half of the base year's output
    halved = {
        name: base.facilities[name].model_copy(update={"capacity_t_per_y": capacity, "supply_curve": None})
        for name, capacity in hosts.items()
    }
    less = base.model_copy(update={"facilities": {**base.facilities, **halved}})
    before, after = (made_at_home(scenario) for scenario in (base, less))
    assert before["tellurium/metal"] == pytest.approx(20, rel=1e-5)
    assert after["tellurium/metal"] == pytest.approx(10, rel=1e-5)
    assert before["hafnium/metal"] == pytest.approx(25, rel=1e-5)
    assert after["hafnium/metal"] == pytest.approx(12.5, rel=1e-5)


def made_at_home(scenario: Scenario) -> dict[str, float]:
    supply = optimizer.solve(scenario).tables["supply"]
    home = supply[supply["source_kind"] == "home"]
    return {str(name): float(made) for name, made in home.groupby("commodity")["base_t_per_y"].sum().items()}


def test_recycling_gives_what_was_recovered_in_the_base_year_and_stands_in_for_its_plant(facts: Facts) -> None:
    plan, base = shipped("us-2026"), shipped("us-base-2024")
    plants = {plant.name: plant for plant in facts.plants}
    first_steps = {name: recycling for name, recycling in plan.recycling.items() if name in plants}
    assert first_steps.keys() == facts.recycling.keys()
    for name, recycling in first_steps.items():
        recovered = facts.quantity_t(plants[name].activity_key)
        assert recovered_at_first(recycling) == pytest.approx(recovered, rel=1e-4), name
        dearer, plant = plan.recycling[f"{name} dearer"], base.facilities[name]
        more = first(plant.capacity_t_per_y) - recovered
        assert recovered_at_first(dearer) == pytest.approx(more, rel=5e-3), name  # capacity has four digits
        assert first(dearer.cost_kusd_per_t) > first(recycling.cost_kusd_per_t)
        assert {*plan.facilities} & {name, f"{name} dearer"} == set(), "the same metal twice"
    assert base.recycling == {}


def recovered_at_first(recycling: Recycling) -> float:
    """Most that can be recovered in the years whose use lies before the base year, t/y."""
    if recycling.available_t_per_y is not None:
        return first(recycling.available_t_per_y)
    return first(recycling.recovered_t_per_t) * first(recycling.past_use_t_per_y)


def test_recycling_knows_the_use_of_every_year_before_the_plan(facts: Facts) -> None:
    plan = shipped("us-2026")
    for name, recycling in plan.recycling.items():
        if recycling.from_commodity is None:
            continue
        used = recycling.past_use_t_per_y
        by_year = used if isinstance(used, dict) else {PLAN.first_year - 2: used, PLAN.first_year - 1: used}
        growth = facts.assumptions[recycling.from_commodity].growth_per_y
        assert by_year[2025] == pytest.approx(by_year[2024] * (1 + growth), rel=1e-5), name
        wanted = sum(
            first(demand.quantity_t_per_y)
            for demand in plan.demands.values()
            if demand.commodity == recycling.from_commodity and demand.tier != "export"
        )
        assert wanted == pytest.approx(by_year[2025] * (1 + growth), rel=1e-4), name


def test_nobody_changes_over_at_the_prices_of_2025() -> None:
    plan = shipped("us-2026")
    price = {name: commodity.reference_price_kusd_per_t for name, commodity in plan.commodities.items()}
    ways = [(demand, way) for demand in plan.demands.values() for way in demand.substitutes.values()]
    assert len(ways) > 50
    for demand, way in ways:
        taken = way.ratio_t_per_t * (price[way.commodity] or 0) if way.commodity else 0.0
        assert first(way.cost_kusd_per_t) + taken >= 1.5 * (price[demand.commodity] or 0)


def test_civilian_users_alone_change_over_and_only_once_a_future_departs() -> None:
    plan = shipped("us-2026")
    with_ways = [demand for demand in plan.demands.values() if demand.substitutes]
    assert {demand.tier for demand in with_ways} == {"essential_civilian", "other"}
    assert all(way.after_departure for demand in with_ways for way in demand.substitutes.values())
    for demand in with_ways:
        penalty = demand.shortage_penalty_kusd_per_t
        last = max(penalty.values()) if isinstance(penalty, dict) else penalty
        assert all(first(way.cost_kusd_per_t) < last for way in demand.substitutes.values())


def test_projects_of_one_site_start_together() -> None:
    projects = shipped("us-2026").projects
    assert projects["titan_zircon"].requires == ["titan_monazite"]
    assert projects["titan_monazite"].requires == ["titan_zircon"]
    assert projects["korea_zinc_clarksville"].requires == ["korea_zinc_clarksville_zinc_lead"]
    assert projects["korea_zinc_clarksville_zinc_lead"].requires == []


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
    for recycling in scenario.recycling.values():
        supply[recycling.commodity] += recovered_at_first(recycling)
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
    before, after = (shipped_t(scenario, "ndfeb/magnet CHN") for scenario in (base, dutied))
    assert 0 < after < 0.95 * before


def shipped_t(scenario: Scenario, route: str) -> float:
    ship = optimizer.solve(scenario).tables["ship"]
    return float(ship.loc[ship["route"] == route, "ship_t_per_y"].sum())


def test_the_build_and_the_optimizer_agree_on_the_duties_of_the_base_year(base: Scenario, base_market: Market) -> None:
    duties = optimizer.solve(base).tables["duties"].groupby("route")["duty_kusd_per_t"].sum()
    for source in base_market.sources:
        assert duties.get(source.name, 0.0) == pytest.approx(
            base_market.duty_kusd_per_t[source.name], rel=1e-9, abs=1e-12
        )
