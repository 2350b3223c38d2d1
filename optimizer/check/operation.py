"""Rows of what facilities may do over time, and of what is recovered (conventions, "Limits of a facility")."""

from __future__ import annotations

from math import exp, floor, inf, log, log1p

from lodeplan.optimizer.check.case import Case, times
from lodeplan.optimizer.check.flows import maker_unit
from lodeplan.optimizer.check.ledger import Ledger, Unit
from lodeplan.optimizer.check.periods import in_year, mean
from lodeplan.optimizer.check.projects import TOLERANCE_Y
from lodeplan.optimizer.check.steps import home_capacity_t_per_y
from lodeplan.optimizer.check.tree import Node
from lodeplan.schemas.scenario import Recycling

FACTOR_OF_GROWTH = 1e6
"""At most."""


def check_operation(case: Case, node: Node, ledger: Ledger) -> None:
    """Minimum utilisation, growth, reserves and recovery at a node."""
    for name in case.world.makers:
        _is_utilised(case, node, name, ledger)
        _growth_holds(case, node, name, ledger)
        _reserves_last(case, node, name, ledger)
    for (name,), (flow, *_) in case.plan.rows("recover", node.name).items():
        recycling = case.scenario.recycling[name]
        bound = _recoverable_t_per_y(case, node, recycling)
        ledger.at_most(f"recovery of {name} at {node.name}", flow, bound, case.units[recycling.commodity])


def _is_utilised(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """Activity >= share * the lesser of capacity and steps; of a project, of the part that is on line."""
    maker = case.world.makers[name]
    if maker.minimum_utilisation_share == 0:
        return
    availability = case.world.conditions(node).facility_availability.get(name, 1.0)
    capacity = times(home_capacity_t_per_y(maker, node.period), availability)
    numbers = range(len(case.world.steps(name, node.period)))
    capacity = min(capacity, sum(case.world.step(name, str(number), node).width_t_per_y for number in numbers))
    if name in case.scenario.projects:
        capacity *= case.projects.running_share(name, node)
    if capacity < inf:
        run, least = case.run_t_per_y(node).get(name, 0.0), maker.minimum_utilisation_share * capacity
        what = f"activity of {name} against its minimum utilisation at {node.name}"
        ledger.at_least(what, run, least, maker_unit(case, name))


def _growth_holds(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """Activity <= (1 + share) ** years * activity at the parent + years * seed."""
    growth = case.world.makers[name].growth
    if growth is None:
        return
    if node.parent is None:
        before, years = growth.before_t_per_y, 1
    else:
        parent = case.tree.nodes[node.parent]
        before = case.run_t_per_y(parent).get(name, 0.0)
        years = node.period.year - parent.period.year
    if before is not None:
        # In logarithms, as the power may be beyond what a number can hold.
        factor = exp(min(years * log1p(growth.share_per_y), log(FACTOR_OF_GROWTH)))
        bound = factor * before + years * growth.seed_t_per_y
        what = f"activity of {name} against its growth at {node.name}"
        ledger.at_most(what, case.run_t_per_y(node).get(name, 0.0), bound, maker_unit(case, name))


def _reserves_last(case: Case, node: Node, name: str, ledger: Ledger) -> None:
    """The sum of length * activity over a path <= reserves; told where the path ends."""
    reserves_t = case.world.makers[name].reserves_t
    if reserves_t is None or node.name not in case.tree.leaves:
        return
    path = [case.tree.nodes[before] for before in node.path]
    used = sum(before.period.length_y * case.run_t_per_y(before).get(name, 0.0) for before in path)
    unit = Unit(maker_unit(case, name).size, "t")
    ledger.at_most(f"use of the reserves of {name} up to {node.name}", used, reserves_t, unit)


def _recoverable_t_per_y(case: Case, node: Node, recycling: Recycling) -> float:
    """What is available, or a share of what was used the lag before."""
    if recycling.available_t_per_y is not None:
        return mean(recycling.available_t_per_y, node.period)
    if recycling.from_commodity is None:
        return 0.0
    year = floor(node.period.year - recycling.lag_years + TOLERANCE_Y)
    if year < case.scenario.horizon.first_year:
        used = in_year(recycling.past_use_t_per_y, year)
    else:
        path = [case.tree.nodes[before] for before in node.path]
        at = next(before for before in path if before.period.year <= year < before.period.end_year)
        used = _use_t_per_y(case, at, recycling.from_commodity, recycling.place or case.scenario.home)
    return mean(recycling.recovered_t_per_t, node.period) * used


def _use_t_per_y(case: Case, node: Node, commodity: str, place: str) -> float:
    """Flow of a commodity to the demands at a place, but for those of buyers abroad."""
    return sum(
        option.ratio_t_per_t * met
        for name, demand in case.scenario.demands.items()
        if demand.tier != "export" and (demand.place or case.scenario.home) == place
        for option, met in case.served_t_per_y(name, node)
        if option.commodity == commodity
    )
