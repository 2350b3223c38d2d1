"""Canonical units: numbers the solver sees stay near 1 though prices run from potash to rhodium.

Units are powers of two, so that scaling by them is exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np

from lodeplan.optimizer.prepare.demands import Demands
from lodeplan.optimizer.prepare.supply import Supply
from lodeplan.schemas.scenario import Facility, Scenario

PARTS_OF_DEMAND = 1000.0
"""Home's yearly demand is about this many units."""
LARGEST_EXPONENT = 60
"""Units stay between 2^-60 and 2^60, whatever a long chain of recipes multiplies up to."""


@dataclass(frozen=True)
class Units:
    """Size of one unit of each commodity and of money, in t and kUSD."""

    tonnes: Mapping[str, float]
    kusd: float


def prepare_units(scenario: Scenario, supply: Supply, demands: Demands) -> Units:
    """Units from home's demand, passed up the recipes to commodities that are only inputs."""
    demanded: dict[str, float] = {}
    for row, name in enumerate(demands.names):
        commodity = demands.demands[name].commodity
        demanded[commodity] = demanded.get(commodity, 0.0) + float(demands.quantity_t_per_y[row].max())
    sizes = {name: math.log2(volume) for name, volume in demanded.items() if volume > 0}
    producers = supply.producers.values()
    sizes = _with_inputs(sizes, producers)
    sizes = _with_inputs({**_made(supply), **sizes}, producers)
    tonnes = {
        name: _power_of_two(sizes[name] - math.log2(PARTS_OF_DEMAND) if name in sizes else 0.0)
        for name in scenario.commodities
    }
    return Units(tonnes, _power_of_two(math.log2(_money_unit(supply, tonnes))))


def _with_inputs(sizes: Mapping[str, float], producers: Iterable[Facility]) -> dict[str, float]:
    """Sizes (log2 of t/y) of commodities, and of all that they are made of, directly or not.

    What is made of something takes its size from the main product, the largest first. Each commodity is sized once: a
    loop of recipes does not come back to what it began with.
    """
    needed: dict[str, list[tuple[str, float]]] = {}
    for producer in producers:
        main, per_activity = next(iter(producer.outputs.items()))
        for name, amount in producer.inputs.items():
            needed.setdefault(main, []).append((name, math.log2(amount) - math.log2(per_activity)))
    found: dict[str, float] = {}
    waiting = [(-size, name) for name, size in sizes.items()]
    heapify(waiting)
    while waiting:
        size, name = heappop(waiting)
        if name in found:
            continue
        found[name] = -size
        for item, ratio in needed.get(name, ()):
            if item not in found and item not in sizes:
                heappush(waiting, (size - ratio, item))
    return found


def _made(supply: Supply) -> dict[str, float]:
    """Size of what is made, by the largest capacity, log2 of t/y."""
    made: dict[str, float] = {}
    for name, producer in supply.producers.items():
        planned = float(supply.planned_capacity_t_per_y[name].max())
        if 0 < planned < math.inf:
            for commodity, amount in producer.outputs.items():
                size = math.log2(amount) + math.log2(planned)
                made[commodity] = max(made.get(commodity, size), size)
    return made


def _money_unit(supply: Supply, tonnes: Mapping[str, float]) -> float:
    """Geometric mean over producers of what one unit of the main product costs, kUSD."""
    worth = []
    for (name, _), cost in zip(supply.steps, supply.cost_kusd_per_t.mean(axis=1), strict=True):
        main, per_activity = next(iter(supply.producers[name].outputs.items()))
        if cost > 0:
            worth.append(math.log(float(cost) / per_activity * tonnes[main]))
    return math.exp(float(np.mean(worth))) if worth else 1.0


def _power_of_two(exponent: float) -> float:
    return float(2.0 ** max(-LARGEST_EXPONENT, min(LARGEST_EXPONENT, round(exponent))))
