"""Rows of the limits at a node, hard or soft (conventions, "Stockpiles, limits")."""

from __future__ import annotations

from typing import assert_never

from lodeplan.optimizer.check.case import Case, support_kusd_per_t
from lodeplan.optimizer.check.ledger import MONEY, ONE, Ledger, Unit
from lodeplan.optimizer.check.periods import mean
from lodeplan.optimizer.check.selections import selects_name
from lodeplan.optimizer.check.supply_limits import check_supply_limit
from lodeplan.optimizer.check.tree import Node
from lodeplan.schemas.limits import (
    Budget,
    ConcentrationCap,
    JointCapacity,
    Limit,
    MinimumShare,
    NetImportReliance,
    PermitSlots,
    ServiceFloor,
    ShareCap,
    Survival,
)

SLOTS = Unit(ONE.size, "slots")


def check_limits(case: Case, node: Node, ledger: Ledger) -> None:
    """Every limit that applies to the node, with the slack the plan takes."""
    for name, limit in case.scenario.limits.items():
        applies = _applies(case, limit, node)
        if applies:
            _limit_holds(case, node, name, ledger)
        for (slack_of, item), (slack, *_) in case.plan.rows("slack", node.name).items():
            if slack_of == name and (limit.violation_price_kusd is None or not applies):
                why = "is hard" if applies else "does not apply there"
                of = f"{name} {item}".rstrip()
                ledger.at_most(f"slack of {of} at {node.name}, which {why},", slack, 0.0, _unit(case, limit))


def _applies(case: Case, limit: Limit, node: Node) -> bool:
    """To the nodes of the futures it names; without, to all but those of stress tests, or to the planned path."""
    if limit.futures and (node.future is None or not selects_name(limit.futures, node.future)):
        return False
    if node.is_stress and not limit.futures:
        return False
    return limit.applies_to == "all" or node.name in case.tree.planned


def _unit(case: Case, limit: Limit) -> Unit:
    if isinstance(limit, ShareCap | MinimumShare | NetImportReliance | ConcentrationCap):
        return case.units[limit.commodity]
    if isinstance(limit, PermitSlots):
        return SLOTS
    if isinstance(limit, JointCapacity):
        return case.units[next(iter(case.world.makers[next(iter(limit.facilities))].outputs))]
    return MONEY if isinstance(limit, Budget) else ONE


def _limit_holds(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    limit = case.scenario.limits[name]
    if isinstance(limit, ServiceFloor):
        _floor_holds(case, node, name, ledger)
    elif isinstance(limit, ShareCap | MinimumShare | NetImportReliance | ConcentrationCap):
        check_supply_limit(case, node, name, ledger)
    elif isinstance(limit, JointCapacity):
        run = case.run_t_per_y(node)
        taken = sum(share * run.get(maker, 0.0) for maker, share in limit.facilities.items())
        bound = mean(limit.capacity_t_per_y, node.period) + case.plan.value("slack", node.name, (name, ""))
        ledger.at_most(f"joint activity under limit {name} at {node.name}", taken, bound, _unit(case, limit))
    elif isinstance(limit, Budget):
        due = sum(_due_kusd(case, node, covered) for covered in limit.covers)
        bound = mean(limit.amount_kusd_per_y, node.period) * node.period.length_y
        bound += case.plan.value("slack", node.name, (name, ""))
        ledger.at_most(f"money falling due under limit {name} at {node.name}", due, bound, MONEY)
    elif isinstance(limit, PermitSlots):
        bound = mean(limit.slots_per_y, node.period) * node.period.length_y
        bound += case.plan.value("slack", node.name, (name, ""))
        used = case.projects.slots_used(node)
        ledger.at_most(f"permit slots used under limit {name} at {node.name}", used, bound, SLOTS)
    elif not isinstance(limit, Survival):  # which is written out before, as other limits
        assert_never(limit)


def _floor_holds(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """Shortage of each demand meant <= (1 - served share) * quantity + slack."""
    limit = case.scenario.limits[name]
    short = case.short_t_per_y(node)
    for demand_name, demand in case.scenario.demands.items():
        if not isinstance(limit, ServiceFloor) or demand.tier not in limit.tiers:
            continue
        if selects_name(limit.commodities, demand.commodity):
            allowed = (1 - mean(limit.served_share, node.period)) * case.world.demand_t_per_y(demand_name, node)
            slack = case.plan.value("slack", node.name, (name, demand_name))
            what = f"shortage of demand {demand_name} under limit {name} at {node.name}"
            ledger.at_most(what, short.get(demand_name, 0.0), allowed + slack, case.units[demand.commodity])


def _due_kusd(case: Case, node: Node, covered: str) -> float:
    """Money of one kind falling due at a node."""
    if covered == "capex":
        return case.projects.capex_due_kusd(node) + case.projects.extra_cost_due_kusd(node)
    if covered == "onboarding":
        return onboarding_due_kusd(case, node)
    return _stock_due_kusd(case, node) if covered == "stock" else _support_due_kusd(case, node)


def onboarding_due_kusd(case: Case, node: Node) -> float:
    """Cost of the onboardings decided at a node."""
    decided = [case.scenario.routes[name].onboarding for (name,) in case.plan.rows("onboardings", node.name)]
    return sum(onboarding.cost_kusd for onboarding in decided if onboarding is not None)


def _stock_due_kusd(case: Case, node: Node) -> float:
    """Purchases for stock at the reference price plus the premium."""
    due = 0.0
    for (name,), (buy, *_) in case.plan.rows("store", node.name).items():
        stockpile = case.scenario.stockpiles[name]
        price = case.scenario.commodities[stockpile.commodity].reference_price_kusd_per_t
        paid = (0.0 if price is None else mean(price, node.period)) + stockpile.buying_premium_kusd_per_t
        due += node.period.length_y * paid * buy
    return due


def _support_due_kusd(case: Case, node: Node) -> float:
    """Grants, and payments under price floors; what the state keeps elsewhere does not refill the budget."""
    due = case.projects.grants_due_kusd(node)
    for name, run in case.run_t_per_y(node).items():
        floor = case.world.makers[name].price_floor
        if floor is not None:
            due += node.period.length_y * max(0.0, support_kusd_per_t(floor, node.period)) * run
    return due
