"""Policy of the United States scenario: duties worked out by hand, projects in contained t, futures, sources."""

import csv
from datetime import date
from pathlib import Path

import pytest
from solved import shipped, solved

from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.optimizer.prepare.duties import TariffBook, Valuation
from lodeplan.optimizer.prepare.tree import build_tree
from lodeplan.scenarios.counts import counts
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas import Scenario
from lodeplan.schemas.events import TariffEvent
from lodeplan.schemas.patterns import matches
from lodeplan.schemas.plan import Summary
from lodeplan.schemas.scenario import Route
from tools.us_2026_build.fact_tables import FOLDER as FACTS
from tools.us_2026_build.policy import FOLDER, build, read, write

POLICY_SOURCES = ("policy", "projects", "candidates", "tariffs", "events")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return shipped("us-2026")


@pytest.fixture(scope="module")
def base() -> Scenario:
    return shipped("us-base-2024")


def duty_share(scenario: Scenario, commodity: str, origin: str, day: str, *events: str, band: str = "all") -> float:
    """Duty as a share of customs value, events of the scenario in force."""
    value = Valuation(100.0, 100.0, scenario.commodities[commodity].contained_share)
    route = Route(commodity=commodity, origin=origin, destination="USA")
    held = {name: event for name in events if isinstance(event := scenario.events[name], TariffEvent)}
    book = TariffBook(scenario, Selections(scenario))
    return sum(book.on_day(route, band, date.fromisoformat(day), held, value).values()) / 100.0


@pytest.mark.parametrize(
    ("commodity", "origin", "day", "expected"),
    [
        # Section 301 on natural graphite starts in 2026; before it the IEEPA fentanyl duty alone, 10 %.
        ("graphite/flake", "CHN", "2025-12-31", 0.10),
        ("graphite/flake", "CHN", "2026-10-01", 0.25),
        # General 3 % + section 301 25 %; exempt from forced labour.
        ("gallium/metal", "CHN", "2026-10-01", 0.28),
        # The same in February 2026: and IEEPA fentanyl 10 %, the reciprocal duty exempt.
        ("gallium/metal", "CHN", "2026-02-01", 0.38),
        # Unwrought germanium is on no section 301 list: 2.6 % alone.
        ("germanium/metal", "CHN", "2026-10-01", 0.026),
        # General 3.7 % + 25 %; Chile is a free-trade partner; Argentina pays the general rate alone.
        ("lithium/chemical", "CHN", "2026-10-01", 0.287),
        ("lithium/chemical", "CHL", "2026-10-01", 0.0),
        ("lithium/chemical", "ARG", "2026-10-01", 0.037),
        # Sintered magnets are exempt from forced labour: 2.1 % + 25 %; free from Japan by agreement.
        ("ndfeb/magnet", "CHN", "2026-10-01", 0.271),
        ("ndfeb/magnet", "JPN", "2026-10-01", 0.0),
        # Anode: free + 25 % + section 122 10 % in spring; forced labour 12.5 % from July.
        ("graphite/anode", "CHN", "2026-05-01", 0.35),
        ("graphite/anode", "CHN", "2026-10-01", 0.375),
        ("graphite/anode", "KOR", "2026-10-01", 0.125),
        # Cathode powder: 3.7 % + 25 % + 12.5 %; Japan's 3.7 % and forced labour make 12.5 % together, Korea's 0 % too.
        ("nmc/cathode", "CHN", "2026-10-01", 0.412),
        ("nmc/cathode", "JPN", "2026-10-01", 0.125),
        ("nmc/cathode", "KOR", "2026-10-01", 0.125),
        # Aluminium: 50 % section 232 and, from China, 25 % section 301; neither section 122 nor forced labour on top.
        ("aluminum/unwrought", "CHN", "2026-10-01", 0.75),
        ("aluminum/unwrought", "CAN", "2026-05-01", 0.50),
        ("aluminum/unwrought", "GBR", "2026-10-01", 0.25),
        # Semi-finished copper: general 3 % + section 232 50 %, and section 301 25 % from China.
        ("copper/semi", "DEU", "2026-10-01", 0.53),
        ("copper/semi", "CHN", "2026-10-01", 0.78),
        ("titanium/sponge", "JPN", "2026-10-01", 0.15),
        ("magnesium/metal", "ISR", "2026-10-01", 0.0),
        ("antimony/metal", "CHN", "2026-10-01", 0.0),
        # 37.5 cents per kg tungsten content: 0.375 kUSD/t of a value of 100.
        ("tungsten/concentrate", "BOL", "2026-10-01", 0.00375),
    ],
)
def test_a_duty_is_what_the_book_says(
    scenario: Scenario, commodity: str, origin: str, day: str, expected: float
) -> None:
    assert duty_share(scenario, commodity, origin, day) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("commodity", "origin", "day", "expected"),
    [
        # In 2024 aluminium paid 10 % under section 232, but not from Canada; from China 25 % more from 27 September.
        ("aluminum/unwrought", "CAN", "2024-06-30", 0.0),
        ("aluminum/unwrought", "ARE", "2024-06-30", 0.10),
        ("aluminum/unwrought", "CHN", "2024-06-30", 0.10),
        ("aluminum/unwrought", "CHN", "2024-10-30", 0.35),
        ("graphite/flake", "CHN", "2024-06-30", 0.0),
        ("gallium/metal", "CHN", "2024-06-30", 0.28),
    ],
)
def test_a_duty_of_the_base_year_is_what_the_book_said(
    base: Scenario, commodity: str, origin: str, day: str, expected: float
) -> None:
    assert duty_share(base, commodity, origin, day) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("commodity", "origin", "day", "events", "expected"),
    [
        # 3 % + 25 % + 25 %; Japan all-in 15 %; Canada free.
        ("gallium/metal", "CHN", "2027-08-01", ["section_232_25"], 0.53),
        ("gallium/metal", "JPN", "2027-08-01", ["section_232_25"], 0.15),
        ("gallium/metal", "CAN", "2027-08-01", ["section_232_25"], 0.0),
        # Goods under section 232 leave the forced-labour duty: 25 % + 25 %, not 62.5 %.
        ("graphite/anode", "CHN", "2027-08-01", ["section_232_25"], 0.50),
        ("copper/refined", "CHL", "2027-08-01", ["refined_copper_duty_15", "refined_copper_duty_30"], 0.15),
        ("copper/refined", "CHL", "2028-08-01", ["refined_copper_duty_15", "refined_copper_duty_30"], 0.30),
        ("copper/refined", "CHL", "2028-08-01", [], 0.0),
    ],
)
def test_a_pending_duty_falls_due_with_its_event(
    scenario: Scenario, commodity: str, origin: str, day: str, events: list[str], expected: float
) -> None:
    assert duty_share(scenario, commodity, origin, day, *events) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("commodity", "origin", "within", "over"),
    [
        # Within the quota the general duty alone, 2.1 % on magnets; over it 25 % more. Forced labour is replaced.
        ("ndfeb/magnet", "DEU", 0.021, 0.271),
        ("ndfeb/magnet", "JPN", 0.0, 0.25),
        ("graphite/anode", "KOR", 0.0, 0.25),
        ("nmc/cathode", "JPN", 0.037, 0.287),
        # Who is no partner pays as without a quota, and so do partners on other minerals: all-in 15 %.
        ("gallium/metal", "CHN", 0.53, 0.53),
        ("gallium/metal", "JPN", 0.15, 0.15),
    ],
)
def test_the_quota_lets_partners_in_free(
    scenario: Scenario, commodity: str, origin: str, within: float, over: float
) -> None:
    for band, expected in (("in_quota", within), ("over_quota", over)):
        found = duty_share(scenario, commodity, origin, "2028-08-01", "section_232_quota", band=band)
        assert found == pytest.approx(expected), band


def test_without_its_event_the_quota_changes_no_duty(scenario: Scenario) -> None:
    for band in ("in_quota", "over_quota"):
        assert duty_share(scenario, "graphite/anode", "KOR", "2028-08-01", band=band) == pytest.approx(0.125)


def test_chinese_totals_are_those_of_the_tariff_lines(scenario: Scenario) -> None:
    totals = {row["hts"]: row["china_total_2026_08"] for row in read(FACTS / "policy_hts.csv")}
    compared = 0
    for name, commodity in scenario.commodities.items():
        total = totals.get(commodity.hts[0]) if commodity.hts else None
        if total:
            assert duty_share(scenario, name, "CHN", "2026-10-01") == pytest.approx(float(total) / 100), name
            compared += 1
    assert compared > 20


def test_a_route_pays_one_general_duty_at_most(scenario: Scenario) -> None:
    book = TariffBook(scenario, Selections(scenario))
    for name, route in scenario.routes.items():
        for origin in book.selections.parts(route.origin):
            general = [m for m in book.matching(route, origin).values() if m.programme in ("mfn", "column_2")]
            assert len(general) <= 1, name


def test_building_policy_again_changes_nothing(tmp_path: Path) -> None:
    for name, rows in build().items():
        write(tmp_path / name, rows)
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text(), (
            "run `python -m tools.us_2026_build.policy`"
        )


def test_projects_are_in_contained_tonnes(scenario: Scenario) -> None:
    # 40,000 t carbonate x 0.188; 27,800 t hydroxide x 0.1654; 18.4 of 115 million lb go in each of four years.
    projects = scenario.projects
    assert projects["thacker_pass_1"].capacity_t_per_y == pytest.approx(7520)
    assert projects["rhyolite_ridge"].capacity_t_per_y == pytest.approx(4598, abs=0.2)
    later = (115e6 - 4 * 18.4e6) / 11 * 0.45359e-3
    assert projects["stibnite"].capacity_t_per_y == {2026: 8350, 2032: pytest.approx(later, rel=0.01)}


def test_a_fast_track_shortens_the_permit_part_alone(scenario: Scenario) -> None:
    fast = [project for project in scenario.projects.values() if "fast_track" in project.tracks]
    assert len(fast) >= 8
    for project in fast:
        standard, quick = project.tracks["standard"], project.tracks["fast_track"]
        assert quick.permit_years < standard.permit_years
        assert quick.construction_years == standard.construction_years
        assert quick.extra_cost_kusd > 0
        assert quick.permit_slots == 1


def test_futures_are_thirty_and_leave_room_for_the_plan(scenario: Scenario) -> None:
    given = [future.probability for future in scenario.futures.values() if future.probability is not None]
    assert len(scenario.futures) == 30
    assert len(given) == len(scenario.futures) - 1
    assert 0.1 < 1 - sum(given) < 0.9
    assert {name for name, future in scenario.futures.items() if not future.events} == {"as_planned"}


def test_lite_keeps_twelve_futures_as_they_are(scenario: Scenario) -> None:
    lite = shipped("us-2026-lite")
    assert len(lite.futures) == 12
    assert {name: future.probability for name, future in lite.futures.items()} == {
        name: scenario.futures[name].probability for name in lite.futures
    }


def test_each_outcome_open_today_has_a_future(scenario: Scenario) -> None:
    by_future = {
        name: {measure for event in map(scenario.events.get, future.events) if isinstance(event, TariffEvent)
               for measure in event.switch_on}
        for name, future in scenario.futures.items()
    }  # fmt: skip
    # The outcome of section 232 on processed minerals: none as planned, 15, 25, 50 %, a quota, a minimum price.
    assert by_future["as_planned"] == set()
    assert "section_232_minerals_15" in by_future["section_232_low"]
    assert "section_232_minerals_25" in by_future["section_232"]
    assert "section_232_minerals_50" in by_future["magnets_and_duty"]
    assert {name for name in scenario.tariffs if name.startswith("section_232_quota")} < by_future["section_232_quota"]
    assert by_future["minimum_import_price"] == {"section_232_minimum_price_ndpr"}
    assert by_future["refined_copper_duty"] == {"section_232_refined_copper_15", "section_232_refined_copper_30"}
    # Controls whose suspension ends in November 2026: those of December 2024 and of October 2025.
    ended = [scenario.events[name] for name in scenario.futures["suspensions_end"].events]
    assert {event.onset for event in ended} == {date(2027, 1, 1)}
    assert {event.changes for event in ended} == {"exports", "price"}


def test_an_event_names_only_minerals_and_places_it_meets(scenario: Scenario) -> None:
    selections = Selections(scenario)
    supplied = [
        (commodity, place)
        for facility in scenario.facilities.values()
        for commodity in facility.outputs
        for place in selections.parts(facility.place)
    ]
    idle = []
    for name, event in scenario.events.items():
        if event.changes not in ("exports", "output"):
            continue
        met = [
            (commodity, place)
            for commodity, place in supplied
            if matches(commodity, event.commodities) and place in event.places
        ]
        idle += [(name, pattern) for pattern in event.commodities if not any(matches(c, [pattern]) for c, _ in met)]
        idle += [(name, place) for place in event.places if place not in {place for _, place in met}]
    # China sells no antimony concentrate to the United States; the ban names it.
    assert idle == [("gallium_germanium_antimony_stop", "antimony/concentrate")]


def test_no_event_is_left_out_of_the_futures(scenario: Scenario) -> None:
    used = {name for future in scenario.futures.values() for name in future.events}
    assert used == set(scenario.events)


@pytest.mark.parametrize(("name", "most"), [("us-2026", 210), ("us-2026-lite", 95)])
def test_the_tree_stays_small(name: str, most: int) -> None:
    loaded = shipped(name)
    nodes = len(build_tree(loaded, Calendar.of(loaded.horizon)))
    assert nodes <= most


def test_every_event_says_why_it_is_as_bad_and_as_long(scenario: Scenario) -> None:
    assert [name for name, event in scenario.events.items() if not event.note] == []


def test_every_assumed_number_of_policy_has_a_range() -> None:
    without = [
        f"{part} {row['table']} {row['name']} {row['field']}"
        for part in POLICY_SOURCES
        for row in read(FOLDER / f"provenance.{part}.csv")
        if row["kind"] == "assumed" and not (row["low"] and row["high"])
    ]
    assert without == []


def test_every_number_of_policy_has_a_source() -> None:
    assert counts(shipped("us-2026"))["numbers_unsourced"] == 0


def test_policy_tables_have_no_stray_cells() -> None:
    for path in sorted(FOLDER.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            widths = {len(row) for row in csv.reader(file)}
        assert len(widths) == 1, path.name


def lite(path: str, value: float) -> Summary:
    """The plan of us-2026-lite with this number."""
    return solved("us-2026-lite", [{"op": "set", "path": path, "value": value}], gap=1e-3).summary


@pytest.mark.slow(about_s=100)
def test_decisions_answer_to_risk() -> None:
    neutral, averse = lite("risk.tail_weight", 0.0), lite("risk.tail_weight", 0.5)
    assert most_stored(averse)["vault antimony/metal"] > most_stored(neutral)["vault antimony/metal"] + 1000


@pytest.mark.slow(about_s=90)
def test_decisions_answer_to_the_capital_budget() -> None:
    rich = lite("limits.capex_budget.amount_kusd_per_y", 8_000_000)
    neutral = lite("risk.tail_weight", 0.0)
    assert {(p.name, p.start) for p in rich.projects} != {(p.name, p.start) for p in neutral.projects}
    assert {(r.name, r.start) for r in rich.onboardings} != {(r.name, r.start) for r in neutral.onboardings}


def most_stored(summary: Summary) -> dict[str, float]:
    """The highest level of each stockpile on the base path, t."""
    levels: dict[str, float] = {}
    for stock in summary.stocks:
        levels[stock.name] = max(levels.get(stock.name, 0.0), stock.stock_t)
    return levels
