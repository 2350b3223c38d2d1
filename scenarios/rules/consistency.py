"""Consistency of the values within an entry or a collection."""

from __future__ import annotations

from collections.abc import Sequence

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import TOLERANCE, largest, numbers
from lodeplan.schemas.events import DemandEvent, ExportEvent, OutputEvent, PriceEvent
from lodeplan.schemas.scenario import Facility, Place, Project, Stockpile, SupplyCurve, TariffMeasure


def check(findings: Findings) -> None:
    """Sums that must be 1, fields that exclude one another, numbers that contradict one another."""
    scenario = findings.scenario
    for name, place in scenario.places.items():
        _check_region(findings, name, place)
        for club in filter(place.groups.__contains__, place.memberships):
            message = "the place is in the group both permanently and by date; only one is possible."
            findings.note(
                "two_memberships", ["places", name, "memberships", club], message, remedy="Remove one of them."
            )
    for collection in ("facilities", "projects"):
        for name, facility in getattr(scenario, collection).items():
            _check_costs(findings, [collection, name], facility)
            _check_running(findings, [collection, name], facility)
            _check_sources(findings, [collection, name], facility)
    for name in scenario.facilities:
        if name in findings.names("projects"):
            message = "a facility and a project have the same name; results could not tell them apart."
            findings.note("ambiguous_name", ["facilities", name], message, remedy="Rename one of them.")
    for name, project in scenario.projects.items():
        _check_project(findings, name, project)
    for name, route in scenario.routes.items():
        if route.origin == route.destination:
            message = "a route must lead to another place."
            findings.note("same_place", ["routes", name, "destination"], message, value=route.destination)
    for name, measure in scenario.tariffs.items():
        _check_measure(findings, ["tariffs", name], measure)
    for name, stockpile in scenario.stockpiles.items():
        _check_stockpile(findings, ["stockpiles", name], stockpile)
    for name, event in scenario.events.items():
        fades = isinstance(event, ExportEvent | OutputEvent | PriceEvent | DemandEvent) and event.recovery_years > 0
        if fades and event.until is None:
            message = "its effect is to fade after `until`, which is not given."
            findings.note("no_end", ["events", name, "recovery_years"], message, remedy="Give `until`.")
    _check_objective(findings)


def warn(findings: Findings) -> None:
    """Note entries that are unused or have no effect."""
    scenario = findings.scenario
    used = {event for future in scenario.futures.values() for event in future.events}
    for name in scenario.events:
        if name not in used:
            findings.note("unused", ["events", name], "no future has this event.")
    programmes = {measure.programme for measure in scenario.tariffs.values()}
    for name, measure in scenario.tariffs.items():
        if measure.all_in_ceiling_share is not None:
            for other in measure.all_in_with:
                if other not in programmes:
                    message = "no measure belongs to this programme, so nothing of it counts within the ceiling."
                    findings.note("unused", ["tariffs", name, "all_in_with"], message, value=other)
        for other in measure.replaces:
            _warn_of_precedence(findings, name, measure, other)
        _warn_of_quota(findings, ["tariffs", name, "quota", "in_quota_rate_share"], measure)
    for name, project in scenario.projects.items():
        if project.grant_share > 0 and project.capex_kusd == 0:
            message = "the project has no capex of which the state could pay a share."
            findings.note("unused", ["projects", name, "grant_share"], message, value=project.grant_share)
    _warn_of_idle(findings)


def _warn_of_quota(findings: Findings, keys: list[str], measure: TariffMeasure) -> None:
    over = min(numbers(measure.rate_share))
    if measure.quota is not None and measure.quota.in_quota_rate_share > over:
        message = (
            f"the rate within the quota is above the rate over it, {over:g}: whether the quota is filled first is a "
        )
        message += "yes/no decision at each node, which takes time to solve."
        findings.note("quota_rates", keys, message, value=measure.quota.in_quota_rate_share)


def _warn_of_idle(findings: Findings) -> None:
    """Facilities that their own limits keep from ever running."""
    for collection in ("facilities", "projects"):
        for name, facility in getattr(findings.scenario, collection).items():
            keys, growth = [collection, name], facility.growth
            if facility.reserves_t == 0:
                findings.note("never_runs", [*keys, "reserves_t"], "without reserves it never runs.", value=0)
            elif growth is not None and growth.seed_t_per_y == 0 and _starts_at_nothing(facility):
                message = "it starts at zero and cannot grow from zero, so it never runs."
                remedy = "Give `seed_t_per_y`, the activity that may be added each year."
                findings.note("never_runs", [*keys, "growth", "seed_t_per_y"], message, value=0, remedy=remedy)


def _starts_at_nothing(facility: Facility) -> bool:
    """Whether nothing can run in the first period, as growth allows nothing or the project is not built."""
    if facility.growth is not None and facility.growth.before_t_per_y == 0:
        return True
    if not isinstance(facility, Project) or facility.committed_start is not None:
        return False
    return min(track.lead_years for track in facility.tracks.values()) > 0


def _warn_of_precedence(findings: Findings, name: str, measure: TariffMeasure, other: str) -> None:
    lower = [
        known
        for key, known in findings.scenario.tariffs.items()
        if other in (key, known.programme) and known.precedence < measure.precedence
    ]
    if not lower:
        message = "it replaces only measures of lower precedence, and this measure's precedence is not lower."
        findings.note("unused", ["tariffs", name, "replaces"], message, value=other, remedy="Raise `precedence`.")


def _check_region(findings: Findings, name: str, place: Place) -> None:
    if not place.members:
        return
    keys = ["places", name, "members"]
    _check_sum(findings, keys, list(place.members.values()), "the shares of the members")
    for member in place.members:
        known = findings.scenario.places.get(member)
        if member == name or (known is not None and known.members):
            message = "a member must be a plain place, not a region."
            findings.note("nested_region", [*keys, member], message, value=member, remedy="Name its members instead.")


def _check_sum(findings: Findings, keys: Sequence[str], shares: Sequence[float], what: str) -> None:
    total = sum(shares)
    if abs(total - 1) > TOLERANCE:
        message = f"{what} add to {total:.6g}, not to 1."
        findings.note("sum_not_1", keys, message, value=round(total, 9), allowed="a sum of 1")


def _check_costs(findings: Findings, keys: list[str], facility: Facility) -> None:
    if facility.steps and facility.supply_curve:
        message = "`steps` and `supply_curve` are both given; a facility has one or the other."
        findings.note("two_costs", [*keys, "supply_curve"], message, remedy="Remove one of them.")
    elif facility.steps and facility.cost_kusd_per_t not in (None, 0):
        message = "`steps` and `cost_kusd_per_t` are both given; the steps carry their own costs."
        findings.note("two_costs", [*keys, "cost_kusd_per_t"], message, remedy="Remove one of them.")
    if facility.supply_curve:
        _check_curve(findings, [*keys, "supply_curve"], facility, facility.supply_curve)


def _check_running(findings: Findings, keys: list[str], facility: Facility) -> None:
    has_width = facility.steps or facility.supply_curve or facility.capacity_t_per_y is not None
    if facility.minimum_utilisation_share > 0 and not has_width:
        message = "it is a share of the capacity, and none is given."
        keys = [*keys, "minimum_utilisation_share"]
        remedy = "Give `capacity_t_per_y`."
        findings.note("no_capacity", keys, message, value=facility.minimum_utilisation_share, remedy=remedy)


def _check_sources(findings: Findings, keys: list[str], facility: Facility) -> None:
    """Check that only offers state the origin of their material; with inputs, these determine it."""
    for field in ("mined_in", "refined_in"):
        place = getattr(facility, field)
        if place is None:
            continue
        known = findings.scenario.places.get(place)
        if facility.inputs:
            message = "it has inputs, which determine the origin; only facilities without inputs can state it."
            findings.note("has_inputs", [*keys, field], message, value=place, remedy="Remove it.")
        elif known is not None and known.members:
            message = "this must be a plain place, not a region."
            remedy = "Name one of its members, or make an offer of each."
            findings.note("nested_region", [*keys, field], message, value=place, remedy=remedy)


def _check_curve(findings: Findings, keys: list[str], facility: Facility, curve: SupplyCurve) -> None:
    if (curve.elasticity is None) == (curve.slope_kusd_per_t2_y is None):
        given = "both are" if curve.elasticity is not None else "neither is"
        message = f"of `elasticity` and `slope_kusd_per_t2_y` {given} given."
        findings.note("supply_curve", keys, message, remedy="Give one of them.")
    elif curve.observed_t_per_y == 0 and curve.slope_kusd_per_t2_y is None:
        message = "an elasticity has no meaning at an observed volume of 0."
        findings.note("supply_curve", [*keys, "elasticity"], message, remedy="Give `slope_kusd_per_t2_y` instead.")
    end = curve.up_to_t_per_y
    if end is None:
        if facility.capacity_t_per_y is None:
            message = "the curve has no end: neither `up_to_t_per_y` nor the facility's `capacity_t_per_y` is given."
            findings.note("supply_curve", [*keys, "up_to_t_per_y"], message, remedy="Give one of them.")
            return
        end = largest(facility.capacity_t_per_y) * facility.home_share
    if curve.observed_t_per_y > end * (1 + TOLERANCE):
        message = f"the observed volume lies beyond the end of the curve, {end:g} t/y."
        allowed = f"at most {end:g}"
        keys = [*keys, "observed_t_per_y"]
        findings.note("supply_curve", keys, message, value=curve.observed_t_per_y, allowed=allowed)


def _check_project(findings: Findings, name: str, project: Project) -> None:
    keys = ["projects", name]
    _check_sum(findings, [*keys, "capex_spending_share"], project.capex_spending_share, "the shares of capex")
    for field in ("requires", "excludes"):
        if name in getattr(project, field):
            findings.note("refers_to_itself", [*keys, field], f"a project cannot name itself in `{field}`.", value=name)
    excluded = set(project.excludes)
    for other in project.requires:
        if other in excluded:
            message = "the project both requires and excludes it, so it could never start."
            findings.note("contradiction", [*keys, "excludes"], message, value=other)


def _check_measure(findings: Findings, keys: list[str], measure: TariffMeasure) -> None:
    if measure.all_in_ceiling_share is not None:
        for field in ("rate_share", "rate_kusd_per_t_gross", "minimum_price_kusd_per_t", "quota"):
            if getattr(measure, field) not in (None, 0):
                message = f"an all-in measure adds only the difference to its ceiling; it cannot have `{field}`."
                findings.note("two_rates", [*keys, field], message, remedy="Make it a measure of its own.")
    if measure.quota is not None:
        _check_quota(findings, [*keys, "quota"], measure)


def _check_quota(findings: Findings, keys: list[str], measure: TariffMeasure) -> None:
    quota = measure.quota
    if quota is None:
        return
    if not quota.volume_by_origin_t_per_y and largest(quota.volume_t_per_y) == 0:
        message = "the quota has no volume."
        remedy = "Give `volume_t_per_y`, or volumes of single origins in `volume_by_origin_t_per_y`."
        findings.note("no_volume", [*keys, "volume_t_per_y"], message, value=quota.volume_t_per_y, remedy=remedy)
    if measure.origin_role != "last_origin":
        message = "a quota counts by last origin, but this measure uses another role of its origins."
        remedy = "Make the quota a measure of its own."
        findings.note("quota_by_content", [*keys[:2], "origin_role"], message, value=measure.origin_role, remedy=remedy)
    elif findings.can_read_shapes("places") and tuple(keys[:2]) not in findings.doubtful:
        origins = findings.selections.origins_of_measure(measure)
        for place in quota.volume_by_origin_t_per_y:
            if place not in origins:
                message = "the measure does not apply to this origin, so it needs no volume."
                remedy = "Add it to `origins`, or take the volume away."
                findings.note("no_origin", [*keys, "volume_by_origin_t_per_y", place], message, remedy=remedy)


def _check_stockpile(findings: Findings, keys: list[str], stockpile: Stockpile) -> None:
    if stockpile.replenish_within_years is not None:
        keys_within = [*keys, "replenish_within_years"]
        if stockpile.kind == "strategic":
            message = "only a commercial stock is replenished; a strategic reserve follows its release events."
            findings.note("no_replenishing", keys_within, message, remedy="Take it away, or change `kind`.")
        elif largest(stockpile.cover_days) == 0:
            message = "there is no cover target to replenish to."
            findings.note("no_replenishing", keys_within, message, remedy="Give `cover_days`.")
    if stockpile.capacity_t is None:
        return
    for field in ("opening_t", "end_minimum_t"):
        found = getattr(stockpile, field)
        if found > stockpile.capacity_t:
            message = f"this is more than the stockpile holds, {stockpile.capacity_t:g} t."
            allowed = f"at most {stockpile.capacity_t:g}"
            findings.note("above_capacity", [*keys, field], message, value=found, allowed=allowed)


def _check_objective(findings: Findings) -> None:
    scenario, objective = findings.scenario, findings.scenario.risk.objective
    keys = ["risk", "objective"]
    if objective != "cost" and scenario.risk.tail_weight > 0:
        message = "`tail_weight` applies only to the objective `cost`."
        remedy = "Set `tail_weight` to 0, or `objective` to `cost`."
        findings.note("two_objectives", keys, message, value=objective, remedy=remedy)
    if objective == "maximum_regret" and findings.can_read_shapes("futures", "sampling"):
        listed = sum(not future.stress for future in scenario.futures.values())
        drawn = scenario.sampling.futures if scenario.sampling else 0
        if listed + drawn < 2:
            message = "regret needs two futures or more."
            remedy = "Add futures, or set `objective` to `cost`."
            findings.note("one_future", keys, message, value=objective, allowed="two futures or more", remedy=remedy)
