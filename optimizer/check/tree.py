"""The tree of nodes: who shares what, how likely, how discounted (conventions, "Tree")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from lodeplan.optimizer.check.periods import Period, periods_of, share_in_force
from lodeplan.schemas import Scenario
from lodeplan.schemas.events import ProjectEvent, TariffEvent

NO_PROBABILITY = 1e-12
AS_PLANNED = ""
"""The one future of a scenario that lists none but tests; a result may call it as it likes. No other has this name."""


@dataclass(frozen=True)
class Node:
    """A period on the base path (`future` is None) or in a future of its own."""

    name: str
    parent: str | None
    period: Period
    probability: float
    discount_factor: float
    discount_rate: float
    future: str | None
    is_stress: bool
    departed_year: int | None
    """First year of the first node on its path that is not on the base path."""
    events: tuple[str, ...]
    """All events of its future and of those it follows, whenever they happen; none on the base path."""
    in_force: Mapping[str, float]
    """Those in force in its period, with the share of the period's days, or of the effect left on them."""
    path: tuple[str, ...]
    """From the root to the node itself."""

    def worth(self, year: int) -> float:
        """On the node's first day, of 1 kUSD paid in a year."""
        return (1 + self.discount_rate) ** (self.period.year - year)

    @cached_property
    def annuity_y(self) -> float:
        """On the node's first day, of 1 kUSD paid in each of its years."""
        return sum(self.worth(year) for year in range(self.period.year, self.period.end_year))


@dataclass(frozen=True)
class Tree:
    """Nodes by name (parents first), and the node each future ends on."""

    periods: tuple[Period, ...]
    nodes: Mapping[str, Node]
    probabilities: Mapping[str, float]
    last_node: Mapping[str, str]
    last_base_node: str
    leaves: frozenset[str]

    @cached_property
    def planned(self) -> frozenset[str]:
        """Nodes of the planned path: base nodes and, where these stop, what may come next, to the horizon's end."""
        found: set[str] = set()
        goes_on = {(node.parent, node.future) for node in self.nodes.values()}
        for node in self.nodes.values():
            if node.parent is None:
                found.add(node.name)
            elif node.parent in found:
                before = self.nodes[node.parent]
                may_come = not node.is_stress and node.probability > NO_PROBABILITY
                if node.future == before.future or (may_come and (before.name, before.future) not in goes_on):
                    found.add(node.name)
        return frozenset(found)

    @property
    def planned_ends(self) -> frozenset[str]:
        """The nodes in the last period of the planned path."""
        return frozenset(name for name in self.planned if self.nodes[name].period == self.periods[-1])

    @property
    def end_year(self) -> int:
        """The first year after the horizon."""
        return self.periods[-1].end_year


def build_tree(scenario: Scenario) -> Tree:
    """The tree of a scenario."""
    periods = periods_of(scenario.horizon)
    lines = _Lines(scenario, periods)
    nodes: dict[str, Node] = {}
    last: dict[str | None, str] = {}
    for future in (None, *sorted(lines.probabilities, key=lambda name: len(lines.line[name]))):
        for period in periods[lines.departs(future) :]:
            probability = lines.probability(future, period)
            if lines.may_stop(future) and probability < NO_PROBABILITY:
                break
            parent = last.get(future) or _stem(lines, nodes, last, future, period)
            node = _node(scenario, lines, period, (future, probability), nodes.get(parent))
            nodes[node.name] = node
            last[future] = node.name
    last_node = {future: last.get(of[-1]) or last[None] for future, of in lines.owners.items()}
    leaves = frozenset(nodes) - {node.parent for node in nodes.values() if node.parent is not None}
    return Tree(periods, nodes, lines.probabilities, last_node, last[None], leaves)


class _Lines:
    """Whose nodes each future has, period by period."""

    def __init__(self, scenario: Scenario, periods: tuple[Period, ...]) -> None:
        self._scenario = scenario
        self.periods = periods
        self.probabilities = _probabilities(scenario)
        self.line = {future: _line(scenario, future) for future in self.probabilities}
        """Those a future follows, the first of them first, and itself."""
        self._departures = {future: _departure(scenario, future, periods) for future in self.probabilities}
        self.owners: dict[str, list[str | None]] = {
            future: [self._owner(future, period) for period in periods] for future in self.probabilities
        }
        """Of each future, by period: the future whose node it has then; None: the base path's."""
        self._sharing: dict[tuple[int, str | None], list[str]] = {}
        for name, owners in self.owners.items():
            for index, owner in enumerate(owners):
                self._sharing.setdefault((index, owner), []).append(name)
        self._followed = {member for line in self.line.values() for member in line[:-1]}

    def _owner(self, future: str, period: Period) -> str | None:
        departed = [member for member in self.line[future] if self._departures[member] <= period.index]
        return departed[-1] if departed else None

    def departs(self, future: str | None) -> int:
        """Index of the first period in which a future has nodes of its own; past the end if it has none."""
        return 0 if future is None else self._departures[future]

    def probability(self, future: str | None, period: Period) -> float:
        """That of the futures that share the node; on the base path 1 less that of those which departed."""
        shared = self._sharing.get((period.index, future), [])
        if future is not None:
            return sum(self.probabilities[name] for name in shared)
        staying = set(shared)
        # In listed order, so that the sum is the same in every process.
        return 1.0 - sum(self.probabilities[name] for name in self.owners if name not in staying)

    def may_stop(self, future: str | None) -> bool:
        """The base path and a followed future end where no probability is left, unless it is a stress test."""
        return future is None or (future in self._followed and not is_stress(self._scenario, future))

    def events(self, future: str | None) -> tuple[str, ...]:
        """Of a future and those it follows, whenever they happen; the base path has none."""
        futures = self._scenario.futures
        line = [] if future is None else self.line[future]
        return tuple(dict.fromkeys(event for name in line if name in futures for event in futures[name].events))


def _stem(
    lines: _Lines, nodes: Mapping[str, Node], last: Mapping[str | None, str], future: str | None, period: Period
) -> str:
    """The node a future departs from; if what it follows has stopped before, the last one there was."""
    if future is None:
        return ""
    before = lines.owners[future][period.index - 1]
    node = node_name(before, lines.periods[period.index - 1])
    return node if node in nodes else last.get(before) or last[None]


def node_name(future: str | None, period: Period) -> str:
    """`2028` on the base path, `future@2028` elsewhere."""
    return str(period.year) if future is None else f"{future}@{period.year}"


def _node(scenario: Scenario, lines: _Lines, period: Period, of: tuple[str | None, float], parent: Node | None) -> Node:
    """The node of a period below its parent; `of` is its future (None: base path) and probability."""
    future, probability = of
    name, events = node_name(future, period), lines.events(future)
    shares = {event: _share_of_event(scenario, event, period) for event in events}
    departed_year = parent.departed_year if parent is not None else None
    if departed_year is None and future is not None:
        departed_year = period.year
    return Node(
        name=name,
        parent=parent.name if parent is not None else None,
        period=period,
        probability=probability,
        discount_factor=(1 + scenario.economics.discount_rate) ** -period.start_y,
        discount_rate=scenario.economics.discount_rate,
        future=future,
        is_stress=future is not None and is_stress(scenario, future),
        departed_year=departed_year,
        events=events,
        in_force={event: share for event, share in shares.items() if share > 0},
        path=(*(parent.path if parent is not None else ()), name),
    )


def _share_of_event(scenario: Scenario, name: str, period: Period) -> float:
    event = scenario.events[name]
    recovery_years = 0.0 if isinstance(event, ProjectEvent | TariffEvent) else event.recovery_years
    return share_in_force(event.onset, event.until, recovery_years, period)


def is_stress(scenario: Scenario, future: str) -> bool:
    """True if a future is a stress test, without probability."""
    return future in scenario.futures and scenario.futures[future].stress


def _probabilities(scenario: Scenario) -> dict[str, float]:
    """Of each future; the one without a probability takes what the others leave, a stress test has none."""
    if all(future.stress for future in scenario.futures.values()):
        return {AS_PLANNED: 1.0, **dict.fromkeys(scenario.futures, 0.0)}
    counted = {name: future for name, future in scenario.futures.items() if not future.stress}
    stated = sum(future.probability or 0.0 for future in counted.values())
    found = dict.fromkeys(scenario.futures, 0.0)
    for name, future in counted.items():
        found[name] = 1.0 - stated if future.probability is None else future.probability
    return found


def _line(scenario: Scenario, future: str) -> tuple[str, ...]:
    """Those a future follows, the first of them first, and itself."""
    line = [future]
    while line[0] in scenario.futures and (before := scenario.futures[line[0]].after) is not None:
        if before in line or before not in scenario.futures:
            raise ValueError(f"future {future} follows {before}, which leads nowhere")
        line.insert(0, before)
    return tuple(line)


def _departure(scenario: Scenario, future: str, periods: tuple[Period, ...]) -> int:
    """Index of the first period that contains the onset of an event of its own; past the end: it never departs."""
    events = scenario.futures[future].events if future in scenario.futures else []
    onsets = [scenario.events[event].onset for event in events]
    found = (period.index for period in periods if any(period.contains(onset) for onset in onsets))
    return next(found, len(periods))
