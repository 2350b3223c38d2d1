"""Material balances.

What a planner sees: nothing is used that was not made, shipped in, or taken from stock.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.model.data import add_constraint, add_links, add_param
from optimizer.prepare.instance import Instance


def commodity_balances(m: Any, k: str, q: str, n: str) -> Any:
    """What reaches a market leaves it, for every commodity, place and node.

    sum net output[f,k] run[f,i,n] + arrivals + release = departures + buy + dispose + served

    Unit: t/y of the commodity.
    Dual: what one more t of the commodity at the place is worth, kUSD per t/y (expected, discounted); positive.
    Kind: hard.
    Source: mass balance.
    """
    return sum(m.net_output[f, k] * m.run[f, i, n] for f, i in m.TOUCHED_BY[k, q]) + sum(
        m.ship[r, b, n] for r, b in m.ARRIVING[k, q]
    ) + sum(m.release[z, n] for z in m.HELD[k, q]) == sum(m.ship[r, b, n] for r, b in m.LEAVING[k, q]) + sum(
        m.buy[z, n] for z in m.HELD[k, q]
    ) + sum(m.dispose[c, p, n] for c, p in m.LET_GO[k, q]) + sum(m.served[d, n] for d in m.WANTED[k, q])


CONSTRAINTS = (commodity_balances,)


def add_balances(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Links from each market to what touches it, and the balance."""
    supply, trade = instance.supply, instance.trade
    touched: dict[tuple[str, str], list[tuple[str, int]]] = {}
    net: dict[tuple[str, str], float] = {}
    for f, i in supply.steps:
        producer = supply.producers[f]
        for k in {**producer.outputs, **producer.inputs}:
            touched.setdefault((k, producer.place), []).append((f, i))
            net[f, k] = producer.outputs.get(k, 0.0) - producer.inputs.get(k, 0.0)
    arriving: dict[tuple[str, str], list[tuple[str, str]]] = {}
    leaving: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for r, b in trade.bands:
        route = trade.routes[r]
        arriving.setdefault((route.commodity, route.destination), []).append((r, b))
        leaving.setdefault((route.commodity, route.origin), []).append((r, b))
    held: dict[tuple[str, str], list[str]] = {}
    for z, place in zip(instance.stocks.names, instance.stocks.place, strict=True):
        held.setdefault((instance.stocks.stockpiles[z].commodity, place), []).append(z)
    wanted: dict[tuple[str, str], list[str]] = {}
    for d, place in zip(instance.demands.names, instance.demands.place, strict=True):
        wanted.setdefault((instance.demands.demands[d].commodity, place), []).append(d)

    add_param(m, "net_output", net)
    add_links(m, "TOUCHED_BY", touched, instance.markets, dimen=2)
    add_links(m, "ARRIVING", arriving, instance.markets, dimen=2)
    add_links(m, "LEAVING", leaving, instance.markets, dimen=2)
    add_links(m, "HELD", held, instance.markets)
    add_links(m, "WANTED", wanted, instance.markets)
    add_links(m, "LET_GO", {market: [market] for market in instance.disposals}, instance.markets, dimen=2)
    add_constraint(m, commodity_balances, m.MARKETS, m.NODES)
