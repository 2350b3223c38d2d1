"""Limits in the second model."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from reference_program import Terms
from reference_reading import Node, matches, support_kusd_per_t

from lodeplan.schemas.limits import (
    Budget,
    ConcentrationCap,
    JointCapacity,
    MinimumShare,
    NetImportReliance,
    PermitSlots,
    ServiceFloor,
    ShareCap,
)

if TYPE_CHECKING:
    from reference_model import Model


def limit(model: Model, name: str, entry: Any, node: Node, cost: Terms) -> None:
    """Add the rows of a limit at a node, with slack at its price where it is soft."""
    if entry.applies_to == "base_path" and node.name not in model.reading.tree.planned:
        return
    if not (node.future and matches(entry.futures, node.future) if entry.futures else not node.stress):
        return
    by_time = node.annuity_y / (node.period.length_y if isinstance(entry, Budget | PermitSlots) else 1)
    for item, terms, allowed in _rows(model, name, entry, node):
        slack = model.program.add(("slack", name, item, node.name), 0 if entry.violation_price_kusd is None else 1e9)
        cost[slack] = (entry.violation_price_kusd or 0.0) * by_time
        model.program.add_at_most({**terms, slack: -1.0}, allowed)


def _rows(model: Model, name: str, entry: Any, node: Node) -> list[tuple[str, Terms, float]]:
    if isinstance(entry, ServiceFloor):
        return _floors(model, entry, node)
    if isinstance(entry, PermitSlots):
        allowed = node.period.mean(entry.slots_per_y) * node.period.length_y
        return [("", {}, allowed - model.built.slots(node))]
    if isinstance(entry, Budget):
        return [("", *_spending(model, entry, node))]
    if isinstance(entry, JointCapacity):
        taken = {column: share for name, share in entry.facilities.items() for column in model.runs(name, node)}
        return [("", taken, node.period.mean(entry.capacity_t_per_y))]
    supply = Supply(model, entry.commodity, node)
    supply.of_use = entry.of == "use"
    if isinstance(entry, ShareCap):
        share = node.period.mean(entry.cap_share)
        return [("", supply.row(_capped(model, entry, supply, node), share), share * supply.known())]
    if isinstance(entry, MinimumShare):
        counted = supply.domestic() if entry.source == "domestic" else supply.recycled()
        share = node.period.mean(entry.minimum_share)
        row = supply.row(counted, share)
        return [("", {column: -amount for column, amount in row.items()}, -share * supply.known())]
    if isinstance(entry, NetImportReliance):
        share = node.period.mean(entry.cap_share)
        row = supply.row(supply.arrivals(), share)
        for column, amount in supply.exports().items():
            row[column] = row.get(column, 0.0) - (1 if supply.of_use else 1 - share) * amount
        return [("", row, share * supply.known())]
    assert isinstance(entry, ConcentrationCap)
    index = node.period.mean(entry.cap_index)
    return [("", _squares(model, name, entry, supply, node), index * supply.known())]


def _floors(model: Model, entry: ServiceFloor, node: Node) -> list[tuple[str, Terms, float]]:
    rows = []
    lacking = 1 - node.period.mean(entry.served_share)
    for name, demand in model.scenario.demands.items():
        if demand.tier in entry.tiers and matches(entry.commodities, demand.commodity):
            short = {column: 1.0 for column in model.penalty[node.name] if column[1] == name}  # type: ignore[index]
            rows.append((name, short, lacking * model.reading.wanted_t_per_y(name, node)))
    return rows


class Supply:
    """Where home's supply of a commodity comes from at a node: columns and their amounts."""

    def __init__(self, model: Model, commodity: str, node: Node) -> None:
        self.model, self.commodity, self.node = model, commodity, node
        self.home = model.reading.home
        self.of_use = False
        self.routes = {
            name: route
            for name, route in model.scenario.routes.items()
            if route.commodity == commodity and route.destination == self.home
        }

    def arrivals(self) -> Terms:
        return {column: 1.0 for name in self.routes for column, _ in self.model.ships(name, self.node)}

    def made(self) -> Terms:
        makers = self.model.reading.makers
        return {
            column: maker.outputs[self.commodity]
            for name, maker in makers.items()
            if maker.place == self.home and self.commodity in maker.outputs
            for column in self.model.runs(name, self.node)
        }

    def recovered(self) -> Terms:
        return {
            ("recover", name, self.node.name): 1.0
            for name, rule in self.model.scenario.recycling.items()
            if rule.commodity == self.commodity and (rule.place or self.home) == self.home
        }

    def domestic(self) -> Terms:
        return {**self.made(), **self.recovered()}

    def recycled(self) -> Terms:
        commodities, makers = self.model.scenario.commodities, self.model.reading.makers

        def of_scrap(name: str) -> bool:
            inputs = makers[name].inputs
            return bool(inputs) and all(commodities[good].stage == "scrap" for good in inputs)

        made = {column: amount for column, amount in self.made().items() if of_scrap(column[1])}  # type: ignore[index]
        return {**made, **self.recovered()}

    def exports(self) -> Terms:
        found: Terms = {
            column: 1.0
            for name, route in self.model.scenario.routes.items()
            if route.commodity == self.commodity and route.origin == self.home
            for column, _ in self.model.ships(name, self.node)
        }
        for name, demand in self.model.scenario.demands.items():
            if demand.tier == "export" and (demand.place or self.home) == self.home:
                found.update(self.model.taken(name, self.commodity, self.node))
        return found

    def total(self) -> Terms:
        return self.taken() if self.of_use else {**self.arrivals(), **self.domestic()}

    def _users(self) -> list[str]:
        demands = self.model.scenario.demands
        return [n for n, d in demands.items() if d.tier != "export" and (d.place or self.home) == self.home]

    def known(self) -> float:
        """The part of use that no column changes."""
        if not self.of_use:
            return 0.0
        wanted = self.model.scenario.demands
        mine = [name for name in self._users() if wanted[name].commodity == self.commodity]
        return sum(self.model.reading.wanted_t_per_y(name, self.node) for name in mine)

    def taken(self) -> Terms:
        """What plants take, and what other commodities' demands take instead of theirs."""
        found: Terms = {}
        for name, maker in self.model.reading.makers.items():
            if maker.place == self.home and self.commodity in maker.inputs:
                found.update(dict.fromkeys(self.model.runs(name, self.node), maker.inputs[self.commodity]))
        for name in self._users():
            if self.model.scenario.demands[name].commodity != self.commodity:
                found.update(self.model.taken(name, self.commodity, self.node))
        return found

    def row(self, counted: Terms, share: float) -> Terms:
        """What is counted, less a share of the total."""
        row: Terms = defaultdict(float, counted)
        for column, amount in self.total().items():
            row[column] = row.get(column, 0.0) - share * amount
        return dict(row)


def _capped(model: Model, entry: ShareCap, supply: Supply, node: Node) -> Terms:
    tag = model.content.of_cap(entry)
    if tag is None:
        return {
            column: model.reading.weight(route.origin, entry.places)
            for name, route in supply.routes.items()
            for column, _ in model.ships(name, node)
        }
    found: Terms = {column: 1.0 for name in supply.routes for column, lot in model.ships(name, node) if tag in lot.tags}
    for name, maker in model.reading.makers.items():
        if maker.place == supply.home:
            for number, making in enumerate(model.content.makings[name]):
                for lot, amount in zip(making.given, maker.outputs.values(), strict=True):
                    if lot.commodity == entry.commodity and tag in lot.tags:
                        found["make", name, number, node.name] = amount
    for column in supply.recovered():
        if tag in model.content.recovered[column[1]].tags:  # type: ignore[index]
            found[column] = 1.0
    return found


def _squares(model: Model, name: str, entry: ConcentrationCap, supply: Supply, node: Node) -> Terms:
    """Sum of the squares (each divided by the whole) less the index times the whole, as far as columns change it."""
    sources: dict[str, Terms] = defaultdict(dict)
    for route_name, route in supply.routes.items():
        members = model.scenario.places[route.origin].members or {route.origin: 1.0}
        for column, _ in model.ships(route_name, node):
            for member, share in members.items():
                sources[member][column] = sources[member].get(column, 0.0) + share
    for column, amount in supply.domestic().items():
        sources[supply.home][column] = sources[supply.home].get(column, 0.0) + amount
    whole = supply.total()
    row: Terms = {column: -node.period.mean(entry.cap_index) * amount for column, amount in whole.items()}
    for source, flows in sources.items():
        square = model.program.add(("square", name, source, node.name))
        row[square] = 1.0
        for number in range(entry.tangents):
            at = (2 * number + 1) / (2 * entry.tangents)
            tangent: Terms = {column: -at * at * amount for column, amount in whole.items()}
            for column, amount in flows.items():
                tangent[column] = tangent.get(column, 0.0) + 2 * at * amount
            model.program.add_at_most({**tangent, square: -1.0}, at * at * supply.known())
    return row


def _spending(model: Model, entry: Budget, node: Node) -> tuple[Terms, float]:
    length_y = node.period.length_y
    allowed = node.period.mean(entry.amount_kusd_per_y) * length_y
    terms: Terms = {}
    for name, project in model.scenario.projects.items():
        capex, extra = model.built.due(name, node)
        if "capex" in entry.covers:
            allowed -= capex + extra
        if "support" in entry.covers:
            allowed -= project.grant_share * capex
    if "onboarding" in entry.covers:
        for name, nodes in model.built.onboardings.items():
            rule = model.scenario.routes[name].onboarding
            assert rule is not None
            allowed -= rule.cost_kusd * (node.name in nodes)
    if "stock" in entry.covers:
        for name, pile in model.scenario.stockpiles.items():
            price = model.scenario.commodities[pile.commodity].reference_price_kusd_per_t
            paid = (0.0 if price is None else node.period.mean(price)) + pile.buying_premium_kusd_per_t
            for column in model.program.upper:
                if isinstance(column, tuple) and column[:2] == ("buy", name) and column[-1] == node.name:
                    terms[column] = length_y * paid
    if "support" in entry.covers:
        for name, maker in model.reading.makers.items():
            if maker.price_floor is not None:
                paid = max(0.0, support_kusd_per_t(maker, node.period))
                terms.update(dict.fromkeys(model.runs(name, node), length_y * paid))
    return terms, allowed
