"""What the events in force do at a node (conventions, "Availability, prices, demand at a node")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.check.selections import place_share, selects_name
from optimizer.check.tree import Node
from schemas import Scenario
from schemas.events import DemandEvent, ExportEvent, OutputEvent, PriceEvent
from schemas.scenario import Facility

Factors = dict[str, float]


@dataclass(frozen=True)
class Conditions:
    """Factors at a node by name; a name that is missing has factor 1."""

    facility_availability: Factors = field(default_factory=dict)
    route_availability: Factors = field(default_factory=dict)
    price_factor: Factors = field(default_factory=dict)
    """On the cost of facilities abroad."""
    customs_factor: Factors = field(default_factory=dict)
    """On the customs value of routes from abroad."""
    demand_factor: Factors = field(default_factory=dict)


def makers(scenario: Scenario) -> dict[str, Facility]:
    """Facilities and projects together: everything that runs."""
    return {**scenario.facilities, **scenario.projects}


class Events:
    """Whom each event means, and by which weight, found once for all nodes."""

    def __init__(self, scenario: Scenario) -> None:
        self._events = scenario.events
        self._weights = {
            name: Conditions(
                facility_availability=_facilities_out(scenario, event) if isinstance(event, OutputEvent) else {},
                route_availability=_routes_out(scenario, event) if isinstance(event, ExportEvent) else {},
                price_factor=_facilities_priced(scenario, event) if isinstance(event, PriceEvent) else {},
                customs_factor=_routes_priced(scenario, event) if isinstance(event, PriceEvent) else {},
                demand_factor=_demands_moved(scenario, event) if isinstance(event, DemandEvent) else {},
            )
            for name, event in scenario.events.items()
        }

    def conditions(self, node: Node) -> Conditions:
        """The product, over the events in force, of `1 + weight * fraction * (value - 1)`."""
        found = Conditions()
        for name, fraction in node.in_force.items():
            event, weights = self._events[name], self._weights[name]
            if isinstance(event, OutputEvent | ExportEvent):
                change = fraction * (event.availability_share - 1)
            elif isinstance(event, PriceEvent | DemandEvent):
                change = fraction * (event.factor - 1)
            else:
                continue
            for kind in ("facility_availability", "route_availability", "price_factor", "customs_factor"):
                _multiply(getattr(found, kind), getattr(weights, kind), change)
            _multiply(found.demand_factor, weights.demand_factor, change)
        return found


def _multiply(factors: Factors, weights: Mapping[str, float], change: float) -> None:
    for name, weight in weights.items():
        factors[name] = factors.get(name, 1.0) * (1 + weight * change)


def _makes_one_of(facility: Facility, commodities: list[str]) -> bool:
    return any(selects_name(commodities, commodity) for commodity in facility.outputs)


def _facilities_out(scenario: Scenario, event: OutputEvent) -> Factors:
    return {
        name: place_share(event.places, facility.place, scenario.places)
        for name, facility in makers(scenario).items()
        if _makes_one_of(facility, event.commodities) and selects_name(event.facilities, name)
    }


def _routes_out(scenario: Scenario, event: ExportEvent) -> Factors:
    return {
        name: place_share(event.places, route.origin, scenario.places)
        * place_share(event.destinations, route.destination, scenario.places)
        for name, route in scenario.routes.items()
        if selects_name(event.commodities, route.commodity)
    }


def _facilities_priced(scenario: Scenario, event: PriceEvent) -> Factors:
    return {
        name: place_share(event.places, facility.place, scenario.places)
        for name, facility in makers(scenario).items()
        if facility.place != scenario.home and _makes_one_of(facility, event.commodities)
    }


def _routes_priced(scenario: Scenario, event: PriceEvent) -> Factors:
    return {
        name: place_share(event.places, route.origin, scenario.places)
        for name, route in scenario.routes.items()
        if route.origin != scenario.home and selects_name(event.commodities, route.commodity)
    }


def _demands_moved(scenario: Scenario, event: DemandEvent) -> Factors:
    return {
        name: 1.0
        for name, demand in scenario.demands.items()
        if demand.tier in event.tiers and selects_name(event.commodities, demand.commodity)
    }
