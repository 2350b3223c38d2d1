"""Weight of a kUSD at each node in the objective."""

from __future__ import annotations

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.subjects import Subjects

TIE_BREAKER = 1e-3
"""Weight of expected cost where something else is minimised."""


def expected_cost_weight(subjects: Subjects) -> float:
    """Weight of expected cost in the objective."""
    risk = subjects.scenario.risk
    return TIE_BREAKER if risk.objective != "cost" else 1.0 - risk.tail_weight


def cost_weights(subjects: Subjects) -> Floats:
    """Weight of each node's money in expected cost: its part in a tail, or in the worst future, comes on top.

    Shape (nodes,), per kUSD that is not discounted.
    """
    tree = subjects.tree
    return expected_cost_weight(subjects) * tree.probability * tree.discount
