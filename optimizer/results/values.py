"""A point of the model as arrays by variable; the only place that reads what the solver returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.prepare.projects import Start
from lodeplan.optimizer.solver import NOTHING, Form


@dataclass(frozen=True)
class Values:
    """One point. Flows have shape (index, nodes) in the instance's order, t/y, t or kUSD."""

    instance: Instance
    flows: Mapping[str, Floats]
    started_now: frozenset[Start]
    onboarded_now: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, instance: Instance, form: Form, x: Floats) -> Values:
        """Sort the columns of a point by variable."""
        clean = np.where(np.abs(x) > NOTHING * form.column_unit, x, 0.0)
        node_of = {name: node for node, name in enumerate(instance.tree.names)}
        flows = {name: np.zeros(len(index) * len(node_of)) for name, index in flow_indices(instance).items()}
        for begin, part in form.columns.begun():
            # What the solver never saw is 0.
            if part.component in flows:
                flows[part.component][part.members] = clean[begin : begin + len(part.members)]
        start, onboard = (
            [form.columns[column].key for column in form.columns_of(name).tolist() if clean[column] > 0.5]
            for name in ("start", "onboard")
        )
        return cls(
            instance,
            {name: flow.reshape(-1, len(node_of)) for name, flow in flows.items()},
            frozenset((project, track, node_of[node]) for project, track, node in start),
            frozenset((route, node_of[node]) for route, node in onboard),
        )

    def node_costs(self) -> dict[str, Floats]:
        """Cost by term, kUSD as of a node's first day; shape (nodes,) each; transfers too, whatever the view."""
        return {**self._flow_costs, **self._start_costs}

    @cached_property
    def _flow_costs(self) -> dict[str, Floats]:
        flows = {**self.flows, "onboard": self._onboard}
        return {
            term.name: (term.kusd_per_unit * flows[term.variable]).sum(axis=0) for term in self.instance.costs.flows
        }

    @cached_property
    def _start_costs(self) -> dict[str, Floats]:
        costs = {}
        for term in self.instance.costs.starts:
            by_node = np.zeros(len(self.instance.tree))
            for (start, node), kusd in term.kusd.items():
                if start in self.started_now:
                    by_node[node] += kusd
            costs[term.name] = by_node
        return costs

    @cached_property
    def _onboard(self) -> Floats:
        row_of = {route: row for row, route in enumerate(self.instance.trade.onboarding)}
        decided = np.zeros((len(row_of), len(self.instance.tree)))
        for route, node in self.onboarded_now:
            decided[row_of[route], node] = 1.0
        return decided

    def counted_costs(self) -> Floats:
        """Cost of each node in the scenario's view, kUSD as of its first day; shape (nodes,)."""
        counted = [cost for term, cost in self.node_costs().items() if self.instance.costs.counts(term)]
        total: Floats = np.sum(counted, axis=0)
        return total

    def short_at_home(self, commodity: str) -> Floats:
        """Shortage of a commodity at home in each period, without sales abroad, t; shape (nodes,)."""
        return self._short_at_home.get(commodity, np.zeros(len(self.instance.tree)))

    @cached_property
    def _short_at_home(self) -> dict[str, Floats]:
        instance = self.instance
        found: dict[str, Floats] = {}
        for row, (name, _) in enumerate(instance.demands.steps):
            demand = instance.demands.demands[name]
            at_home = (demand.place or instance.scenario.home) == instance.scenario.home
            if at_home and demand.tier != "export":
                short = found.setdefault(demand.commodity, np.zeros(len(instance.tree)))
                short += self.flows["short"][row] * instance.tree.length
        return found

    def future_costs(self) -> Floats:
        """Discounted cost of each future, kUSD; shape (futures,)."""
        tree = self.instance.tree
        discounted = self.counted_costs() * tree.discount
        return np.array([discounted[tree.path(leaf)].sum() for leaf in tree.leaf])

    def expected(self, by_node: Floats) -> float:
        """Expected, discounted total of an amount by node, each as of the node's first day."""
        tree = self.instance.tree
        return float((by_node * tree.probability * tree.discount).sum())


def flow_indices(instance: Instance) -> dict[str, Sequence[Any]]:
    """Index of each variable that exists at every node, in the instance's order."""
    return {
        "run": instance.supply.steps,
        "activity": list(instance.supply.activities),
        "ship": list(instance.trade.bands),
        "declare": instance.declarations,
        "recover": list(instance.recovery.rules),
        "dispose": instance.disposals,
        "buy": instance.stocks.names,
        "release": instance.stocks.names,
        "stock": instance.stocks.names,
        "use": list(instance.demands.options),
        "short": instance.demands.steps,
        "slack": instance.limits.soft,
    }


def tail_mean(costs: Floats, probabilities: Floats, level: float) -> float:
    """CVaR: mean of the worst 1 - level of a distribution.

    >>> float(tail_mean(np.arange(1.0, 101.0), np.full(100, 0.01), 0.95))
    98.0
    """
    order = np.argsort(-costs, kind="stable")
    weight = np.diff(np.minimum(np.cumsum(probabilities[order]), 1.0 - level), prepend=0.0)
    return float((weight * costs[order]).sum() / (1.0 - level))
