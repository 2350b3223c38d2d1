"""Supply of demands, with and without source bans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from heapq import nsmallest

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import largest, largest_within
from lodeplan.schemas.content import SourceBan
from lodeplan.schemas.scenario import Demand, Facility, Horizon, Recycling, Route, Scenario, Stockpile

Stop = tuple[str, str]
"""(commodity, place)."""

SUPPLY = ("commodities", "places", "facilities", "projects", "routes", "stockpiles", "recycling", "home", "horizon")
"""What has to be read to say where a commodity can be had."""


def check(findings: Findings) -> None:
    """Demands nobody can serve; skipped where an entry that could change the answer is broken or in doubt."""
    if not findings.can_read(*SUPPLY, "demands"):
        return
    scenario = findings.scenario
    reached = reachable(scenario)
    sources: dict[str, set[str]] = defaultdict(set)
    for commodity, place in reached:
        sources[commodity].add(place)
    cannot_run = _cannot_run(scenario, reached)
    for name, demand in scenario.demands.items():
        place = demand.place or scenario.home
        if largest_within(demand.quantity_t_per_y, scenario.horizon) == 0 or _is_served(demand, place, reached):
            continue
        message = f"no facility, project, route, recycling or opening stock brings `{demand.commodity}` to `{place}`."
        remedy = cannot_run.get(demand.commodity) or _where_to_be_had(demand.commodity, place, sources)
        findings.note("unserved_demand", ["demands", name], message, value=demand.commodity, remedy=remedy)


def warn(findings: Findings) -> None:
    """Source bans that leave a demand nothing."""
    scenario = findings.scenario
    found: dict[tuple[frozenset[str], str], set[Stop]] = {}
    for name, demand in scenario.demands.items():
        for key, ban in demand.source_bans.items():
            same = (findings.selections.places(ban.places), ban.role)
            if same not in found:
                found[same] = _clean_last(findings, ban) if ban.role == "last_origin" else _clean(findings, ban)
            place = demand.place or scenario.home
            wanted = largest_within(demand.quantity_t_per_y, scenario.horizon) > 0
            if wanted and not _is_served(demand, place, found[same]):
                message = f"while the ban is in force, no allowed material reaches `{place}`."
                remedy = "Add a source, route or substitute that is free of these places."
                keys = ["demands", name, "source_bans", key]
                findings.note("no_clean_source", keys, message, value=ban.places, remedy=remedy)


def reachable(scenario: Scenario) -> set[Stop]:
    """Find the places where each commodity can be obtained, by recipes, recycling, routes and opening stocks, at any
    date of the horizon."""
    recovery = [_recovery(scenario, item) for item in scenario.recycling.values()]
    return _spread(scenario, [*_running(scenario), *recovery], list(scenario.stockpiles.values()))


def _spread(scenario: Scenario, plants: Sequence[Facility], piles: Sequence[Stockpile]) -> set[Stop]:
    lacking = [{(commodity, plant.place) for commodity in plant.inputs} for plant in plants]
    waiting: dict[Stop, list[int]] = defaultdict(list)
    for number, stops in enumerate(lacking):
        for stop in stops:
            waiting[stop].append(number)
    onward: dict[Stop, list[str]] = defaultdict(list)
    for route in scenario.routes.values():
        if can_carry(route, scenario.horizon):
            onward[route.commodity, route.origin].append(route.destination)

    queue = [(pile.commodity, pile.place or scenario.home) for pile in piles if pile.opening_t > 0]
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
    return [plant for plant in plants if can_run(plant, scenario.horizon)]


def can_run(plant: Facility, horizon: Horizon) -> bool:
    """True if the capacity of a facility or project lets home get any of its output within the horizon."""
    return plant.home_share > 0 and _has_room(plant, horizon)


def can_carry(route: Route, horizon: Horizon) -> bool:
    """True if a route can carry anything within the horizon."""
    return _has_room(route, horizon)


def _has_room(entry: Facility | Route, horizon: Horizon) -> bool:
    return entry.capacity_t_per_y is None or largest_within(entry.capacity_t_per_y, horizon) > 0


def _recovery(scenario: Scenario, recycling: Recycling, reached: Collection[Stop] = ()) -> Facility:
    """Recycling as a facility: with the product as input, unless it was used before or can be had by then."""
    place = recycling.place or scenario.home
    product = recycling.from_commodity
    needs_use = product is not None and largest(recycling.past_use_t_per_y) == 0 and (product, place) not in reached
    inputs = {product: 1.0} if product is not None and needs_use else {}
    return Facility(place=place, outputs={recycling.commodity: 1.0}, inputs=inputs)


def _is_served(demand: Demand, place: str, reached: Collection[Stop]) -> bool:
    """Whether the commodity or a substitute can be had; doing with less always can."""
    options = [demand.commodity, *(item.commodity for item in demand.substitutes.values())]
    return any(option is None or (option, place) in reached for option in options)


def _cannot_run(scenario: Scenario, reached: set[Stop]) -> dict[str, str]:
    """By commodity, the first of the facilities and projects that would make it but lack an input."""
    found: dict[str, str] = {}
    for collection in (scenario.facilities, scenario.projects):
        for name, plant in collection.items():
            lacking = next((item for item in plant.inputs if (item, plant.place) not in reached), None)
            if lacking is not None:
                message = f"`{name}` at `{plant.place}` makes it but cannot get `{lacking}`."
                for commodity in plant.outputs:
                    found.setdefault(commodity, message)
    return found


def _where_to_be_had(commodity: str, place: str, sources: Mapping[str, Collection[str]]) -> str:
    if sources.get(commodity):
        return f"It is available at {', '.join(nsmallest(5, sources[commodity]))}: add a route from there."
    return f"Add a facility that makes `{commodity}`, and a route to `{place}` if it stands elsewhere."


def _clean(findings: Findings, ban: SourceBan) -> set[Stop]:
    """Where each commodity can be had free of what a ban on its making bars."""
    scenario, banned = findings.scenario, findings.selections.places(ban.places)
    reached = reachable(scenario)
    recovery = [_recovery(scenario, item, reached) for item in scenario.recycling.values()]
    plants = [plant for plant in [*_running(scenario), *recovery] if not _is_tagged(scenario, plant, banned, ban.role)]
    return _spread(scenario, plants, _clean_piles(findings, ban))


def _is_tagged(scenario: Scenario, plant: Facility, banned: Collection[str], role: str) -> bool:
    """Whether what a plant makes was mined, refined or handled at one of the places, because of the plant itself."""
    raw = scenario.commodities[next(iter(plant.outputs))].stage in ("ore", "concentrate", "scrap")
    mined = not plant.inputs and (plant.mined_in or plant.place) in banned
    refined = not raw and (plant.refined_in or plant.place) in banned
    if role == "mined_in":
        return mined
    if role == "refined_in":
        return refined
    return plant.place in banned or bool({plant.mined_in, plant.refined_in} & set(banned))


def _clean_piles(findings: Findings, ban: SourceBan) -> list[Stockpile]:
    """Stockpiles that hold to the same ban; others may hold what it bars."""
    places = findings.selections.places
    return [
        pile
        for pile in findings.scenario.stockpiles.values()
        if any(own.role == ban.role and places(own.places) == places(ban.places) for own in pile.source_bans.values())
    ]


def _clean_last(findings: Findings, ban: SourceBan) -> set[Stop]:
    """Where each commodity can be had without coming from one of the places last."""
    scenario, banned = findings.scenario, findings.selections.places(ban.places)
    reached = reachable(scenario)
    recovery = [_recovery(scenario, item) for item in scenario.recycling.values()]
    made = {
        (output, plant.place)
        for plant in [*_running(scenario), *recovery]
        if plant.place not in banned and all((item, plant.place) in reached for item in plant.inputs)
        for output in plant.outputs
    }
    brought = {
        (route.commodity, route.destination)
        for route in scenario.routes.values()
        if route.origin not in banned
        and (route.commodity, route.origin) in reached
        and can_carry(route, scenario.horizon)
    }
    held = {(pile.commodity, pile.place or scenario.home) for pile in _clean_piles(findings, ban) if pile.opening_t > 0}
    return made | brought | held
