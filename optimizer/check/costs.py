"""Cost of nodes and futures, CVaR and objective, recomputed (conventions, "Cost of a node")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.check.case import Case, support_kusd_per_t
from optimizer.check.limits import onboarding_due_kusd
from optimizer.check.periods import mean
from optimizer.check.tree import Node
from schemas.limits import ServiceFloor, ShareCap
from schemas.scenario import Risk

TERMS = (
    "production",
    "freight",
    "hub_markup",
    "duty",
    "support",
    "calibration",
    "disposal",
    "holding",
    "buying_premium",
    "shortage_penalty",
    "limit_violation",
    "capex",
    "fast_track",
    "onboarding",
    "end_value_stock",
    "end_value_projects",
)
TRANSFERS = frozenset({"duty", "support"})
"""In the national view these are reported, not counted."""


@dataclass(frozen=True)
class Costs:
    """kUSD: terms by node (not discounted), futures (discounted) and the objective."""

    terms: Mapping[str, Mapping[str, float]]
    futures: Mapping[str, float]
    objective: float


def recompute(case: Case) -> Costs:
    """All costs of a plan."""
    terms = {name: node_terms_kusd(case, node) for name, node in case.tree.nodes.items()}
    not_counted = TRANSFERS if case.scenario.economics.view == "national" else frozenset()
    counted = {
        name: sum(cost for term, cost in of_node.items() if term not in not_counted) for name, of_node in terms.items()
    }
    futures = {
        future: sum(case.tree.nodes[name].discount_factor * counted[name] for name in case.tree.nodes[last].path)
        for future, last in case.tree.last_node.items()
    }
    return Costs(terms, futures, objective_kusd(futures, case.tree.probabilities, case.scenario.risk))


def objective_kusd(costs: Mapping[str, float], probabilities: Mapping[str, float], risk: Risk) -> float:
    """(1 - lambda) * expected cost + lambda * CVaR."""
    expected = sum(probabilities[future] * cost for future, cost in costs.items())
    return (1 - risk.tail_weight) * expected + risk.tail_weight * cvar_kusd(costs, probabilities, risk.tail_level)


def cvar_kusd(costs: Mapping[str, float], probabilities: Mapping[str, float], level: float) -> float:
    """min over z of z + E[max(0, cost - z)] / (1 - level); the least lies at the cost of a future."""
    return min(
        z + sum(probabilities[future] * max(0.0, cost - z) for future, cost in costs.items()) / (1 - level)
        for z in costs.values()
    )


def node_terms_kusd(case: Case, node: Node) -> dict[str, float]:
    """Cost of a node by term, kUSD, not discounted; every term, also where it is 0."""
    terms = dict.fromkeys(TERMS, 0.0)
    _production(case, node, terms)
    _trade(case, node, terms)
    _storage_and_disposal(case, node, terms)
    _penalties(case, node, terms)
    terms["capex"] = case.projects.capex_due_kusd(node)
    terms["fast_track"] = case.projects.extra_cost_due_kusd(node)
    terms["onboarding"] = onboarding_due_kusd(case, node)
    if node.name in case.tree.leaves:
        terms["end_value_projects"] = -case.projects.end_value_kusd(node)
    return terms


def _production(case: Case, node: Node, terms: dict[str, float]) -> None:
    length_y = node.period.length_y
    for (name, number), (run, *_) in case.plan.rows("run", node.name).items():
        terms["production"] += length_y * case.world.step(name, number, node).cost_kusd_per_t * run
        floor = case.world.makers[name].price_floor
        if floor is not None:
            terms["support"] -= length_y * support_kusd_per_t(floor, node.period) * run


def _trade(case: Case, node: Node, terms: dict[str, float]) -> None:
    period = node.period
    for (name, band), (ship, *_) in case.plan.rows("ship", node.name).items():
        route, quantity_t = case.scenario.routes[name], period.length_y * ship
        terms["freight"] += mean(route.freight_kusd_per_t, period) * quantity_t
        terms["hub_markup"] += mean(route.hub_markup_kusd_per_t, period) * quantity_t
        terms["calibration"] += mean(route.calibration_kusd_per_t, period) * quantity_t
        terms["duty"] += case.world.duty(name, node).of_band(band) * quantity_t


def _storage_and_disposal(case: Case, node: Node, terms: dict[str, float]) -> None:
    length_y = node.period.length_y
    for (name,), (buy, _, stock) in case.plan.rows("store", node.name).items():
        stockpile = case.scenario.stockpiles[name]
        terms["holding"] += length_y * mean(stockpile.holding_kusd_per_t_y, node.period) * stock
        terms["buying_premium"] += length_y * stockpile.buying_premium_kusd_per_t * buy
        if node.name in case.tree.leaves:
            terms["end_value_stock"] -= stockpile.end_value_kusd_per_t * stock
    for (commodity, _), (flow, *_) in case.plan.rows("dispose", node.name).items():
        terms["disposal"] += length_y * case.scenario.commodities[commodity].disposal_cost_kusd_per_t * flow


def _penalties(case: Case, node: Node, terms: dict[str, float]) -> None:
    length_y = node.period.length_y
    for (name, number), (shortage, *_) in case.plan.rows("shortage", node.name).items():
        _, penalty = case.world.penalty_steps(name)[int(number)]
        terms["shortage_penalty"] += length_y * penalty * shortage
    for (name, _), (slack, *_) in case.plan.rows("slack", node.name).items():
        limit = case.scenario.limits[name]
        by_year = length_y if isinstance(limit, ShareCap | ServiceFloor) else 1
        terms["limit_violation"] += by_year * (limit.violation_price_kusd or 0.0) * slack
