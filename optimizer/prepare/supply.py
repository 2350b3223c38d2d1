"""Facilities and projects as producers: recipes, cost steps, home capacity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lodeplan.optimizer.prepare.calendar import Calendar, Floats
from lodeplan.optimizer.prepare.content import Content, Market, Mode
from lodeplan.optimizer.prepare.effects import Effects
from lodeplan.schemas.scenario import Facility, PriceFloor, Scenario, SupplyCurve

UNLIMITED = float("inf")


@dataclass(frozen=True)
class Step:
    """One cost step: activity up to a width, at a cost by period."""

    width_t_per_y: float
    """`inf` where nothing but the capacity limits it."""
    cost_kusd_per_t: Floats
    """Shape (periods,)."""


@dataclass(frozen=True)
class Supply:
    """Every producer, home and abroad, by cost step and node."""

    producers: Mapping[str, Facility]
    """Facilities, then projects."""
    steps: tuple[tuple[str, int], ...]
    """(producer, step)."""
    width_t_per_y: Floats
    """Activity a step allows, events counted; shape (steps, nodes), `inf` where only the capacity limits."""
    cost_kusd_per_t: Floats
    """Shape (steps, nodes)."""
    capacity_t_per_y: Mapping[str, Floats]
    """Home capacity by producer, events counted; shape (nodes,), `inf` where unlimited."""
    planned_capacity_t_per_y: Mapping[str, Floats]
    """The same without events."""
    offered_t_per_y: Mapping[str, Floats]
    """What a producer offers without events: its home capacity, or where it has none the sum of its step widths."""
    support_kusd_per_t: Mapping[str, Floats]
    """What the state pays per t under a price floor (negative: receives); shape (nodes,)."""
    single_mode: Mapping[str, Mode]
    """Of producers that run in one mode: all they do."""
    activities: Mapping[tuple[str, str], Mode]
    """By (producer, mode), of producers that run in several."""

    def made_at(self, commodity: str, place: str) -> list[str]:
        """Producers of a commodity at a place."""
        return [name for name, f in self.producers.items() if f.place == place and commodity in f.outputs]

    def parts(self, mode: Mode, producer: str, content: Content) -> dict[Market, float]:
        """Net output per t of activity in a mode, t by market."""
        made: dict[Market, float] = {}
        recipe = self.producers[producer]
        for sign, amounts, variants in ((1.0, recipe.outputs, mode.outputs), (-1.0, recipe.inputs, mode.inputs)):
            for commodity, amount in amounts.items():
                market = (commodity, content.written(commodity, variants[commodity]), recipe.place)
                made[market] = made.get(market, 0.0) + sign * amount
        return made


def prepare_supply(scenario: Scenario, effects: Effects, content: Content) -> Supply:
    """Cost steps and capacities of all producers."""
    tree = effects.tree
    period = np.array(tree.period)
    producers: dict[str, Facility] = {**scenario.facilities, **scenario.projects}
    index: list[tuple[str, int]] = []
    widths: list[Floats] = []
    costs: list[Floats] = []
    capacity: dict[str, Floats] = {}
    planned: dict[str, Floats] = {}
    offered: dict[str, Floats] = {}
    support: dict[str, Floats] = {}
    for name, facility in producers.items():
        available = effects.output_availability(name, facility)
        price_factor = effects.price_factor(facility.place, list(facility.outputs))
        planned[name] = home_capacity(facility, tree.calendar)[period]
        capacity[name] = scaled(planned[name], available)
        if facility.price_floor is not None:
            support[name] = _payment(facility.price_floor, tree.calendar)[period]
        steps = cost_steps(facility, tree.calendar)
        widths_t_per_y = sum(step.width_t_per_y for step in steps)
        offered[name] = np.where(np.isfinite(planned[name]), planned[name], widths_t_per_y)
        for number, step in enumerate(steps):
            index.append((name, number))
            widths.append(scaled(np.full(len(tree), step.width_t_per_y), available))
            costs.append(step.cost_kusd_per_t[period] * price_factor)
    shape = (len(index), len(tree))
    return Supply(
        producers=producers,
        steps=tuple(index),
        width_t_per_y=np.array(widths).reshape(shape),
        cost_kusd_per_t=np.array(costs).reshape(shape),
        capacity_t_per_y=capacity,
        planned_capacity_t_per_y=planned,
        offered_t_per_y=offered,
        support_kusd_per_t=support,
        single_mode={name: modes[0] for name, modes in content.modes.items() if len(modes) == 1},
        activities={
            (name, mode.name): mode
            for name, modes in content.possible_modes.items()
            if len(content.modes[name]) > 1
            for mode in modes
        },
    )


def home_capacity(facility: Facility, calendar: Calendar) -> Floats:
    """Activity home can buy, t/y by period; `inf` where there is no limit."""
    if facility.capacity_t_per_y is None:
        return np.full(len(calendar), UNLIMITED if facility.home_share > 0 else 0.0)
    return calendar.mean(facility.capacity_t_per_y) * facility.home_share


def cost_steps(facility: Facility, calendar: Calendar) -> list[Step]:
    """A producer's cost steps: as listed, cut from its supply curve, or a single one."""
    if facility.steps:
        return [Step(step.width_t_per_y, calendar.mean(step.cost_kusd_per_t)) for step in facility.steps]
    base_price = calendar.mean(facility.cost_kusd_per_t or 0.0)
    if facility.supply_curve is None:
        return [Step(UNLIMITED, base_price)]
    end = facility.supply_curve.up_to_t_per_y
    if end is None:
        end = float(home_capacity(facility, calendar).max())
    return _curve_steps(facility.supply_curve, base_price, end)


def _curve_steps(curve: SupplyCurve, base_price: Floats, end: float) -> list[Step]:
    """Chords of inverse supply: the base price up to X0, then equal widths.

    The chord error is at most b w^2 / 8 on the market basis and b w^2 / 4 on the buyer's, with slope b and width w.
    """
    observed = curve.observed_t_per_y
    slope = curve.slope_kusd_per_t2_y
    if slope is None:
        if curve.elasticity is None or observed <= 0:
            raise ValueError("a supply curve needs a slope, or an elasticity at an observed volume above 0")
        slope = float(base_price[0]) / (curve.elasticity * observed)
    steps = [Step(observed, base_price)] if observed > 0 else []
    width = (end - observed) / curve.steps
    if width <= 0:
        return steps
    for number in range(curve.steps):
        low, high = observed + number * width, observed + (number + 1) * width
        price_low, price_high = (base_price + slope * (x - observed) for x in (low, high))
        if curve.basis == "market":
            cost = (price_low + price_high) / 2
        else:
            cost = (high * price_high - low * price_low) / width
        steps.append(Step(width, cost))
    return steps


def _payment(floor: PriceFloor, calendar: Calendar) -> Floats:
    """What the state pays per t under a contract for difference; negative: what it keeps. Shape (periods,)."""
    lack = floor.floor_kusd_per_t - calendar.mean(floor.reference_price_kusd_per_t)
    return np.where(lack > 0, lack, floor.kept_above_share * lack)


def scaled(limit: Floats, availability: Floats) -> Floats:
    """A limit times an availability; nothing is left of an unlimited offer that is not available at all.

    One that is available on some days of a period stays unlimited: what is wanted is bought on those days.
    """
    finite = np.isfinite(limit)
    return np.where(finite, np.where(finite, limit, 0.0) * availability, np.where(availability > 0, UNLIMITED, 0.0))
