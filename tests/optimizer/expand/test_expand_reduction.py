"""Fast forward selection of points that stand for many."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from lodeplan.optimizer.expand.reduction import Reduction, reduce_points
from lodeplan.optimizer.prepare.calendar import Floats


def random_points(count: int, dimensions: int = 3, seed: int = 0) -> tuple[Floats, Floats]:
    generator = np.random.default_rng(seed)
    points = generator.random((count, dimensions)) * (generator.random((count, dimensions)) < 0.5)
    points = np.unique(points, axis=0)
    return points, generator.random(len(points))


def distance_of(points: Floats, weight: Floats, kept: tuple[int, ...]) -> float:
    """Mean distance to the nearest of those kept, by brute force."""
    each = np.abs(points[:, None] - points[list(kept)][None]).sum(axis=2).min(axis=1)
    return float(weight @ each / weight.sum())


def selected_plainly(points: Floats, weight: Floats, count: int) -> tuple[int, ...]:
    """Fast forward selection that looks at every point in every step."""
    kept: tuple[int, ...] = ()
    while len(kept) < count:
        left = [number for number in range(len(points)) if number not in kept]
        kept = (*kept, min(left, key=lambda number: distance_of(points, weight, (*kept, number))))
    return kept


def test_all_are_kept_where_there_are_no_more() -> None:
    points, weight = random_points(10)
    for count in (len(points), len(points) + 5):
        reduction = reduce_points(points, weight, count)
        assert reduction.distance == 0
        assert reduction.kept.tolist() == list(range(len(points)))
        assert reduction.weight == pytest.approx(weight / weight.sum())


@pytest.mark.parametrize("seed", range(5))
def test_the_one_kept_is_the_best_of_all(seed: int) -> None:
    points, weight = random_points(12, seed=seed)
    reduction = reduce_points(points, weight, 1)
    best = min(distance_of(points, weight, (number,)) for number in range(len(points)))
    assert reduction.distance == pytest.approx(best)
    assert reduction.distance_of_one == pytest.approx(best)
    assert reduction.weight.tolist() == pytest.approx([1])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [2, 4, 7])
def test_those_kept_are_those_that_looking_at_all_would_keep(seed: int, count: int) -> None:
    points, weight = random_points(25, seed=seed)
    reduction = reduce_points(points, weight, count)
    kept = tuple(reduction.kept.tolist())
    assert kept == selected_plainly(points, weight, count)
    assert reduction.distance == pytest.approx(distance_of(points, weight, kept))


@pytest.mark.parametrize("seed", range(3))
def test_two_more_take_off_three_quarters_of_what_the_best_two_more_would(seed: int) -> None:
    """The bound for greedy choice under falling gains (Nemhauser, Wolsey, Fisher 1978): 1 - (1 - 1/2)^2."""
    points, weight = random_points(12, seed=seed)
    first, last = (reduce_points(points, weight, count) for count in (1, 3))
    one = int(first.kept[0])
    best = min(distance_of(points, weight, (one, *more)) for more in combinations(range(len(points)), 2))
    assert 0.75 * (first.distance - best) <= first.distance - last.distance <= first.distance - best + 1e-12


def test_keeping_more_never_leaves_a_greater_distance() -> None:
    points, weight = random_points(60, dimensions=5)
    found: list[Reduction] = [reduce_points(points, weight, count) for count in range(1, len(points) + 1)]
    assert all(np.diff([reduction.distance for reduction in found]) <= 1e-12)
    assert found[-1].distance == 0
    for reduction in found:
        assert reduction.weight.sum() == pytest.approx(1)
        assert len(set(reduction.kept.tolist())) == len(reduction.kept)


def test_each_weight_goes_to_the_nearest_point_kept() -> None:
    points = np.array([[0.0], [1.0], [10.0], [12.0]])
    reduction = reduce_points(points, np.array([4.0, 2.0, 3.0, 1.0]), 2)
    assert reduction.kept.tolist() == [1, 2]
    assert reduction.weight.tolist() == [0.6, 0.4]
    assert reduction.distance == pytest.approx((4 * 1 + 1 * 2) / 10)
    assert reduction.distance_of_one == pytest.approx((4 * 1 + 3 * 9 + 1 * 11) / 10)


def test_a_point_without_weight_may_stand_for_others() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    reduction = reduce_points(points, np.array([0.0, 1.0, 1.0, 1.0]), 1)
    assert reduction.kept.tolist() == [0]
    assert reduction.distance == pytest.approx(1)
