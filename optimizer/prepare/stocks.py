"""Stockpiles: what may be bought, held and released at each node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lodeplan.optimizer.prepare.calendar import TOLERANCE_Y, Floats
from lodeplan.optimizer.prepare.effects import Effects
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.schemas.patterns import matches
from lodeplan.schemas.scenario import Scenario, Stockpile

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True)
class Stocks:
    """Arrays of shape (stockpiles, nodes)."""

    stockpiles: Mapping[str, Stockpile]
    names: tuple[str, ...]
    place: tuple[str, ...]
    kept_share: Floats
    """Share of the parent's stock that is left at the node."""
    opening_t: Floats
    """What the opening stock adds: its kept share at the root, 0 elsewhere."""
    buy_limit_t_per_y: Floats
    release_limit_t_per_y: Floats
    stock_limit_t: Floats
    cover_t: Floats
    """Cover target of each node, wherever it holds."""
    stock_floor_t: Floats
    """Cover target and end minimum, where they hold at every end of a period; 0 where there is none."""
    replenished_t: Floats
    """Cover target that has to be met now and then; 0 where there is none."""
    lately: Mapping[tuple[str, int], list[int]]
    """By (stockpile, node): the node and those of its ancestors one of which must meet such a target."""
    holding_kusd_per_t_y: Floats
    premium_kusd_per_t: Floats
    purchase_kusd_per_t: Floats
    """Reference price and premium, for budgets; 0 where no price is stated."""
    end_value_kusd_per_t: Floats
    """At leaves, 0 elsewhere."""


def prepare_stocks(scenario: Scenario, effects: Effects, demand_t_per_y: Mapping[tuple[str, str], Floats]) -> Stocks:
    """Stock rules by node. `demand_t_per_y`: demand by (commodity, place), shape (nodes,) each."""
    tree = effects.tree
    period = np.array(tree.period)
    names = tuple(scenario.stockpiles)
    piles = [scenario.stockpiles[name] for name in names]
    places = tuple(pile.place or scenario.home for pile in piles)
    shape = (len(piles), len(tree))
    is_root = np.array([parent < 0 for parent in tree.parent], float)
    is_leaf = np.isin(np.arange(len(tree)), tree.leaves).astype(float)

    def profile(field: str, absent: float = 0.0) -> Floats:
        rows = []
        for pile in piles:
            value = getattr(pile, field)
            rows.append(tree.calendar.mean(absent if value is None else value)[period])
        return np.array(rows, float).reshape(shape)

    covers = [_cover(pile, place, effects, demand_t_per_y) for pile, place in zip(piles, places, strict=True)]
    kept = (1.0 - profile("loss_share_per_y")) ** tree.length
    premium = profile("buying_premium_kusd_per_t")
    return Stocks(
        stockpiles=scenario.stockpiles,
        names=names,
        place=places,
        kept_share=kept,
        opening_t=kept * profile("opening_t") * is_root,
        buy_limit_t_per_y=profile("fill_t_per_y", float("inf")),
        release_limit_t_per_y=np.array([_release_limit(pile, effects) for pile in piles]).reshape(shape),
        stock_limit_t=profile("capacity_t", float("inf")),
        cover_t=np.array(covers).reshape(shape),
        stock_floor_t=np.array(
            [_floor(pile, cover, effects) for pile, cover in zip(piles, covers, strict=True)]
        ).reshape(shape),
        replenished_t=np.array(
            [
                cover if pile.replenish_within_years else np.zeros(len(tree))
                for pile, cover in zip(piles, covers, strict=True)
            ]
        ).reshape(shape),
        lately={
            (name, node): lately
            for name, pile in zip(names, piles, strict=True)
            if pile.replenish_within_years
            for node in range(len(tree))
            if not tree.stressed[node] and (lately := _lately(tree, node, pile.replenish_within_years))
        },
        holding_kusd_per_t_y=profile("holding_kusd_per_t_y"),
        premium_kusd_per_t=premium,
        purchase_kusd_per_t=premium + _reference_prices(scenario, piles, effects).reshape(shape),
        end_value_kusd_per_t=profile("end_value_kusd_per_t") * is_leaf,
    )


def _release_limit(pile: Stockpile, effects: Effects) -> Floats:
    """Unlimited; a strategic reserve only where one of its release events is in force at some time."""
    nodes = len(effects.tree)
    if pile.kind == "commercial":
        return np.full(nodes, float("inf"))
    opened = np.zeros(nodes, bool)
    for name, fraction in effects.in_force.items():
        if matches(name, pile.release_events):
            opened |= fraction > 0
    return np.where(opened, float("inf"), 0.0)


def _cover(pile: Stockpile, place: str, effects: Effects, demand_t_per_y: Mapping[tuple[str, str], Floats]) -> Floats:
    """Stock that covers the stated days of the node's demand, t; shape (nodes,)."""
    tree = effects.tree
    years: Floats = tree.calendar.mean(pile.cover_days)[np.array(tree.period)] / DAYS_PER_YEAR
    return years * demand_t_per_y.get((pile.commodity, place), np.zeros(len(tree)))


def _lately(tree: Tree, node: int, years: float) -> list[int]:
    """The node and its ancestors that end at most so long before it; none where that reaches before the horizon."""
    ends = {above: tree.start[above] + tree.length[above] for above in tree.back(node)}
    since = ends[node] - years
    if since <= tree.calendar.starts[0] + TOLERANCE_Y:
        return []
    return [above for above, end in ends.items() if end >= since - TOLERANCE_Y]


def _floor(pile: Stockpile, cover: Floats, effects: Effects) -> Floats:
    tree = effects.tree
    covered = np.isin(np.arange(len(tree)), tree.planned_path) & (pile.replenish_within_years is None)
    floor: Floats = np.where(covered, cover, 0.0)
    ends = list(tree.planned_ends)
    floor[ends] = np.maximum(floor[ends], pile.end_minimum_t)
    return floor


def _reference_prices(scenario: Scenario, piles: list[Stockpile], effects: Effects) -> Floats:
    period = np.array(effects.tree.period)
    prices = [scenario.commodities[pile.commodity].reference_price_kusd_per_t or 0.0 for pile in piles]
    return np.array([effects.tree.calendar.mean(price)[period] for price in prices], float)
