"""Whether the numbers and words within an entry, or within one collection, agree with one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from schemas.findings import Findings
from schemas.scenario import Demand, Facility, Place, Project, Stockpile, SupplyCurve, TariffMeasure

TOLERANCE = 1e-6
"""By which shares and probabilities may miss 1."""


def check(findings: Findings) -> None:
    """Sums that must be 1, fields that exclude one another, numbers that contradict one another."""
    scenario = findings.scenario
    for name, place in scenario.places.items():
        _check_region(findings, name, place)
    for collection in ("facilities", "projects"):
        for name, facility in getattr(scenario, collection).items():
            _check_costs(findings, [collection, name], facility)
    for name in scenario.facilities:
        if name in findings.names("projects"):
            message = "a facility and a project have the same name, and results could not tell them apart."
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
    for name, demand in scenario.demands.items():
        _check_shortage_steps(findings, ["demands", name, "shortage_penalty_kusd_per_t"], demand)
    _check_probabilities(findings)


def warn(findings: Findings) -> None:
    """What is unused or has no meaning as it stands."""
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


def _warn_of_precedence(findings: Findings, name: str, measure: TariffMeasure, other: str) -> None:
    lower = [
        known
        for key, known in findings.scenario.tariffs.items()
        if other in (key, known.programme) and known.precedence < measure.precedence
    ]
    if not lower:
        message = "it replaces only measures of lower precedence, and this one has none lower."
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
        findings.note("two_costs", [*keys, "supply_curve"], message, remedy="Take one of them away.")
    elif facility.steps and facility.cost_kusd_per_t != 0:
        message = "`steps` and `cost_kusd_per_t` are both given; the steps carry their own costs."
        findings.note("two_costs", [*keys, "cost_kusd_per_t"], message, remedy="Take one of them away.")
    if facility.supply_curve:
        _check_curve(findings, [*keys, "supply_curve"], facility, facility.supply_curve)


def _check_curve(findings: Findings, keys: list[str], facility: Facility, curve: SupplyCurve) -> None:
    if (curve.elasticity is None) == (curve.slope_kusd_per_t2_y is None):
        given = "both" if curve.elasticity is not None else "neither"
        message = f"of `elasticity` and `slope_kusd_per_t2_y` {given} is given."
        findings.note("supply_curve", keys, message, remedy="Give one of them.")
    elif curve.observed_t_per_y == 0 and curve.slope_kusd_per_t2_y is None:
        message = "an elasticity has no meaning at an observed volume of 0."
        findings.note("supply_curve", [*keys, "elasticity"], message, remedy="Give `slope_kusd_per_t2_y` instead.")
    end = curve.up_to_t_per_y
    if end is None and facility.capacity_t_per_y is None:
        message = "the curve has no end: neither `up_to_t_per_y` nor the facility's `capacity_t_per_y` is given."
        findings.note("supply_curve", [*keys, "up_to_t_per_y"], message, remedy="Give one of them.")
        return
    if end is None:
        end = max(_numbers(facility.capacity_t_per_y)) * facility.home_share
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
    for other in project.requires:
        if other in project.excludes:
            message = "the project both requires and excludes it, so it could never start."
            findings.note("contradiction", [*keys, "excludes"], message, value=other)


def _check_measure(findings: Findings, keys: list[str], measure: TariffMeasure) -> None:
    if measure.all_in_ceiling_share is not None:
        for field in ("rate_share", "rate_kusd_per_t_gross", "minimum_price_kusd_per_t", "quota"):
            if getattr(measure, field) not in (None, 0):
                message = f"an all-in measure takes what its ceiling leaves; `{field}` has no place in it."
                findings.note("two_rates", [*keys, field], message, remedy="Make it a measure of its own.")
    if measure.quota is not None and measure.all_in_ceiling_share is None:
        over = min(_numbers(measure.rate_share))
        if measure.quota.in_quota_rate_share > over:
            message = f"the rate within the quota is above the rate over it, {over:g}."
            place = [*keys, "quota", "in_quota_rate_share"]
            found = measure.quota.in_quota_rate_share
            findings.note("quota_rates", place, message, value=found, allowed=f"at most {over:g}")


def _check_stockpile(findings: Findings, keys: list[str], stockpile: Stockpile) -> None:
    if stockpile.capacity_t is None:
        return
    for field in ("opening_t", "end_minimum_t"):
        found = getattr(stockpile, field)
        if found > stockpile.capacity_t:
            message = f"this is more than the stockpile holds, {stockpile.capacity_t:g} t."
            allowed = f"at most {stockpile.capacity_t:g}"
            findings.note("above_capacity", [*keys, field], message, value=found, allowed=allowed)


def _check_shortage_steps(findings: Findings, keys: list[str], demand: Demand) -> None:
    steps = demand.shortage_penalty_kusd_per_t
    if not isinstance(steps, Mapping):
        return
    shares, penalties = list(steps), list(steps.values())
    if any(after <= before for before, after in pairwise([0.0, *shares])) or abs(shares[-1] - 1) > TOLERANCE:
        message = "the shares must rise from above 0 to exactly 1."
        findings.note("shortage_steps", keys, message, value=shares, allowed="rising shares, the last 1")
    if any(after < before for before, after in pairwise(penalties)):
        message = "the penalties must rise, or the dearest need would be given up first."
        findings.note("shortage_steps", keys, message, value=penalties, allowed="rising penalties")


def _check_probabilities(findings: Findings) -> None:
    futures = findings.scenario.futures
    if not futures or not findings.can_read_shapes("futures"):
        return
    blank = [name for name, future in futures.items() if future.probability is None]
    if len(blank) > 1:
        message = f"{len(blank)} futures have no probability; at most one may be left to take what the others leave."
        findings.note("probabilities", ["futures"], message, value=blank)
        return
    given = {name: future.probability for name, future in futures.items() if future.probability is not None}
    total = sum(given.values())
    if total > 1 + TOLERANCE or (not blank and total < 1 - TOLERANCE):
        listed = " + ".join(f"{value:g} ({name})" for name, value in list(given.items())[:10])
        listed += " + ..." if len(given) > 10 else ""
        message = f"the probabilities add to {total:.6g}, not to 1: {listed}."
        remedy = "Leave one of them out: it takes what the others leave." if total < 1 else "Lower some of them."
        findings.note("probabilities", ["futures"], message, value=round(total, 9), allowed="a sum of 1", remedy=remedy)


def _numbers(profile: float | Mapping[int, float] | None) -> list[float]:
    if isinstance(profile, Mapping):
        return list(profile.values())
    return [] if profile is None else [profile]
