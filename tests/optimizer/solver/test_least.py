"""What no point of a model can cost less than holds for any duals, also where the solver's are a hair off."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from lodeplan.optimizer.solver import Form
from lodeplan.optimizer.solver.labels import Labels
from lodeplan.optimizer.solver.least import implied_upper, least_by_duals, spared_by_duals


def form_of(
    matrix: list[list[float]], cost: list[float], rows: list[tuple[float, float]], upper: list[float] | None = None
) -> Form:
    count, length = len(cost), len(rows)
    return Form(
        matrix=sp.csc_array(np.array(matrix, float).reshape(length, count)),
        cost=np.array(cost, float),
        offset=0.0,
        row_lower=np.array([low for low, _ in rows], float),
        row_upper=np.array([high for _, high in rows], float),
        column_lower=np.zeros(count),
        column_upper=np.full(count, inf) if upper is None else np.array(upper, float),
        integer=np.zeros(count, bool),
        columns=Labels.numbered("x", np.arange(count)),
        rows=Labels.numbered("row", np.arange(length)),
        column_unit=np.ones(count),
        row_unit=np.ones(length),
        money_unit=1.0,
    )


def test_a_price_a_hair_below_0_counts_as_far_as_a_row_lets_the_column_go() -> None:
    # At x = 1 with no dual on its row, nothing seems to be gained; at x = 1e9 ten units are.
    assert least_by_duals(form_of([[0.5]], [-1e-8], [(-inf, 5e8)]), np.zeros(1), 1.0) == pytest.approx(-10)


def test_a_price_a_hair_below_0_counts_as_far_as_the_columns_own_bound() -> None:
    assert least_by_duals(form_of([[1.0]], [-1e-8], [(-inf, inf)], upper=[1e9]), np.zeros(1), 1.0) == pytest.approx(-10)


def test_nothing_is_known_where_neither_rows_nor_cost_end_a_column() -> None:
    assert least_by_duals(form_of([[1.0]], [-1e-8], [(0, inf)]), np.zeros(1), 1.0) == -inf


def test_a_column_without_a_price_needs_no_end() -> None:
    assert least_by_duals(form_of([[1.0]], [2.0], [(3, inf)]), np.array([2.0]), 6.0) == 6


def test_of_an_optimum_its_own_duals_spare_nothing_and_of_another_point_what_it_costs_more() -> None:
    form = form_of([[1.0, 1.0]], [2.0, 3.0], [(4, inf)])

    assert spared_by_duals(form, np.array([2.0]), np.array([4.0, 0.0])) == 0
    assert spared_by_duals(form, np.array([2.0]), np.array([3.0, 1.0])) == 1
    assert spared_by_duals(form, np.array([2.0]), np.array([5.0, 0.0])) == 2


def test_what_a_column_without_an_end_would_spare_is_not_known_and_not_counted() -> None:
    form = form_of([[1.0, 0.0], [0.0, 1.0]], [-1e-8, 1.0], [(0, inf), (0, inf)])

    assert spared_by_duals(form, np.zeros(2), np.array([0.0, 3.0])) == 3


def test_a_price_that_arithmetic_cannot_tell_from_0_is_0() -> None:
    assert least_by_duals(form_of([[0.1], [0.2]], [0.3], [(1, inf), (1, inf)]), np.ones(2), 3.0) == 2


def test_bounds_are_passed_on_along_a_chain_and_from_the_cost_of_a_known_point() -> None:
    # What is made is shipped, what is shipped is used, and at most 7 are wanted; what is made for a cost of 2 and let
    # go ends where the known point's cost of 10 is spent.
    chain = form_of([[1, -1, 0], [0, 1, -1]], [0, 0, 0], [(0, 0), (0, 0)], upper=[inf, inf, 7])
    assert implied_upper(chain, 10.0).tolist() == [7, 7, 7]
    paid = form_of([[1, -1]], [2, 0], [(0, 0)])
    assert implied_upper(paid, 10.0).tolist() == [5, 5]


def test_a_loop_ends_nowhere() -> None:
    assert implied_upper(form_of([[1, -1], [-1, 1]], [0, 0], [(0, 0), (0, 0)]), 10.0).tolist() == [inf, inf]


@pytest.mark.parametrize("seed", range(100))
def test_no_duals_whatever_give_more_than_the_least(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns, rows = int(random.integers(1, 6)), int(random.integers(1, 5))
    matrix = np.round(random.uniform(-3, 5, (rows, columns))) * (random.random((rows, columns)) < 0.7)
    point = np.round(random.uniform(0, 5, columns))
    value = matrix @ point
    cost = np.round(random.uniform(-1, 9, columns))
    sides = [
        (v - a if random.random() < 0.7 else -inf, v + b if random.random() < 0.7 else inf)
        for v, a, b in zip(value.tolist(), random.integers(0, 3, rows), random.integers(0, 3, rows), strict=True)
    ]
    upper = np.where(random.random(columns) < 0.5, np.inf, point + random.integers(0, 4, columns))
    form = form_of(matrix.tolist(), cost.tolist(), sides, upper.tolist())
    low, high = (np.array(of, float) for of in zip(*sides, strict=True))
    a = np.vstack([matrix[np.isfinite(high)], -matrix[np.isfinite(low)]])
    b = np.concatenate([high[np.isfinite(high)], -low[np.isfinite(low)]])
    lp = linprog(cost, a, b, bounds=list(zip([0] * columns, upper, strict=True)))
    least = {0: lp.fun, 3: -inf}[lp.status]

    near = [lp.ineqlin.marginals] if lp.status == 0 else []
    tried = [random.normal(0, 3, rows) for _ in range(5)]
    for marginals in near:
        dual = np.zeros(rows)
        dual[np.isfinite(high)] += marginals[: int(np.isfinite(high).sum())]
        dual[np.isfinite(low)] -= marginals[int(np.isfinite(high).sum()) :]
        tried += [dual, dual + random.normal(0, 1e-7, rows)]
        assert least_by_duals(form, dual, form.cost_of(point)) <= least + 1e-9
    for dual in tried:
        assert least_by_duals(form, dual, form.cost_of(point)) <= least + 1e-9
        assert spared_by_duals(form, dual, point) >= 0
    if least > -inf:
        assert (lp.x <= implied_upper(form, form.cost_of(point)) + 1e-9).all()
