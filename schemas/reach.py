"""Whether rules meet a flow, and demands a supply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from itertools import combinations

from schemas.events import DemandEvent, Event, ExportEvent, OutputEvent, PriceEvent, ProjectEvent, TariffEvent
from schemas.findings import Findings
from schemas.limits import Budget, Limit, PermitSlots, ServiceFloor, ShareCap
from schemas.scenario import Facility, Scenario
from schemas.selections import matching

Stop = tuple[str, str]
"""(commodity, place)."""

_SUPPLY = ("commodities", "places", "facilities", "projects", "routes", "stockpiles", "home")


def check(findings: Findings) -> None:
    """Demands nobody can serve, limits and events that meet nothing, routes with several quotas.

    Skipped where an entry that could change the answer is broken or refers to something unknown.
    """
    scenario = findings.scenario
    if findings.can_read(*_SUPPLY, "demands"):
        _check_demands(findings)
        for name, limit in scenario.limits.items():
            _note_if_nothing(findings, ("limits", name), _limit_meets_nothing(findings, limit))
        for name, event in scenario.events.items():
            _note_if_nothing(findings, ("events", name), _event_meets_nothing(findings, event))
    if findings.can_read("commodities", "places", "routes", "home", "tariffs"):
        _check_quotas(findings)


def _note_if_nothing(findings: Findings, keys: tuple[str, str], nothing: str | None) -> None:
    if nothing and keys not in findings.doubtful:
        findings.note("no_match", keys, nothing, remedy="Correct its selection or take it away.")


def warn(findings: Findings) -> None:
    """Measures that meet no route, and numbers that a rule needs but an entry lacks."""
    for name, measure in findings.scenario.tariffs.items():
        if not findings.selections.routes_of_measure(measure):
            findings.note("no_route", ["tariffs", name], "the measure applies to no route of the scenario.")
        for prefix in measure.hts:
            if not findings.selections.commodities((), (prefix,)):
                message = "no commodity has a tariff code that begins so."
                findings.note("no_commodity", ["tariffs", name, "hts"], message, value=prefix)
        for field in ("commodities", "except_commodities"):
            for pattern in getattr(measure, field):
                if not findings.selections.commodities((pattern,)):
                    findings.note("no_commodity", ["tariffs", name, field], "no commodity matches.", value=pattern)
    _warn_of_missing_values(findings)
    _warn_of_stockpiles(findings)
    _warn_of_budgets(findings)


def reachable(scenario: Scenario) -> set[Stop]:
    """Where each commodity can be had at all, following recipes, routes and opening stocks; dates do not count."""
    plants = _running(scenario)
    lacking = [{(commodity, plant.place) for commodity in plant.inputs} for plant in plants]
    waiting: dict[Stop, list[int]] = defaultdict(list)
    for number, stops in enumerate(lacking):
        for stop in stops:
            waiting[stop].append(number)
    onward: dict[Stop, list[str]] = defaultdict(list)
    for route in scenario.routes.values():
        if route.capacity_t_per_y is None or _largest(route.capacity_t_per_y) > 0:
            onward[route.commodity, route.origin].append(route.destination)

    queue = [
        (pile.commodity, pile.place or scenario.home) for pile in scenario.stockpiles.values() if pile.opening_t > 0
    ]
    queue += [(out, plant.place) for plant in plants if not plant.inputs for out in plant.outputs]
    reached: set[Stop] = set()
    while queue:
        stop = queue.pop()
        if stop in reached:
            continue
        reached.add(stop)
        queue += [(stop[0], destination) for destination in onward[stop]]
        for number in waiting[stop]:
            lacking[number].discard(stop)
            if not lacking[number]:
                queue += [(out, plants[number].place) for out in plants[number].outputs]
    return reached


def _running(scenario: Scenario) -> list[Facility]:
    """Facilities and projects that can run at all for home."""
    plants = [*scenario.facilities.values(), *scenario.projects.values()]
    return [
        plant
        for plant in plants
        if plant.home_share > 0 and (plant.capacity_t_per_y is None or _largest(plant.capacity_t_per_y) > 0)
    ]


def _check_demands(findings: Findings) -> None:
    scenario = findings.scenario
    reached = reachable(scenario)
    for name, demand in scenario.demands.items():
        place = demand.place or scenario.home
        if (demand.commodity, place) in reached or _largest(demand.quantity_t_per_y) == 0:
            continue
        message = f"no facility, project, route or opening stock brings `{demand.commodity}` to `{place}`."
        remedy = _what_is_lacking(scenario, (demand.commodity, place), reached)
        findings.note("unserved_demand", ["demands", name], message, value=demand.commodity, remedy=remedy)


def _what_is_lacking(scenario: Scenario, stop: Stop, reached: set[Stop]) -> str:
    commodity, place = stop
    for collection in (scenario.facilities, scenario.projects):
        for name, plant in collection.items():
            lacking = [item for item in plant.inputs if (item, plant.place) not in reached]
            if commodity in plant.outputs and lacking:
                return f"`{name}` at `{plant.place}` makes it but cannot get `{lacking[0]}`."
    sources = sorted({where for item, where in reached if item == commodity})
    if sources:
        return f"It is to be had at {', '.join(sources[:5])}: add a route from there."
    return f"Add a facility that makes `{commodity}`, and a route to `{place}` if it stands elsewhere."


def _limit_meets_nothing(findings: Findings, limit: Limit) -> str | None:
    """Why a limit on flows or shortages can never bind; None if it can."""
    scenario, selections = findings.scenario, findings.selections
    if isinstance(limit, ShareCap):
        places = selections.places(limit.places)
        if not selections.routes([limit.commodity], places, {scenario.home}):
            return f"the limit matches no flow: no route brings `{limit.commodity}` from these places to home."
    elif isinstance(limit, ServiceFloor):
        commodities = selections.commodities(limit.commodities)
        if not any(item.tier in limit.tiers and item.commodity in commodities for item in scenario.demands.values()):
            return "the limit matches no demand: none has such a tier and commodity."
    return None


def _event_meets_nothing(findings: Findings, event: Event) -> str | None:
    """Why an event changes nothing; None if it changes something."""
    scenario, selections = findings.scenario, findings.selections
    if isinstance(event, ExportEvent):
        origins, destinations = selections.places(event.places), selections.places(event.destinations)
        if not selections.routes(selections.commodities(event.commodities), origins, destinations):
            return "the event matches nothing: no route has such a commodity, origin and destination."
    elif isinstance(event, OutputEvent):
        plants = {**scenario.facilities, **scenario.projects}
        named = {name: plants[name] for name in matching(event.facilities, plants)}
        if not _plants_at(findings, named, event.places, event.commodities):
            return "the event matches nothing: no such facility or project makes such a commodity at such a place."
    elif isinstance(event, PriceEvent):
        abroad = selections.places(event.places) - {scenario.home}
        routes = selections.routes(selections.commodities(event.commodities), abroad, scenario.places)
        if not routes and not _plants_at(findings, scenario.facilities, sorted(abroad), event.commodities):
            return "the event matches nothing: no such commodity is made at, or brought from, such a place abroad."
    elif isinstance(event, DemandEvent):
        commodities = selections.commodities(event.commodities)
        if not any(item.tier in event.tiers and item.commodity in commodities for item in scenario.demands.values()):
            return "the event matches no demand: none has such a tier and commodity."
    elif isinstance(event, ProjectEvent):
        if not matching(event.projects, scenario.projects):
            return "the event matches no project."
    elif isinstance(event, TariffEvent) and not event.switch_on and not event.switch_off:
        return "the event switches no measure on or off."
    return None


def _plants_at(
    findings: Findings, plants: Mapping[str, Facility], places: Collection[str], commodities: list[str]
) -> list[str]:
    chosen = findings.selections.places(tuple(places))
    made = findings.selections.commodities(commodities)
    return [name for name, plant in plants.items() if plant.place in chosen and made & plant.outputs.keys()]


def _check_quotas(findings: Findings) -> None:
    """A route has two duty bands at most, so one quota."""
    tariffs = findings.scenario.tariffs
    routes = {
        name: set(findings.selections.routes_of_measure(measure))
        for name, measure in tariffs.items()
        if measure.quota is not None
    }
    for first, second in combinations(routes, 2):
        shared = sorted(routes[first] & routes[second])
        if shared:
            more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
            message = f"route `{shared[0]}`{more} is under the quota of `{first}` too; a route can have one quota."
            findings.note(
                "two_quotas", ["tariffs", second, "quota"], message, remedy="Part their origins or commodities."
            )


def _warn_of_budgets(findings: Findings) -> None:
    """Budgets and slots that nothing uses: harmless, as a patch may have taken away what they were for."""
    scenario = findings.scenario
    plants = [*scenario.facilities.values(), *scenario.projects.values()]
    present = {
        "capex": bool(scenario.projects),
        "onboarding": any(route.onboarding for route in scenario.routes.values()),
        "stock": bool(scenario.stockpiles),
        "support": any(plant.price_floor for plant in plants),
    }
    slots = [track.permit_slots for project in scenario.projects.values() for track in project.tracks.values()]
    for name, limit in scenario.limits.items():
        if isinstance(limit, PermitSlots) and not any(slots):
            findings.note("unused", ["limits", name], "no track of a project uses permit slots.")
        elif isinstance(limit, Budget) and not any(present[item] for item in limit.covers):
            message = f"the scenario has no {' or '.join(limit.covers)} to pay for."
            findings.note("unused", ["limits", name, "covers"], message)


def _warn_of_missing_values(findings: Findings) -> None:
    """Duties that are not taken because a customs value or a reference price is missing: once for each."""
    scenario = findings.scenario
    by_value: dict[str, str] = {}
    by_metal: dict[str, str] = {}
    for name, measure in scenario.tariffs.items():
        on_metal = measure.base == "metal_value" and measure.all_in_ceiling_share is None and measure.rate_share != 0
        on_value = (measure.base == "customs_value" and measure.rate_share != 0) or (
            measure.all_in_ceiling_share is not None or measure.minimum_price_kusd_per_t is not None
        )
        for key in findings.selections.routes_of_measure(measure) if on_metal or on_value else ():
            route = scenario.routes[key]
            if on_value and route.customs_value_kusd_per_t is None:
                by_value.setdefault(key, name)
            if on_metal and scenario.commodities[route.commodity].reference_price_kusd_per_t is None:
                by_metal.setdefault(route.commodity, name)
    for key, name in by_value.items():
        message = f"without it the duty of `{name}` is not taken on this route."
        findings.note("no_customs_value", ["routes", key, "customs_value_kusd_per_t"], message)
    for key, name in by_metal.items():
        message = f"without it the duty of `{name}` on metal value is not taken."
        findings.note("no_reference_price", ["commodities", key, "reference_price_kusd_per_t"], message)


def _warn_of_stockpiles(findings: Findings) -> None:
    scenario = findings.scenario
    wanted = {(demand.commodity, demand.place or scenario.home) for demand in scenario.demands.values()}
    stock_is_paid = any(isinstance(limit, Budget) and "stock" in limit.covers for limit in scenario.limits.values())
    for name, pile in scenario.stockpiles.items():
        place = pile.place or scenario.home
        if _largest(pile.cover_days) > 0 and (pile.commodity, place) not in wanted:
            message = f"nobody at `{place}` demands `{pile.commodity}`, so its cover is no stock at all."
            findings.note("no_demand", ["stockpiles", name, "cover_days"], message)
        if stock_is_paid and scenario.commodities[pile.commodity].reference_price_kusd_per_t is None:
            message = f"without it the purchases of stockpile `{name}` cost a budget nothing but their premium."
            keys = ["commodities", pile.commodity, "reference_price_kusd_per_t"]
            findings.note("no_reference_price", keys, message)


def _largest(profile: float | Mapping[int, float]) -> float:
    return max(profile.values()) if isinstance(profile, Mapping) else profile
