"""The tree of nodes: who shares what, how likely, how discounted (conventions, "Tree")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.check.periods import Period, periods_of, share_of_days
from schemas import Scenario

NO_PROBABILITY = 1e-12
AS_PLANNED = "as planned"
"""The one future of a scenario that lists none; a result may call it as it likes."""


@dataclass(frozen=True)
class Node:
    """A period on the base path (`future` is None) or in a future of its own."""

    name: str
    parent: str | None
    period: Period
    probability: float
    discount_factor: float
    future: str | None
    events: tuple[str, ...]
    """All events of its future, whenever they happen; none on the base path."""
    in_force: Mapping[str, float]
    """Those in force in its period, with the share of the period's days."""
    path: tuple[str, ...]
    """From the root to the node itself."""


@dataclass(frozen=True)
class Tree:
    """Nodes by name (parents first), and the node each future ends on."""

    periods: tuple[Period, ...]
    nodes: Mapping[str, Node]
    probabilities: Mapping[str, float]
    last_node: Mapping[str, str]
    last_base_node: str
    leaves: frozenset[str]

    @property
    def end_year(self) -> int:
        """The first year after the horizon."""
        return self.periods[-1].end_year


def build_tree(scenario: Scenario) -> Tree:
    """The tree of a scenario."""
    periods = periods_of(scenario.horizon)
    probabilities = _probabilities(scenario)
    departures = {future: _departure(scenario, future, periods) for future in probabilities}
    nodes: dict[str, Node] = {}
    last_base = ""
    for period in periods:
        gone = [probabilities[future] for future, at in departures.items() if at is not None and at <= period.index]
        probability = 1.0 - sum(gone)
        if probability < NO_PROBABILITY:
            break
        last_base = _grow(scenario, nodes, last_base, period, (None, probability))
    last_node = {}
    for future, at in departures.items():
        if at is None:
            last_node[future] = last_base
            continue
        node = str(periods[at - 1].year)
        node = node if node in nodes else last_base
        for period in periods[at:]:
            node = _grow(scenario, nodes, node, period, (future, probabilities[future]))
        last_node[future] = node
    leaves = frozenset(nodes) - {node.parent for node in nodes.values() if node.parent is not None}
    return Tree(periods, nodes, probabilities, last_node, last_base, leaves)


def _grow(scenario: Scenario, nodes: dict[str, Node], parent: str, period: Period, of: tuple[str | None, float]) -> str:
    """Add the node of a period below its parent; `of` is its future (None: base path) and probability."""
    future, probability = of
    name = str(period.year) if future is None else f"{future}@{period.year}"
    events = () if future is None or future not in scenario.futures else tuple(scenario.futures[future].events)
    shares = {
        event: share_of_days(scenario.events[event].onset, scenario.events[event].until, period) for event in events
    }
    nodes[name] = Node(
        name=name,
        parent=parent or None,
        period=period,
        probability=probability,
        discount_factor=(1 + scenario.economics.discount_rate) ** -period.start_y,
        future=future,
        events=events,
        in_force={event: share for event, share in shares.items() if share > 0},
        path=(*(nodes[parent].path if parent else ()), name),
    )
    return name


def _probabilities(scenario: Scenario) -> dict[str, float]:
    """Of each future; the one without a probability takes what the others leave."""
    if not scenario.futures:
        return {AS_PLANNED: 1.0}
    stated = sum(future.probability or 0.0 for future in scenario.futures.values())
    return {
        name: 1.0 - stated if future.probability is None else future.probability
        for name, future in scenario.futures.items()
    }


def _departure(scenario: Scenario, future: str, periods: tuple[Period, ...]) -> int | None:
    """Index of the first period that contains the onset of one of its events; None: it stays on the base path."""
    events = scenario.futures[future].events if future in scenario.futures else []
    onsets = [scenario.events[event].onset for event in events]
    return next((period.index for period in periods if any(period.contains(onset) for onset in onsets)), None)
