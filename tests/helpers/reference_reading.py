"""How the second model reads a scenario: periods, tree, selections, and what holds at a node.

Written from `docs/reference/conventions.md` alone; nothing of the optimizer is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache, cached_property
from itertools import pairwise
from math import inf
from typing import Any

from numpy.polynomial import Polynomial

from lodeplan.schemas import Scenario
from lodeplan.schemas.events import DemandEvent, Event, ExportEvent, OutputEvent, PriceEvent
from lodeplan.schemas.scenario import Facility

SMALL = 1e-9
DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class Period:
    """Whole years from 1 January of `year`."""

    year: int
    length_y: int

    @property
    def end_year(self) -> int:
        return self.year + self.length_y

    @property
    def days(self) -> tuple[int, int]:
        """First day, and first day no longer."""
        return date(self.year, 1, 1).toordinal(), date(self.end_year, 1, 1).toordinal()

    def mean(self, by_year: Any) -> float:
        return sum(in_year(by_year, year) for year in range(self.year, self.end_year)) / self.length_y


def in_year(by_year: Any, year: int) -> float:
    """A number by year holds until the next; before the first entry the first holds."""
    if not isinstance(by_year, Mapping):
        return float(by_year)
    stated = [entry for entry in by_year if entry <= year]
    return float(by_year[max(stated) if stated else min(by_year)])


@dataclass(frozen=True)
class Node:
    name: str
    period: Period
    path: tuple[str, ...]
    """Names from the root to this node."""
    future: str
    """Empty on the base path."""
    events: tuple[str, ...]
    probability: float
    discount: float
    stress: bool
    rate: float = 0.0

    def worth(self, years: int) -> float:
        """As of the first day, of what is paid so many years later."""
        return 1 / (1 + self.rate) ** years

    @property
    def annuity_y(self) -> float:
        return sum(map(self.worth, range(self.period.length_y)))


class Tree:
    """Nodes by name, and for each future the name of its last node."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        years = scenario.horizon.first_year
        self.periods: list[Period] = []
        for length_y in scenario.horizon.period_years:
            self.periods.append(Period(years, length_y))
            years += length_y
        self.nodes: dict[str, Node] = {}
        self.last: dict[str, str] = {}
        self._paths: dict[str, list[str]] = {"": []}
        stated = sum(future.probability or 0.0 for future in scenario.futures.values())
        self.probability = {
            name: (1 - stated if not future.stress else 0.0) if future.probability is None else future.probability
            for name, future in scenario.futures.items()
        }
        self.end_year = self.periods[-1].end_year
        for index in range(len(self.periods)):
            if not self._add("", index):
                break
        for name in scenario.futures:
            self._grow(name)
        parents = {node.path[-2] for node in self.nodes.values() if len(node.path) > 1}
        self.leaves = self.nodes.keys() - parents
        self.last_base = self._paths[""][-1]
        self.planned = self._planned()

    def _planned(self) -> set[str]:
        """What holds if nothing happens that is not sure: the base path, then whatever takes over where it stops."""
        found: set[str] = set()
        branches = [""]
        while branches:
            branch = branches.pop()
            own = [name for name in self._paths[branch] if self.nodes[name].future == branch]
            found.update(own)
            stops = self.periods.index(self.nodes[self._paths[branch][-1]].period) + 1
            if stops < len(self.periods):
                branches += [
                    name
                    for name, future in self.scenario.futures.items()
                    if self.followed(name) == branch
                    and self.departs(name) == stops
                    and not future.stress
                    and self._weight(name, -1) > 1e-12
                ]
        return found

    def followed(self, future: str) -> str:
        return self.scenario.futures[future].after or ""

    def events(self, future: str) -> tuple[str, ...]:
        """Its own and those of the futures it follows."""
        if not future:
            return ()
        return (*self.events(self.followed(future)), *self.scenario.futures[future].events)

    @cache  # noqa: B019
    def departs(self, future: str) -> float:
        """Number of the period in which it leaves what it follows."""
        onsets = [self.scenario.events[event].onset.year for event in self.scenario.futures[future].events]
        if not onsets:
            return inf
        return next((i for i, period in enumerate(self.periods) if min(onsets) < period.end_year), inf)

    def first_departure_year(self, future: str) -> int:
        """First year of the first own node of the first future in the line."""
        while self.followed(future):
            future = self.followed(future)
        return self.periods[int(self.departs(future))].year

    def _weight(self, future: str, index: int) -> float:
        """Probability of its node in a period: its own, and that of the lines that have not left it yet."""
        own = self.probability[future] if future else 0.0
        return own + sum(
            self._weight(name, -1)
            for name in self.scenario.futures
            if self.followed(name) == future and self.departs(name) > index
        )

    def _add(self, future: str, index: int) -> bool:
        stress = bool(future) and self.scenario.futures[future].stress
        probability = self._weight(future, index) if self.scenario.futures else 1.0
        stops = not future or any(entry.after == future for entry in self.scenario.futures.values())
        if probability <= 1e-12 and stops and not stress:
            return False
        period = self.periods[index]
        name = f"{future}@{period.year}" if future else str(period.year)
        before = self._paths[future]
        discount = (1 + self.scenario.economics.discount_rate) ** -(period.year - self.periods[0].year)
        path = (*before, name)
        rate = self.scenario.economics.discount_rate
        self.nodes[name] = Node(name, period, path, future, self.events(future), probability, discount, stress, rate)
        self._paths[future] = list(path)
        return True

    def _grow(self, future: str) -> None:
        if future in self._paths:
            return
        followed = self.followed(future)
        if followed:
            self._grow(followed)
        departs = self.departs(future)
        if departs == inf:
            self._paths[future] = self._paths[followed]
        else:
            self._paths[future] = self._paths[followed][: int(departs)]
            assert len(self._paths[future]) == departs, f"{future} leaves a path that has stopped"
            for index in range(int(departs), len(self.periods)):
                if not self._add(future, index):
                    break
        self.last[future] = self._paths[future][-1]


class Reading:
    """A scenario, and what follows from it at each node."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.tree = Tree(scenario)
        self.home = scenario.home
        self.makers: dict[str, Facility] = {**scenario.facilities, **scenario.projects}
        self._remembered: dict[Any, Any] = {}

    def remember(self, key: Any, work_out: Callable[[], Any]) -> Any:
        if key not in self._remembered:
            self._remembered[key] = work_out()
        return self._remembered[key]

    # Selections

    def named(self, place: str, selection: Sequence[str], day: int | None = None) -> bool:
        """Whether a place is meant itself, by a group, or (on a day) by a club."""
        entry = self.scenario.places[place]
        clubs = {
            club
            for club, when in entry.memberships.items()
            if day is not None and in_force(when.onset, when.until, day)
        }
        return not {"*", place, *entry.groups, *clubs}.isdisjoint(selection)

    def weight(self, place: str, selection: Sequence[str], day: int | None = None) -> float:
        """Share of a place that a selection means."""
        if self.named(place, selection, day):
            return 1.0
        members = self.scenario.places[place].members
        return sum(share for member, share in members.items() if self.named(member, selection, day))

    # Events

    def left(self, event: Event, period: Period) -> float:
        """Mean over the days of a period of what is left of an event's effect."""
        first, end = period.days
        onset = event.onset.toordinal()
        until = event.until.toordinal() if event.until else inf
        fading = getattr(event, "recovery_years", 0.0) * DAYS_A_YEAR
        days = max(0.0, min(until, end) - max(onset, first))
        if fading > 0 and until < inf:
            begins, ends = max(first, until), min(end, until + fading)
            if ends > begins:
                days += (ends - begins) * (1 - ((begins + ends) / 2 - until) / fading)
        return days / (end - first)

    def _changes(self, node: Node, kind: type, change: Callable[[Any], float]) -> float:
        """Mean over the days of the node's period of the product of 1 + effect * change over events of a kind."""
        held = [event for event in map(self.scenario.events.get, node.events) if isinstance(event, kind)]
        meeting = [(event, change(event)) for event in held if change(event) != 0]
        first, after = node.period.days
        ends = {day - first for event, _ in meeting for day in self._ends(event) if first < day < after}
        total = 0.0
        for start, stop in pairwise([0, *sorted(ends), after - first]):
            product = Polynomial([1.0])
            for event, size in meeting:
                product *= 1 + size * self._effect(event, first, (start + stop) / 2)
            area = product.integ()
            total += area(stop) - area(start)
        return float(total / (after - first))

    def _ends(self, event: Event) -> list[float]:
        """The onset of an event, its end, and when nothing is left of its effect."""
        if event.until is None:
            return [event.onset.toordinal()]
        end = event.until.toordinal()
        return [event.onset.toordinal(), end, end + getattr(event, "recovery_years", 0.0) * DAYS_A_YEAR]

    def _effect(self, event: Event, first: int, day: float) -> Polynomial:
        """What is there of an event's effect around a day, both counted from a first one."""
        onset, end, gone = (edge - first for edge in [*self._ends(event), inf, inf][:3])
        if end <= day < gone < inf:
            return Polynomial([gone / (gone - end), -1 / (gone - end)])
        return Polynomial([float(onset <= day < end)])

    def facility_availability(self, name: str, node: Node) -> float:
        maker = self.makers[name]

        def change(event: OutputEvent) -> float:
            meant = any_matches(event.commodities, maker.outputs) and matches(event.facilities, name)
            return meant * self.weight(maker.place, event.places) * (event.availability_share - 1)

        return self._changes(node, OutputEvent, change)

    def route_availability(self, name: str, node: Node) -> float:
        route = self.scenario.routes[name]

        def change(event: ExportEvent) -> float:
            weight = self.weight(route.origin, event.places) * self.weight(route.destination, event.destinations)
            return matches(event.commodities, route.commodity) * weight * (event.availability_share - 1)

        return self._changes(node, ExportEvent, change)

    def price_factor(self, place: str, commodities: Iterable[str], node: Node) -> float:
        if place == self.home:
            return 1.0
        goods = list(commodities)

        def change(event: PriceEvent) -> float:
            return any_matches(event.commodities, goods) * self.weight(place, event.places) * (event.factor - 1)

        return self._changes(node, PriceEvent, change)

    def wanted_t_per_y(self, name: str, node: Node) -> float:
        demand = self.scenario.demands[name]

        def change(event: DemandEvent) -> float:
            meant = matches(event.commodities, demand.commodity) and demand.tier in event.tiers
            return meant * (event.factor - 1)

        return node.period.mean(demand.quantity_t_per_y) * self._changes(node, DemandEvent, change)

    # Supply

    def home_capacity_t_per_y(self, maker: Facility, period: Period) -> float:
        if maker.capacity_t_per_y is None:
            return inf
        return period.mean(maker.capacity_t_per_y) * maker.home_share

    def offered_t_per_y(self, maker: Facility, period: Period) -> float:
        if maker.capacity_t_per_y is None:
            return sum(width for width, _ in self._plain_steps(maker, period))
        return self.home_capacity_t_per_y(maker, period)

    def steps(self, name: str, node: Node) -> list[tuple[float, float]]:
        """Width (t/y) and cost (kUSD/t) of each step, before availability."""
        maker = self.makers[name]
        factor = self.price_factor(maker.place, maker.outputs, node)
        return [(width, cost * factor) for width, cost in self._plain_steps(maker, node.period)]

    def _plain_steps(self, maker: Facility, period: Period) -> list[tuple[float, float]]:
        if maker.steps:
            return [(step.width_t_per_y, period.mean(step.cost_kusd_per_t)) for step in maker.steps]
        base = period.mean(maker.cost_kusd_per_t or 0.0)
        if maker.supply_curve is None:
            return [(self.home_capacity_t_per_y(maker, period), base)]
        curve, first = maker.supply_curve, self.tree.periods[0]
        x0 = curve.observed_t_per_y
        end = curve.up_to_t_per_y or max(self.home_capacity_t_per_y(maker, period) for period in self.tree.periods)
        slope = curve.slope_kusd_per_t2_y or first.mean(maker.cost_kusd_per_t or 0.0) / ((curve.elasticity or inf) * x0)

        def price(x: float) -> float:
            return base + slope * (x - x0)

        steps = [(x0, base)] if x0 > 0 else []
        width = (end - x0) / curve.steps
        for number in range(curve.steps):
            x1, x2 = x0 + number * width, x0 + (number + 1) * width
            buyer = (x2 * price(x2) - x1 * price(x1)) / (x2 - x1)
            steps.append((width, price((x1 + x2) / 2) if curve.basis == "market" else buyer))
        return steps

    def feeders(self, route_name: str) -> dict[str, Facility]:
        """Facilities whose output a route can take."""
        route = self.scenario.routes[route_name]
        return {
            name: facility
            for name, facility in self.scenario.facilities.items()
            if facility.place == route.origin and route.commodity in facility.outputs
        }

    def is_project(self, name: str) -> bool:
        return name in self.scenario.projects

    @cached_property
    def derived(self) -> dict[str, frozenset[str]]:
        """For each commodity, it and all that is made of it, directly or not."""
        makes = {name: {name} for name in self.scenario.commodities}
        for _ in self.scenario.commodities:
            for maker in self.makers.values():
                for made in makes.values():
                    if not made.isdisjoint(maker.inputs):
                        made.update(maker.outputs)
        return {name: frozenset(made) for name, made in makes.items()}


class Built:
    """Starts and onboardings of a plan, and when they come on line."""

    def __init__(self, reading: Reading, starts: dict[str, list[tuple[str, str]]], onboardings: dict[str, list[str]]):
        self.reading = reading
        self.starts = starts
        """By project: (track, node)."""
        self.onboardings = onboardings
        """By route: nodes."""

    def on_path(self, name: str, node: Node) -> list[tuple[str, Node]]:
        nodes = self.reading.tree.nodes
        return [(track, nodes[at]) for track, at in self.starts.get(name, []) if at in node.path]

    def on_line(self, name: str, start: tuple[str, Node], node: Node) -> float:
        """Year at which it comes on line as seen at a node; infinite if never."""
        scenario = self.reading.scenario
        track, at = start
        year: float = at.period.year + scenario.projects[name].tracks[track].lead_years
        events = [scenario.events[event] for event in node.events]
        for event in sorted((e for e in events if e.changes == "projects"), key=lambda e: e.onset):
            if matches(event.projects, name) and year > decimal_year(event.onset) + SMALL:
                year = inf if event.delay_years is None else year + event.delay_years
        return year

    def running_share(self, name: str, node: Node) -> float:
        ramp = self.reading.scenario.projects[name].ramp_up_share
        total = 0.0
        for start in self.on_path(name, node):
            years = node.period.year - self.on_line(name, start, node)
            if years >= -SMALL:
                total += ramp[min(int(years + SMALL), len(ramp) - 1)]
        return total

    def due(self, name: str, node: Node) -> tuple[float, float]:
        """Capex and extra cost of the track falling due at a node, kUSD."""
        return self._falling_due(name, node, lambda years: 1.0)

    def paid(self, name: str, node: Node) -> tuple[float, float]:
        """The same as of the node's first day."""
        return self._falling_due(name, node, node.worth)

    def _falling_due(self, name: str, node: Node, worth: Callable[[int], float]) -> tuple[float, float]:
        project = self.reading.scenario.projects[name]
        capex = extra = 0.0
        for track, at in self.on_path(name, node):
            for number, share in enumerate(project.capex_spending_share):
                years = at.period.year + number - node.period.year
                if 0 <= years < node.period.length_y:
                    capex += share * project.capex_kusd * worth(years)
            if at is node:
                extra += project.tracks[track].extra_cost_kusd
        return capex, extra

    def worth_kusd(self, name: str, leaf: Node) -> float:
        """End value at a leaf."""
        project, total = self.reading.scenario.projects[name], 0.0
        for track, at in self.on_path(name, leaf):
            years = leaf.period.end_year - at.period.year
            paid = project.capex_kusd * sum(project.capex_spending_share[:years])
            on_line = self.on_line(name, (track, at), leaf)
            share = project.end_value_share
            if on_line == inf:
                share = 0.0
            elif share is None:
                share = min(1.0, max(0.0, 1 - (leaf.period.end_year - on_line) / project.life_years))
            total += share * paid
        return total

    def slots(self, node: Node) -> float:
        projects = self.reading.scenario.projects
        return sum(
            projects[name].tracks[track].permit_slots
            for name, starts in self.starts.items()
            for track, at in starts
            if at == node.name
        )


def support_kusd_per_t(maker: Facility, period: Period) -> float:
    """What the state pays per t under a price floor; negative where it keeps."""
    rule = maker.price_floor
    if rule is None:
        return 0.0
    lacking = rule.floor_kusd_per_t - period.mean(rule.reference_price_kusd_per_t)
    return lacking if lacking > 0 else rule.kept_above_share * lacking


def matches(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def any_matches(patterns: Sequence[str], names: Iterable[str]) -> bool:
    return any(matches(patterns, name) for name in names)


def in_force(onset: date | None, until: date | None, day: int) -> bool:
    return (onset is None or onset.toordinal() <= day) and (until is None or day < until.toordinal())


def decimal_year(day: date) -> float:
    first, end = date(day.year, 1, 1).toordinal(), date(day.year + 1, 1, 1).toordinal()
    return day.year + (day.toordinal() - first) / (end - first)
