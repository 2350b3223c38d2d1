"""What comes back from use: in the plan, home plants that live on scrap are recycling, tied to what was used before."""

from __future__ import annotations

from dataclasses import dataclass

from tools.us_2026_build.demand import Demand
from tools.us_2026_build.fact_tables import BASE_YEAR, RecyclingPath
from tools.us_2026_build.home import Plant
from tools.us_2026_build.market import Market
from tools.us_2026_build.numbers import rounded


@dataclass(frozen=True)
class Recovery:
    """A step of what a plant recovers: that of the base year at its cost, or what more can be had at a higher one."""

    plant: Plant
    path: RecyclingPath
    is_dearer: bool
    t_per_y: float
    """At most; where it follows past use, in the base year."""
    past_use_t_per_y: dict[int, float]
    """Use of `from_commodity` at home by year; the first year stands for all before. Empty where none is followed."""
    cost_kusd_per_t: float

    @property
    def name(self) -> str:
        """Name of its row."""
        return f"{self.plant.facts.name} dearer" if self.is_dearer else self.plant.facts.name

    @property
    def recovered_t_per_t(self) -> float:
        """t recovered per t used, so that the use before the base year gives the base year's output."""
        return rounded(self.t_per_y / self.past_use_t_per_y[BASE_YEAR], 6)


def recoveries(market: Market, running: list[Plant], needed: list[Demand]) -> list[Recovery]:
    """Two steps for each plant that lives on scrap, as wide and as dear as those of its supply curve.

    The first follows past use. The dearer one is scrap that is exported or thrown away today.
    """
    found = []
    for plant in running:
        path = market.facts.recycling.get(plant.facts.name)
        if path is None:
            continue
        more = (plant.facts.capacity_factor or 1) - 1
        activity, cost = plant.activity_t_per_y, plant.cost_kusd_per_t
        middle = 1 + more / 2 / (plant.facts.elasticity or 1)
        used = _past_use(market, path.from_commodity, needed)
        found.append(Recovery(plant, path, False, activity, used, cost))
        found.append(Recovery(plant, path, True, rounded(more * activity, 6), {}, rounded(middle * cost)))
    return found


def _past_use(market: Market, commodity: str, needed: list[Demand]) -> dict[int, float]:
    """Use at home by year, t/y: that of the base year in all years before it, then grown as demand."""
    users = [demand for demand in needed if demand.commodity == commodity and demand.tier != "export"]
    years = range(BASE_YEAR, market.vintage.first_year)
    growth = market.vintage.growth
    by_year = {
        year: rounded(sum(demand.base_t_per_y * growth(demand.growth_per_y, year) for demand in users), 6)
        for year in years
    }
    return by_year if users else {}
