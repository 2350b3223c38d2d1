"""Two-stage capacity expansion: buy capacity of plants now, run them in modes once the demand is known.

A unit of a plant's capacity is a token that can be bought and stored in the first year only. In the second a plant
uses one token of its own for a unit made in any mode. Each token comes with a unit of `any capacity`, of which a least
amount is wanted in the first year; the first year's budget is one on purchases for stock.

Source of the problem: F. V. Louveaux and Y. Smeers, Optimal investments for electricity generation: a stochastic model
and a test-problem, in: Numerical Techniques for Stochastic Optimization (1988).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lodeplan import scenarios
from lodeplan.schemas import Scenario

FIRST_YEAR, SECOND_YEAR = 2026, 2027


@dataclass(frozen=True)
class TwoStageCapacity:
    """An instance in its own numbers."""

    capacity_cost: Sequence[float]
    """By plant, per unit of capacity."""
    running_cost: Sequence[Sequence[float]]
    """By plant and mode, per unit made."""
    least_capacity: float
    budget: float
    demand: Sequence[float]
    """By mode, in the second year as planned."""
    first_mode_demand: Mapping[float, float]
    """Probability by demand of the first mode; the demand as planned is one of them."""

    def scenario(self, name: str) -> Scenario:
        """Two years without discount, the second in as many futures as the first mode has demands."""
        plants, modes = range(len(self.capacity_cost)), range(len(self.demand))
        planned = self.demand[0]
        prohibitive = 10 * (max(self.capacity_cost) + max(max(costs) for costs in self.running_cost))
        tokens = {
            f"token {i}": {"stage": "product", "mineral_group": "energy", "reference_price_kusd_per_t": cost}
            for i, cost in enumerate(self.capacity_cost)
        }
        energy = {f"mode {j}": {"stage": "product", "mineral_group": "energy"} for j in modes}
        offers = {
            f"purchase {i}": {
                "place": "grid",
                "outputs": {f"token {i}": 1, "any capacity": 1},
                "capacity_t_per_y": {FIRST_YEAR: self.budget / cost, SECOND_YEAR: 0},
                "cost_kusd_per_t": cost,
            }
            for i, cost in enumerate(self.capacity_cost)
        }
        operation = {
            f"plant {i} in mode {j}": {
                "place": "grid",
                "inputs": {f"token {i}": 1},
                "outputs": {f"mode {j}": 1},
                "cost_kusd_per_t": self.running_cost[i][j],
            }
            for i in plants
            for j in modes
        }
        other = {"tier": "other", "shortage_penalty_kusd_per_t": prohibitive}
        demands = {
            f"mode {j}": {
                **other,
                "commodity": f"mode {j}",
                "quantity_t_per_y": {FIRST_YEAR: 0, SECOND_YEAR: quantity},
            }
            for j, quantity in enumerate(self.demand)
        }
        demands["least capacity"] = {
            **other,
            "commodity": "any capacity",
            "quantity_t_per_y": {FIRST_YEAR: self.least_capacity, SECOND_YEAR: 0},
        }
        events = {
            f"demand {quantity:g}": {
                "changes": "demand",
                "commodities": ["mode 0"],
                "onset": SECOND_YEAR,
                "factor": quantity / planned,
            }
            for quantity in self.first_mode_demand
            if quantity != planned
        }
        return scenarios.load(
            {
                "name": name,
                "home": "grid",
                "horizon": {"first_year": FIRST_YEAR, "period_years": [1, 1]},
                "economics": {"discount_rate": 0},
                "commodities": {
                    **tokens,
                    **energy,
                    "any capacity": {"stage": "product", "mineral_group": "energy", "disposable": True},
                },
                "places": {"grid": {}},
                "facilities": {**offers, **operation},
                "stockpiles": {f"capacity {i}": {"commodity": f"token {i}"} for i in plants},
                "demands": demands,
                "limits": {"budget": {"kind": "budget", "covers": ["stock"], "amount_kusd_per_y": self.budget}},
                "events": events,
                "futures": {
                    f"demand {quantity:g}": {
                        "probability": probability,
                        "events": [event] if (event := f"demand {quantity:g}") in events else [],
                    }
                    for quantity, probability in self.first_mode_demand.items()
                },
            }
        )
