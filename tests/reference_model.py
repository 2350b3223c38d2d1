"""A second model, for scenarios with few decisions: every combination of them is tried, each with an LP of its flows.

Written from `docs/reference/conventions.md` on top of the independent check's reading of a scenario; it shares
nothing with `optimizer.prepare`, `optimizer.model` and `optimizer.solve`. The check finds a plan that breaks a rule;
this finds one that obeys a rule nobody stated, which would only be too dear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from itertools import product
from math import inf

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

from optimizer.check.case import Case, World, support_kusd_per_t, times
from optimizer.check.costs import node_terms_kusd
from optimizer.check.decisions import check_decisions
from optimizer.check.ledger import Ledger
from optimizer.check.periods import mean
from optimizer.check.plan import LAYOUTS, Name, Plan
from optimizer.check.projects import Projects
from optimizer.check.selections import selects_name
from optimizer.check.steps import home_capacity_t_per_y
from optimizer.check.tree import Node
from schemas import Scenario
from schemas.limits import Budget, PermitSlots, ServiceFloor, ShareCap

Decision = tuple[str, Name, str]
"""(table, what, node)."""
Terms = dict[Hashable, float]


def combinations(scenario: Scenario) -> list[tuple[Decision, ...]]:
    """Every way to decide all starts and onboardings, those that break a rule among them."""
    world = World(scenario)
    kinds: list[list[tuple[Decision, ...]]] = []
    for name, project in scenario.projects.items():
        if project.committed_start is None:
            choices = [("starts", (name, track)) for track in project.tracks]
            kinds.append(_once_a_path(world, choices, project.start_in_branches))
    for name, route in scenario.routes.items():
        if route.onboarding is not None:
            kinds.append(_once_a_path(world, [("onboardings", (name,))], route.onboarding.in_branches))
    return [tuple(decision for chosen in picks for decision in chosen) for picks in product(*kinds)]


def _once_a_path(world: World, choices: list[tuple[str, Name]], in_branches: bool) -> list[tuple[Decision, ...]]:
    nodes = world.tree.nodes
    children = defaultdict(list)
    for node in nodes.values():
        children[node.parent].append(node.name)

    def below(name: str) -> list[tuple[Decision, ...]]:
        here = [((table, what, name),) for table, what in choices if in_branches or nodes[name].future is None]
        later = [tuple(d for pick in picks for d in pick) for picks in product(*map(below, children[name]))]
        return [*here, *later]

    return below(next(iter(nodes)))


def optimum_kusd(scenario: Scenario) -> float:
    """Least objective over all combinations of decisions; infinite if none is feasible."""
    world = World(scenario)
    return min((_objective_kusd(case) for case in _allowed(world)), default=inf)


def _allowed(world: World) -> Iterator[Case]:
    """A case, still without flows, for each combination that breaks no rule of decisions."""
    for decisions in combinations(world.scenario):
        plan = Plan(tables={table: {} for table in LAYOUTS})
        for table, what, node in decisions:
            plan.tables[table].setdefault(node, {})[what] = ()
        case = Case(world, plan, Projects(world.scenario, world.tree, plan))
        ledger = Ledger()
        check_decisions(case, ledger)
        if ledger.max_violation == 0:
            yield case


class _Program:
    """A linear program whose columns have names. Columns are from 0 up unless said."""

    def __init__(self) -> None:
        self.upper: Terms = {}
        self.free: set[Hashable] = set()
        self.equal: list[tuple[Terms, float]] = []
        self.at_most: list[tuple[Terms, float]] = []

    def add_at_most(self, terms: Mapping[Hashable, float], limit: float) -> None:
        if limit < inf:
            self.at_most.append((dict(terms), limit))

    def least(self, cost: Terms, constant: float) -> float:
        """The optimum, infinite if infeasible."""
        number = {name: index for index, name in enumerate(self.upper)}

        def matrix(rows: list[tuple[Terms, float]]) -> tuple[sp.csr_array, np.ndarray] | tuple[None, None]:
            if not rows:
                return None, None
            entries = [(i, number[name], value) for i, (terms, _) in enumerate(rows) for name, value in terms.items()]
            i, j, values = zip(*entries, strict=True) if entries else ((), (), ())
            shape = (len(rows), len(number))
            return sp.csr_array((values, (i, j)), shape=shape), np.array([limit for _, limit in rows])

        a_ub, b_ub = matrix(self.at_most)
        a_eq, b_eq = matrix(self.equal)
        bounds = [(None if name in self.free else 0.0, None if up == inf else up) for name, up in self.upper.items()]
        found = linprog([cost.get(name, 0.0) for name in number], a_ub, b_ub, a_eq, b_eq, bounds, method="highs")
        assert found.status in (0, 2), found.message
        return found.fun + constant if found.status == 0 else inf


def _objective_kusd(case: Case) -> float:
    program = _Program()
    costs = {name: _node(case, node, program) for name, node in case.tree.nodes.items()}
    risk, tree = case.scenario.risk, case.tree
    weight = risk.tail_weight
    objective: Terms = defaultdict(float)
    constant = 0.0
    if weight > 0:
        program.upper["var"] = inf
        program.free.add("var")
        objective["var"] = weight
    for future, last in tree.last_node.items():
        terms: Terms = defaultdict(float)
        fixed = 0.0
        for name in tree.nodes[last].path:
            discount = tree.nodes[name].discount_factor
            fixed += discount * costs[name][1]
            for column, cost in costs[name][0].items():
                terms[column] += discount * cost
        probability = tree.probabilities[future]
        constant += (1 - weight) * probability * fixed
        for column, cost in terms.items():
            objective[column] += (1 - weight) * probability * cost
        if weight > 0:
            program.upper["excess", future] = inf
            objective["excess", future] = weight * probability / (1 - risk.tail_level)
            program.add_at_most({**terms, "var": -1.0, ("excess", future): -1.0}, -fixed)
    return program.least(objective, constant)


def _node(case: Case, node: Node, program: _Program) -> tuple[Terms, float]:
    """Columns and rows of a node; its cost by column, and what the decisions cost whatever flows."""
    cost: Terms = defaultdict(float)
    balance: dict[tuple[str, str], Terms] = defaultdict(lambda: defaultdict(float))
    _make(case, node, program, cost, balance)
    _carry(case, node, program, cost, balance)
    _store(case, node, program, cost, balance)
    _serve(case, node, program, cost, balance)
    for (commodity, place), terms in balance.items():
        entry = case.scenario.commodities[commodity]
        if entry.disposable:
            column = ("dispose", commodity, place, node.name)
            program.upper[column] = inf
            terms[column] = -1.0
            cost[column] = entry.disposal_cost_kusd_per_t
        program.equal.append((dict(terms), 0.0))
    yearly = {column: amount * node.period.length_y for column, amount in cost.items()}
    _value_stock(case, node, yearly)
    _limit(case, node, program, yearly)
    return yearly, sum(node_terms_kusd(case, node).values())


def _counts_transfers(case: Case) -> bool:
    return case.scenario.economics.view == "importer"


def _make(case: Case, node: Node, program: _Program, cost: Terms, balance: dict[tuple[str, str], Terms]) -> None:
    for name, maker in case.world.makers.items():
        runs = [("run", name, number, node.name) for number in range(len(case.world.steps(name, node.period)))]
        availability = case.world.conditions(node).facility_availability.get(name, 1.0)
        capacity = times(home_capacity_t_per_y(maker, node.period), availability)
        if name in case.scenario.projects:
            capacity *= case.projects.running_share(name, node)
        program.add_at_most(dict.fromkeys(runs, 1.0), capacity)
        for column in runs:
            step = case.world.step(name, str(column[2]), node)
            program.upper[column] = step.width_t_per_y
            cost[column] = step.cost_kusd_per_t
            if maker.price_floor is not None and _counts_transfers(case):
                cost[column] -= support_kusd_per_t(maker.price_floor, node.period)
            for commodity, per_t in maker.outputs.items():
                balance[commodity, maker.place][column] += per_t
            for commodity, per_t in maker.inputs.items():
                balance[commodity, maker.place][column] -= per_t


def _carry(case: Case, node: Node, program: _Program, cost: Terms, balance: dict[tuple[str, str], Terms]) -> None:
    within: dict[str, Terms] = defaultdict(dict)
    for name, route in case.scenario.routes.items():
        availability = case.world.conditions(node).route_availability.get(name, 1.0)
        duty = case.world.duty(name, node)
        bands = ("in_quota", "over_quota") if case.world.duties.has_quota(name) else ("all",)
        ships = {("ship", name, band, node.name): 1.0 for band in bands}
        for column in ships:
            program.upper[column] = inf
            fixed = (route.freight_kusd_per_t, route.hub_markup_kusd_per_t, route.calibration_kusd_per_t)
            cost[column] = sum(mean(part, node.period) for part in fixed)
            if _counts_transfers(case):
                cost[column] += duty.of_band(column[2])
            balance[route.commodity, route.origin][column] -= 1.0
            balance[route.commodity, route.destination][column] += 1.0
            if column[2] == "in_quota":
                for measure, share in duty.quotas.items():
                    within[measure][column] = share
        program.add_at_most(ships, times(_capacity_t_per_y(case, name, node), availability))
        if route.onboarding is not None:
            _qualify(case, name, node, program)
    for measure, terms in within.items():
        quota = case.scenario.tariffs[measure].quota
        assert quota is not None
        program.add_at_most(terms, mean(quota.volume_t_per_y, node.period))


def _capacity_t_per_y(case: Case, name: str, node: Node) -> float:
    route = case.scenario.routes[name]
    if route.capacity_t_per_y is not None:
        return mean(route.capacity_t_per_y, node.period)
    if case.world.conditions(node).route_availability.get(name, 1.0) >= 1:
        return inf
    offers = [case.scenario.facilities[offer] for offer in case.world.offers_of(name)]
    return sum(offer.outputs[route.commodity] * home_capacity_t_per_y(offer, node.period) for offer in offers)


def _qualify(case: Case, name: str, node: Node, program: _Program) -> None:
    rule = case.scenario.routes[name].onboarding
    assert rule is not None
    ships = {column: 1.0 for column in program.upper if column[:2] == ("ship", name) and column[3] == node.name}  # type: ignore[index]
    decided = [
        case.tree.nodes[before].period.year for before in node.path if (name,) in case.plan.rows("onboardings", before)
    ]
    if not any(year + rule.lead_years <= node.period.year + 1e-9 for year in decided):
        program.add_at_most(ships, 0.0)
        return
    conditions = case.world.conditions(node)
    offers = {
        offer: home_capacity_t_per_y(case.scenario.facilities[offer], node.period)
        for offer in case.world.offers_of(name)
    }
    main = max(offers, key=offers.__getitem__, default="")
    least = rule.minimum_t_per_y * conditions.route_availability.get(name, 1.0)
    program.add_at_most(dict.fromkeys(ships, -1.0), -least * conditions.facility_availability.get(main, 1.0))


def _store(case: Case, node: Node, program: _Program, cost: Terms, balance: dict[tuple[str, str], Terms]) -> None:
    for name, pile in case.scenario.stockpiles.items():
        buy, release, stock = ((what, name, node.name) for what in ("buy", "release", "stock"))
        opened = any(selects_name(pile.release_events, event) for event in node.in_force)
        program.upper[buy] = inf if pile.fill_t_per_y is None else mean(pile.fill_t_per_y, node.period)
        program.upper[release] = inf if opened or pile.kind == "commercial" else 0.0
        program.upper[stock] = inf if pile.capacity_t is None else pile.capacity_t
        length_y = node.period.length_y
        kept = (1 - pile.loss_share_per_y) ** length_y
        row = {stock: 1.0, buy: -length_y, release: length_y}
        if node.parent is not None:
            row["stock", name, node.parent] = -kept
        program.equal.append((row, kept * pile.opening_t if node.parent is None else 0.0))
        if node.future is None:
            wanted = sum(
                case.world.demand_t_per_y(demand, node)
                for demand, entry in case.scenario.demands.items()
                if entry.commodity == pile.commodity
            )
            program.add_at_most({stock: -1.0}, -mean(pile.cover_days, node.period) / 365 * wanted)
        if node.name == case.tree.last_base_node:
            program.add_at_most({stock: -1.0}, -pile.end_minimum_t)
        cost[buy] = pile.buying_premium_kusd_per_t
        cost[stock] = mean(pile.holding_kusd_per_t_y, node.period)
        market = balance[pile.commodity, pile.place or case.scenario.home]
        market[buy] -= 1.0
        market[release] += 1.0


def _value_stock(case: Case, node: Node, cost: Terms) -> None:
    for name, pile in case.scenario.stockpiles.items() if node.name in case.tree.leaves else ():
        cost["stock", name, node.name] -= pile.end_value_kusd_per_t


def _serve(case: Case, node: Node, program: _Program, cost: Terms, balance: dict[tuple[str, str], Terms]) -> None:
    for name, demand in case.scenario.demands.items():
        wanted = case.world.demand_t_per_y(name, node)
        row = {("serve", name, node.name): 1.0}
        program.upper["serve", name, node.name] = inf
        balance[demand.commodity, demand.place or case.scenario.home]["serve", name, node.name] -= 1.0
        for number, (share, penalty) in enumerate(case.world.penalty_steps(name)):
            column = ("short", name, number, node.name)
            program.upper[column] = share * wanted
            cost[column] = penalty
            row[column] = 1.0
        program.equal.append((row, wanted))


def _limit(case: Case, node: Node, program: _Program, cost: Terms) -> None:
    for name, limit in case.scenario.limits.items():
        if limit.applies_to == "base_path" and node.future is not None:
            continue
        if isinstance(limit, ServiceFloor):
            for demand, entry in case.scenario.demands.items():
                if entry.tier in limit.tiers and selects_name(limit.commodities, entry.commodity):
                    short = {
                        ("short", demand, number, node.name): 1.0
                        for number in range(len(case.world.penalty_steps(demand)))
                    }
                    lacking = 1 - mean(limit.served_share, node.period)
                    _soften(limit.violation_price_kusd, short, ("slack", name, demand, node.name), program)
                    program.add_at_most(short, lacking * case.world.demand_t_per_y(demand, node))
                    cost["slack", name, demand, node.name] = (limit.violation_price_kusd or 0) * node.period.length_y
            continue
        length_y = node.period.length_y
        terms, allowed = _row(case, node, limit)
        price = (limit.violation_price_kusd or 0) * (length_y if isinstance(limit, ShareCap) else 1)
        _soften(limit.violation_price_kusd, terms, ("slack", name, "", node.name), program)
        program.add_at_most(terms, allowed)
        cost["slack", name, "", node.name] = price


def _soften(price: float | None, terms: Terms, slack: Hashable, program: _Program) -> None:
    program.upper[slack] = 0.0 if price is None else inf
    terms[slack] = -1.0


def _row(case: Case, node: Node, limit: ShareCap | Budget | PermitSlots) -> tuple[Terms, float]:
    """What counts against a share cap, a budget or permit slots, and how much of it is allowed."""
    terms: Terms = defaultdict(float)
    world, length_y = case.world, node.period.length_y
    if isinstance(limit, PermitSlots):
        return terms, mean(limit.slots_per_y, node.period) * length_y - case.projects.slots_used(node)
    if isinstance(limit, ShareCap):
        cap = mean(limit.cap_share, node.period)
        name = next(key for key, entry in case.scenario.limits.items() if entry is limit)
        for route, share in world.capped_routes[name].items():
            for band in ("in_quota", "over_quota") if world.duties.has_quota(route) else ("all",):
                terms["ship", route, band, node.name] += share - cap
        for maker in world.makers_at_home.get(limit.commodity, ()):
            for number in range(len(world.steps(maker, node.period))):
                terms["run", maker, number, node.name] -= cap * world.makers[maker].outputs[limit.commodity]
        return terms, 0.0
    allowed = mean(limit.amount_kusd_per_y, node.period) * length_y
    fixed = node_terms_kusd(case, node)
    if "capex" in limit.covers:
        allowed -= fixed["capex"] + fixed["fast_track"]
    if "onboarding" in limit.covers:
        allowed -= fixed["onboarding"]
    for name, pile in case.scenario.stockpiles.items() if "stock" in limit.covers else ():
        price = case.scenario.commodities[pile.commodity].reference_price_kusd_per_t
        paid = (0.0 if price is None else mean(price, node.period)) + pile.buying_premium_kusd_per_t
        terms["buy", name, node.name] += length_y * paid
    for name, maker in world.makers.items() if "support" in limit.covers else ():
        if maker.price_floor is not None:
            for number in range(len(world.steps(name, node.period))):
                paid = max(0.0, support_kusd_per_t(maker.price_floor, node.period))
                terms["run", name, number, node.name] += length_y * paid
    return terms, allowed
