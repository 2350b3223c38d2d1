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
    for period, year in enumerate(tree.calendar.starts):
        nodes = [node for node in range(len(tree)) if tree.period[node] == period]
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
    home, selections, years = values.instance.scenario.home, values.instance.content.selections, _years(values)
    sources = supply[supply.source_kind.isin([kind for kind in SourceKind if kind.is_new]) & (supply.base_t_per_y > 0)]
    for (commodity, year), rows in sources.groupby(["commodity", "year"], sort=False):
        by_place = pd.Series(dtype=float)
        for place, flow in rows.groupby("place").base_t_per_y.sum().items():
            for member, share in selections.parts(str(place)).items():
                by_place[member] = by_place.get(member, 0.0) + share * flow
        total = float(by_place.sum())
        first = int(str(year))
        exported = _exported(values, str(commodity), first)
        imported = float(by_place.drop(home, errors="ignore").sum())
        kept = total - exported
        reliance = max(0.0, imported - exported) / kept if kept > 0 else 0.0
        shares = by_place / total
        index = float((shares**2).sum())
        yield commodity, first, reliance, shares.idxmax(), float(shares.max()), index, years[first]


def _exported(values: Values, commodity: str, year: int) -> float:
    """What leaves home on the planned path in a year's period, on routes and as sales abroad, t/y."""
    instance = values.instance
    weight = np.where(np.array(instance.tree.start) == year, instance.tree.planned_share, 0.0)
    shipped = sum(
        float(values.flows["ship"][row] @ weight)
        for row, (r, _) in enumerate(instance.trade.bands)
        if instance.trade.routes[r].origin == instance.scenario.home and instance.trade.routes[r].commodity == commodity
    )
    sold = sum(
        option.takes_t_per_t * float(values.flows["use"][row] @ weight)
        for row, option in enumerate(instance.demands.options.values())
        if instance.demands.demands[option.demand].tier == "export"
        and option.market is not None
        and (option.market[0], option.market[2]) == (commodity, instance.scenario.home)
    )
    return shipped + sold
