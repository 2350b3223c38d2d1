"""References: each name in an entry must exist."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from lodeplan.scenarios.rules import list_items
from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.selections import matching
from lodeplan.schemas.content import SourceBan
from lodeplan.schemas.events import DemandEvent, Event, ExportEvent, OutputEvent, PriceEvent, ProjectEvent, TariffEvent
from lodeplan.schemas.hazards import Hazard
from lodeplan.schemas.limits import (
    ConcentrationCap,
    JointCapacity,
    Limit,
    MinimumShare,
    NetImportReliance,
    ServiceFloor,
    ShareCap,
    Survival,
)
from lodeplan.schemas.scenario import Demand, Facility, Project, Recycling, Stockpile, TariffMeasure


def check(findings: Findings) -> None:
    """Each name an entry refers to must exist."""
    scenario = findings.scenario
    list_items.check(findings)
    if findings.knows("home"):
        findings.check_name("places", scenario.home, ["home"])
    for name, place in scenario.places.items():
        for member in place.members:
            findings.check_name("places", member, ["places", name, "members", member])
    for name, facility in scenario.facilities.items():
        _check_facility(findings, ["facilities", name], facility)
    for name, project in scenario.projects.items():
        _check_project(findings, name, project)
    _check_routes(findings)
    _check_tariffs(findings)
    for name, stockpile in scenario.stockpiles.items():
        _check_stockpile(findings, ["stockpiles", name], stockpile)
    for name, demand in scenario.demands.items():
        _check_demand(findings, ["demands", name], demand)
    for name, recycling in scenario.recycling.items():
        _check_recycling(findings, ["recycling", name], recycling)
    for name, limit in scenario.limits.items():
        _check_limit(findings, ["limits", name], limit)
    _check_futures_of_limits(findings)
    for name, event in scenario.events.items():
        _check_event(findings, ["events", name], event)
    for name, future in scenario.futures.items():
        for item in future.events:
            findings.check_name("events", item, ["futures", name, "events"])
        if future.after is not None:
            findings.check_name("futures", future.after, ["futures", name, "after"])
    for name, hazard in scenario.hazards.items():
        _check_hazard(findings, ["hazards", name], hazard)


def _check_facility(findings: Findings, keys: list[str], facility: Facility) -> None:
    findings.check_name("places", facility.place, [*keys, "place"])
    for side, recipe in (("outputs", facility.outputs), ("inputs", facility.inputs)):
        for commodity in recipe:
            findings.check_name("commodities", commodity, [*keys, side, commodity])
    _check_place(findings, facility.mined_in, [*keys, "mined_in"])
    _check_place(findings, facility.refined_in, [*keys, "refined_in"])


def _check_project(findings: Findings, name: str, project: Project) -> None:
    keys = ["projects", name]
    _check_facility(findings, keys, project)
    for field in ("requires", "excludes"):
        for other in getattr(project, field):
            findings.check_name("projects", other, [*keys, field])
    if project.forced_track is not None and project.forced_track not in project.tracks:
        findings.unknown("tracks", project.forced_track, [*keys, "forced_track"], project.tracks)


def _check_routes(findings: Findings) -> None:
    for name, route in findings.scenario.routes.items():
        keys = ["routes", name]
        findings.check_name("commodities", route.commodity, [*keys, "commodity"])
        findings.check_name("places", route.origin, [*keys, "origin"])
        findings.check_name("places", route.destination, [*keys, "destination"])


def _check_tariffs(findings: Findings) -> None:
    tariffs = findings.scenario.tariffs
    known = {*findings.names("tariffs"), *(measure.programme for measure in tariffs.values())}
    for name, measure in tariffs.items():
        keys = ["tariffs", name]
        _check_place(findings, measure.destination, [*keys, "destination"])
        _check_origins(findings, keys, measure)
        for field in ("commodities", "except_commodities"):
            for commodity in getattr(measure, field):
                if "*" not in commodity:
                    findings.check_name("commodities", commodity, [*keys, field])
        for other in measure.replaces:
            if other not in known and findings.can_read("tariffs"):
                findings.unknown("measures or programmes", other, [*keys, "replaces"], known)


def _check_origins(findings: Findings, keys: list[str], measure: TariffMeasure) -> None:
    _check_places(findings, measure.origins, [*keys, "origins"], in_tariff=True)
    _check_places(findings, measure.except_origins, [*keys, "except_origins"], in_tariff=True)
    for place in measure.quota.volume_by_origin_t_per_y if measure.quota else ():
        findings.check_name("places", place, [*keys, "quota", "volume_by_origin_t_per_y", place])


def _check_stockpile(findings: Findings, keys: list[str], stockpile: Stockpile) -> None:
    findings.check_name("commodities", stockpile.commodity, [*keys, "commodity"])
    _check_place(findings, stockpile.place, [*keys, "place"])
    if stockpile.kind == "strategic":
        _check_patterns(findings, "events", stockpile.release_events, [*keys, "release_events"])
    _check_bans(findings, keys, stockpile.source_bans)


def _check_demand(findings: Findings, keys: list[str], demand: Demand) -> None:
    findings.check_name("commodities", demand.commodity, [*keys, "commodity"])
    _check_place(findings, demand.place, [*keys, "place"])
    for name, substitute in demand.substitutes.items():
        if substitute.commodity is not None:
            findings.check_name("commodities", substitute.commodity, [*keys, "substitutes", name, "commodity"])
    _check_bans(findings, keys, demand.source_bans)


def _check_bans(findings: Findings, keys: list[str], bans: Mapping[str, SourceBan]) -> None:
    for name, ban in bans.items():
        _check_places(findings, ban.places, [*keys, "source_bans", name, "places"])


def _check_recycling(findings: Findings, keys: list[str], recycling: Recycling) -> None:
    findings.check_name("commodities", recycling.commodity, [*keys, "commodity"])
    _check_place(findings, recycling.place, [*keys, "place"])
    if recycling.from_commodity is not None:
        findings.check_name("commodities", recycling.from_commodity, [*keys, "from_commodity"])


def _check_limit(findings: Findings, keys: list[str], limit: Limit) -> None:
    if isinstance(limit, ShareCap | MinimumShare | NetImportReliance | ConcentrationCap):
        findings.check_name("commodities", limit.commodity, [*keys, "commodity"])
    if isinstance(limit, JointCapacity) and findings.knows("facilities") and findings.knows("projects"):
        plants = {*findings.names("facilities"), *findings.names("projects")}
        for name in limit.facilities:
            if name not in plants:
                findings.unknown("facilities or projects", name, [*keys, "facilities"], plants)
    if isinstance(limit, ShareCap | Survival):
        _check_places(findings, limit.places, [*keys, "places"])
    if isinstance(limit, ServiceFloor | Survival):
        _check_patterns(findings, "commodities", limit.commodities, [*keys, "commodities"])


def _check_futures_of_limits(findings: Findings) -> None:
    """Limits may name futures that are listed, and those that survival limits stand for."""
    if findings.can_read_shapes("futures", "limits", "places", "facilities", "projects", "routes", "home"):
        known = {*findings.names("futures"), *findings.selections.survival_futures}
        for name, limit in findings.scenario.limits.items():
            _check_known(findings, "futures", known, limit.futures, ["limits", name, "futures"])


def _check_event(findings: Findings, keys: list[str], event: Event) -> None:
    if isinstance(event, ExportEvent | OutputEvent | PriceEvent):
        _check_places(findings, event.places, [*keys, "places"])
    if isinstance(event, ExportEvent | OutputEvent | PriceEvent | DemandEvent):
        _check_patterns(findings, "commodities", event.commodities, [*keys, "commodities"])
    if isinstance(event, ExportEvent):
        _check_places(findings, event.destinations, [*keys, "destinations"])
    elif isinstance(event, OutputEvent) and event.facilities != ["*"]:
        plants = {*findings.names("facilities"), *findings.names("projects")}
        if findings.knows("facilities") and findings.knows("projects"):
            _check_known(findings, "facilities or projects", plants, event.facilities, [*keys, "facilities"])
    elif isinstance(event, ProjectEvent):
        _check_patterns(findings, "projects", event.projects, [*keys, "projects"])
    elif isinstance(event, TariffEvent):
        _check_patterns(findings, "tariffs", event.switch_on, [*keys, "switch_on"])
        _check_patterns(findings, "tariffs", event.switch_off, [*keys, "switch_off"])


def _check_hazard(findings: Findings, keys: list[str], hazard: Hazard) -> None:
    _check_places(findings, hazard.places, [*keys, "places"])
    _check_patterns(findings, "commodities", hazard.commodities, [*keys, "commodities"])
    _check_places(findings, hazard.destinations, [*keys, "destinations"])


def _check_place(findings: Findings, name: str | None, keys: Sequence[str]) -> None:
    if name is not None:
        findings.check_name("places", name, keys)


def _check_places(
    findings: Findings, selection: Sequence[str], keys: Sequence[str], *, in_tariff: bool = False
) -> None:
    """Each name in a list must be `*`, a place, a group or, in tariff measures, a club; a broken place may have been
    the only one of a group."""
    if not findings.can_read_shapes("places"):
        return
    known = findings.places_or_clubs if in_tariff else findings.places_or_groups
    for name in selection:
        if name != "*" and name not in known:
            is_club = name in findings.selections.clubs
            remedy = "As a `membership` it counts in tariff measures only: put it among `groups`." if is_club else None
            findings.unknown("places or groups", name, keys, known, remedy)


def _check_patterns(findings: Findings, collection: str, patterns: Sequence[str], keys: Sequence[str]) -> None:
    if findings.knows(collection):
        _check_known(findings, collection, findings.names(collection), patterns, keys)


def _check_known(
    findings: Findings, what: str, known: Collection[str], patterns: Sequence[str], keys: Sequence[str]
) -> None:
    """Each pattern but `*` must match something."""
    for pattern in patterns:
        if pattern != "*" and not matching([pattern], known):
            findings.unknown(what, pattern, keys, known)
