"""Duties of the United States worked out by hand from public facts, and totals others printed, against the program's.

`data/duty_cases.csv` has the reasoning of each case in words; `facts` names the programmes it rests on.
`data/tariff_lines_2026_08.csv` has totals by tariff line: general, section 301 on China, section 232 and forced-labour
duty, from the HTS and customs annexes of July 2026.
"""

from __future__ import annotations

import csv
from datetime import date

import pytest
from folders import DATA
from solved import shipped

from lodeplan.optimizer.prepare.duties import TariffBook, Valuation
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.scenario import Route

FORCED_LABOUR_125 = ("CHN", "AUS", "BRA", "KAZ", "NOR", "ZAF", "THA", "TUR", "ARE", "VNM", "CHL", "PER", "PHL")
FREE_TRADE = ("AUS", "CHL", "PER")


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CASES = rows("duty_cases.csv")
LINES = rows("tariff_lines_2026_08.csv")


@pytest.fixture(scope="module")
def book() -> TariffBook:
    scenario = shipped("us-2026")
    return TariffBook(scenario, Selections(scenario))


def duty_kusd_per_t(book: TariffBook, commodity: str, origin: str, day: str, customs_value: float) -> float:
    """kUSD/t."""
    value = Valuation(customs_value, customs_value, book.scenario.commodities[commodity].contained_share)
    route = Route(commodity=commodity, origin=origin, destination="USA")
    return sum(book.on_day(route, "all", date.fromisoformat(day), {}, value).values())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['commodity']} {case['origin']} {case['on']}")
def test_a_duty_is_what_it_was_worked_out_to_be(book: TariffBook, case: dict[str, str]) -> None:
    value = float(case["customs_value_kusd_per_t"])
    expected = float(case["share_of_value"]) * value + float(case["specific_kusd_per_t"])
    found = duty_kusd_per_t(book, case["commodity"], case["origin"], case["on"], value)
    assert found == pytest.approx(expected, abs=1e-9), case["reasoning"]


def test_cases_cover_many_origins_and_the_years_2024_to_2026() -> None:
    assert len({case["origin"] for case in CASES}) >= 12
    assert {case["on"][:4] for case in CASES} == {"2024", "2025", "2026"}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["hts"])
def test_totals_are_those_printed_for_the_tariff_line(book: TariffBook, line: dict[str, str]) -> None:
    commodity = line["commodity"]
    assert book.scenario.commodities[commodity].hts[0].startswith(line["hts"])
    for origin in FORCED_LABOUR_125:
        expected = line["china_total_pct"] if origin == "CHN" else line["other_total_pct"]
        if origin in FREE_TRADE:
            # The totals take no free trade; the general duty is what it saves.
            expected = str(float(expected) - float(line["general_pct"]))
        found = duty_kusd_per_t(book, commodity, origin, "2026-08-15", 100.0)
        assert found == pytest.approx(float(expected)), origin
