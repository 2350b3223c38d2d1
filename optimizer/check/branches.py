"""Branches without weight in the objective (conventions, "Branches without weight"), and how cheap they are."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lodeplan.optimizer.check.case import Case
from lodeplan.optimizer.check.costs import Costs
from lodeplan.optimizer.check.ledger import MONEY, WORTH_A_WORD, Ledger
from lodeplan.optimizer.check.objective import TIE_BREAKER
from lodeplan.optimizer.check.plan import number, records, text
from lodeplan.optimizer.check.tree import NO_PROBABILITY, Tree

COLUMNS = ("node", "cost_kusd", "bound_kusd", "gap")


def check_branches(case: Case, costs: Costs, frame: pd.DataFrame | None, ledger: Ledger) -> list[str]:
    """A sentence for each branch; what it costs is added up again, and what it could cost comes from its duals."""
    said: list[str] = []
    covered: set[str] = set()
    for cell, *numbers in records(frame, COLUMNS, "branches", ledger):
        start, (cost, bound, gap) = text(cell), map(number, numbers)
        if start not in case.tree.nodes:
            ledger.wrong(f"branch {start} begins at no node of the scenario")
            continue
        weights = weights_of(case.tree, start)
        covered |= weights.keys()
        again = sum(weight * _aim_kusd(case, costs, node) for node, weight in weights.items())
        size = sum(weight * abs(_aim_kusd(case, costs, node)) for node, weight in weights.items())
        ledger.cost(f"cost of branch {start}", cost, again, size)
        said.append(_sentence(start, again, bound, gap))
        if bound is not None:
            ledger.at_most(
                f"the least cost of branch {start}, by its duals,", bound, again + WORTH_A_WORD * size, MONEY
            )
    tests = {name for name, node in case.tree.nodes.items() if node.probability <= NO_PROBABILITY}
    for name in tests - covered:
        parent = case.tree.nodes[name].parent
        if parent is None or parent not in tests:
            said.append(f"The branch from {name} was not checked, so it could be cheaper.")
    return said


def weights_of(tree: Tree, start: str) -> Mapping[str, float]:
    """Nodes that a branch pays for, with what each weighs there.

    Where its first node may come, those below that may come, at their probability if the first is reached; where it
    only tests, all below, each for as many futures as pass it.
    """
    first = tree.nodes[start]
    below = {name: node for name, node in tree.nodes.items() if start in node.path}
    if first.probability > NO_PROBABILITY:
        return {
            name: node.probability / first.probability * node.discount_factor
            for name, node in below.items()
            if node.probability > NO_PROBABILITY
        }
    ends = [tree.nodes[last].path for last in tree.last_node.values()]
    through = {name: sum(name in path for path in ends) for name in below}
    return {name: count * below[name].discount_factor for name, count in through.items() if count}


def _aim_kusd(case: Case, costs: Costs, node: str) -> float:
    """Objective at a node of a branch: its cost, or its shortages with cost to break ties."""
    if case.scenario.risk.objective != "expected_shortage":
        return costs.counted[node]
    return TIE_BREAKER * costs.counted[node] + (1 - TIE_BREAKER) * costs.terms[node]["shortage_penalty"]


def _sentence(start: str, cost: float, bound: float | None, gap: float | None) -> str:
    if bound is None:
        return f"Nothing is proven of how much cheaper the branch from {start}, which weighs nothing, could be."
    more = max(0.0, cost - bound)
    free = "" if gap is None else f"; its own yes/no decisions are within {100 * gap:.3g} % of the best"
    return f"The branch from {start}, which weighs nothing, costs at most {more:.3g} kUSD more than it could{free}."
