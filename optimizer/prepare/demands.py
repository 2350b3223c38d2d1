"""Demands and the steps of their shortage penalties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optimizer.prepare.calendar import Floats
from optimizer.prepare.effects import Effects
from schemas.scenario import Demand, Scenario


@dataclass(frozen=True)
class Demands:
    """Demands by node, and their shortage steps."""

    demands: Mapping[str, Demand]
    names: tuple[str, ...]
    place: tuple[str, ...]
    quantity_t_per_y: Floats
    """Shape (demands, nodes)."""
    steps: tuple[tuple[str, int], ...]
    """(demand, shortage step)."""
    step_limit_t_per_y: Floats
    """Shortage a step allows; shape (steps, nodes)."""
    penalty_kusd_per_t: Floats
    """Shape (steps, nodes)."""

    def by_market(self) -> dict[tuple[str, str], Floats]:
        """Demand by (commodity, place), t/y; shape (nodes,) each."""
        total: dict[tuple[str, str], Floats] = {}
        for row, (name, place) in enumerate(zip(self.names, self.place, strict=True)):
            key = (self.demands[name].commodity, place)
            total[key] = total.get(key, np.zeros(self.quantity_t_per_y.shape[1])) + self.quantity_t_per_y[row]
        return total


def prepare_demands(scenario: Scenario, effects: Effects) -> Demands:
    """Quantities with demand events, and shortage steps as widths."""
    tree = effects.tree
    period = np.array(tree.period)
    names = tuple(scenario.demands)
    quantity = np.array(
        [
            tree.calendar.mean(demand.quantity_t_per_y)[period] * effects.demand_factor(demand)
            for demand in scenario.demands.values()
        ]
    )
    index, limits, penalties = [], [], []
    for row, (name, demand) in enumerate(scenario.demands.items()):
        for number, (width_share, penalty) in enumerate(penalty_steps(demand)):
            index.append((name, number))
            limits.append(width_share * quantity[row])
            penalties.append(np.full(len(tree), penalty))
    return Demands(
        demands=scenario.demands,
        names=names,
        place=tuple(demand.place or scenario.home for demand in scenario.demands.values()),
        quantity_t_per_y=quantity,
        steps=tuple(index),
        step_limit_t_per_y=np.array(limits),
        penalty_kusd_per_t=np.array(penalties),
    )


def penalty_steps(demand: Demand) -> list[tuple[float, float]]:
    """(width as a share of the demand, penalty in kUSD/t) of each shortage step."""
    stated = demand.shortage_penalty_kusd_per_t
    if not isinstance(stated, dict):
        return [(1.0, stated)]
    reached = 0.0
    steps = []
    for share, penalty in sorted(stated.items()):
        steps.append((share - reached, penalty))
        reached = share
    return steps
