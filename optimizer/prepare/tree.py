"""The scenario tree: base path and the futures that depart from it.

Variables are indexed by node, so nobody can act on what is not yet known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from lodeplan.optimizer.prepare.calendar import Calendar, Floats
from lodeplan.schemas.scenario import Scenario

MIN_PROBABILITY = 1e-12
"""Up to it a node is taken not to come: a path that others leave stops there, and a future does not count."""


@dataclass(frozen=True)
class Tree:
    """Nodes in an order in which each comes after its parent; node 0 is the root."""

    calendar: Calendar
    names: tuple[str, ...]
    parent: tuple[int, ...]
    """Parent of each node, -1 at the root."""
    period: tuple[int, ...]
    probability: Floats
    discount_rate: float
    """Yearly, a fraction."""
    discount: Floats
    """Discount factor of each node's first day."""
    future: tuple[int, ...]
    """Future a node belongs to, alone or with those that follow it; -1 on the base path."""
    future_names: tuple[str, ...]
    future_probability: Floats
    future_events: tuple[tuple[str, ...], ...]
    """Events of each future, those of the futures it follows first."""
    follows: tuple[int, ...]
    """The future that each one follows, -1 for the base path."""
    stress: tuple[bool, ...]
    """Whether each future is a stress test: of probability 0, without decisions of its own."""
    leaf: tuple[int, ...]
    """Last node of each future."""

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def length(self) -> Floats:
        """Years of each node; shape (nodes,)."""
        return np.array([self.calendar.lengths[period] for period in self.period], float)

    @cached_property
    def annuity_y(self) -> Floats:
        """Worth on a node's first day of 1 paid in each of its years; shape (nodes,), 1 for a single year."""
        of_length = {
            length: sum(self.discounted(year) for year in range(length)) for length in set(self.calendar.lengths)
        }
        return np.array([of_length[self.calendar.lengths[period]] for period in self.period], float)

    @cached_property
    def last_year(self) -> Floats:
        """Worth on a node's first day of 1 paid in its last year; shape (nodes,)."""
        return np.array([self.discounted(self.calendar.lengths[period] - 1) for period in self.period], float)

    def discounted(self, years: int) -> float:
        """Worth of 1 that is paid so many years later."""
        return float((1.0 + self.discount_rate) ** -years)

    @cached_property
    def start(self) -> tuple[int, ...]:
        """First year of each node."""
        return tuple(self.calendar.starts[period] for period in self.period)

    @cached_property
    def by_period(self) -> tuple[tuple[int, ...], ...]:
        """Nodes of each period, in order."""
        found: list[list[int]] = [[] for _ in range(len(self.calendar))]
        for node, period in enumerate(self.period):
            found[period].append(node)
        return tuple(map(tuple, found))

    @cached_property
    def node_of(self) -> Mapping[str, int]:
        """The number of each node, by its name."""
        return {name: node for node, name in enumerate(self.names)}

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
    def planned_path(self) -> tuple[int, ...]:
        """Nodes of the base path and, where it stops early, of the futures that take its place, each of them."""
        children: dict[int, list[int]] = {}
        for node, parent in enumerate(self.parent):
            children.setdefault(parent, []).append(node)
        found, waiting = [], [0]
        while waiting:
            node = waiting.pop()
            found.append(node)
            after = children.get(node, [])
            stays = [child for child in after if self.future[child] == self.future[node]]
            waiting += stays or [child for child in after if self._may_come(child)]
        return tuple(sorted(found))

    def _may_come(self, node: int) -> bool:
        return not self.stressed[node] and self.probability[node] > MIN_PROBABILITY

    @cached_property
    def planned_ends(self) -> tuple[int, ...]:
        """Last nodes of the planned path: one node, or one for each future that is left."""
        return tuple(node for node in self.planned_path if self.period[node] == len(self.calendar) - 1)

    @cached_property
    def planned_share(self) -> Floats:
        """Weight of a node in a number on the planned path: 1, or less where the path has forked; shape (nodes,)."""
        on_path = np.isin(np.arange(len(self)), self.planned_path)
        period = np.array(self.period)
        total = np.bincount(period, weights=np.where(on_path, self.probability, 0.0), minlength=len(self.calendar))
        share: Floats = np.where(on_path, self.probability / total[period], 0.0)
        return share

    @cached_property
    def ancestors(self) -> tuple[frozenset[int], ...]:
        """Of each node: itself, its parent, and so on to the root."""
        return tuple(frozenset(self.back(node)) for node in range(len(self)))

    @cached_property
    def below(self) -> tuple[tuple[int, ...], ...]:
        """Of each node: itself and those that come after it, in order."""
        found: list[list[int]] = [[] for _ in range(len(self))]
        for node in range(len(self)):
            for above in self.back(node):
                found[above].append(node)
        return tuple(map(tuple, found))

    @cached_property
    def stressed(self) -> tuple[bool, ...]:
        """True for each node that belongs to a stress test."""
        return tuple(future >= 0 and self.stress[future] for future in self.future)

    @cached_property
    def counted(self) -> tuple[int, ...]:
        """Futures that may come: no stress tests, probability above 0."""
        return tuple(
            future
            for future, probability in enumerate(self.future_probability.tolist())
            if probability > MIN_PROBABILITY and not self.stress[future]
        )

    def is_same(self, other: Tree) -> bool:
        """True if another tree has the same nodes, times, weights and events."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return all(np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two for one, two in pairs)

    def events_at(self, node: int) -> tuple[str, ...]:
        """Events of the node's future, whenever they happen; none on the base path."""
        return self.future_events[self.future[node]] if self.future[node] >= 0 else ()

    def departed(self, node: int) -> int | None:
        """First year of the node's line of futures off the base path; None on it."""
        off = [above for above in self.back(node) if self.future[above] >= 0]
        return self.start[off[-1]] if off else None

    def back(self, node: int) -> Iterator[int]:
        """The node, its parent, and so on to the root."""
        while node >= 0:
            yield node
            node = self.parent[node]

    def path(self, node: int) -> list[int]:
        """From the root to the node, both included."""
        return list(self.back(node))[::-1]


@dataclass(frozen=True)
class _Future:
    """A future as a branch: where it leaves what it follows, and how much probability leaves with it."""

    name: str
    own: float
    """Its own probability."""
    departure: int
    """First period of its own; the number of periods for one that never departs."""
    follows: int
    events: tuple[str, ...]
    stress: bool


_Node = tuple[str, int, int, float, int]
"""Label, parent, period, probability, future."""


def build_tree(scenario: Scenario, calendar: Calendar) -> Tree:
    """The tree of a scenario's futures; a scenario without futures is its base path."""
    futures = _futures(scenario, calendar)
    followers: dict[int, list[int]] = {}
    for number, future in enumerate(futures):
        followers.setdefault(future.follows, []).append(number)
    branches = {number: future.own for number, future in enumerate(futures)}
    for number in reversed(_followed_first(followers)):
        branches[number] += sum(branches[follower] for follower in followers.get(number, ()))

    def left(number: int, period: int) -> float:
        """Probability that is still on a branch in a period: its own, and of those that have not departed from it."""
        if number < 0:
            return 1.0 - sum(branches[f] for f in followers.get(-1, ()) if futures[f].departure <= period)
        return futures[number].own + sum(
            branches[f] for f in followers.get(number, ()) if futures[f].departure > period
        )

    nodes, chains = _grown(futures, _followed_first(followers), left, calendar)
    labels, parents, node_periods, node_probabilities, node_futures = zip(*nodes, strict=True)
    rate = scenario.economics.discount_rate
    years = np.array([calendar.starts[t] - calendar.starts[0] for t in node_periods], float)
    return Tree(
        calendar=calendar,
        names=labels,
        parent=parents,
        period=node_periods,
        probability=np.array(node_probabilities),
        discount_rate=rate,
        discount=(1.0 + rate) ** -years,
        future=node_futures,
        future_names=tuple(future.name for future in futures),
        future_probability=np.array([future.own for future in futures]),
        future_events=tuple(future.events for future in futures),
        follows=tuple(future.follows for future in futures),
        stress=tuple(future.stress for future in futures),
        leaf=tuple(chains[number][-1] for number in range(len(futures))),
    )


def _grown(
    futures: list[_Future], order: list[int], left: Callable[[int, int], float], calendar: Calendar
) -> tuple[list[_Node], dict[int, list[int]]]:
    """The nodes, and those of each future in order of time; -1 is the base path. A branch that others leave ends where
    nothing is `left` on it."""
    nodes: list[_Node] = []
    chains: dict[int, list[int]] = {}
    followed = {future.follows for future in futures}
    for number in (-1, *order):
        first = 0 if number < 0 else futures[number].departure
        above = chains[futures[number].follows] if number >= 0 else []
        parent = above[min(first - _first_period(nodes, above), len(above)) - 1] if above else -1
        ends = number < 0 or (number in followed and not futures[number].stress)
        chain: list[int] = []
        for t in range(first, len(calendar)):
            probability = left(number, t)
            if ends and probability <= MIN_PROBABILITY:
                break
            label = str(calendar.starts[t]) if number < 0 else f"{futures[number].name}@{calendar.starts[t]}"
            nodes.append((label, chain[-1] if chain else parent, t, probability, number))
            chain.append(len(nodes) - 1)
        chains[number] = chain or [parent]
    return nodes, chains


def _first_period(nodes: list[_Node], chain: list[int]) -> int:
    return nodes[chain[0]][2]


def _followed_first(followers: Mapping[int, list[int]]) -> list[int]:
    """Futures in an order in which each comes after the one it follows."""
    order: list[int] = []
    waiting = list(reversed(followers.get(-1, [])))
    while waiting:
        number = waiting.pop()
        order.append(number)
        waiting.extend(reversed(followers.get(number, [])))
    return order


def _futures(scenario: Scenario, calendar: Calendar) -> list[_Future]:
    """The futures as listed; one left without a probability takes what the others leave."""
    if not scenario.futures:
        return [_Future("as_planned", 1.0, len(calendar), -1, (), stress=False)]
    names = list(scenario.futures)
    stated = sum(future.probability or 0.0 for future in scenario.futures.values())
    found = []
    for name, future in scenario.futures.items():
        own = 0.0 if future.stress else (1.0 - stated if future.probability is None else future.probability)
        departure = departure_of(scenario, future.events, calendar)
        follows = -1 if future.after is None else names.index(future.after)
        found.append(_Future(name, own, departure, follows, _line_events(scenario, name), future.stress))
    return found


def _line_events(scenario: Scenario, name: str) -> tuple[str, ...]:
    """Events of a future and of those it follows, the first in the line first."""
    future = scenario.futures[name]
    before = () if future.after is None else _line_events(scenario, future.after)
    return (*before, *future.events)


def departure_of(scenario: Scenario, events: Sequence[str], calendar: Calendar) -> int:
    """First period with an onset; the number of periods for a future without events in the horizon."""
    onsets = [scenario.events[event].onset.year for event in events]
    periods = [
        next((t for t in range(len(calendar)) if year < calendar.starts[t] + calendar.lengths[t]), len(calendar))
        for year in onsets
    ]
    return min(periods, default=len(calendar))
