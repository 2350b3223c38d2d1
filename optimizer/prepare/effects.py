"""What events do at each node to availability, prices and demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.prepare.calendar import Floats
from optimizer.prepare.select import Places, matches
from optimizer.prepare.tree import Tree
from schemas.events import DemandEvent, ExportEvent, OutputEvent, PriceEvent
from schemas.scenario import Demand, Facility, Route, Scenario


@dataclass(frozen=True)
class Effects:
    """Events of a scenario on its tree. Every method returns an array of shape (nodes,)."""

    scenario: Scenario
    tree: Tree
    places: Places
    in_force: dict[str, Floats]
    """Share of each node's days in which an event is in force, fading counted in part; shape (nodes,) each."""

    @classmethod
    def of(cls, scenario: Scenario, tree: Tree, places: Places) -> Effects:
        """Spread the events of each future over its nodes."""
        period = np.array(tree.period)
        in_force = {}
        for name, event in scenario.events.items():
            fraction = tree.calendar.fraction(event.onset, event.until, getattr(event, "recovery_years", 0.0))[period]
            held = np.array([name in tree.events_at(node) for node in range(len(tree))])
            in_force[name] = np.where(held, fraction, 0.0)
        return cls(scenario, tree, places, in_force)

    def output_availability(self, name: str, facility: Facility) -> Floats:
        """What is left of a facility's capacity."""
        left = np.ones(len(self.tree))
        for key, event in self.scenario.events.items():
            if (
                isinstance(event, OutputEvent)
                and matches(name, event.facilities)
                and any(matches(commodity, event.commodities) for commodity in facility.outputs)
            ):
                weight = self.places.weight(facility.place, self.places.expand(event.places))
                left = left * (1.0 - weight * self.in_force[key] * (1.0 - event.availability_share))
        return left

    def export_availability(self, route: Route) -> Floats:
        """What is left of a route."""
        left = np.ones(len(self.tree))
        for key, event in self.scenario.events.items():
            if isinstance(event, ExportEvent) and matches(route.commodity, event.commodities):
                weight = self.places.weight(route.origin, self.places.expand(event.places))
                weight *= self.places.weight(route.destination, self.places.expand(event.destinations))
                left = left * (1.0 - weight * self.in_force[key] * (1.0 - event.availability_share))
        return left

    def price_factor(self, place: str, commodities: list[str]) -> Floats:
        """New price over old of what a place sells; 1 at home."""
        factor = np.ones(len(self.tree))
        if place == self.scenario.home:
            return factor
        for key, event in self.scenario.events.items():
            if isinstance(event, PriceEvent) and any(matches(name, event.commodities) for name in commodities):
                weight = self.places.weight(place, self.places.expand(event.places))
                factor = factor * (1.0 + weight * self.in_force[key] * (event.factor - 1.0))
        return factor

    def demand_factor(self, demand: Demand) -> Floats:
        """New demand over old."""
        factor = np.ones(len(self.tree))
        for key, event in self.scenario.events.items():
            if (
                isinstance(event, DemandEvent)
                and matches(demand.commodity, event.commodities)
                and demand.tier in event.tiers
            ):
                factor = factor * (1.0 + self.in_force[key] * (event.factor - 1.0))
        return factor
