"""A second model, for scenarios with few decisions: every combination of them is tried, each with an LP of its flows.

Written from `docs/reference/conventions.md` alone; it shares nothing with the optimizer, its check included. The check
finds a plan that breaks a rule; this finds one that obeys a rule nobody stated, which would only be too dear. Content
is told in another way than there: a column for each way in which material can have come about (`reference_content`).
Committed and forced starts are not read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from math import inf

from reference_content import Content, Lot, share_of_days
from reference_duties import Duties
from reference_limits import limit
from reference_program import Program, Terms
from reference_reading import SMALL, Built, Node, Reading, Tree, in_year, matches, support_kusd_per_t

from lodeplan.schemas import Scenario
from lodeplan.schemas.scenario import Demand, Stockpile, Substitute

Decision = tuple[str, str, str, str]
"""(table, what, track, node)."""


def optimum_kusd(scenario: Scenario) -> float:
    """Least objective over all combinations of decisions; infinite if none is feasible."""
    return _optimum_kusd(scenario)[0]


def _optimum_kusd(scenario: Scenario) -> tuple[float, float]:
    """The least objective, and what of it is not paid for what exceeds soft limits in stress tests."""
    best: dict[str, float] = {}
    if scenario.risk.objective == "maximum_regret":
        tree = Reading(scenario).tree
        likely = [name for name, p in tree.probability.items() if p > 1e-12]
        best = {name: _optimum_kusd(alone(scenario, tree, name))[1] for name in likely}
        if inf in best.values():
            return inf, inf
    reading = Reading(scenario)
    content = Content(reading)
    return min((Model(reading, content, built, best).optimum_kusd() for built in allowed(reading)), default=(inf, inf))


def alone(scenario: Scenario, tree: Tree, name: str) -> Scenario:
    """One future that is known to come, and the stress tests that leave the base path no later than it."""
    events = list(tree.events(name))
    sure = scenario.futures[name].model_copy(update={"probability": 1.0, "after": None, "events": events})
    line = [name]
    while followed := tree.followed(line[-1]):
        line.append(followed)
    leaves = tree.departs(line[-1])
    stress = {
        key: entry
        for key, entry in scenario.futures.items()
        if entry.stress and entry.after is None and tree.departs(key) <= leaves
    }
    risk = scenario.risk.model_copy(update={"objective": "cost", "tail_weight": 0.0})
    return scenario.model_copy(update={"futures": {name: sure, **stress}, "risk": risk})


# Decisions


def combinations(scenario: Scenario) -> list[tuple[Decision, ...]]:
    """Every way to decide all starts and onboardings."""
    return _combinations(Reading(scenario))


def _combinations(reading: Reading) -> list[tuple[Decision, ...]]:
    kinds = [_starts(reading, name) for name in reading.scenario.projects]
    kinds += [_onboardings(reading, name) for name, route in reading.scenario.routes.items() if route.onboarding]
    return [tuple(decision for chosen in picks for decision in chosen) for picks in product(*kinds)]


def _starts(reading: Reading, name: str) -> list[tuple[Decision, ...]]:
    """Every way to start a project, or not to."""
    project, tree = reading.scenario.projects[name], reading.tree
    first, last = project.earliest_start or -inf, project.latest_start or inf
    choices: dict[str, list[Decision]] = {
        node.name: [
            ("start", name, track, node.name)
            for track, rule in project.tracks.items()
            if first <= node.period.year <= last and node.period.year + rule.lead_years < tree.end_year - SMALL
        ]
        for node in tree.nodes.values()
        if not node.stress and (not node.future or project.start_in_branches)
    }
    return _once_a_path(reading, choices)


def _onboardings(reading: Reading, name: str) -> list[tuple[Decision, ...]]:
    """Every way to qualify a supplier, or not to."""
    rule = reading.scenario.routes[name].onboarding
    assert rule is not None
    first, last = rule.earliest or -inf, rule.latest or inf
    choices: dict[str, list[Decision]] = {
        node.name: [("onboard", name, "", node.name)]
        for node in reading.tree.nodes.values()
        if not node.stress and (not node.future or rule.in_branches) and first <= node.period.year <= last
    }
    return _once_a_path(reading, choices)


def _once_a_path(reading: Reading, choices: dict[str, list[Decision]]) -> list[tuple[Decision, ...]]:
    children = defaultdict(list)
    for node in reading.tree.nodes.values():
        children[node.path[-2] if len(node.path) > 1 else ""].append(node.name)

    def below(name: str) -> list[tuple[Decision, ...]]:
        here: list[tuple[Decision, ...]] = [(decision,) for decision in choices.get(name, [])]
        later = [tuple(d for pick in picks for d in pick) for picks in product(*map(below, children[name]))]
        return [*here, *later]

    [root] = children[""]
    return below(root)


def allowed(reading: Reading) -> Iterator[Built]:
    """Each combination that breaks no rule among projects."""
    for decisions in _combinations(reading):
        starts: dict[str, list[tuple[str, str]]] = {}
        onboardings: dict[str, list[str]] = {}
        for table, what, track, node in decisions:
            if table == "start":
                starts.setdefault(what, []).append((track, node))
            else:
                onboardings.setdefault(what, []).append(node)
        built = Built(reading, starts, onboardings)
        if all(_agree(reading, built, node) for node in reading.tree.nodes.values()):
            yield built


def _agree(reading: Reading, built: Built, node: Node) -> bool:
    begun = {name for name in reading.scenario.projects if built.on_path(name, node)}
    projects = reading.scenario.projects
    return all(
        begun.issuperset(projects[name].requires) and begun.isdisjoint(projects[name].excludes) for name in begun
    )


# Flows


class Model:
    """The linear program that is left once all is decided. Columns of a node end in its name."""

    def __init__(self, reading: Reading, content: Content, built: Built, best_kusd: dict[str, float]) -> None:
        self.reading, self.content, self.built, self.best_kusd = reading, content, built, best_kusd
        self.scenario, self.tree = reading.scenario, reading.tree
        self.duties = Duties(reading, content)
        self.program = Program()
        self.program.add("one", 1.0)
        self.program.equal.append(({"one": 1.0}, 1.0))
        self.importer = self.scenario.economics.view == "importer"
        self.cost: dict[str, Terms] = {}
        self.penalty: dict[str, Terms] = {}
        self.balance: dict[Lot, Terms] = {}

    def optimum_kusd(self) -> tuple[float, float]:
        """With and without what is paid in stress tests."""
        for node in self.tree.nodes.values():
            self._node(node)
        stress = self._in_stress_tests()
        least = self.program.least(weighted((1.0, self._aim()), (1.0, stress)))
        return least, least - sum(cost * self.program.point.get(column, 0.0) for column, cost in stress.items())

    def _node(self, node: Node) -> None:
        """Columns, rows and cost of a node. The column `one` stands for what is decided already."""
        yearly: Terms = defaultdict(float)
        self.penalty[node.name] = {}
        self.balance = {lot: {} for lots in self.content.lots.values() for lot in lots}
        self._make(node, yearly)
        self._carry(node, yearly)
        self._recover(node, yearly)
        for name, pile in self.scenario.stockpiles.items():
            self._store(name, pile, node, yearly)
        for name, demand in self.scenario.demands.items():
            self._serve(name, demand, node, yearly)
        for number, (lot, terms) in enumerate(self.balance.items()):
            commodity = self.scenario.commodities[lot.commodity]
            if commodity.disposable:
                column = self.program.add(("dispose", number, node.name))
                terms[column] = -1.0
                yearly[column] = commodity.disposal_cost_kusd_per_t
            self.program.equal.append((terms, 0.0))
        cost: Terms = defaultdict(float)
        for column, amount in yearly.items():
            cost[column] = amount * node.annuity_y
        self._pay(node, cost)
        for name, entry in self.scenario.limits.items():
            limit(self, name, entry, node, cost)
        self.cost[node.name] = cost

    def runs(self, name: str, node: Node) -> list[tuple[str, str, int, str]]:
        return [("run", name, number, node.name) for number in range(len(self.reading.steps(name, node)))]

    def _make(self, node: Node, yearly: Terms) -> None:
        for name, maker in self.reading.makers.items():
            available = self.reading.facility_availability(name, node)
            on_line = self.built.running_share(name, node) if self.reading.is_project(name) else 1.0
            total: Terms = {}
            widths = 0.0
            for column, (width, cost) in zip(self.runs(name, node), self.reading.steps(name, node), strict=True):
                widths += times(width, available)
                self.program.add(column, times(width, available))
                yearly[column] = cost
                total[column] = 1.0
                if self.importer and maker.price_floor is not None:
                    yearly[column] -= support_kusd_per_t(maker, node.period)
            capacity = times(self.reading.home_capacity_t_per_y(maker, node.period), available)
            self.program.add_at_most(total, times(capacity, on_line))
            least = maker.minimum_utilisation_share
            if least > 0:
                self.program.add_at_most(negative(total), -least * times(min(capacity, widths), on_line))
            self._grow(name, node, total)
            if maker.reserves_t is not None and node.name in self.tree.leaves:
                used = {
                    column: float(self.tree.nodes[at].period.length_y)
                    for at in node.path
                    for column in self.runs(name, self.tree.nodes[at])
                }
                self.program.add_at_most(used, maker.reserves_t)
            split = dict(total)
            for number, making in enumerate(self.content.makings[name]):
                column = self.program.add(("make", name, number, node.name))
                split[column] = -1.0
                for lot, per_t in zip(making.taken, maker.inputs.values(), strict=True):
                    self._move(lot, column, -per_t)
                for lot, per_t in zip(making.given, maker.outputs.values(), strict=True):
                    self._move(lot, column, per_t)
            self.program.equal.append((split, 0.0))

    def _move(self, lot: Lot, column: object, amount: float) -> None:
        terms = self.balance[lot]
        terms[column] = terms.get(column, 0.0) + amount

    def _grow(self, name: str, node: Node, total: Terms) -> None:
        rule = self.reading.makers[name].growth
        if rule is None:
            return
        if len(node.path) > 1:
            parent = self.tree.nodes[node.path[-2]]
            years = node.period.year - parent.period.year
            most = min(1e6, (1 + rule.share_per_y) ** years)
            before = dict.fromkeys(self.runs(name, parent), -most)
            self.program.add_at_most({**total, **before}, years * rule.seed_t_per_y)
        elif rule.before_t_per_y is not None:
            self.program.add_at_most(total, (1 + rule.share_per_y) * rule.before_t_per_y + rule.seed_t_per_y)

    def ships(self, name: str, node: Node) -> Iterator[tuple[tuple[str, str, int, str, str], Lot]]:
        """Columns of a route, with the lot that arrives."""
        for number, shipping in enumerate(self.content.shippings[name]):
            for band in self.duties.of(name, node, shipping.declared).bands:
                yield ("ship", name, number, band, node.name), shipping.given

    def _carry(self, node: Node, yearly: Terms) -> None:
        for name, route in self.scenario.routes.items():
            total: Terms = {}
            for column, lot in self.ships(name, node):
                shipping = self.content.shippings[name][column[2]]
                duty = self.duties.of(name, node, shipping.declared)
                self.program.add(column)
                total[column] = 1.0
                for part in (route.freight_kusd_per_t, route.hub_markup_kusd_per_t, route.calibration_kusd_per_t):
                    yearly[column] += node.period.mean(part)
                if self.importer:
                    yearly[column] += duty.kusd_per_t[column[3]]
                self._move(shipping.taken, column, -1.0)
                self._move(lot, column, 1.0)
            self.program.add_at_most(total, self._route_capacity(name, node))
            if route.onboarding is not None:
                self._qualify(name, node, total)
        self._quotas(node)

    def _route_capacity(self, name: str, node: Node) -> float:
        route, available = self.scenario.routes[name], self.reading.route_availability(name, node)
        if route.capacity_t_per_y is not None:
            return node.period.mean(route.capacity_t_per_y) * available
        if available >= 1:
            return inf
        feeders = self.reading.feeders(name).values()
        offered = {
            period: sum(f.outputs[route.commodity] * self.reading.offered_t_per_y(f, period) for f in feeders)
            for period in self.tree.periods
        }
        return times(offered[node.period] if any(offered.values()) else inf, available)

    def _qualify(self, name: str, node: Node, total: Terms) -> None:
        rule = self.scenario.routes[name].onboarding
        assert rule is not None
        decided = [self.tree.nodes[at].period.year for at in self.built.onboardings.get(name, []) if at in node.path]
        if not any(year + rule.lead_years <= node.period.year + SMALL for year in decided):
            self.program.add_at_most(total, 0.0)
            return
        size = {
            feeder: self.reading.home_capacity_t_per_y(entry, node.period)
            for feeder, entry in self.reading.feeders(name).items()
        }
        least = rule.minimum_t_per_y * self.reading.route_availability(name, node)
        if size:
            least *= self.reading.facility_availability(max(sorted(size), key=size.__getitem__), node)
        self.program.add_at_most(negative(total), -least)

    def _quotas(self, node: Node) -> None:
        for measure, entry in self.scenario.tariffs.items():
            if entry.quota is None:
                continue
            rows: dict[str, list[tuple[tuple[str, str, int, str, str], float]]] = defaultdict(list)
            first = set()
            for name, route in self.scenario.routes.items():
                for column, _ in self.ships(name, node):
                    duty = self.duties.of(name, node, self.content.shippings[name][column[2]].declared)
                    if measure in duty.quotas:
                        row = route.origin if route.origin in entry.quota.volume_by_origin_t_per_y else ""
                        rows[row].append((column, duty.quotas[measure]))
                        if duty.kusd_per_t["in_quota"] > duty.kusd_per_t["over_quota"] + 1e-9:
                            first.add(row)
            for row, flows in rows.items():
                stated = entry.quota.volume_by_origin_t_per_y[row] if row else entry.quota.volume_t_per_y
                volume = node.period.mean(stated)
                within: Terms = {column: share for column, share in flows if column[3] == "in_quota"}
                over: Terms = {column: 1.0 for column, _ in flows if column[3] == "over_quota"}
                self.program.add_at_most(within, volume)
                if row in first:
                    self.program.either.append([(over, 0.0), (negative(within), -volume)])

    def _recover(self, node: Node, yearly: Terms) -> None:
        for name, rule in self.scenario.recycling.items():
            column = self.program.add(("recover", name, node.name))
            yearly[column] = node.period.mean(rule.cost_kusd_per_t)
            self._move(self.content.recovered[name], column, 1.0)
            if rule.available_t_per_y is not None:
                self.program.add_at_most({column: 1.0}, node.period.mean(rule.available_t_per_y))
                continue
            rate = node.period.mean(rule.recovered_t_per_t)
            year = int((node.period.year - rule.lag_years) // 1)
            if year < self.tree.periods[0].year:
                self.program.add_at_most({column: 1.0}, rate * in_year(rule.past_use_t_per_y, year))
                continue
            nodes = [self.tree.nodes[at] for at in node.path]
            at = next(n for n in nodes if n.period.year <= year < n.period.end_year)
            row: Terms = {column: 1.0}
            place = rule.place or self.reading.home
            for demand, entry in self.scenario.demands.items():
                if (entry.place or self.reading.home) == place and entry.tier != "export":
                    for used, per_t in self.taken(demand, rule.from_commodity or "", at).items():
                        row[used] = -rate * per_t
            self.program.add_at_most(row, 0.0)

    def taken(self, name: str, commodity: str, node: Node) -> dict[tuple[str, str, str, int, str], float]:
        """Columns of a demand that take a commodity, and how much per t met."""
        demand = self.scenario.demands[name]
        options = {"itself": (demand.commodity, 1.0)}
        options |= {key: (s.commodity or "", s.ratio_t_per_t) for key, s in demand.substitutes.items()}
        found = {}
        for option, (good, ratio) in options.items():
            if good == commodity:
                for number in range(len(self.lots_at(good, demand.place))):
                    found["serve", name, option, number, node.name] = ratio
        return found

    def lots_at(self, commodity: str, place: str | None) -> list[Lot]:
        return self.content.lots.get((commodity, place or self.reading.home), [])

    def _store(self, name: str, pile: Stockpile, node: Node, yearly: Terms) -> None:
        program, period = self.program, node.period
        stock = program.add(("stock", name, node.name), inf if pile.capacity_t is None else pile.capacity_t)
        opened = pile.kind == "commercial" or any(
            matches(pile.release_events, event) and self.reading.left(self.scenario.events[event], period) > 0
            for event in node.events
        )
        release = program.add(("release", name, node.name), inf if opened else 0.0)
        self._move(self.content.released[name], release, 1.0)
        banned = frozenset(self.content.bans(pile))
        buys: Terms = {}
        for number, lot in enumerate(self.lots_at(pile.commodity, pile.place)):
            if lot.tags.isdisjoint(banned):
                column = program.add(("buy", name, number, node.name))
                buys[column] = 1.0
                yearly[column] = pile.buying_premium_kusd_per_t
                self._move(lot, column, -1.0)
        if pile.fill_t_per_y is not None:
            program.add_at_most(buys, period.mean(pile.fill_t_per_y))
        kept = (1 - pile.loss_share_per_y) ** period.length_y
        row = {stock: 1.0, release: float(period.length_y), **dict.fromkeys(buys, -float(period.length_y))}
        if len(node.path) > 1:
            row["stock", name, node.path[-2]] = -kept
        program.equal.append((row, 0.0 if len(node.path) > 1 else kept * pile.opening_t))
        yearly[stock] = period.mean(pile.holding_kusd_per_t_y)
        self._cover(name, pile, node)
        if node.name in self.tree.planned and node.period is self.tree.periods[-1]:
            program.add_at_most({stock: -1.0}, -pile.end_minimum_t)

    def _cover(self, name: str, pile: Stockpile, node: Node) -> None:
        within = pile.replenish_within_years
        if within is None:
            if node.name in self.tree.planned:
                self.program.add_at_most(*self._covered(name, pile, node))
            return
        begins = node.period.end_year - within
        if node.stress or begins <= self.tree.periods[0].year + SMALL:
            return
        path = [self.tree.nodes[at] for at in node.path]
        ways = [self._covered(name, pile, at) for at in path if at.period.end_year >= begins - SMALL]
        self.program.either.append(ways)

    def _covered(self, name: str, pile: Stockpile, node: Node) -> tuple[Terms, float]:
        """The row that says that a stockpile has its cover."""
        home = self.reading.home
        wanted = sum(
            self.reading.wanted_t_per_y(key, node)
            for key, entry in self.scenario.demands.items()
            if entry.commodity == pile.commodity and (entry.place or home) == (pile.place or home)
        )
        return {("stock", name, node.name): -1.0}, -node.period.mean(pile.cover_days) / 365 * wanted

    def _serve(self, name: str, demand: Demand, node: Node, yearly: Terms) -> None:
        wanted = self.reading.wanted_t_per_y(name, node)
        met: Terms = {}
        options: list[tuple[str, str | None, float]] = [("itself", demand.commodity, 1.0)]
        options += [(key, entry.commodity, entry.ratio_t_per_t) for key, entry in demand.substitutes.items()]
        tagged: dict[object, Terms] = defaultdict(dict)
        for option, commodity, ratio in options:
            lots = [None] if commodity is None else self.lots_at(commodity, demand.place)
            columns: Terms = {}
            for number, lot in enumerate(lots):
                column = self.program.add(("serve", name, option, number, node.name))
                columns[column] = 1.0
                if lot is not None:
                    self._move(lot, column, -ratio)
                    for tag in lot.tags:
                        tagged[tag][column] = 1.0
            met |= columns
            if option in demand.substitutes:
                self._substitute(demand.substitutes[option], node, wanted, columns)
                for column in columns:
                    yearly[column] = node.period.mean(demand.substitutes[option].cost_kusd_per_t)
        for ban in demand.source_bans.values():
            flow = tagged[self.content.tag(ban.places, ban.role)]
            self.program.add_at_most(flow, (1 - share_of_days(ban, node.period.days)) * wanted)
        if (curve := demand.elastic) is not None:
            width = (1 - curve.down_to_share) / curve.steps
            for number in range(curve.steps):
                column = self.program.add(("given up", name, number, node.name), width * wanted)
                yearly[column] = curve.price_kusd_per_t * (1 + (number + 0.5) * width / curve.elasticity)
                met[column] = 1.0
        for number, (share, penalty) in enumerate(penalty_steps(demand)):
            column = self.program.add(("short", name, number, node.name), share * wanted)
            yearly[column] = penalty
            self.penalty[node.name][column] = penalty * node.annuity_y
            met[column] = 1.0
        self.program.equal.append((met, wanted))

    def _substitute(self, rule: Substitute, node: Node, wanted: float, columns: Terms) -> None:
        ready = self.tree.periods[0].year + rule.delay_years
        if rule.after_departure:
            ready = self.tree.first_departure_year(node.future) + rule.delay_years if node.future else inf
        share = node.period.mean(rule.limit_share) if ready <= node.period.year + SMALL else 0.0
        self.program.add_at_most(columns, share * wanted)

    def _pay(self, node: Node, cost: Terms) -> None:
        """What is due for decisions taken, and worths at the end."""
        leaf, end = node.name in self.tree.leaves, node.worth(node.period.length_y - 1)
        for name, project in self.scenario.projects.items():
            capex, extra = self.built.paid(name, node)
            cost["one"] += capex + extra - (project.grant_share * capex if self.importer else 0.0)
            if leaf:
                cost["one"] -= end * self.built.worth_kusd(name, node)
        for name, nodes in self.built.onboardings.items():
            rule = self.scenario.routes[name].onboarding
            assert rule is not None
            cost["one"] += rule.cost_kusd * (node.name in nodes)
        if leaf:
            for name, pile in self.scenario.stockpiles.items():
                cost["stock", name, node.name] -= end * pile.end_value_kusd_per_t

    # Objective

    def _of_future(self, future: str, costs: dict[str, Terms]) -> Terms:
        total: Terms = defaultdict(float)
        for at in self.tree.nodes[self.tree.last[future]].path:
            for column, amount in costs[at].items():
                total[column] += self.tree.nodes[at].discount * amount
        return total

    def _expected(self, costs: dict[str, Terms]) -> Terms:
        total: Terms = defaultdict(float)
        for name, node in self.tree.nodes.items():
            for column, amount in costs[name].items():
                total[column] += node.probability * node.discount * amount
        return total

    def _in_stress_tests(self) -> Terms:
        """What exceeds a soft limit in a stress test, as if it came."""
        stress: Terms = {}
        for name, node in self.tree.nodes.items():
            if node.stress:
                for column, amount in self.cost[name].items():
                    if isinstance(column, tuple) and column[0] == "slack":
                        stress[column] = node.discount * amount
        return stress

    def _aim(self) -> Terms:
        risk = self.scenario.risk
        expected = self._expected(self.cost)
        futures = [name for name, p in self.tree.probability.items() if p > 1e-12] or [""]
        self.tree.last.setdefault("", self.tree.last_base)
        if risk.objective == "expected_shortage":
            return weighted((0.999, self._expected(self.penalty)), (0.001, expected))
        if risk.objective == "cost":
            return weighted((1 - risk.tail_weight, expected), (risk.tail_weight, self._tail(futures)))
        self.program.add("worst")
        self.program.free.add("worst")
        for future in futures:
            cost = self._of_future(future, self.cost)
            self.program.add_at_most({**cost, "worst": -1.0}, self.best_kusd.get(future, 0.0))
        return weighted((0.999, {"worst": 1.0}), (0.001, expected))

    def _tail(self, futures: list[str]) -> Terms:
        """CVaR: a threshold, and the mean of what exceeds it."""
        if self.scenario.risk.tail_weight == 0:
            return {}
        self.program.add("threshold")
        self.program.free.add("threshold")
        tail: Terms = {"threshold": 1.0}
        for future in futures:
            excess = self.program.add(("excess", future))
            tail[excess] = self.tree.probability.get(future, 1.0) / (1 - self.scenario.risk.tail_level)
            self.program.add_at_most({**self._of_future(future, self.cost), "threshold": -1.0, excess: -1.0}, 0.0)
        return tail


def weighted(*parts: tuple[float, Terms]) -> Terms:
    total: Terms = defaultdict(float)
    for weight, terms in parts:
        for column, amount in terms.items():
            total[column] += weight * amount
    return total


def negative(terms: Terms) -> Terms:
    return {column: -amount for column, amount in terms.items()}


def times(amount: float, share: float) -> float:
    """Nothing of something unlimited is nothing."""
    return 0.0 if share == 0 else amount * share


def penalty_steps(demand: Demand) -> list[tuple[float, float]]:
    """Width as a share of the demand, and penalty."""
    stated = demand.shortage_penalty_kusd_per_t
    if not isinstance(stated, dict):
        return [(1.0, stated)]
    shares = sorted(stated)
    return [(share - before, stated[share]) for before, share in zip([0.0, *shares], shares, strict=False)]
