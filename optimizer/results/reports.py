"""Report tables: sources of supply, its uses, its cost, and home's dependence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.demands import ITSELF
from lodeplan.optimizer.results.solution_tables import frame
from lodeplan.optimizer.results.values import Values
from lodeplan.schemas.kinds import SourceKind, UseKind
from lodeplan.schemas.scenario import Commodity

Row = tuple[Any, ...]


def report_tables(values: Values, do_nothing: Values | None) -> dict[str, pd.DataFrame]:
    """Derived tables that need no duals."""
    supply = frame("supply", list(_supply(values)))
    return {
        "supply": supply,
        "uses": frame("uses", list(_uses(values))),
        "cost_terms": frame("cost_terms", list(_cost_terms(values, do_nothing))),
        "duties": frame("duties", list(_duties(values))),
        "shortages": frame("shortages", list(_shortages(values))),
        "concentration": frame("concentration", list(_concentration(values, supply))),
    }


def by_year(values: Values, flow: Floats) -> Iterator[tuple[int, float, float]]:
    """(year, on the planned path, probability-weighted) of a flow by node, where either is not 0."""
    tree = values.instance.tree
    for nodes, year in zip(tree.by_period, tree.calendar.starts, strict=True):
        base = float(sum(flow[node] * tree.planned_share[node] for node in nodes))
        expected = float(sum(flow[node] * tree.probability[node] for node in nodes))
        if base or expected:
            yield year, base, expected


def _years(values: Values) -> dict[int, float]:
    """Length of each period, by its first year."""
    calendar = values.instance.tree.calendar
    return dict(zip(calendar.starts, map(float, calendar.lengths), strict=True))


def _supply(values: Values) -> Iterator[Row]:
    home = values.instance.scenario.home
    flows: dict[tuple[str, SourceKind, str], Floats] = {}

    def add(key: tuple[str, SourceKind, str], flow: Floats) -> None:
        flows[key] = flows.get(key, np.zeros(len(values.instance.tree))) + flow

    for row, (r, _) in enumerate(values.instance.trade.bands):
        route = values.instance.trade.routes[r]
        if route.destination == home:
            add((route.commodity, SourceKind.IMPORT, route.origin), values.flows["ship"][row])
    for row, (f, _) in enumerate(values.instance.supply.steps):
        producer = values.instance.supply.producers[f]
        if producer.place == home:
            for commodity, amount in producer.outputs.items():
                add((commodity, SourceKind.HOME, home), amount * values.flows["run"][row])
    for row, (z, place) in enumerate(zip(values.instance.stocks.names, values.instance.stocks.place, strict=True)):
        if place == home:
            add((values.instance.stocks.stockpiles[z].commodity, SourceKind.STOCK, home), values.flows["release"][row])
    for row, x in enumerate(values.instance.recovery.rules):
        commodity, _, place = values.instance.recovery.market[x]
        if place == home:
            add((commodity, SourceKind.RECYCLED, home), values.flows["recover"][row])
    for (commodity, kind, place), flow in flows.items():
        entry = values.instance.scenario.commodities[commodity]
        for row_of_year in _flow_by_year(values, entry, flow):
            yield commodity, entry.mineral_group, entry.stage, kind.value, place, *row_of_year


def _flow_by_year(values: Values, commodity: Commodity, flow: Floats) -> Iterator[Row]:
    """The columns that tables of flows end in, for each year with a flow of a commodity."""
    years, minerals = _years(values), "; ".join(commodity.minerals)
    for year, base, expected in by_year(values, flow):
        yield year, base, expected, years[year], minerals


def _uses(values: Values) -> Iterator[Row]:
    flows: dict[tuple[str, UseKind, str], Floats] = {}
    for commodity, kind, name, flow in (*_uses_by_demands(values), *_uses_by_others(values)):
        use = (commodity, kind, name)
        flows[use] = flows.get(use, np.zeros(len(values.instance.tree))) + flow
    for (commodity, kind, name), flow in flows.items():
        entry = values.instance.scenario.commodities[commodity]
        for row_of_year in _flow_by_year(values, entry, flow):
            yield commodity, entry.mineral_group, kind.value, name, *row_of_year


def _uses_by_demands(values: Values) -> Iterator[tuple[str, UseKind, str, Floats]]:
    """What demands at home take or do without: commodity, kind, name, flow by node."""
    demands, home = values.instance.demands, values.instance.scenario.home
    for row, ((d, _), option) in enumerate(demands.options.items()):
        demand = demands.demands[d]
        if (demand.place or home) != home:
            continue
        met = values.flows["use"][row]
        if option.market is None:
            yield demand.commodity, UseKind.REDUCED, demand.tier, met
        elif option.way == ITSELF:
            yield demand.commodity, UseKind.EXPORT if demand.tier == "export" else UseKind.DEMAND, demand.tier, met
        else:
            yield option.market[0], UseKind.SUBSTITUTE, d, option.takes_t_per_t * met
    for row, (d, _) in enumerate(demands.steps):
        demand = demands.demands[d]
        if (demand.place or home) == home:
            yield demand.commodity, UseKind.SHORTAGE, demand.tier, values.flows["short"][row]


def _uses_by_others(values: Values) -> Iterator[tuple[str, UseKind, str, Floats]]:
    """What plants, stockpiles, disposal and sales abroad take at home: commodity, kind, name, flow by node."""
    instance, home = values.instance, values.instance.scenario.home
    for row, (f, _) in enumerate(instance.supply.steps):
        producer = instance.supply.producers[f]
        if producer.place == home:
            for commodity, amount in producer.inputs.items():
                yield commodity, UseKind.PLANT, f, amount * values.flows["run"][row]
    for row, z in enumerate(instance.stocks.names):
        if instance.stocks.place[row] == home:
            yield instance.stocks.stockpiles[z].commodity, UseKind.STOCK, z, values.flows["buy"][row]
    for row, (commodity, place) in enumerate(instance.disposals):
        if place == home:
            yield commodity, UseKind.DISPOSAL, "", values.flows["dispose"][row]
    for row, (r, _) in enumerate(instance.trade.bands):
        route = instance.trade.routes[r]
        if route.origin == home:
            yield route.commodity, UseKind.EXPORT, route.destination, values.flows["ship"][row]


def _cost_terms(values: Values, do_nothing: Values | None) -> Iterator[Row]:
    before = do_nothing.node_costs() if do_nothing else {}
    for term, cost in values.node_costs().items():
        expected = values.expected(cost)
        idle = values.expected(before[term]) if term in before else None
        if expected or idle:
            yield term, expected, idle, None if idle is None else expected - idle


def _duties(values: Values) -> Iterator[Row]:
    tree, trade = values.instance.tree, values.instance.trade
    paid: dict[tuple[str, str], Floats] = {}
    rate: dict[tuple[str, str, int], float] = {}
    for row, (r, _) in enumerate(trade.bands):
        flow = values.flows["ship"][row]
        for node in np.flatnonzero(flow).tolist():
            for measure, duty in trade.duty_by_measure[row][node].items():
                key = (r, measure)
                paid.setdefault(key, np.zeros(len(tree)))[node] += duty * flow[node] * tree.length[node]
                if tree.planned_share[node] > 0:
                    rate[r, measure, tree.start[node]] = duty
    years = _years(values)
    for (r, measure), amount in paid.items():
        route = trade.routes[r]
        for year, base, expected in by_year(values, amount):
            yield (
                r,
                route.commodity,
                route.origin,
                year,
                measure,
                rate.get((r, measure, year)),
                base,
                expected,
                years[year],
            )


def _shortages(values: Values) -> Iterator[Row]:
    instance = values.instance
    tree = instance.tree
    tonnes: dict[tuple[str, str], Floats] = {}
    penalty: dict[tuple[str, str], Floats] = {}
    for row, (d, _) in enumerate(instance.demands.steps):
        demand = instance.demands.demands[d]
        key = (demand.commodity, demand.tier)
        short = values.flows["short"][row]
        cost = short * instance.demands.penalty_kusd_per_t[row] * tree.annuity_y * tree.discount
        tonnes[key] = tonnes.get(key, np.zeros(len(tree))) + short * tree.length
        penalty[key] = penalty.get(key, np.zeros(len(tree))) + cost
    years = _years(values)
    for (commodity, tier), short in tonnes.items():
        weighed = {year: expected for year, _, expected in by_year(values, penalty[commodity, tier])}
        for year, base, expected in by_year(values, short):
            yield commodity, tier, year, base, expected, weighed.get(year, 0.0), years[year]


def _concentration(values: Values, supply: pd.DataFrame) -> Iterator[Row]:
    home, years = values.instance.scenario.home, _years(values)
    exports = _Exports(values)
    for (commodity, year), by_place in _sources(values, supply).items():
        flow = np.array(list(by_place.values()))
        total = float(flow.sum())
        exported = exports.t_per_y(commodity, year)
        imported = float(np.array([flow for place, flow in by_place.items() if place != home]).sum())
        kept = total - exported
        reliance = max(0.0, imported - exported) / kept if kept > 0 else 0.0
        shares = flow / total
        largest = [*by_place][int(shares.argmax())]
        index = float((shares**2).sum())
        yield commodity, year, reliance, largest, float(shares.max()), index, years[year]


def _sources(values: Values, supply: pd.DataFrame) -> dict[tuple[str, int], dict[str, float]]:
    """New supply on the planned path by commodity and year, and in it by place, t/y; regions by their members."""
    selections, new = values.instance.content.selections, {kind for kind in SourceKind if kind.is_new}
    written: dict[tuple[str, int], dict[str, float]] = {}
    columns = ("commodity", "year", "source_kind", "place", "base_t_per_y")
    for commodity, year, kind, place, flow in zip(*(supply[column].tolist() for column in columns), strict=True):
        if kind in new and flow > 0:
            by_place = written.setdefault((commodity, year), {})
            by_place[place] = by_place.get(place, 0.0) + flow
    found: dict[tuple[str, int], dict[str, float]] = {}
    for key, by_place in written.items():
        of_members = found[key] = {}
        for place, flow in sorted(by_place.items()):
            for member, share in selections.parts(place).items():
                of_members[member] = of_members.get(member, 0.0) + share * flow
    return found


class _Exports:
    """What leaves home on the planned path, on routes and as sales abroad."""

    def __init__(self, values: Values) -> None:
        instance, home = values.instance, values.instance.scenario.home
        self._tree, self._flows = instance.tree, values.flows
        self._shipped: dict[str, list[int]] = {}
        self._sold: dict[str, list[tuple[int, float]]] = {}
        for row, (r, _) in enumerate(instance.trade.bands):
            if instance.trade.routes[r].origin == home:
                self._shipped.setdefault(instance.trade.routes[r].commodity, []).append(row)
        for row, option in enumerate(instance.demands.options.values()):
            is_export = instance.demands.demands[option.demand].tier == "export"
            if is_export and option.market is not None and option.market[2] == home:
                self._sold.setdefault(option.market[0], []).append((row, option.takes_t_per_t))

    def t_per_y(self, commodity: str, year: int) -> float:
        """In each year of the period that begins with `year`."""
        weight = np.where(np.array(self._tree.start) == year, self._tree.planned_share, 0.0)
        shipped = sum(float(self._flows["ship"][row] @ weight) for row in self._shipped.get(commodity, ()))
        sold = sum(takes * float(self._flows["use"][row] @ weight) for row, takes in self._sold.get(commodity, ()))
        return shipped + sold
