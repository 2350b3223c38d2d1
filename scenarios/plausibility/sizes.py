"""Capital costs, running costs and quantities beside those of their like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median

from lodeplan.scenarios.plausibility.landed import main_output, running_costs
from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import largest, numbers
from lodeplan.schemas.scenario import Facility, Scenario

FAR_FROM_MEDIAN = 100.0
FAR_ALONE = 1000.0
"""Times a capital cost may be off the yearly value of the output where nothing else of its kind is there."""
FAR_FROM_NEIGHBOURS = 1000.0
_FEW = 3
"""Entries of a kind from which their median says something."""

Keys = list[str]


def note_costs_off_their_kind(findings: Findings) -> None:
    """Capital costs and running costs a hundred times off the median of their kind, both by the value of the output.

    Divided by the price of the output, costs of different materials compare: a kind is all that makes forms of one
    stage. What has no reference price is left out.
    """
    scenario = findings.scenario
    capex: dict[str, dict[str, float]] = defaultdict(dict)
    running: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for name, project in scenario.projects.items():
        value = _value_of_output(scenario, project)
        capacity = largest(project.capacity_t_per_y)
        if value and capacity > 0 and project.capex_kusd > 0:
            capex[_stage(scenario, project)][name] = project.capex_kusd / (capacity * value)
    for collection in ("facilities", "projects"):
        for name, plant in getattr(scenario, collection).items():
            value = _value_of_output(scenario, plant)
            if value and plant.inputs and max(running_costs(plant)) > 0:
                running[_stage(scenario, plant)][collection, name] = max(running_costs(plant)) / value
    for stage, of_kind in capex.items():
        for name, years in of_kind.items():
            _note_capex(findings, name, years, (stage, list(of_kind.values())))
    for stage, of_plants in running.items():
        for keys, share in of_plants.items():
            _note_running(findings, [*keys], share, (stage, list(of_plants.values())))


def _note_capex(findings: Findings, name: str, years: float, kind: tuple[str, list[float]]) -> None:
    project = findings.scenario.projects[name]
    stage, of_kind = kind
    enough = len(of_kind) >= _FEW
    usual, far = (median(of_kind), FAR_FROM_MEDIAN) if enough else (1.0, FAR_ALONE)
    if not usual / far <= years <= usual * far:
        each = project.capex_kusd / largest(project.capacity_t_per_y)
        beside = (
            f"the median of the {len(of_kind)} projects that make {stage} is {usual:.3g}"
            if enough
            else "a few years are usual"
        )
        message = f"capex is {each:.3g} kUSD per t/y of capacity, {years:.3g} years of what it makes; {beside}."
        remedy = "Are capex in kUSD and capacity in t/y?"
        keys = ["projects", name, "capex_kusd"]
        findings.note("cost_off_its_kind", keys, message, value=project.capex_kusd, remedy=remedy)


def _note_running(findings: Findings, keys: Keys, share: float, kind: tuple[str, list[float]]) -> None:
    stage, of_kind = kind
    usual = median(of_kind)
    if len(of_kind) >= _FEW and not usual / FAR_FROM_MEDIAN <= share <= usual * FAR_FROM_MEDIAN:
        cost = max(running_costs(getattr(findings.scenario, keys[0])[keys[1]]))
        message = (
            f"running costs {cost:g} kUSD/t, {share:.3g} times the price of what it makes; the median of the "
            f"{len(of_kind)} plants that make {stage} is {usual:.3g}."
        )
        remedy = "Is it in kUSD per t of activity (1 kUSD/t = 1 USD/kg)?"
        findings.note("cost_off_its_kind", [*keys, "cost_kusd_per_t"], message, value=cost, remedy=remedy)


def _stage(scenario: Scenario, plant: Facility) -> str:
    return scenario.commodities[main_output(plant)[0]].stage


def _value_of_output(scenario: Scenario, plant: Facility) -> float:
    """kUSD per t of activity, of the main product; 0 where its price is not known."""
    commodity, amount = main_output(plant)
    return amount * max(numbers(scenario.commodities[commodity].reference_price_kusd_per_t), default=0.0)


def note_quantities_off_their_neighbours(findings: Findings) -> None:
    """Demands and capacities a thousand times off: of the years before and after, or of what else there is of the
    commodity. Each is held against the largest of its neighbours, and the smallest of its like."""
    scenario = findings.scenario
    demands: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    supply: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for name, demand in scenario.demands.items():
        demands[demand.commodity]["demands", name, "quantity_t_per_y"] = largest(demand.quantity_t_per_y)
        _note_jump(findings, ["demands", name, "quantity_t_per_y"], demand.quantity_t_per_y)
    for collection in ("facilities", "projects"):
        for name, plant in getattr(scenario, collection).items():
            if plant.capacity_t_per_y is None:
                continue
            commodity, amount = main_output(plant)
            supply[commodity][collection, name, "capacity_t_per_y"] = amount * largest(plant.capacity_t_per_y)
            _note_jump(findings, [collection, name, "capacity_t_per_y"], plant.capacity_t_per_y)
    for commodity in scenario.commodities:
        offers, needs = _positive(supply[commodity]), _positive(demands[commodity])
        _note_large(findings, needs, (offers or needs, "supply" if offers else "other demand"))
        _note_large(findings, offers, (offers, "other capacity") if len(offers) >= _FEW else (needs, "demand"))
        _note_small(findings, needs, "demand")
        _note_small(findings, offers, "capacity")


def _note_jump(findings: Findings, keys: Keys, profile: float | Mapping[int, float]) -> None:
    """Numbers of two years that follow one another."""
    if not isinstance(profile, Mapping):
        return
    known = [(year, number) for year, number in sorted(profile.items()) if number > 0]
    for (before, low), (year, high) in pairwise(known):
        if max(low, high) > FAR_FROM_NEIGHBOURS * min(low, high):
            message = f"it goes from {low:g} t/y in {before} to {high:g} t/y in {year}."
            remedy = "Is one of the two in another unit?"
            findings.note("quantity_off", [*keys, str(year)], message, value=high, remedy=remedy)
            return


def _note_large(
    findings: Findings, sizes: Mapping[tuple[str, ...], float], neighbours: tuple[Mapping[tuple[str, ...], float], str]
) -> None:
    """Sizes above a thousand times the largest of their neighbours."""
    others, what = neighbours
    top = sorted(others.values())[-2:]
    for keys, size in sizes.items():
        near = [t for t in top if not (keys in others and t == size)]
        if near and size > FAR_FROM_NEIGHBOURS * max(near):
            _note_size(findings, keys, size, f"the largest {what} of its commodity is {max(near):g} t/y")


def _note_small(findings: Findings, sizes: Mapping[tuple[str, ...], float], what: str) -> None:
    """Sizes below a thousandth of the smallest of at least two others."""
    low = sorted(sizes.values())[:2]
    for keys, size in sizes.items():
        if len(sizes) >= _FEW and size == low[0] and size < low[1] / FAR_FROM_NEIGHBOURS:
            _note_size(findings, keys, size, f"the next smallest {what} of its commodity is {low[1]:g} t/y")


def _note_size(findings: Findings, keys: Sequence[str], size: float, beside: str) -> None:
    message = f"{size:g} t/y is a thousand times off: {beside}."
    remedy = "Is it in t/y? Leave a capacity out for no limit."
    if keys[0] == "demands":
        remedy = "Is it in t/y, and not in kg or lb?"
    findings.note("quantity_off", [*keys], message, value=size, remedy=remedy)


def _positive(sizes: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    return {keys: size for keys, size in sizes.items() if size > 0}
