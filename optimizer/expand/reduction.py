"""Many weighted points reduced to a few that stand for them.

Fast forward selection: one by one, the point that leaves the least distance is kept, and in the end each weight goes
to the nearest point kept (Dupacova, Gröwe-Kuska, Römisch, Mathematical Programming 95, 2003; Heitsch, Römisch,
Computational Optimization and Applications 24, 2003). What a point can still gain never grows as others are kept, so
a gain known from before is a bound, and only points whose bound is the highest are looked at again (Minoux, 1978):
the points kept are those that looking at all would keep.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from lodeplan.optimizer.prepare.calendar import Floats

_BLOCK = 4_000_000
"""Distances held at a time."""


@dataclass(frozen=True)
class Reduction:
    """Points kept, and how far they are from all."""

    kept: npt.NDArray[np.int64]
    """Numbers of the points, in the order in which they were kept."""
    weight: Floats
    """Of those kept: their own and that of points they stand for; adds to 1."""
    distance: float
    """Kantorovich distance: mean distance of a point to the one that stands for it."""
    distance_of_one: float
    """The same if the best single point stood for all."""


def reduce_points(points: Floats, weight: Floats, count: int) -> Reduction:
    """Keep `count` of the points, shape (points, dimensions), by L1 distance; all that weigh if they are no more.

    No two points are equal. `weight` may count points, so that its sums are exact. A point without weight may be kept
    too, and stand for others.
    """
    total = float(weight.sum())
    sums = _sums_of_distances(points, weight)
    distance_of_one = float(sums.min()) / total
    weighing = np.flatnonzero(weight)
    if len(weighing) <= count:
        return Reduction(weighing, weight[weighing] / total, 0.0, distance_of_one)
    points = points[:, points.any(axis=0)]
    kept = [int(sums.argmin())]
    nearest = _distances(points, kept[-1])
    stands_for = np.zeros(len(points), np.int64)
    gain = _all_gains(points, weight, nearest)
    looked_at = np.full(len(points), len(kept))
    while len(kept) < count:
        best = int(gain.argmax())
        distance = _distances(points, best)
        if looked_at[best] < len(kept):
            gain[best] = weight @ np.maximum(nearest - distance, 0.0)
            looked_at[best] = len(kept)
            continue
        stands_for[distance < nearest] = len(kept)
        nearest = np.minimum(nearest, distance)
        gain[best] = 0.0
        kept.append(best)
    moved = np.asarray(np.bincount(stands_for, weight, len(kept)), float)
    return Reduction(np.array(kept), moved / total, float(weight @ nearest) / total, distance_of_one)


def _sums_of_distances(points: Floats, weight: Floats) -> Floats:
    """Weighted distances of all points to each, one dimension after another, as L1 distance is a sum over them."""
    sums = np.zeros(len(points))
    for column in points.T:
        order = np.argsort(column, kind="stable")
        below = np.cumsum(weight[order])
        sum_below = np.cumsum(weight[order] * column[order])
        sums[order] += column[order] * (2.0 * below - below[-1]) + sum_below[-1] - 2.0 * sum_below
    return np.maximum(sums, 0.0)


def _distances(points: Floats, one: int) -> Floats:
    return np.asarray(cdist(points, points[one : one + 1], "cityblock")[:, 0])


def _all_gains(points: Floats, weight: Floats, nearest: Floats) -> Floats:
    """What each point would take off the sum of weighted distances."""
    gains = []
    step = max(1, _BLOCK // len(points))
    for begin in range(0, len(points), step):
        distance = cdist(points, points[begin : begin + step], "cityblock")
        gains.append(weight @ np.maximum(nearest[:, None] - distance, 0.0))
    return np.concatenate(gains)
