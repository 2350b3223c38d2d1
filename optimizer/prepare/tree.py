"""The scenario tree: base path and the futures that depart from it.

Variables are indexed by node, so nobody can act on what is not yet known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optimizer.prepare.calendar import Calendar, Floats
from schemas.scenario import Scenario

MIN_PROBABILITY = 1e-12
"""Below it a base node is taken not to exist."""


@dataclass(frozen=True)
class Tree:
    """Nodes in an order in which each comes after its parent; node 0 is the root."""

    calendar: Calendar
    names: tuple[str, ...]
    parent: tuple[int, ...]
    """Parent of each node, -1 at the root."""
    period: tuple[int, ...]
    probability: Floats
    discount: Floats
    """Discount factor of each node's start."""
    future: tuple[int, ...]
    """Future a node belongs to alone, -1 on the base path."""
    future_names: tuple[str, ...]
    future_probability: Floats
    leaf: tuple[int, ...]
    """Last node of each future."""

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def length(self) -> Floats:
        """Years of each node; shape (nodes,)."""
        return np.array([self.calendar.lengths[period] for period in self.period], float)

    @cached_property
    def start(self) -> tuple[int, ...]:
        """First year of each node."""
        return tuple(self.calendar.starts[period] for period in self.period)

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """Nodes without children."""
        parents = set(self.parent)
        return tuple(node for node in range(len(self)) if node not in parents)

    @cached_property
    def base_path(self) -> tuple[int, ...]:
        """Nodes of the base path, in time."""
        return tuple(node for node in range(len(self)) if self.future[node] < 0)

    @cached_property
    def ancestors(self) -> tuple[frozenset[int], ...]:
        """Of each node: itself, its parent, and so on to the root."""
        return tuple(frozenset(self.back(node)) for node in range(len(self)))

    def back(self, node: int) -> Iterator[int]:
        """The node, its parent, and so on to the root."""
        while node >= 0:
            yield node
            node = self.parent[node]

    def path(self, node: int) -> list[int]:
        """From the root to the node, both included."""
        return list(self.back(node))[::-1]


def build_tree(scenario: Scenario, calendar: Calendar) -> Tree:
    """The tree of a scenario's futures; a scenario without futures is its base path."""
    names, probabilities = _futures(scenario)
    departures = [_departure(scenario, name, calendar) for name in names]
    periods = len(calendar)
    departed = np.array(
        [sum(p for p, k in zip(probabilities, departures, strict=True) if k <= t) for t in range(periods)]
    )
    base_probability = 1.0 - departed
    base = [t for t in range(periods) if base_probability[t] > MIN_PROBABILITY]

    nodes: list[tuple[str, int, int, float, int]] = [
        (str(calendar.starts[t]), t - 1, t, float(base_probability[t]), -1) for t in base
    ]
    leaf = []
    for future, (name, probability, departure) in enumerate(zip(names, probabilities, departures, strict=True)):
        parent = min(departure, len(base)) - 1
        for t in range(departure, periods):
            nodes.append((f"{name}@{calendar.starts[t]}", parent, t, probability, future))
            parent = len(nodes) - 1
        leaf.append(parent)

    labels, parents, node_periods, node_probabilities, node_futures = zip(*nodes, strict=True)
    rate = scenario.economics.discount_rate
    years = np.array([calendar.starts[t] - calendar.starts[0] for t in node_periods], float)
    return Tree(
        calendar=calendar,
        names=labels,
        parent=parents,
        period=node_periods,
        probability=np.array(node_probabilities),
        discount=(1.0 + rate) ** -years,
        future=node_futures,
        future_names=tuple(names),
        future_probability=np.array(probabilities),
        leaf=tuple(leaf),
    )


def _futures(scenario: Scenario) -> tuple[list[str], list[float]]:
    """Names and probabilities; one left open takes what the others leave."""
    if not scenario.futures:
        return ["as_planned"], [1.0]
    stated = sum(future.probability or 0.0 for future in scenario.futures.values())
    probabilities = [
        1.0 - stated if future.probability is None else future.probability for future in scenario.futures.values()
    ]
    return list(scenario.futures), probabilities


def _departure(scenario: Scenario, future: str, calendar: Calendar) -> int:
    """First period with an onset; the number of periods for a future without events in the horizon."""
    events = scenario.futures[future].events if scenario.futures else []
    onsets = [scenario.events[event].onset.year for event in events]
    periods = [
        next((t for t in range(len(calendar)) if year < calendar.starts[t] + calendar.lengths[t]), len(calendar))
        for year in onsets
    ]
    return min(periods, default=len(calendar))
