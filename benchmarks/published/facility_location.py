"""Capacitated facility location, from files of Beasley's OR-Library.

Open sites at a fixed cost, serve every customer from open sites, split deliveries allowed. The text holds the numbers
of sites and customers; for each site its capacity and fixed cost; for each customer its demand, and from each site the
cost of serving all of it.

A site is an offer. What it makes passes a gate that has to be onboarded, at the fixed cost, before it goes out to the
customers: onboarding is of a route, and a site serves many customers over one gate.

Source of the format: J. E. Beasley, OR-Library: distributing test problems by electronic mail, Journal of the
Operational Research Society 41 (1990) 1069-1072.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lodeplan import scenarios
from lodeplan.schemas import Scenario

YEAR = 2026


@dataclass(frozen=True)
class FacilityLocation:
    """An instance in its own numbers."""

    capacity: list[float]
    fixed_cost: list[float]
    demand: list[float]
    serving_cost: list[list[float]]
    """By customer and site: cost of serving all of the customer's demand."""

    @classmethod
    def parse(cls, text: str, capacity: float | None = None) -> FacilityLocation:
        """Read a file's text. `capacity` stands for the word `capacity`, which the large instances leave open."""
        words: Iterator[str] = iter(text.split())

        def number() -> float:
            word = next(words)
            if word != "capacity":
                return float(word)
            if capacity is None:
                raise ValueError("the file leaves the capacity open: state one")
            return capacity

        sites, customers = int(number()), int(number())
        offered = [(number(), number()) for _ in range(sites)]
        wanted = [(number(), [number() for _ in range(sites)]) for _ in range(customers)]
        return cls(
            capacity=[most for most, _ in offered],
            fixed_cost=[cost for _, cost in offered],
            demand=[quantity for quantity, _ in wanted],
            serving_cost=[costs for _, costs in wanted],
        )

    def scenario(self, name: str) -> Scenario:
        """One year without discount; a t that a customer lacks costs more than opening any site to serve it."""
        unit_cost = [[cost / self.demand[j] for cost in costs] for j, costs in enumerate(self.serving_cost)]
        prohibitive = max(self.fixed_cost) + max(max(costs) for costs in unit_cost)
        places: dict[str, Any] = {f"customer {j}": {} for j in range(len(self.demand))}
        facilities, routes = {}, {}
        for i, (capacity, fixed_cost) in enumerate(zip(self.capacity, self.fixed_cost, strict=True)):
            places |= {f"site {i}": {}, f"gate {i}": {}}
            offer = {"outputs": {"goods": 1}, "capacity_t_per_y": capacity, "cost_kusd_per_t": 0}
            facilities[f"site {i}"] = {"place": f"site {i}"} | offer
            routes[f"opening {i}"] = {
                "commodity": "goods",
                "origin": f"site {i}",
                "destination": f"gate {i}",
                "capacity_t_per_y": capacity,
                "onboarding": {"cost_kusd": fixed_cost},
            }
            for j, costs in enumerate(unit_cost):
                routes[f"{i} to {j}"] = {
                    "commodity": "goods",
                    "origin": f"gate {i}",
                    "destination": f"customer {j}",
                    "freight_kusd_per_t": costs[i],
                }
        demands = {
            f"customer {j}": {
                "commodity": "goods",
                "place": f"customer {j}",
                "tier": "other",
                "quantity_t_per_y": quantity,
                "shortage_penalty_kusd_per_t": prohibitive,
            }
            for j, quantity in enumerate(self.demand)
        }
        return scenarios.load(
            {
                "name": name,
                "home": "customer 0",
                "horizon": {"first_year": YEAR, "period_years": [1]},
                "economics": {"discount_rate": 0},
                "commodities": {"goods": {"stage": "product", "mineral_group": "goods"}},
                "places": places,
                "facilities": facilities,
                "routes": routes,
                "demands": demands,
            }
        )
