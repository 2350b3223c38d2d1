"""Periods, numbers by year, and parts of a period, counted by hand."""

from __future__ import annotations

from datetime import date

import pytest

from lodeplan.optimizer.prepare.calendar import Calendar, decimal_year, value_in
from lodeplan.schemas.scenario import Horizon


def calendar(*lengths: int) -> Calendar:
    return Calendar.of(Horizon(first_year=2026, period_years=list(lengths)))


def test_periods_follow_one_another_without_gaps() -> None:
    assert calendar(2, 1, 3).starts == (2026, 2028, 2029)
    assert calendar(2, 1, 3).end == 2032


def test_a_number_by_year_holds_from_its_year_and_the_first_before_it() -> None:
    profile = {2030: 7.0, 2028: 5.0}
    assert [value_in(profile, year) for year in (2020, 2028, 2029, 2030, 2050)] == [5, 5, 5, 7, 7]
    assert value_in(3, 1999) == 3


def test_a_period_takes_the_mean_over_its_years() -> None:
    assert calendar(2, 1, 3).mean({2027: 6.0, 2028: 2.0, 2031: 8.0}).tolist() == [6, 2, (2 + 2 + 8) / 3]
    assert calendar(2, 1).mean(4.5).tolist() == [4.5, 4.5]


def test_a_rule_counts_by_days_with_its_first_day_and_without_its_last() -> None:
    # 2026 and 2027 have 730 days, 2028 has 366
    periods = calendar(2, 1)
    assert periods.fraction(date(2027, 12, 31), date(2028, 1, 2)).tolist() == [1 / 730, 1 / 366]
    assert periods.fraction(None, date(2026, 1, 1)).tolist() == [0, 0]
    assert periods.fraction(None, None).tolist() == [1, 1]
    assert periods.fraction(date(2028, 7, 1), None).tolist() == [0, 184 / 366]


def test_a_year_lies_in_the_period_that_contains_it() -> None:
    assert [calendar(2, 1).period_of(year) for year in (2025, 2026, 2027.9, 2028, 2029)] == [None, 0, 0, 1, None]


def test_a_day_is_a_year_with_its_fraction() -> None:
    assert decimal_year(date(2027, 1, 1)) == 2027
    assert decimal_year(date(2028, 12, 31)) == pytest.approx(2028 + 365 / 366)


def test_the_calendar_reaches_the_last_year_there_is() -> None:
    late = Calendar.of(Horizon(first_year=9997, period_years=[2]))
    assert late.fraction(date(9998, 7, 2), None).tolist() == [183 / 730]
