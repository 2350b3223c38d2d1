"""Uncapacitated lot sizing: order in some years, at a cost an order, and hold stock for the years between.

An order is a project that can start in its year only and delivers in that year only: ramped up to all at once, and to
nothing the year after. What it delivers beyond the year's demand goes into a stockpile.

Source of the problem: H. M. Wagner and T. M. Whitin, Dynamic version of the economic lot size model, Management Science
5 (1958) 89-96.
"""

from __future__ import annotations

from collections.abc import Sequence

from lodeplan import scenarios
from lodeplan.schemas import Scenario

FIRST_YEAR = 2026


def lot_sizing(name: str, demand: Sequence[float], order_cost: float, holding_cost: float) -> Scenario:
    """A scenario of one year a demand, without discount; `holding_cost` is per unit left at a year's end."""
    years = range(FIRST_YEAR, FIRST_YEAR + len(demand))
    orders = {
        f"order {year}": {
            "place": "plant",
            "outputs": {"goods": 1},
            "capacity_t_per_y": sum(demand),
            "cost_kusd_per_t": 0,
            "ramp_up_share": [1, 0],
            "capex_kusd": order_cost,
            "end_value_share": 0,
            "earliest_start": year,
            "latest_start": year,
            "tracks": {"order": {"permit_years": 0, "construction_years": 0}},
        }
        for year in years
    }
    return scenarios.load(
        {
            "name": name,
            "home": "plant",
            "horizon": {"first_year": FIRST_YEAR, "period_years": [1] * len(demand)},
            "economics": {"discount_rate": 0},
            "commodities": {"goods": {"stage": "product", "mineral_group": "goods"}},
            "places": {"plant": {}},
            "projects": orders,
            "stockpiles": {"store": {"commodity": "goods", "holding_kusd_per_t_y": holding_cost}},
            "demands": {
                "customers": {
                    "commodity": "goods",
                    "tier": "other",
                    "quantity_t_per_y": dict(zip(years, demand, strict=True)),
                    "shortage_penalty_kusd_per_t": order_cost + holding_cost * len(demand),
                }
            },
        }
    )
