"""Cost steps of a facility in a period (conventions, "Cost steps").

Without events: availability and price factors are of the node, these numbers of the period.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from lodeplan.optimizer.check.periods import Period, mean
from lodeplan.schemas.scenario import Facility, SupplyCurve


@dataclass(frozen=True)
class Step:
    """Activity a cost step allows, t/y, and its cost, kUSD/t."""

    width_t_per_y: float
    cost_kusd_per_t: float


def home_capacity_t_per_y(facility: Facility, period: Period) -> float:
    """Capacity times home's share of it; infinite where there is no capacity."""
    if facility.capacity_t_per_y is None:
        return inf
    return mean(facility.capacity_t_per_y, period) * facility.home_share


def offered_t_per_y(facility: Facility, period: Period, periods: tuple[Period, ...]) -> float:
    """Home capacity; where there is none, all that the steps are wide."""
    if facility.capacity_t_per_y is not None:
        return home_capacity_t_per_y(facility, period)
    return sum(step.width_t_per_y for step in cost_steps(facility, period, periods))


def cost_steps(facility: Facility, period: Period, periods: tuple[Period, ...]) -> list[Step]:
    """The steps of a facility in a period, number 0 first; `periods` are all of the horizon."""
    if facility.steps:
        return [Step(step.width_t_per_y, mean(step.cost_kusd_per_t, period)) for step in facility.steps]
    price = mean(facility.cost_kusd_per_t or 0.0, period)
    if facility.supply_curve is None:
        return [Step(home_capacity_t_per_y(facility, period), price)]
    return _curve_steps(facility, facility.supply_curve, price, periods)


def _curve_steps(facility: Facility, curve: SupplyCurve, price: float, periods: tuple[Period, ...]) -> list[Step]:
    """Step 0 is what is observed, at the price; then equal widths up to the end of the curve."""
    observed = curve.observed_t_per_y
    slope = curve.slope_kusd_per_t2_y
    if slope is None:
        slope = mean(facility.cost_kusd_per_t or 0.0, periods[0]) / ((curve.elasticity or inf) * observed)
    end = curve.up_to_t_per_y or max(home_capacity_t_per_y(facility, each) for each in periods)
    found = [Step(observed, price)] if observed > 0 else []
    width = (end - observed) / curve.steps
    if not 0 < width < inf:
        return found
    for number in range(curve.steps):
        low, high = observed + number * width, observed + (number + 1) * width
        price_low, price_high = price + slope * (low - observed), price + slope * (high - observed)
        if curve.basis == "market":
            cost = (price_low + price_high) / 2
        else:
            cost = (high * price_high - low * price_low) / width
        found.append(Step(width, cost))
    return found
