"""Effects of limits, events, hazards and tariff measures: each must apply to something."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import TOLERANCE, largest, largest_within
from lodeplan.scenarios.rules.supply import SUPPLY
from lodeplan.scenarios.selections import matching
from lodeplan.schemas.events import DemandEvent, Event, ExportEvent, OutputEvent, PriceEvent, ProjectEvent, TariffEvent
from lodeplan.schemas.hazards import Hazard
from lodeplan.schemas.limits import (
    Budget,
    ConcentrationCap,
    Limit,
    MinimumShare,
    NetImportReliance,
    PermitSlots,
    ServiceFloor,
    ShareCap,
    Survival,
)
from lodeplan.schemas.scenario import Facility, TariffMeasure

_DAYS_A_YEAR = 365


def check(findings: Findings) -> None:
    """Limits, events and hazards that meet nothing, shares that nobody can serve, routes with several quotas.

    Skipped where an entry that could change the answer is broken or refers to something unknown.
    """
    scenario = findings.scenario
    if findings.can_read(*SUPPLY, "demands"):
        for name, limit in scenario.limits.items():
            _note_if_nothing(findings, ("limits", name), _limit_meets_nothing(findings, limit))
            if limit.violation_price_kusd is None and ("limits", name) not in findings.doubtful:
                _note_if_impossible(findings, name, limit)
        for name, event in scenario.events.items():
            _note_if_nothing(findings, ("events", name), _event_meets_nothing(findings, event))
        for name, hazard in scenario.hazards.items():
            _note_if_nothing(findings, ("hazards", name), _hazard_meets_nothing(findings, hazard))
    if findings.can_read("commodities", "places", "routes", "home", "tariffs"):
        _check_quotas(findings)


def _note_if_nothing(findings: Findings, keys: tuple[str, str], nothing: str | None) -> None:
    if nothing and keys not in findings.doubtful:
        findings.note("no_match", keys, nothing, remedy="Correct its selection or remove it.")


def warn(findings: Findings) -> None:
    """Note measures that apply to no route, and numbers that a rule needs but an entry does not have."""
    for name, measure in findings.scenario.tariffs.items():
        if not findings.selections.routes_of_measure(measure):
            found = [*measure.commodities, *measure.hts]
            remedy = "Correct its places, commodities or codes; now it adds no duty."
            message = "the measure applies to no route of the scenario."
            findings.note("no_route", ["tariffs", name], message, value=found, remedy=remedy)
        _warn_of_codes(findings, name, measure)
        for field in ("commodities", "except_commodities"):
            for pattern in getattr(measure, field):
                if not findings.selections.commodities((pattern,)):
                    findings.note("no_commodity", ["tariffs", name, field], "no commodity matches.", value=pattern)
    _warn_of_missing_values(findings)
    _warn_of_stockpiles(findings)
    _warn_of_budgets(findings)
    for name, limit in findings.scenario.limits.items():
        if limit.violation_price_kusd is not None:
            _note_if_impossible(findings, name, limit)


def _warn_of_codes(findings: Findings, name: str, measure: TariffMeasure) -> None:
    """Codes of a measure that no commodity has, or that go into more detail than a commodity's own code does."""
    selections = findings.selections
    named = selections.commodities(measure.commodities, measure.hts)
    exempt = selections.commodities(measure.except_commodities, measure.except_hts)
    # Goods of a broad code may or may not be meant by a finer one; what is meant anyway needs no word.
    in_doubt = {"hts": findings.scenario.commodities.keys() - named, "except_hts": named - exempt}
    for field, commodities in in_doubt.items():
        keys, prefixes = ["tariffs", name, field], getattr(measure, field)
        for prefix in prefixes:
            _warn_of_finer_code(findings, keys, prefix, commodities)
        unmet = [item for item in prefixes if not selections.commodities((), (item,)) and not selections.broader(item)]
        # Exemptions often list more than a scenario has.
        for prefix in unmet if field == "hts" or len(unmet) == len(prefixes) else ():
            message = "no commodity has a tariff code that begins so."
            findings.note("no_commodity", keys, message, value=prefix)
            if field == "except_hts":
                break


def _warn_of_finer_code(findings: Findings, keys: list[str], prefix: str, commodities: Collection[str]) -> None:
    broader = findings.selections.broader(prefix)
    found = sorted(broader.keys() & commodities)
    if found:
        message = f"`{found[0]}` has the code {broader[found[0]]}, which is less detailed, so this does not mean it"
        message += f"; and so with {len(found) - 1} more." if len(found) > 1 else "."
        remedy = "Give the commodity the whole code, or name it in the measure."
        findings.note("finer_code", keys, message, value=prefix, remedy=remedy)


def _limit_meets_nothing(findings: Findings, limit: Limit) -> str | None:
    """Why a limit on flows or shortages can never bind; None if it can."""
    scenario, selections = findings.scenario, findings.selections
    if isinstance(limit, ShareCap) and limit.origin_role == "last_origin":
        if not selections.routes([limit.commodity], selections.places(limit.places), {scenario.home}):
            return f"the limit matches no flow: no route brings `{limit.commodity}` from these places to home."
    elif isinstance(limit, NetImportReliance):
        if not sources_abroad(findings, limit.commodity):
            return f"the limit matches no flow: no route brings `{limit.commodity}` to home."
    elif isinstance(limit, ShareCap | MinimumShare | ConcentrationCap):
        if not sources_abroad(findings, limit.commodity) and not made_at_home(findings, limit.commodity):
            return (
                f"the limit matches no flow: no route brings `{limit.commodity}` to home, and nothing makes it there."
            )
    elif isinstance(limit, ServiceFloor | Survival):
        if isinstance(limit, Survival) and not selections.lost_places(limit):
            return "the limit matches no place: nothing is made at or shipped from these places abroad."
        commodities = selections.commodities(limit.commodities)
        if not any(item.tier in limit.tiers and item.commodity in commodities for item in scenario.demands.values()):
            return "the limit matches no demand: none has this tier and commodity."
    return None


def _note_if_impossible(findings: Findings, name: str, limit: Limit) -> None:
    """Shares that nothing at home can serve: an error where hard, else a warning."""
    if not isinstance(limit, MinimumShare) or largest_within(limit.minimum_share, findings.scenario.horizon) == 0:
        return
    recycled = limit.source == "recycled"
    if not made_at_home(findings, limit.commodity, of_scrap=recycled) and sources_abroad(findings, limit.commodity):
        what = "recovers it, or makes it of scrap alone" if recycled else "makes or recovers it"
        message = f"nothing at home {what}, so its share of `{limit.commodity}` is 0."
        remedy = "Add a facility, a project or recycling at home, or a `violation_price_kusd`."
        findings.note("nobody_can", ["limits", name], message, value=limit.source, remedy=remedy)


def sources_abroad(findings: Findings, commodity: str) -> set[str]:
    """Places from which a route brings a commodity home."""
    scenario = findings.scenario
    routes = findings.selections.routes([commodity], scenario.places, {scenario.home})
    return {scenario.routes[name].origin for name in routes}


def made_at_home(findings: Findings, commodity: str, *, of_scrap: bool = False) -> bool:
    """True if something at home makes or recovers a commodity; `of_scrap`: recovers it, or makes it of scrap alone."""
    scenario = findings.scenario
    scrap = {name for name, item in scenario.commodities.items() if item.stage == "scrap"}
    plants = [*scenario.facilities.values(), *scenario.projects.values()]
    makers = [plant for plant in plants if plant.place == scenario.home and commodity in plant.outputs]
    recovered = any(
        item.commodity == commodity and (item.place or scenario.home) == scenario.home
        for item in scenario.recycling.values()
    )
    return recovered or any(not of_scrap or (plant.inputs and plant.inputs.keys() <= scrap) for plant in makers)


def _event_meets_nothing(findings: Findings, event: Event) -> str | None:
    """Why an event changes nothing; None if it changes something."""
    scenario, selections = findings.scenario, findings.selections
    if isinstance(event, ExportEvent):
        if not _routes_hit(findings, event):
            return "the event has no effect: no route has this commodity, origin and destination."
    elif isinstance(event, OutputEvent):
        plants = {**scenario.facilities, **scenario.projects}
        named = {name: plants[name] for name in matching(event.facilities, plants)}
        if not _plants_at(findings, named, event.places, event.commodities):
            return "the event has no effect: none of these facilities and projects makes this commodity at this place."
    elif isinstance(event, PriceEvent):
        abroad = selections.places(event.places) - {scenario.home}
        routes = selections.routes(selections.commodities(event.commodities), abroad, scenario.places)
        if not routes and not _plants_at(findings, scenario.facilities, sorted(abroad), event.commodities):
            return "the event has no effect: this commodity is neither made at nor shipped from these places abroad."
    elif isinstance(event, DemandEvent):
        commodities = selections.commodities(event.commodities)
        if not any(item.tier in event.tiers and item.commodity in commodities for item in scenario.demands.values()):
            return "the event matches no demand: none has this tier and commodity."
    elif isinstance(event, ProjectEvent):
        if not matching(event.projects, scenario.projects):
            return "the event matches no project."
    elif isinstance(event, TariffEvent) and not event.switch_on and not event.switch_off:
        return "the event switches no measure on or off."
    return None


def _hazard_meets_nothing(findings: Findings, hazard: Hazard) -> str | None:
    scenario = findings.scenario
    if hazard.changes == "exports":
        if not _routes_hit(findings, hazard):
            return "the hazard has no effect: no route has this commodity, origin and destination."
    elif not _plants_at(findings, {**scenario.facilities, **scenario.projects}, hazard.places, hazard.commodities):
        return "the hazard has no effect: no facility or project makes this commodity at this place."
    return None


def _routes_hit(findings: Findings, rule: ExportEvent | Hazard) -> list[str]:
    selections = findings.selections
    origins, destinations = selections.places(rule.places), selections.places(rule.destinations)
    return selections.routes(selections.commodities(rule.commodities), origins, destinations)


def _plants_at(
    findings: Findings, plants: Mapping[str, Facility], places: Collection[str], commodities: Sequence[str]
) -> list[str]:
    chosen = findings.selections.places(tuple(places))
    made = findings.selections.commodities(commodities)
    return [name for name, plant in plants.items() if plant.place in chosen and made & plant.outputs.keys()]


def _check_quotas(findings: Findings) -> None:
    """A route has two duty bands at most, so one quota."""
    tariffs = findings.scenario.tariffs
    quota_of: dict[str, str] = {}
    for name, measure in tariffs.items():
        if measure.quota is None:
            continue
        shared: dict[str, list[str]] = {}
        for route in findings.selections.routes_of_measure(measure):
            first = quota_of.setdefault(route, name)
            if first != name:
                shared.setdefault(first, []).append(route)
        for first, routes in shared.items():
            more = f" and {len(routes) - 1} more" if len(routes) > 1 else ""
            message = f"route `{min(routes)}`{more} is under the quota of `{first}` too; a route can have one quota."
            findings.note(
                "two_quotas", ["tariffs", name, "quota"], message, remedy="Separate their origins or commodities."
            )


def _warn_of_budgets(findings: Findings) -> None:
    """Budgets and slots that nothing uses: harmless, as a patch may have taken away what they were for."""
    scenario = findings.scenario
    plants = [*scenario.facilities.values(), *scenario.projects.values()]
    present = {
        "capex": bool(scenario.projects),
        "onboarding": any(route.onboarding for route in scenario.routes.values()),
        "stock": bool(scenario.stockpiles),
        "support": any(plant.price_floor for plant in plants)
        or any(project.grant_share > 0 for project in scenario.projects.values()),
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
        message = f"without it the duty of `{name}` is not charged on this route."
        findings.note("no_customs_value", ["routes", key, "customs_value_kusd_per_t"], message)
    for key, name in by_metal.items():
        message = f"without it the duty of `{name}` on metal value is not charged."
        findings.note("no_reference_price", ["commodities", key, "reference_price_kusd_per_t"], message)


def _warn_of_stockpiles(findings: Findings) -> None:
    scenario = findings.scenario
    wanted: dict[tuple[str, str], list[float | dict[int, float]]] = {}
    for demand in scenario.demands.values():
        wanted.setdefault((demand.commodity, demand.place or scenario.home), []).append(demand.quantity_t_per_y)
    stock_is_paid = any(isinstance(limit, Budget) and "stock" in limit.covers for limit in scenario.limits.values())
    for name, pile in scenario.stockpiles.items():
        place = pile.place or scenario.home
        _warn_of_room(findings, name, sum(largest(need) for need in wanted.get((pile.commodity, place), [])))
        if largest(pile.cover_days) > 0 and (pile.commodity, place) not in wanted:
            message = f"no demand at `{place}` uses `{pile.commodity}`, so its cover target is zero."
            findings.note("no_demand", ["stockpiles", name, "cover_days"], message)
        if stock_is_paid and scenario.commodities[pile.commodity].reference_price_kusd_per_t is None:
            message = f"without it, only the premium on purchases of stockpile `{name}` counts against a budget."
            keys = ["commodities", pile.commodity, "reference_price_kusd_per_t"]
            findings.note("no_reference_price", keys, message)


def _warn_of_room(findings: Findings, name: str, need_t_per_y: float) -> None:
    """A cover target that the room of a stockpile does not hold, by the largest need of any year."""
    pile = findings.scenario.stockpiles[name]
    target = largest(pile.cover_days) / _DAYS_A_YEAR * need_t_per_y
    if pile.capacity_t is not None and target > pile.capacity_t * (1 + TOLERANCE):
        message = f"{largest(pile.cover_days):g} days of the largest need are {target:,.0f} t, more than it holds."
        allowed, remedy = f"{target:,.0f} or more", "Give it more room, or a shorter cover."
        keys = ["stockpiles", name, "capacity_t"]
        findings.note("cover_above_room", keys, message, value=pile.capacity_t, allowed=allowed, remedy=remedy)
