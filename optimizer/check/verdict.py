"""The verdict on a plan: every row, and every reported number against its recomputation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lodeplan.optimizer.check.balance import check_balances
from lodeplan.optimizer.check.branches import check_branches
from lodeplan.optimizer.check.case import Case, World
from lodeplan.optimizer.check.costs import Costs, recompute
from lodeplan.optimizer.check.decisions import check_decisions
from lodeplan.optimizer.check.demands import check_demands
from lodeplan.optimizer.check.flows import check_flows
from lodeplan.optimizer.check.ledger import ONE, Ledger
from lodeplan.optimizer.check.limits import check_limits
from lodeplan.optimizer.check.names import known_names
from lodeplan.optimizer.check.objective import counting
from lodeplan.optimizer.check.operation import check_operation
from lodeplan.optimizer.check.plan import number, read_plan, records, text
from lodeplan.optimizer.check.projects import Projects
from lodeplan.optimizer.check.quotas import check_quotas
from lodeplan.optimizer.check.stocks import check_stocks
from lodeplan.optimizer.check.tree import AS_PLANNED, Node, Tree, is_stress
from lodeplan.schemas import Scenario, Verdict

NODE_COLUMNS = (
    "node",
    "parent",
    "period",
    "start_y",
    "length_y",
    "probability",
    "discount_factor",
    "future",
)


FUTURE_COLUMNS = ("future", "probability", "cost_kusd")


def check(scenario: Scenario, tables: Mapping[str, pd.DataFrame], *, objective_kusd: float | None = None) -> Verdict:
    """Judge a plan from its scenario and its tables alone.

    `max_violation`: the largest violation of a row, relative to `max(unit, |right-hand side|, largest term)`; the unit
    of a commodity is a thousandth of home's demand for it in the first period (without one, of the largest capacity or
    flow; else 1 t), elsewhere 1 kUSD, slot or so. Whatever should not be there at all counts as 1.
    `cost_difference_rel`: the largest difference of a reported cost. A term at a node is taken relative to the largest
    term there, a future's cost and the objective (if given) relative to themselves, and each to at least 1 kUSD.
    `worst`: what was found, largest first.
    """
    ledger = Ledger()
    world = World(scenario)
    plan = read_plan(tables, known_names(world), world.tree.nodes, ledger)
    case = Case(world, plan, Projects(scenario, world.tree, plan))
    _check_nodes(world.tree, tables.get("nodes"), ledger)
    for node in world.tree.nodes.values():
        check_flows(case, node, ledger)
        check_operation(case, node, ledger)
        check_quotas(case, node, ledger)
        check_balances(case, node, ledger)
        check_stocks(case, node, ledger)
        check_demands(case, node, ledger)
        check_limits(case, node, ledger)
    check_decisions(case, ledger)
    best = _best_kusd(case, tables.get("regrets"), ledger)
    costs = recompute(case, {future: of_future for future, (of_future, _) in best.items()})
    _check_node_costs(costs, tables.get("node_costs"), ledger)
    _check_futures(case, costs, tables.get("futures"), ledger)
    for future, (of_future, regret) in best.items():
        cost = costs.futures[future]
        ledger.cost(f"regret of future {future}", regret, cost - of_future, abs(cost))
    if objective_kusd is not None:
        ledger.cost("objective", objective_kusd, costs.objective, abs(costs.objective))
    branches = check_branches(case, costs, tables.get("branches"), ledger)
    return ledger.verdict().model_copy(update={"branches": branches})


def _check_nodes(tree: Tree, frame: pd.DataFrame | None, ledger: Ledger) -> None:
    """The reported tree is the scenario's, node by node."""
    seen: set[str] = set()
    for record in records(frame, NODE_COLUMNS, "nodes", ledger):
        reported = dict(zip(NODE_COLUMNS, record, strict=True))
        name = text(reported["node"])
        if name not in tree.nodes or name in seen:
            ledger.wrong(
                f"node {name} is listed twice" if name in seen else f"node {name} does not exist in the scenario"
            )
            continue
        seen.add(name)
        _check_node(tree.nodes[name], reported, ledger)
    for name in tree.nodes.keys() - seen:
        ledger.wrong(f"node {name} is missing")


def _check_node(node: Node, reported: Mapping[str, Any], ledger: Ledger) -> None:
    for column, named in (("parent", node.parent or ""), ("future", node.future or "")):
        if text(reported[column]) != named:
            ledger.wrong(f"{column} of node {node.name} is {text(reported[column])!r}, should be {named!r}")
    numbers = {
        "period": node.period.year,
        "start_y": node.period.start_y,
        "length_y": node.period.length_y,
        "probability": node.probability,
        "discount_factor": node.discount_factor,
    }
    for column, expected in numbers.items():
        found = number(reported[column])
        if found is None:
            ledger.wrong(f"{column} of node {node.name} is not a number")
        elif column in ("probability", "discount_factor"):
            ledger.equal(f"{column} of node {node.name}", found, expected, ONE)
        elif found != expected:
            ledger.wrong(f"{column} of node {node.name} is {found:g}, should be {expected:g}")


def _check_node_costs(costs: Costs, frame: pd.DataFrame | None, ledger: Ledger) -> None:
    """Each term at each node; a term that is not listed is reported as 0."""
    reported: dict[tuple[str, str], float | None] = {}
    for node, term, cost in records(frame, ("node", "term", "cost_kusd"), "node_costs", ledger):
        key = (text(node), text(term))
        if key in reported:
            ledger.wrong(f"cost {key[1]} at {key[0]} is listed twice")
        reported[key] = number(cost)
    for node, terms in costs.terms.items():
        largest = max(map(abs, terms.values()))
        for term, cost in terms.items():
            ledger.cost(f"cost {term} at {node}", reported.pop((node, term), 0.0), cost, largest)
    for node, term in reported:
        ledger.wrong(f"cost {term} at {node} does not exist")


def _check_futures(case: Case, costs: Costs, frame: pd.DataFrame | None, ledger: Ledger) -> None:
    """Probability and cost of each future."""
    rows = [(_future_named(case, name), *of) for name, *of in records(frame, FUTURE_COLUMNS, "futures", ledger)]
    reported = {name: (number(probability), number(cost)) for name, probability, cost in rows}
    if len(reported) < len(rows):
        ledger.wrong("a future is listed twice")
    for name in costs.futures.keys() | reported.keys():
        if name not in costs.futures or name not in reported:
            ledger.wrong(f"future {name} is missing" if name in costs.futures else f"future {name} does not exist")
            continue
        probability, cost = reported[name]
        if probability is None:
            ledger.wrong(f"probability of future {name} is not a number")
        else:
            ledger.equal(f"probability of future {name}", probability, case.tree.probabilities[name], ONE)
        ledger.cost(f"cost of future {name}", cost, costs.futures[name], abs(costs.futures[name]))


def _future_named(case: Case, cell: Any) -> str:
    """A future of the scenario; of one that lists none but stress tests, the one besides may have any name."""
    name = text(cell)
    return AS_PLANNED if AS_PLANNED in case.tree.probabilities and name not in case.scenario.futures else name


def _best_kusd(case: Case, frame: pd.DataFrame | None, ledger: Ledger) -> dict[str, tuple[float, float | None]]:
    """Of each future that can come: its least cost if it were known to come, and its regret as reported."""
    if case.scenario.risk.objective != "maximum_regret":
        return {}
    found: dict[str, tuple[float, float | None]] = {}
    for cell, best, regret in records(frame, ("future", "best_kusd", "regret_kusd"), "regrets", ledger):
        name, best_kusd = _future_named(case, cell), number(best)
        if name in found:
            ledger.wrong(f"regret of future {name} is listed twice")
        elif name not in case.tree.probabilities or is_stress(case.scenario, name):
            ledger.wrong(f"regret of future {name} does not count")
        elif best_kusd is None:
            ledger.wrong(f"least cost of future {name} is not a number")
        else:
            found[name] = (best_kusd, number(regret))
    for name in counting(case.tree.probabilities):
        if name not in found:
            ledger.wrong(f"regret of future {name} is missing")
    return found
