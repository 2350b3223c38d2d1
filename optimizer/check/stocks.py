"""Rows of stockpiles at a node (conventions, "Stockpiles, limits")."""

from __future__ import annotations

from lodeplan.optimizer.check.case import Case
from lodeplan.optimizer.check.ledger import Ledger
from lodeplan.optimizer.check.periods import mean
from lodeplan.optimizer.check.projects import TOLERANCE_Y
from lodeplan.optimizer.check.selections import selects_name
from lodeplan.optimizer.check.tree import Node


def check_stocks(case: Case, node: Node, ledger: Ledger) -> None:
    """Check that stocks carry over, fit, are bought and released as allowed, and meet their targets."""
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
        if stockpile.replenish_within_years is not None:
            _check_replenished(case, name, node, ledger)
        elif node.name in case.tree.planned:
            cover = _cover_t(case, name, node)
            ledger.at_least(f"stock of {at} against its days of cover", stock, cover, stock_unit)
        if node.name in case.tree.planned_ends:
            ledger.at_least(f"stock of {at} against its end minimum", stock, stockpile.end_minimum_t, stock_unit)


def _wanted_t_per_y(case: Case, stockpile_name: str, node: Node) -> float:
    """Demand for what is stored, where it is stored."""
    stockpile, home = case.scenario.stockpiles[stockpile_name], case.scenario.home
    return sum(
        case.world.demand_t_per_y(name, node)
        for name, demand in case.scenario.demands.items()
        if demand.commodity == stockpile.commodity and (demand.place or home) == (stockpile.place or home)
    )


def _cover_t(case: Case, stockpile: str, node: Node) -> float:
    days = mean(case.scenario.stockpiles[stockpile].cover_days, node.period)
    return days / 365 * _wanted_t_per_y(case, stockpile, node)


def _check_replenished(case: Case, stockpile: str, node: Node, ledger: Ledger) -> None:
    """Of the ends of periods in the time allowed, one at least has the cover target."""
    since = node.period.end_year - (case.scenario.stockpiles[stockpile].replenish_within_years or 0.0)
    if node.is_stress or since <= case.tree.periods[0].year + TOLERANCE_Y:
        return
    path = [case.tree.nodes[name] for name in node.path]
    lacking = [
        (_cover_t(case, stockpile, at) - case.plan.rows("store", at.name).get((stockpile,), (0.0, 0.0, 0.0))[2], at)
        for at in path
        if at.period.end_year >= since - TOLERANCE_Y
    ]
    least, at = min(lacking, key=lambda lack: lack[0])
    words = (
        f"the smallest shortfall of stock of {stockpile} to its days of cover in the time allowed before "
        f"{node.name}, in"
    )
    ledger.at_most(f"{words} {at.name},", least, 0.0, case.stock_unit(stockpile))
