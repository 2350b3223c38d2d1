"""Rows of stockpiles at a node (conventions, "Stockpiles, limits")."""

from __future__ import annotations

from optimizer.check.case import Case
from optimizer.check.ledger import Ledger
from optimizer.check.periods import mean
from optimizer.check.projects import TOLERANCE_Y
from optimizer.check.selections import selects_name
from optimizer.check.tree import Node


def check_stocks(case: Case, node: Node, ledger: Ledger) -> None:
    """What is stored carries over, fits, is bought and released as allowed, and covers what it must."""
    for name, stockpile in case.scenario.stockpiles.items():
        buy, release, stock = case.plan.rows("store", node.name).get((name,), (0.0, 0.0, 0.0))
        flow_unit, stock_unit = case.units[stockpile.commodity], case.stock_unit(name)
        at = f"{name} at {node.name}"
        length_y = node.period.length_y
        before = stockpile.opening_t
        if node.parent is not None:
            before = case.plan.rows("store", node.parent).get((name,), (0.0, 0.0, 0.0))[2]
        kept = (1 - stockpile.loss_share_per_y) ** length_y * before
        ledger.balance(f"stock of {at}", kept + length_y * buy, stock + length_y * release, stock_unit)
        if stockpile.capacity_t is not None:
            ledger.at_most(f"stock of {at} against its capacity", stock, stockpile.capacity_t, stock_unit)
        if stockpile.fill_t_per_y is not None:
            ledger.at_most(f"purchase for {at}", buy, mean(stockpile.fill_t_per_y, node.period), flow_unit)
        opened = any(selects_name(stockpile.release_events, event) for event in node.in_force)
        if stockpile.kind == "strategic" and not opened:
            ledger.at_most(f"release from strategic {at}, with no release event in force,", release, 0.0, flow_unit)
        if node.future is None or (stockpile.replenish_within_years is not None and not node.is_stress):
            cover = mean(stockpile.cover_days, node.period) / 365 * _wanted_t_per_y(case, name, node)
            cover -= _released_lately_t(case, name, node)
            ledger.at_least(f"stock of {at} against its days of cover", stock, cover, stock_unit)
        if node.name == case.tree.last_base_node:
            ledger.at_least(f"stock of {at} against its end minimum", stock, stockpile.end_minimum_t, stock_unit)


def _wanted_t_per_y(case: Case, stockpile_name: str, node: Node) -> float:
    """Demand for what is stored, where it is stored."""
    stockpile, home = case.scenario.stockpiles[stockpile_name], case.scenario.home
    return sum(
        case.world.demand_t_per_y(name, node)
        for name, demand in case.scenario.demands.items()
        if demand.commodity == stockpile.commodity and (demand.place or home) == (stockpile.place or home)
    )


def _released_lately_t(case: Case, stockpile: str, node: Node) -> float:
    """What may be lacking because it was released within the time in which it has to be bought again."""
    within_years = case.scenario.stockpiles[stockpile].replenish_within_years
    if within_years is None:
        return 0.0
    path = [case.tree.nodes[before] for before in node.path]
    return sum(
        before.period.length_y * case.plan.rows("store", before.name).get((stockpile,), (0.0, 0.0, 0.0))[1]
        for before in path
        if before.period.year > node.period.year - within_years + TOLERANCE_Y
    )
