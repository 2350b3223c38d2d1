"""Effects of events at each node on availability, prices and demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats, Span
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.events import DemandEvent, ExportEvent, OutputEvent, PriceEvent
from lodeplan.schemas.patterns import matches
from lodeplan.schemas.scenario import Demand, Facility, Route, Scenario


@dataclass(frozen=True)
class Effects:
    """Events of a scenario on its tree. Every method returns an array of shape (nodes,)."""

    scenario: Scenario
    tree: Tree
    selections: Selections
    spans: dict[str, Span]
    """The days of each event."""
    in_force: dict[str, Floats]
    """Share of each node's days in which an event is in force, fading counted in part; shape (nodes,) each."""

    @classmethod
    def of(cls, scenario: Scenario, tree: Tree, selections: Selections) -> Effects:
        """Spread the events of each future over its nodes."""
        period = np.array(tree.period)
        spans, in_force = {}, {}
        nodes_of: dict[str, list[int]] = {}
        for node in range(len(tree)):
            for name in dict.fromkeys(tree.events_at(node)):
                nodes_of.setdefault(name, []).append(node)
        for name, event in scenario.events.items():
            dates = (event.onset, event.until, getattr(event, "recovery_years", 0.0))
            spans[name] = tree.calendar.span(*dates)
            held = np.zeros(len(tree), bool)
            held[nodes_of.get(name, [])] = True
            in_force[name] = np.where(held, tree.calendar.fraction(*dates)[period], 0.0)
        return cls(scenario, tree, selections, spans, in_force)

    def output_availability(self, name: str, facility: Facility) -> Floats:
        """Remaining share of a facility's capacity."""
        changes = {}
        for key, event in self.scenario.events.items():
            if (
                isinstance(event, OutputEvent)
                and matches(name, event.facilities)
                and any(matches(commodity, event.commodities) for commodity in facility.outputs)
            ):
                weight = self.selections.weight(facility.place, event.places)
                changes[key] = weight * (event.availability_share - 1.0)
        return self._factor(changes)

    def export_availability(self, route: Route) -> Floats:
        """Remaining share of a route's flow."""
        changes = {}
        for key, event in self.scenario.events.items():
            if isinstance(event, ExportEvent) and matches(route.commodity, event.commodities):
                weight = self.selections.weight(route.origin, event.places)
                weight *= self.selections.weight(route.destination, event.destinations)
                changes[key] = weight * (event.availability_share - 1.0)
        return self._factor(changes)

    def price_factor(self, place: str, commodities: list[str]) -> Floats:
        """New price over old of what a place sells; 1 at home."""
        changes = {}
        for key, event in self.scenario.events.items() if place != self.scenario.home else ():
            if isinstance(event, PriceEvent) and any(matches(name, event.commodities) for name in commodities):
                weight = self.selections.weight(place, event.places)
                changes[key] = weight * (event.factor - 1.0)
        return self._factor(changes)

    def demand_factor(self, demand: Demand) -> Floats:
        """New demand over old."""
        changes = {
            key: event.factor - 1.0
            for key, event in self.scenario.events.items()
            if isinstance(event, DemandEvent)
            and matches(demand.commodity, event.commodities)
            and demand.tier in event.tiers
        }
        return self._factor(changes)

    def _factor(self, changes: Mapping[str, float]) -> Floats:
        """Mean over each node's days of the product of `1 + change * effect` over events, by their change."""
        factor = np.ones(len(self.tree))
        partly = np.zeros(len(self.tree), int)
        for key, change in changes.items():
            if change != 0:
                factor = factor * (1.0 + change * self.in_force[key])
                partly += (self.in_force[key] > 0) & (self.in_force[key] < 1)
        # Means may be multiplied as long as one of them at most is of something that changes within the period.
        for node in np.flatnonzero(partly > 1).tolist():
            meeting = [(self.spans[key], change) for key, change in changes.items() if self.in_force[key][node] > 0]
            factor[node] = self.tree.calendar.mean_product(self.tree.period[node], meeting)
        return factor
