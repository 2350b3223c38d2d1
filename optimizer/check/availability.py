"""Effects of the events in force at a node (conventions, "Availability, prices, demand at a node")."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from lodeplan.optimizer.check.periods import Dates, mean_of_product
from lodeplan.optimizer.check.selections import place_share, selects_name
from lodeplan.optimizer.check.tree import Node
from lodeplan.schemas import Scenario
from lodeplan.schemas.events import DemandEvent, ExportEvent, OutputEvent, PriceEvent
from lodeplan.schemas.scenario import Facility

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
        """The mean over days of the product, over the events in force, of `1 + weight * effect * (value - 1)`."""
        found: dict[str, dict[str, list[tuple[Dates, float]]]] = {kind.name: {} for kind in fields(Conditions)}
        for name in node.in_force:
            event = self._events[name]
            if isinstance(event, OutputEvent | ExportEvent):
                change = event.availability_share - 1
            elif isinstance(event, PriceEvent | DemandEvent):
                change = event.factor - 1
            else:
                continue
            dates = Dates(event.onset, event.until, event.recovery_years)
            for kind, changes in found.items():
                for thing, weight in getattr(self._weights[name], kind).items():
                    if weight * change != 0:
                        changes.setdefault(thing, []).append((dates, weight * change))
        return Conditions(
            **{
                kind: {thing: mean_of_product(parts, node.period) for thing, parts in changes.items()}
                for kind, changes in found.items()
            }
        )


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
