"""Rows of production and trade at a node.

Conventions: "Availability, prices, demand at a node", "Cost steps", "Projects and onboarding".
"""

from __future__ import annotations

from math import inf

from lodeplan.optimizer.check.case import Case, times
from lodeplan.optimizer.check.ledger import ONE, Ledger, Unit
from lodeplan.optimizer.check.periods import mean
from lodeplan.optimizer.check.plan import LAYOUTS, Name
from lodeplan.optimizer.check.projects import TOLERANCE_Y
from lodeplan.optimizer.check.steps import home_capacity_t_per_y, offered_t_per_y
from lodeplan.optimizer.check.tree import Node


def check_flows(case: Case, node: Node, ledger: Ledger) -> None:
    """Every row of flows at a node."""
    _no_number_is_negative(case, node, ledger)
    _steps_hold(case, node, ledger)
    _modes_add_up(case, node, ledger)
    _capacity_holds(case, node, ledger)
    _routes_hold(case, node, ledger)
    _onboarded_routes_hold(case, node, ledger)


def _no_number_is_negative(case: Case, node: Node, ledger: Ledger) -> None:
    for table, layout in LAYOUTS.items():
        for name, numbers in case.plan.rows(table, node.name).items():
            for column, number in zip(layout.numbers, numbers, strict=True):
                if number < 0:
                    subject = f"{column} of {' '.join(filter(None, name))} at {node.name}"
                    ledger.at_least(subject, number, 0.0, _unit(case, table, name))


def _unit(case: Case, table: str, name: Name) -> Unit:
    """Unit of the commodity a row of a table is about."""
    if table == "slack":
        return ONE
    if table in ("run", "activity"):
        return maker_unit(case, name[0])
    if table in ("dispose", "declare"):
        return case.units[name[0]]
    if table == "recover":
        return case.units[case.scenario.recycling[name[0]].commodity]
    if table == "ship":
        return case.units[case.scenario.routes[name[0]].commodity]
    if table == "store":
        return case.units[case.scenario.stockpiles[name[0]].commodity]
    return case.units[case.scenario.demands[name[0]].commodity]


def maker_unit(case: Case, maker: str) -> Unit:
    """Unit of activity of a facility or project: that of its main product."""
    return case.units[next(iter(case.world.makers[maker].outputs))]


def _steps_hold(case: Case, node: Node, ledger: Ledger) -> None:
    """run <= width * availability."""
    for (maker, number), (run, *_) in case.plan.rows("run", node.name).items():
        width = case.world.step(maker, number, node).width_t_per_y
        ledger.at_most(f"step {number} of {maker} at {node.name}", run, width, maker_unit(case, maker))


def _modes_add_up(case: Case, node: Node, ledger: Ledger) -> None:
    """Activity over the modes of those that have several = activity over their steps."""
    by_mode, by_step = case.plan.totals("activity", node.name), case.run_t_per_y(node)
    for maker, modes in case.world.content.modes.items():
        if len(modes) > 1:
            what = f"activity of {maker} over its modes at {node.name}"
            ledger.equal(what, by_mode.get(maker, 0.0), by_step.get(maker, 0.0), maker_unit(case, maker))


def _capacity_holds(case: Case, node: Node, ledger: Ledger) -> None:
    """The sum over steps <= home capacity * availability, times the share reached by ramp-up for a project."""
    availability = case.world.conditions(node).facility_availability
    for maker, run in case.run_t_per_y(node).items():
        capacity = times(home_capacity_t_per_y(case.world.makers[maker], node.period), availability.get(maker, 1.0))
        what = "capacity of"
        if maker in case.scenario.projects:
            capacity *= case.projects.running_share(maker, node)
            what = "capacity on line of project"
        ledger.at_most(f"run against {what} {maker} at {node.name}", run, capacity, maker_unit(case, maker))


def _routes_hold(case: Case, node: Node, ledger: Ledger) -> None:
    """The flow over all bands <= capacity * availability; without a capacity, that part of what feeds it."""
    for name, flow in case.shipped_t_per_y(node).items():
        route = case.scenario.routes[name]
        availability = case.world.conditions(node).route_availability.get(name, 1.0)
        if route.capacity_t_per_y is not None:
            bound = mean(route.capacity_t_per_y, node.period)
        elif availability < 1:
            bound = _fed_t_per_y(case, name, node)
        else:
            continue
        subject = f"flow on route {name} (availability {availability:.4g}) at {node.name}"
        ledger.at_most(subject, flow, times(bound, availability), case.units[route.commodity])


def _fed_t_per_y(case: Case, route: str, node: Node) -> float:
    """What the facilities at its origin offer home in the period, t/y of its commodity; infinite from a hub."""
    commodity, periods = case.scenario.routes[route].commodity, case.tree.periods
    offers = [case.scenario.facilities[name] for name in case.world.offers_of(route)]
    by_period = [
        sum(offer.outputs[commodity] * offered_t_per_y(offer, period, periods) for offer in offers)
        for period in periods
    ]
    return by_period[node.period.index] if max(by_period) > 0 else inf


def _onboarded_routes_hold(case: Case, node: Node, ledger: Ledger) -> None:
    """No flow before the lead time is over; from then on the minimum, times availability of route and main offer."""
    shipped = case.shipped_t_per_y(node)
    for name, route in case.scenario.routes.items():
        if route.onboarding is None:
            continue
        flow, unit = shipped.get(name, 0.0), case.units[route.commodity]
        if not _is_qualified(case, name, node):
            ledger.at_most(f"flow on route {name}, not onboarded, at {node.name}", flow, 0.0, unit)
            continue
        conditions = case.world.conditions(node)
        minimum = route.onboarding.minimum_t_per_y * conditions.route_availability.get(name, 1.0)
        minimum *= conditions.facility_availability.get(_main_offer(case, name, node), 1.0)
        ledger.at_least(f"flow on onboarded route {name} at {node.name}", flow, minimum, unit)


def _is_qualified(case: Case, route: str, node: Node) -> bool:
    """Whether a decision on the path lies the lead time back."""
    onboarding = case.scenario.routes[route].onboarding
    lead = onboarding.lead_years if onboarding else 0.0
    decided = [
        case.tree.nodes[before].period.year for before in node.path if (route,) in case.plan.rows("onboardings", before)
    ]
    return any(node.period.year - year >= lead - TOLERANCE_Y for year in decided)


def _main_offer(case: Case, route: str, node: Node) -> str:
    """Of the facilities that feed a route the one with the largest home capacity, the first by name; empty if none."""
    facilities = case.scenario.facilities
    offers = sorted(case.world.offers_of(route))
    return max(offers, key=lambda name: home_capacity_t_per_y(facilities[name], node.period), default="")
