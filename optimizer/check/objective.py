"""The objective of a plan from the costs of its futures (conventions, "Cost of a node")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lodeplan.optimizer.check.tree import NO_PROBABILITY
from lodeplan.schemas.scenario import Risk

TIE_BREAKER = 0.001
"""Weight of expected cost in objectives that are about something else."""


@dataclass(frozen=True)
class Outcome:
    """Costs of a plan, kUSD, discounted."""

    costs: Mapping[str, float]
    """By future, stress tests among them."""
    probabilities: Mapping[str, float]
    """By future; that of a stress test is 0."""
    shortages: float
    """Expected shortage penalties."""
    best: Mapping[str, float]
    """Least cost of each future if it were known to come."""


def objective_kusd(outcome: Outcome, risk: Risk) -> float:
    """The objective value."""
    probabilities = outcome.probabilities
    expected = sum(probabilities[future] * cost for future, cost in outcome.costs.items())
    if risk.objective == "cost":
        tail = cvar_kusd(outcome.costs, probabilities, risk.tail_level)
        return (1 - risk.tail_weight) * expected + risk.tail_weight * tail
    if risk.objective == "expected_shortage":
        aim = outcome.shortages
    else:
        best = outcome.best if risk.objective == "maximum_regret" else {}
        aim = max(outcome.costs[future] - best.get(future, 0.0) for future in counting(probabilities))
    return (1 - TIE_BREAKER) * aim + TIE_BREAKER * expected


def counting(probabilities: Mapping[str, float]) -> list[str]:
    """The futures that may be the worst: all that can come."""
    return [future for future, probability in probabilities.items() if probability > NO_PROBABILITY]


def cvar_kusd(costs: Mapping[str, float], probabilities: Mapping[str, float], level: float) -> float:
    """min over z of z + E[max(0, cost - z)] / (1 - level); the least lies at the cost of a future that can come."""
    return min(
        costs[worst] + sum(probabilities[each] * max(0.0, costs[each] - costs[worst]) for each in costs) / (1 - level)
        for worst in counting(probabilities)
    )
