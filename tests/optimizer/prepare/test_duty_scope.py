"""Whom a tariff measure means: clubs joined and left, content, what is made of a commodity, volumes by origin."""

from __future__ import annotations

from datetime import date

import pytest
from check_plans import Data, golden_toy

from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.optimizer.prepare.duties import IN_QUOTA, OVER_QUOTA, TariffBook, Valuation, quota_volumes
from lodeplan.optimizer.prepare.tags import Tag, Variant
from lodeplan.optimizer.prepare.tree import build_tree
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas import Scenario
from lodeplan.schemas.scenario import Route

VALUE = Valuation(customs_value=100.0, reference_price=None, contained_share=1.0)
MEASURE = {"programme": "mfn", "commodities": ["metal"], "origins": ["CHN"], "rate_share": 0.1}


def scenario_of(tariffs: Data, **sections: Data) -> Scenario:
    data = golden_toy()
    data["tariffs"] = {name: {**MEASURE, **measure} for name, measure in tariffs.items()}
    for section, entries in sections.items():
        data[section] = {**data.get(section, {}), **entries} if isinstance(entries, dict) else entries
    return Scenario.model_validate(data)


def book_of(tariffs: Data, **sections: Data) -> TariffBook:
    scenario = scenario_of(tariffs, **sections)
    return TariffBook(scenario, Selections(scenario))


def duty(
    book: TariffBook, day: str, commodity: str = "metal", origin: str = "CHN", content: Variant = frozenset()
) -> float:
    """Share of a customs value of 100."""
    route = Route(commodity=commodity, origin=origin, destination="USA")
    return sum(book.on_day(route, "all", date.fromisoformat(day), {}, VALUE, content=content).values()) / 100


CLUB: Data = {"CHN": {"memberships": {"club": {"onset": "2026-03-01", "until": "2026-05-01"}}}}


@pytest.mark.parametrize(
    ("day", "expected"), [("2026-02-28", 0), ("2026-03-01", 0.1), ("2026-04-30", 0.1), ("2026-05-01", 0)]
)
def test_a_measure_on_a_club_meets_its_members_on_the_days_they_belong(day: str, expected: float) -> None:
    assert duty(book_of({"a": {"origins": ["club"]}}, places=CLUB), day) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("day", "expected"), [("2026-02-28", 0.1), ("2026-03-01", 0), ("2026-04-30", 0), ("2026-05-01", 0.1)]
)
def test_a_club_is_exempt_on_the_days_its_members_belong(day: str, expected: float) -> None:
    assert duty(book_of({"a": {"origins": ["*"], "except_origins": ["club"]}}, places=CLUB), day) == pytest.approx(
        expected
    )


def test_a_mean_over_a_period_counts_the_days_of_membership() -> None:
    # March and April: 61 of 365 days
    book = book_of({"a": {"origins": ["club"]}}, places=CLUB)
    route = Route(commodity="metal", origin="CHN", destination="USA")
    assert sum(book.over_period(route, "all", 0, {}, VALUE).values()) == pytest.approx(10 * 61 / 365)


def test_a_region_is_met_by_the_share_of_the_member_that_belongs() -> None:
    places = {"north": {"members": {"CHN": 0.25, "AUS": 0.75}}, **CLUB}
    book = book_of({"a": {"origins": ["club"]}}, places=places)
    assert duty(book, "2026-04-01", origin="north") == pytest.approx(0.25 * 0.1)


CHAIN: Data = {
    "commodities": {
        "metal": {"stage": "refined", "mineral_group": "metal"},
        "oxide": {"stage": "refined", "mineral_group": "metal"},
        "magnet": {"stage": "product", "mineral_group": "metal"},
        "slag": {"stage": "scrap", "mineral_group": "metal"},
    },
    "facilities": {
        "smelter": {"place": "AUS", "inputs": {"oxide": 1}, "outputs": {"metal": 1, "slag": 2}},
        "presses": {"place": "USA", "inputs": {"metal": 1}, "outputs": {"magnet": 1}},
    },
}


@pytest.mark.parametrize(
    ("commodity", "plain", "with_derivatives"),
    [("oxide", 0.1, 0.1), ("metal", 0, 0.1), ("slag", 0, 0), ("magnet", 0, 0.1)],
)
def test_derivatives_are_all_that_recipes_make_directly_or_not(
    commodity: str, plain: float, with_derivatives: float
) -> None:
    measure = {"commodities": ["oxide"], "except_commodities": ["slag"]}
    assert duty(book_of({"a": measure}, **CHAIN), "2026-01-01", commodity) == pytest.approx(plain)
    book = book_of({"a": {**measure, "includes_derivatives": True}}, **CHAIN)
    assert duty(book, "2026-01-01", commodity) == pytest.approx(with_derivatives)


def test_a_measure_on_content_meets_what_carries_its_tag_wherever_it_is_shipped_from() -> None:
    book = book_of({"a": {"origin_role": "mined_in"}})
    tag = Tag.of(book.scenario.tariffs["a"], book.selections)
    other = Tag(frozenset({"AUS"}), "mined_in", "AUS mined_in")
    assert duty(book, "2026-01-01", origin="AUS", content=frozenset({tag})) == pytest.approx(0.1)
    assert duty(book, "2026-01-01", origin="CHN") == 0
    assert duty(book, "2026-01-01", origin="CHN", content=frozenset({other})) == 0


def test_content_makes_no_difference_to_a_measure_on_the_last_origin() -> None:
    book = book_of({"a": {}})
    tag = Tag(frozenset({"CHN"}), "mined_in", "CHN mined_in")
    assert duty(book, "2026-01-01", content=frozenset({tag})) == pytest.approx(0.1)
    assert duty(book, "2026-01-01", origin="AUS", content=frozenset({tag})) == 0


def test_a_quota_on_content_gives_bands_to_what_carries_its_tag_alone() -> None:
    quota = {"volume_t_per_y": 10, "in_quota_rate_share": 0}
    book = book_of({"a": {"origin_role": "mined_in", "quota": quota}})
    route = Route(commodity="metal", origin="AUS", destination="USA")
    tag = Tag.of(book.scenario.tariffs["a"], book.selections)
    assert book.bands(route) == ("all",)
    assert book.bands(route, content=frozenset({tag})) == (IN_QUOTA, OVER_QUOTA)


QUOTA: Data = {
    "origins": ["*"],
    "quota": {
        "volume_t_per_y": 400,
        "volume_by_origin_t_per_y": {"AUS": {2026: 50, 2027: 70}},
        "in_quota_rate_share": 0.02,
    },
}


@pytest.mark.proves("flow_stays_within_quota")
def test_an_origin_with_a_volume_of_its_own_has_a_quota_of_its_own() -> None:
    book = book_of({"a": QUOTA})
    keys = {
        origin: book.quota_of(Route(commodity="metal", origin=origin, destination="USA")) for origin in ("CHN", "AUS")
    }
    assert keys == {"CHN": ("a", ""), "AUS": ("a", "AUS")}


def test_quota_volumes_are_shared_or_by_origin_and_go_by_year() -> None:
    scenario = scenario_of({"a": QUOTA})
    volumes = quota_volumes(scenario, build_tree(scenario, Calendar.of(scenario.horizon)))
    base = slice(0, 4)
    assert volumes["a", ""][base].tolist() == [400] * 4
    assert volumes["a", "AUS"][base].tolist() == [50, 70, 70, 70]
