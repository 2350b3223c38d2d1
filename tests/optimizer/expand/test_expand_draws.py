"""Interruptions drawn from yearly hazards: rates, correlation, streams, distributions, dates."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from lodeplan.optimizer.expand.draws import Interruptions, draw_interruptions, quantiles
from lodeplan.optimizer.prepare.calendar import Calendar, Floats
from lodeplan.schemas.hazards import Hazard, Sampling, Triangle

YEARLY = Calendar(tuple(range(2026, 2037)), (1,) * 11)
"""Ten years in which a hazard may begin."""
DRAWS = 10_000
SHORT: dict[str, Any] = {"changes": "exports", "availability_share": 0, "duration_years": 0.5}


def hazard(**fields: Any) -> Hazard:
    return Hazard.model_validate({**SHORT, **fields})


def drawn(
    fields: dict[str, Any], name: str = "h", draws: int = DRAWS, seed: int = 7, calendar: Calendar = YEARLY
) -> Interruptions:
    return draw_interruptions(name, hazard(**fields), Sampling(futures=1, draws=draws, seed=seed), calendar)


def begun(interruptions: Interruptions, draws: int = DRAWS) -> Floats:
    """1 where the hazard begins; shape (draws, years from 2027 to 2036)."""
    table = np.zeros((draws, 10))
    table[interruptions.draw, interruptions.year - 2027] = 1.0
    return table


def standard_error(rate: float, count: int) -> float:
    return float(np.sqrt(rate * (1 - rate) / count))


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.6])
@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_a_hazard_begins_at_its_yearly_rate_whatever_its_correlation(rate: float, correlation: float) -> None:
    found = begun(drawn({"yearly_rate": rate, "bloc": "b", "bloc_correlation": correlation}))
    assert found.mean() == pytest.approx(rate, abs=4 * standard_error(rate, found.size))
    assert found.mean(axis=0) == pytest.approx(np.full(10, rate), abs=4 * standard_error(rate, DRAWS))


def test_a_rate_of_nothing_never_comes_and_a_rate_of_one_always() -> None:
    assert begun(drawn({"yearly_rate": 0})).sum() == 0
    assert begun(drawn({"yearly_rate": 1})).all()


def joint(first: dict[str, Any], second: dict[str, Any]) -> float:
    """Share of the years in which two hazards of rate 0.1 both begin."""
    tables = [begun(drawn({"yearly_rate": 0.1, **fields}, name)) for name, fields in (("a", first), ("b", second))]
    return float((tables[0] * tables[1]).mean())


def test_hazards_of_one_bloc_begin_together_more_often_than_by_chance() -> None:
    bloc = {"bloc": "rivals", "bloc_correlation": 0.5}
    error = standard_error(0.01, 10 * DRAWS)
    # P(Z1 < z, Z2 < z) for standard normals of correlation 0.5, z the 10 % quantile.
    assert joint(bloc, bloc) == pytest.approx(0.0324, abs=4 * standard_error(0.0324, 10 * DRAWS))
    assert joint(bloc, {"bloc": "others", "bloc_correlation": 0.5}) == pytest.approx(0.01, abs=4 * error)
    assert joint(bloc, {}) == pytest.approx(0.01, abs=4 * error)
    assert joint({**bloc, "bloc_correlation": 0.9}, {**bloc, "bloc_correlation": 0.9}) > 0.05


def same(first: Interruptions, second: Interruptions) -> bool:
    return all(np.array_equal(getattr(first, field), getattr(second, field)) for field in Interruptions.__annotations__)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others() -> None:
    fields = {"yearly_rate": 0.2, "duration_years": {"low": 0, "mode": 1, "high": 3}}
    assert same(drawn(fields, seed=1), drawn(fields, seed=1))
    assert not same(drawn(fields, seed=1), drawn(fields, seed=2))
    assert not same(drawn(fields, "h"), drawn(fields, "another"))


def test_more_draws_leave_the_first_ones_as_they_are() -> None:
    fields = {"yearly_rate": 0.3, "availability_share": {"low": 0, "mode": 0.5, "high": 1}, "bloc": "b"}
    few, many = drawn(fields, draws=50), drawn(fields, draws=80)
    first = many.draw < 50
    assert many.left_share[first].tolist() == few.left_share.tolist()
    assert many.year[first].tolist() == few.year.tolist()


def test_what_a_hazard_loses_does_not_move_when_it_begins() -> None:
    mild, hard = drawn({"yearly_rate": 0.2, "availability_share": 0.9}), drawn({"yearly_rate": 0.2})
    assert mild.draw.tolist() == hard.draw.tolist()
    assert mild.year.tolist() == hard.year.tolist()


LEVELS = (np.arange(100_000) + 0.5) / 100_000


def test_a_number_is_always_that_number() -> None:
    assert set(quantiles(0.3, LEVELS)) == {0.3}


def test_a_discrete_distribution_takes_its_values_by_their_probabilities() -> None:
    values = quantiles({0.4: 0.2, 0.0: 0.5, 1.0: 0.0, 0.8: 0.3}, LEVELS)
    assert [float((values == value).mean()) for value in (0.4, 0.0, 1.0, 0.8)] == pytest.approx([0.2, 0.5, 0, 0.3])
    assert quantiles({5.0: 0.0, 6.0: 1.0}, np.zeros(1)).tolist() == [6.0]


@pytest.mark.parametrize(("low", "mode", "high"), [(0.5, 1, 3), (0, 0, 1), (0, 1, 1), (2, 2, 2)])
def test_a_triangle_has_its_mean_variance_and_ends(low: float, mode: float, high: float) -> None:
    values = quantiles(Triangle(low=low, mode=mode, high=high), LEVELS)
    assert values.mean() == pytest.approx((low + mode + high) / 3, abs=1e-4)
    spread = (low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18
    assert values.var() == pytest.approx(spread, abs=1e-4)
    assert low <= values.min()
    assert values.max() <= high


def test_severity_and_duration_follow_their_distributions() -> None:
    fields = {"availability_share": {0: 0.25, 0.4: 0.75}, "duration_years": {"low": 0, "mode": 0.1, "high": 0.5}}
    found = drawn({"yearly_rate": 0.5, **fields})
    count = len(found.draw)
    assert found.left_share.mean() == pytest.approx(0.3, abs=4 * 0.2 / np.sqrt(count))
    days = found.until - np.array([date(year, 1, 1).toordinal() for year in found.year.tolist()])
    assert days.mean() / 365.25 == pytest.approx(0.2, abs=4 * 0.11 / np.sqrt(count) + 0.002)
    assert np.corrcoef(days, found.left_share)[0, 1] == pytest.approx(0, abs=4 / np.sqrt(count))


@pytest.mark.parametrize(
    ("duration", "until"),
    [(0, date(2027, 1, 2)), (0.5, date(2027, 7, 2)), (1, date(2028, 1, 1)), (3, date(2030, 1, 1)), (4.5, None)],
)
def test_whole_years_are_those_of_the_calendar_and_the_horizon_ends_it(duration: float, until: date | None) -> None:
    calendar = Calendar((2026, 2027, 2029), (1, 2, 2))
    first = drawn({"yearly_rate": 1, "duration_years": duration}, draws=1, calendar=calendar).spans(calendar)[0]
    assert first == (date(2027, 1, 1), until)


@pytest.mark.parametrize(
    ("duration", "recovery", "years"),
    [
        (0.5, 0, list(range(2027, 2037))),
        (1, 0, list(range(2027, 2037))),
        (1.5, 0, [2027, 2029, 2031, 2033, 2035]),
        (1, 1, [2027, 2029, 2031, 2033, 2035]),
        (1.5, 1, [2027, 2030, 2033, 2036]),
        (1, 1e9, [2027]),
        (1e9, 0, [2027]),
    ],
)
def test_a_hazard_begins_only_where_it_is_neither_on_nor_recovering(
    duration: float, recovery: float, years: list[int]
) -> None:
    found = drawn({"yearly_rate": 1, "duration_years": duration, "recovery_years": recovery}, draws=1)
    assert found.year.tolist() == years


def test_nothing_begins_in_the_first_period() -> None:
    calendar = Calendar((2026, 2030), (4, 2))
    assert drawn({"yearly_rate": 1}, draws=1, calendar=calendar).year.tolist() == [2030, 2031]
    assert drawn({"yearly_rate": 1}, draws=1, calendar=Calendar((2026,), (4,))).year.tolist() == []
