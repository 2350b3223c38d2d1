"""Cost of a node, of a future, and the objective: expected cost against the mean of the worst futures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lodeplan.optimizer.model.data import (
    add_constraint,
    add_links,
    add_number,
    add_objective,
    add_param,
    add_param_by_node,
    add_set,
    add_variables,
    amount,
    any_sign,
    by_node,
)
from lodeplan.optimizer.model.declare import Couples, Untold, constraint, variable
from lodeplan.optimizer.model.index import named_starts
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.costs import Variable
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.prepare.weights import TIE_BREAKER, cost_weights

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.money,
    marginal_value=Untold("it is what a node's money weighs, by which `at_node` is divided"),
    couples=(
        Couples.PATH,
        Couples.MINERAL_GROUPS,
    ),
)
def node_cost_adds_up(m: Any, n: str) -> Any:
    """Cost of a node is the sum of all cost terms in force there.

    cost[n] = sum unit cost * variable, over production, trade, recovery, use, stocks, shortage, slack and decisions

    Unit: kUSD, as of the node's first day.
    Dual: weight of the node in the objective: probability and discount, and its part in the tail.
    Kind: hard; only on paths of futures whose costs are compared. Elsewhere the sum stands in the objective.
    Source: `lodeplan.optimizer.prepare.costs`.
    """
    return m.cost[n] == _cost(m, n)


def _cost(m: Any, n: str) -> Any:
    """All cost terms in force at a node, kUSD, not discounted."""
    return (
        sum(m.run_cost_kusd[f, i, n] * m.run[f, i, n] for f, i in m.STEPS)
        + sum(m.ship_cost_kusd[r, b, n] * m.ship[r, b, n] for r, b in m.BANDS)
        + sum(m.recover_cost_kusd[x, n] * m.recover[x, n] for x in m.RECOVERIES)
        + sum(m.use_cost_kusd[d, o, n] * m.use[d, o, n] for d, o in m.COSTLY_OPTIONS)
        + sum(m.dispose_cost_kusd[k, q, n] * m.dispose[k, q, n] for k, q in m.DISPOSALS)
        + sum(m.buy_cost_kusd[z, n] * m.buy[z, n] for z in m.STOCKPILES)
        + sum(m.stock_cost_kusd[z, n] * m.stock[z, n] for z in m.STOCKPILES)
        + sum(m.short_cost_kusd[d, s, n] * m.short[d, s, n] for d, s in m.SHORTAGE_STEPS)
        + sum(m.slack_cost_kusd[c, d, n] * m.slack[c, d, n] for c, d in m.SOFT)
        + sum(m.onboard_cost_kusd[r, a] * m.onboard[r, a] for r, a in m.ONBOARDED_AT[n])
        + sum(m.start_cost_kusd[p, t, a, n] * m.start[p, t, a] for p, t, a in m.STARTS_FELT[n])
    )


@constraint(
    scale=Sizes.money,
    marginal_value=Untold("it is how the tail weighs the futures"),
    couples=(
        Couples.PATH,
        Couples.FUTURES,
        Couples.MINERAL_GROUPS,
    ),
)
def tail_excess_is_counted(m: Any, w: str) -> Any:
    """The cost of a future beyond the value at risk counts towards CVaR.

    excess[w] >= sum over the path of discount[n] * cost[n] - value at risk

    Unit: kUSD.
    Dual: the future's weight in the tail; negative or 0.
    Kind: hard; only where the tail has a weight.
    Source: Rockafellar and Uryasev (2000).
    """
    return sum(m.discount_factor[n] * m.cost[n] for n in m.PATH[w]) - m.value_at_risk - m.excess[w] <= 0


@constraint(
    scale=Sizes.money,
    marginal_value=Untold("it is how the objective weighs the futures"),
    couples=(
        Couples.PATH,
        Couples.FUTURES,
        Couples.MINERAL_GROUPS,
    ),
)
def worst_future_is_counted(m: Any, w: str) -> Any:
    """No future is worse than the worst: by its cost, or by what it costs above its own best plan.

    sum over the path of discount[n] * cost[n] - best[w] <= worst

    Unit: kUSD.
    Dual: the future's weight in the worst; negative or 0.
    Kind: hard; only where the worst future or the maximum regret is minimised.
    Source: minimax cost; minimax regret after Savage (1951).
    """
    return sum(m.discount_factor[n] * m.cost[n] for n in m.PATH[w]) - m.worst <= m.best_kusd[w]


def weighted_cost(m: Any) -> Any:
    """The objective, kUSD.

    (1 - lambda) * expected cost + lambda * CVaR; or the worst future, the maximum regret or the expected shortage, with
    expected cost as tie-breaker. Violations of soft limits in stress tests are charged as if the tests came.
    """
    # A template cannot be made of sums within a sum over no node.
    weighed = sum(m.node_weight[n] * _cost(m, n) for n in m.WEIGHED) if len(m.WEIGHED) else 0.0
    return (
        sum(m.node_weight[n] * m.cost[n] for n in m.COMPARED)
        + weighed
        + m.tail_weight * (sum(m.excess_weight[w] * m.excess[w] for w in m.TAIL_FUTURES) + m.value_at_risk)
        + m.worst_weight * m.worst
        + sum(m.short_weight[d, s, n] * m.short[d, s, n] for d, s, n in m.WEIGHED_SHORTAGES)
        + sum(m.test_weight[c, d, n] * m.slack[c, d, n] for c, d, n in m.TESTED)
    )


@variable("n", unit="kUSD", scale=Sizes.money)
def cost(m: Any, instance: Instance) -> Any:
    """All that falls due at n, as of the first day of n: later years of n are discounted to it."""
    return any_sign(m.COMPARED)


@variable("w", unit="kUSD", scale=Sizes.money)
def excess(m: Any, instance: Instance) -> Any:
    """Cost of future w beyond z."""
    return amount(m.TAIL_FUTURES)


@variable("", unit="kUSD", scale=Sizes.money)
def value_at_risk(m: Any, instance: Instance) -> Any:
    """z of CVaR; free of sign."""
    return any_sign()


@variable("", unit="kUSD", scale=Sizes.money)
def worst(m: Any, instance: Instance) -> Any:
    """Cost of the worst future, or its regret; free of sign."""
    return any_sign()


CONSTRAINTS = (node_cost_adds_up, tail_excess_is_counted, worst_future_is_counted)
VARIABLES = (cost, value_at_risk, excess, worst)


def add_risk(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Unit costs, node costs and the objective."""
    _add_unit_costs(m, instance)
    tree, risk = instance.tree, instance.scenario.risk
    nodes = tree.names
    of_worst = risk.objective in ("worst_future", "maximum_regret")
    names = [tree.future_names[future] for future in tree.counted]
    at_risk = names if risk.objective == "cost" and risk.tail_weight > 0 else []
    counted = names if of_worst else []
    paths = {
        name: [nodes[node] for node in tree.path(leaf)] for name, leaf in zip(tree.future_names, tree.leaf, strict=True)
    }
    weights = dict(zip(nodes, cost_weights(instance).tolist(), strict=True))
    tail = tree.future_probability / (1.0 - risk.tail_level)
    compared = compared_nodes(instance)
    add_set(m, "COMPARED", [name for name in nodes if name in compared])
    add_set(m, "WEIGHED", [name for name, weight in weights.items() if weight > 0 and name not in compared])
    add_variables(m, instance, (cost,))
    add_constraint(m, node_cost_adds_up, m.COMPARED)
    add_set(m, "TAIL_FUTURES", at_risk)
    add_set(m, "COUNTED_FUTURES", counted)
    add_links(m, "PATH", paths, at_risk or counted)
    add_param(m, "discount_factor", dict(zip(nodes, tree.discount.tolist(), strict=True)))
    add_param(m, "node_weight", weights)
    add_param(m, "excess_weight", dict(zip(tree.future_names, tail.tolist(), strict=True)))
    add_param(m, "best_kusd", {name: instance.best_kusd.get(name, 0.0) for name in counted})
    add_number(m, "tail_weight", risk.tail_weight)
    add_number(m, "worst_weight", 1.0 - TIE_BREAKER if of_worst else 0.0)
    _add_shortage_weights(m, instance)
    _add_test_weights(m, instance)
    add_variables(m, instance, (excess, value_at_risk, worst))
    add_constraint(m, tail_excess_is_counted, m.TAIL_FUTURES)
    add_constraint(m, worst_future_is_counted, m.COUNTED_FUTURES)
    add_objective(m, weighted_cost)


def compared_nodes(instance: Instance) -> frozenset[str]:
    """Nodes whose costs a row adds up, by future, to compare futures: in the tail, for the worst, for regret."""
    tree, risk = instance.tree, instance.scenario.risk
    if risk.objective == "expected_shortage" or (risk.objective == "cost" and risk.tail_weight == 0):
        return frozenset()
    return frozenset(tree.names[node] for future in tree.counted for node in tree.path(tree.leaf[future]))


def _add_shortage_weights(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Add weights of shortage where the objective is its expected worth."""
    tree, weights = instance.tree, {}
    if instance.scenario.risk.objective == "expected_shortage":
        penalty = instance.demands.penalty_kusd_per_t * tree.annuity_y * tree.probability * tree.discount
        weights = by_node(instance.demands.steps, tree.names, (1.0 - TIE_BREAKER) * penalty)
    add_set(m, "WEIGHED_SHORTAGES", [key for key, weight in weights.items() if weight], dimen=3)
    add_param(m, "short_weight", weights)


def _add_test_weights(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Weights of slack in stress tests, whose nodes have no probability."""
    tree, limits = instance.tree, instance.limits
    paid = np.where(tree.stressed, limits.violation_kusd * tree.discount, 0.0)
    weights = {key: w for key, w in by_node(limits.soft, tree.names, paid).items() if w}
    add_set(m, "TESTED", weights, dimen=3)
    add_param(m, "test_weight", weights)


def _add_unit_costs(m: pyo.ConcreteModel, instance: Instance) -> None:
    nodes, costs = instance.tree.names, instance.costs
    on_flows: tuple[tuple[Variable, Any], ...] = (
        ("run", m.STEPS),
        ("ship", m.BANDS),
        ("recover", m.RECOVERIES),
        ("use", m.OPTIONS),
        ("dispose", m.DISPOSALS),
        ("buy", m.STOCKPILES),
        ("stock", m.STOCKPILES),
        ("short", m.SHORTAGE_STEPS),
        ("slack", m.SOFT),
    )
    for name, index in on_flows:
        add_param_by_node(m, f"{name}_cost_kusd", index, costs.unit_cost(name))
    costly = [
        o for o, unit in zip(instance.demands.options, np.atleast_2d(costs.unit_cost("use")), strict=True) if unit.any()
    ]
    add_set(m, "COSTLY_OPTIONS", costly, dimen=2)
    offered = list(m.ONBOARDINGS)
    onboard = by_node(list(instance.trade.onboarding), nodes, costs.unit_cost("onboard"))
    add_param(m, "onboard_cost_kusd", {key: onboard[key] for key in offered})
    add_links(m, "ONBOARDED_AT", {n: [key for key in offered if key[1] == n] for n in nodes}, nodes, dimen=2)
    names = dict(zip(instance.programme.starts, named_starts(instance), strict=True))
    due = {(*names[start], nodes[node]): kusd for (start, node), kusd in costs.start_cost().items()}
    felt: dict[str, list[tuple[str, str, str]]] = {}
    for p, t, a, n in due:
        felt.setdefault(n, []).append((p, t, a))
    add_param(m, "start_cost_kusd", due)
    add_links(m, "STARTS_FELT", felt, nodes, dimen=3)
