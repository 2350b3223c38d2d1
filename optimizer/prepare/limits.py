"""Limits as rows of coefficients: shares, budgets, permit slots, service floors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats, Profile
from lodeplan.optimizer.prepare.content import Content
from lodeplan.optimizer.prepare.demands import Demands
from lodeplan.optimizer.prepare.parts import Parts
from lodeplan.optimizer.prepare.projects import Programme, Start
from lodeplan.optimizer.prepare.shares import (
    Concentration,
    FlowLimit,
    Reached,
    ShareRow,
    Whole,
    prepare_concentration,
    prepare_shares,
)
from lodeplan.optimizer.prepare.stocks import Stocks
from lodeplan.optimizer.prepare.supply import Supply
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.schemas.limits import (
    Budget,
    ConcentrationCap,
    JointCapacity,
    MinimumShare,
    NetImportReliance,
    PermitSlots,
    ServiceFloor,
    ShareCap,
    Survival,
)
from lodeplan.schemas.limits import Limit as AnyLimit
from lodeplan.schemas.patterns import matches
from lodeplan.schemas.scenario import Scenario


@dataclass(frozen=True)
class Limits:
    """Rows of every limit, by the nodes it applies to."""

    on_flows: Mapping[str, FlowLimit]
    """Share caps, minimum shares, net import reliance, joint capacities."""
    shares: Mapping[tuple[str, int], tuple[ShareRow, float]]
    """By (limit, node): coefficients, and what their sum, less slack, is at most, t/y."""
    concentration: Mapping[str, Concentration]
    concentrated: tuple[tuple[str, int], ...]
    """(limit, node) of concentration caps."""
    budgets: tuple[tuple[str, int], ...]
    """(limit, node) of budgets and of permit slots."""
    allowance: Mapping[tuple[str, int], float]
    """What a budget or slot row allows in its node, kUSD or slots."""
    starts_due: Mapping[tuple[str, int], Mapping[Start, float]]
    """What each start puts on a budget or slot row."""
    onboardings_due: Mapping[tuple[str, int], Mapping[str, float]]
    purchases_due: Mapping[tuple[str, int], Mapping[str, float]]
    """kUSD per t/y bought, by stockpile."""
    support_due: Mapping[tuple[str, int], Mapping[str, float]]
    """kUSD per t/y of activity, by producer."""
    service_floors: tuple[tuple[str, str, int], ...]
    """(limit, demand, node)."""
    allowed_shortage_t_per_y: Mapping[tuple[str, str, int], float]
    soft: tuple[tuple[str, str], ...]
    """(limit, item) that may be exceeded; item is the demand's name for a service floor, else empty."""
    violation_kusd: Floats
    """Price of a unit of slack; shape (soft, nodes)."""
    slack_limit: Floats
    """Slack at most: without end where the limit applies, 0 elsewhere; shape (soft, nodes)."""
    commodity: Mapping[tuple[str, str], str]
    """By (limit, item), as in `soft`: what a limit in t is about."""


@dataclass(frozen=True)
class AmountLimit:
    """A limit on a sum of flows, in t of each year."""

    meant: ShareRow
    whole: Whole
    """What it allows, known beforehand."""
    commodity: None = None

    def row(self, node: int) -> tuple[ShareRow, float]:
        """Coefficients at a node, and what their sum, less slack, is at most, t/y."""
        return self.meant, float(self.whole.known_t_per_y[node])

    def reached(self, node: int, meant_t_per_y: float, whole_t_per_y: float) -> Reached:
        """The amount that a plan comes to."""
        asked, amount = float(whole_t_per_y), float(meant_t_per_y)
        return Reached("t/y", asked, amount, asked - amount, asked)


def prepare_limits(tree: Tree, content: Content, parts: Parts) -> Limits:
    """All limits of a scenario as rows."""
    scenario = content.scenario
    for limit in scenario.limits.values():
        _refuse_unknown(limit)
    money = {name: limit for name, limit in scenario.limits.items() if isinstance(limit, Budget | PermitSlots)}
    nodes = {name: limited_nodes(tree, limit) for name, limit in scenario.limits.items()}
    rows = tuple((name, node) for name in money for node in nodes[name])

    def due(by: Callable[[Budget | PermitSlots, int], Iterable[tuple[Any, float]]]) -> dict[tuple[str, int], Any]:
        return {(name, node): dict(by(money[name], node)) for name, node in rows}

    yearly = {name: tree.calendar.mean(_yearly(limit)) for name, limit in money.items()}
    starts_at = _starts_by_node(parts.programme)
    floors = tuple(_floors(scenario, nodes, parts.demands))
    soft = tuple(_soft(scenario, parts.demands))
    concentration = prepare_concentration(content, tree, parts)
    on_flows = {**prepare_shares(content, tree, parts), **_joint_capacities(scenario, tree)}
    return Limits(
        on_flows=on_flows,
        shares={(name, node): limit.row(node) for name, limit in on_flows.items() for node in nodes[name]},
        concentration=concentration,
        concentrated=tuple((name, node) for name in concentration for node in nodes[name]),
        budgets=rows,
        allowance={(name, node): _allowance(yearly[name], tree, node) for name, node in rows},
        starts_due=due(lambda limit, node: _starts_due(limit, node, parts.programme, starts_at[node])),
        onboardings_due=due(lambda limit, _: _onboardings_due(limit, scenario)),
        purchases_due=due(lambda limit, node: _purchases_due(limit, tree, node, parts.stocks)),
        support_due=due(lambda limit, node: _support_due(limit, tree, node, parts.supply)),
        service_floors=floors,
        allowed_shortage_t_per_y=_allowed_shortages(scenario, floors, tree, parts.demands),
        soft=soft,
        violation_kusd=_violation_prices(scenario, tree, soft),
        slack_limit=_slack_limits(nodes, tree, soft),
        commodity=_commodities(scenario, parts.demands),
    )


def _refuse_unknown(limit: AnyLimit) -> None:
    """A kind of limit that nothing here makes rows of must not be left out without a word."""
    if isinstance(limit, ShareCap | MinimumShare | NetImportReliance | ConcentrationCap):
        return
    if not isinstance(limit, Budget | JointCapacity | PermitSlots | ServiceFloor | Survival):
        assert_never(limit)


def _floors(
    scenario: Scenario, nodes: Mapping[str, tuple[int, ...]], demands: Demands
) -> Iterator[tuple[str, str, int]]:
    """(limit, demand, node) of service floors."""
    for name, limit in scenario.limits.items():
        for demand in _protected(limit, demands) if isinstance(limit, ServiceFloor) else ():
            for node in nodes[name]:
                yield name, demand, node


def _soft(scenario: Scenario, demands: Demands) -> Iterator[tuple[str, str]]:
    """(limit, item) that may be exceeded."""
    for name, limit in scenario.limits.items():
        if limit.violation_price_kusd is not None:
            for item in _protected(limit, demands) if isinstance(limit, ServiceFloor) else [""]:
                yield name, item


def _joint_capacities(scenario: Scenario, tree: Tree) -> dict[str, AmountLimit]:
    return {
        name: AmountLimit(
            meant=ShareRow(run=dict(limit.facilities)),
            whole=Whole(ShareRow(), tree.calendar.mean(limit.capacity_t_per_y)[np.array(tree.period)]),
        )
        for name, limit in scenario.limits.items()
        if isinstance(limit, JointCapacity)
    }


def _commodities(scenario: Scenario, demands: Demands) -> dict[tuple[str, str], str]:
    """What each limit in t is about."""
    found: dict[tuple[str, str], str] = {}
    for name, limit in scenario.limits.items():
        if isinstance(limit, ServiceFloor):
            found |= {(name, demand): demands.demands[demand].commodity for demand in _protected(limit, demands)}
        elif isinstance(limit, ShareCap | MinimumShare | NetImportReliance | ConcentrationCap):
            found[name, ""] = limit.commodity
        elif isinstance(limit, JointCapacity):
            first = next(iter(limit.facilities))
            found[name, ""] = next(iter({**scenario.facilities, **scenario.projects}[first].outputs))
    return found


def limited_nodes(tree: Tree, limit: AnyLimit) -> tuple[int, ...]:
    """The nodes a limit applies to: those of the futures it names, or all but stress tests', or the planned path's."""
    if limit.futures:
        named = [matches(name, limit.futures) for name in tree.future_names]
        return tuple(node for node, future in enumerate(tree.future) if future >= 0 and named[future])
    if limit.applies_to == "base_path":
        return tree.planned_path
    return tuple(node for node in range(len(tree)) if not tree.stressed[node])


def _yearly(limit: Budget | PermitSlots) -> Profile:
    return limit.amount_kusd_per_y if isinstance(limit, Budget) else limit.slots_per_y


def _allowance(yearly: Floats, tree: Tree, node: int) -> float:
    return float(yearly[tree.period[node]] * tree.length[node])


def _starts_by_node(programme: Programme) -> Mapping[int, list[Start]]:
    """The starts that something may fall due of at each node, in their order."""
    place = {start: number for number, start in enumerate(programme.starts)}
    found: defaultdict[int, set[int]] = defaultdict(set)
    for start, number in place.items():
        found[start[2]].add(number)
    for start, node in programme.capex_due_kusd:
        found[node].add(place[start])
    by_node = {node: [programme.starts[number] for number in sorted(numbers)] for node, numbers in found.items()}
    return defaultdict(list, by_node)


def _starts_due(
    limit: Budget | PermitSlots, node: int, programme: Programme, starts: Iterable[Start]
) -> Iterator[tuple[Start, float]]:
    for start in starts:
        if isinstance(limit, PermitSlots):
            due = programme.projects[start[0]].tracks[start[1]].permit_slots if start[2] == node else 0.0
        else:
            capex = programme.capex_due_kusd.get((start, node), 0.0)
            due = 0.0
            if "capex" in limit.covers:
                due += capex + (programme.extra_due_kusd[start] if start[2] == node else 0.0)
            if "support" in limit.covers:
                due += capex * programme.projects[start[0]].grant_share
        if due > 0:
            yield start, due


def _onboardings_due(limit: Budget | PermitSlots, scenario: Scenario) -> Iterator[tuple[str, float]]:
    if isinstance(limit, Budget) and "onboarding" in limit.covers:
        for name, route in scenario.routes.items():
            if route.onboarding is not None and route.onboarding.cost_kusd > 0:
                yield name, route.onboarding.cost_kusd


def _purchases_due(limit: Budget | PermitSlots, tree: Tree, node: int, stocks: Stocks) -> Iterator[tuple[str, float]]:
    if isinstance(limit, Budget) and "stock" in limit.covers:
        for row, name in enumerate(stocks.names):
            due = float(tree.length[node] * stocks.purchase_kusd_per_t[row, node])
            if due > 0:
                yield name, due


def _support_due(limit: Budget | PermitSlots, tree: Tree, node: int, supply: Supply) -> Iterator[tuple[str, float]]:
    if isinstance(limit, Budget) and "support" in limit.covers:
        for name, payment in supply.support_kusd_per_t.items():
            due = float(tree.length[node] * payment[node])
            if due > 0:
                yield name, due


def _protected(limit: ServiceFloor, demands: Demands) -> list[str]:
    return [
        name
        for name, demand in demands.demands.items()
        if demand.tier in limit.tiers and matches(demand.commodity, limit.commodities)
    ]


def _allowed_shortages(
    scenario: Scenario, floors: Iterable[tuple[str, str, int]], tree: Tree, demands: Demands
) -> dict[tuple[str, str, int], float]:
    """What each service floor lets a demand go short of at a node, t/y."""
    served = {
        name: tree.calendar.mean(limit.served_share)
        for name, limit in scenario.limits.items()
        if isinstance(limit, ServiceFloor)
    }
    return {
        (name, demand, node): float(
            (1.0 - float(served[name][tree.period[node]])) * demands.quantity_t_per_y[demands.row_of[demand], node]
        )
        for name, demand, node in floors
    }


def _violation_prices(scenario: Scenario, tree: Tree, soft: tuple[tuple[str, str], ...]) -> Floats:
    """Price of slack by node: a price per t counts in each year, another evenly over the node's years."""
    rows = []
    for name, _ in soft:
        limit = scenario.limits[name]
        years = tree.annuity_y if limit.measured_in == "t/y" else tree.annuity_y / tree.length
        rows.append((limit.violation_price_kusd or 0.0) * years)
    return np.array(rows, float).reshape(len(soft), len(tree))


def _slack_limits(nodes: Mapping[str, tuple[int, ...]], tree: Tree, soft: tuple[tuple[str, str], ...]) -> Floats:
    """Its price alone does not keep slack at 0 where the limit does not apply: a stress test's nodes weigh nothing."""
    limits = np.zeros((len(soft), len(tree)))
    for row, (name, _) in enumerate(soft):
        limits[row, list(nodes[name])] = np.inf
    return limits
