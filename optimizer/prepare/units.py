"""Canonical units: numbers the solver sees stay near 1 though prices run from potash to rhodium.

Units are powers of two, so that scaling by them is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optimizer.prepare.demands import Demands
from optimizer.prepare.supply import Supply
from schemas.scenario import Scenario

PARTS_OF_DEMAND = 1000.0
"""Home's yearly demand is about this many units."""


@dataclass(frozen=True)
class Units:
    """What one unit of each commodity, and of money, is in t and kUSD."""

    tonnes: Mapping[str, float]
    kusd: float


def prepare_units(scenario: Scenario, supply: Supply, demands: Demands) -> Units:
    """Units from home's demand, passed up the recipes to commodities that are only inputs."""
    volume = dict.fromkeys(scenario.commodities, 0.0)
    for row, name in enumerate(demands.names):
        volume[demands.demands[name].commodity] += float(demands.quantity_t_per_y[row].max())
    known = {name for name, size in volume.items() if size > 0}
    for _ in scenario.commodities:
        for producer in supply.producers.values():
            main, per_activity = next(iter(producer.outputs.items()))
            for name, amount in producer.inputs.items():
                if name not in known and volume[main] > 0:
                    volume[name] = max(volume[name], volume[main] * amount / per_activity)
    for name, producer in supply.producers.items():
        for commodity, amount in producer.outputs.items():
            if volume[commodity] <= 0:
                planned = float(supply.planned_capacity_t_per_y[name].max())
                volume[commodity] = amount * planned if math.isfinite(planned) else 0.0
    tonnes = {name: _power_of_two(size / PARTS_OF_DEMAND if size > 0 else 1.0) for name, size in volume.items()}
    return Units(tonnes, _power_of_two(_money_unit(supply, tonnes)))


def _money_unit(supply: Supply, tonnes: Mapping[str, float]) -> float:
    """Geometric mean over producers of what one unit of the main product costs, kUSD."""
    worth = []
    for (name, _), cost in zip(supply.steps, supply.cost_kusd_per_t.mean(axis=1), strict=True):
        main, per_activity = next(iter(supply.producers[name].outputs.items()))
        if cost > 0:
            worth.append(math.log(float(cost) / per_activity * tonnes[main]))
    return math.exp(float(np.mean(worth))) if worth else 1.0


def _power_of_two(size: float) -> float:
    return float(2.0 ** round(math.log2(size)))
