"""Cost of nodes and futures, CVaR and objective, recomputed (conventions, "Cost of a node")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lodeplan.optimizer.check.case import Case, support_kusd_per_t
from lodeplan.optimizer.check.limits import onboarding_due_kusd
from lodeplan.optimizer.check.objective import Outcome, objective_kusd
from lodeplan.optimizer.check.options import worth_kusd_per_t
from lodeplan.optimizer.check.periods import mean
from lodeplan.optimizer.check.tree import Node
from lodeplan.schemas.limits import Budget, PermitSlots

TERMS = (
    "production",
    "freight",
    "hub_markup",
    "duty",
    "support",
    "calibration",
    "recovery",
    "substitution",
    "demand_reduction",
    "disposal",
    "holding",
    "buying_premium",
    "shortage_penalty",
    "limit_violation",
    "capex",
    "fast_track",
    "onboarding",
    "grant",
    "end_value_stock",
    "end_value_projects",
)
TRANSFERS = frozenset({"duty", "support", "grant"})
"""In the national view these are reported, not counted."""


@dataclass(frozen=True)
class Costs:
    """kUSD: terms by node (as of its first day), futures (discounted) and the objective."""

    terms: Mapping[str, Mapping[str, float]]
    counted: Mapping[str, float]
    """By node, the sum of what counts in the scenario's view, not discounted."""
    futures: Mapping[str, float]
    objective: float


def recompute(case: Case, best_kusd: Mapping[str, float]) -> Costs:
    """All costs of a plan; `best_kusd` is what each future would cost at least, where regret counts."""
    terms = {name: node_terms_kusd(case, node) for name, node in case.tree.nodes.items()}
    not_counted = TRANSFERS if case.scenario.economics.view == "national" else frozenset()
    counted = {
        name: sum(cost for term, cost in of_node.items() if term not in not_counted) for name, of_node in terms.items()
    }
    futures = {
        future: sum(case.tree.nodes[name].discount_factor * counted[name] for name in case.tree.nodes[last].path)
        for future, last in case.tree.last_node.items()
    }
    shortages = sum(
        node.probability * node.discount_factor * terms[name]["shortage_penalty"]
        for name, node in case.tree.nodes.items()
    )
    tested = sum(
        node.discount_factor * terms[name]["limit_violation"]
        for name, node in case.tree.nodes.items()
        if node.is_stress
    )
    outcome = Outcome(futures, case.tree.probabilities, shortages, best_kusd)
    return Costs(terms, counted, futures, objective_kusd(outcome, case.scenario.risk) + tested)


def node_terms_kusd(case: Case, node: Node) -> dict[str, float]:
    """Cost of a node by term, kUSD as of its first day; every term, also where it is 0."""
    terms = dict.fromkeys(TERMS, 0.0)
    _production(case, node, terms)
    _trade(case, node, terms)
    _recovery_and_options(case, node, terms)
    _storage_and_disposal(case, node, terms)
    _penalties(case, node, terms)
    terms["capex"], terms["grant"] = case.projects.capex_and_grants_paid_kusd(node)
    terms["fast_track"] = case.projects.extra_cost_due_kusd(node)
    terms["onboarding"] = onboarding_due_kusd(case, node)
    if node.name in case.tree.leaves:
        terms["end_value_projects"] = -node.worth(node.period.end_year - 1) * case.projects.end_value_kusd(node)
    return terms


def _production(case: Case, node: Node, terms: dict[str, float]) -> None:
    years = node.annuity_y
    for (name, number), (run, *_) in case.plan.rows("run", node.name).items():
        terms["production"] += years * case.world.step(name, number, node).cost_kusd_per_t * run
        floor = case.world.makers[name].price_floor
        if floor is not None:
            terms["support"] -= years * support_kusd_per_t(floor, node.period) * run


def _trade(case: Case, node: Node, terms: dict[str, float]) -> None:
    period = node.period
    for (name, band), (ship, *_) in case.plan.rows("ship", node.name).items():
        route, counted_t = case.scenario.routes[name], node.annuity_y * ship
        terms["freight"] += mean(route.freight_kusd_per_t, period) * counted_t
        terms["hub_markup"] += mean(route.hub_markup_kusd_per_t, period) * counted_t
        terms["calibration"] += mean(route.calibration_kusd_per_t, period) * counted_t
        kind, variant = case.world.bands[name][band]
        terms["duty"] += case.world.duty(name, node, variant).of_band(kind) * counted_t


def _recovery_and_options(case: Case, node: Node, terms: dict[str, float]) -> None:
    years = node.annuity_y
    for (name,), (flow, *_) in case.plan.rows("recover", node.name).items():
        terms["recovery"] += years * mean(case.scenario.recycling[name].cost_kusd_per_t, node.period) * flow
    for (name, written), (met, *_) in case.plan.rows("serve", node.name).items():
        demand, option = case.scenario.demands[name], case.world.options[name][written]
        if option.substitute is not None:
            cost = demand.substitutes[option.substitute].cost_kusd_per_t
            terms["substitution"] += years * mean(cost, node.period) * met
        if option.step is not None:
            terms["demand_reduction"] += years * worth_kusd_per_t(demand, option.step) * met


def _storage_and_disposal(case: Case, node: Node, terms: dict[str, float]) -> None:
    years = node.annuity_y
    for (name,), (buy, _, stock) in case.plan.rows("store", node.name).items():
        stockpile = case.scenario.stockpiles[name]
        terms["holding"] += years * mean(stockpile.holding_kusd_per_t_y, node.period) * stock
        terms["buying_premium"] += years * stockpile.buying_premium_kusd_per_t * buy
        if node.name in case.tree.leaves:
            worth = node.worth(node.period.end_year - 1)
            terms["end_value_stock"] -= worth * stockpile.end_value_kusd_per_t * stock
    for (commodity, _), (flow, *_) in case.plan.rows("dispose", node.name).items():
        terms["disposal"] += years * case.scenario.commodities[commodity].disposal_cost_kusd_per_t * flow


def _penalties(case: Case, node: Node, terms: dict[str, float]) -> None:
    years = node.annuity_y
    for (name, number), (shortage, *_) in case.plan.rows("shortage", node.name).items():
        _, penalty = case.world.penalty_steps(name)[int(number)]
        terms["shortage_penalty"] += years * penalty * shortage
    for (name, _), (slack, *_) in case.plan.rows("slack", node.name).items():
        limit = case.scenario.limits[name]
        by_time = years / node.period.length_y if isinstance(limit, Budget | PermitSlots) else years
        terms["limit_violation"] += by_time * (limit.violation_price_kusd or 0.0) * slack
