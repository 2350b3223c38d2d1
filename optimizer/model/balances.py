"""Material balances.

What a planner sees: nothing is used that was not made, shipped in, recovered, or taken from stock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lodeplan.optimizer.model.data import add_constraint, add_links, add_param
from lodeplan.optimizer.model.declare import Price, constraint
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.content import Market
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.commodity,
    marginal_value=Price("t/y", home="q"),
)
def commodity_balances(m: Any, k: str, v: str, q: str, n: str) -> Any:
    """Everything that reaches a market leaves it, for every commodity (in each variant, where it is traced), place and
    node.

    sum net output[f] run[f,i,n] + net output[f,h] activity[f,h,n] + arrivals + release + recovered + declared as v
    = departures + buy + dispose + declared as another + takes[d,o] use[d,o,n]

    Unit: t/y of the commodity.
    Dual: what one more t of the commodity at the place is worth, kUSD per t/y (expected, discounted); positive.
    Kind: hard.
    Source: mass balance.
    """
    return sum(m.net_output_t_per_t[f, k, v, q] * m.run[f, i, n] for f, i in m.TOUCHED_BY[k, v, q]) + sum(
        m.mode_output_t_per_t[f, h, k, v, q] * m.activity[f, h, n] for f, h in m.ACTIVE[k, v, q]
    ) + sum(m.ship[r, b, n] for r, b in m.ARRIVING[k, v, q]) + sum(m.release[z, n] for z in m.HELD[k, v, q]) + sum(
        m.recover[x, n] for x in m.RECOVERED[k, v, q]
    ) + sum(m.declare[k, q, vv, v, n] for vv in m.DECLARED_AS[k, v, q]) == sum(
        m.ship[r, b, n] for r, b in m.LEAVING[k, v, q]
    ) + sum(m.buy[z, n] for z in m.HELD[k, v, q]) + sum(m.dispose[kk, qq, n] for kk, qq in m.LET_GO[k, v, q]) + sum(
        m.declare[k, q, v, vv, n] for vv in m.DECLARED_FROM[k, v, q]
    ) + sum(m.takes_t_per_t[d, o] * m.use[d, o, n] for d, o in m.WANTED[k, v, q])


CONSTRAINTS = (commodity_balances,)


def add_balances(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Links from each market to what touches it, and the balance."""
    steps_of: dict[str, list[tuple[str, int]]] = {}
    for step in instance.supply.steps:
        steps_of.setdefault(step[0], []).append(step)
    touched: dict[Market, list[tuple[str, int]]] = {}
    active: dict[Market, list[tuple[str, str]]] = {}
    for (f, mode), by_market in instance.made.items():
        for market in by_market:
            if (f, mode) in instance.supply.activities:
                active.setdefault(market, []).append((f, mode))
            else:
                touched.setdefault(market, []).extend(steps_of[f])
    arriving: dict[Market, list[tuple[str, str]]] = {}
    leaving: dict[Market, list[tuple[str, str]]] = {}
    for key, band in instance.trade.bands.items():
        arriving.setdefault(band.arrived, []).append(key)
        leaving.setdefault(band.sent, []).append(key)
    let_go: dict[Market, list[tuple[str, str]]] = {}
    for k, q in instance.disposals:
        let_go.setdefault((k, instance.content.written(k, instance.content.lowest(k)), q), []).append((k, q))
    declared_as: dict[Market, list[str]] = {}
    declared_from: dict[Market, list[str]] = {}
    for k, q, variant, target in instance.declarations:
        declared_as.setdefault((k, target, q), []).append(variant)
        declared_from.setdefault((k, variant, q), []).append(target)
    options = instance.demands.options
    wanted = {key: option.market for key, option in options.items() if option.market is not None}

    made = instance.made
    activities = instance.supply.activities
    single = {
        (f, *market): t for (f, mode), of in made.items() if (f, mode) not in activities for market, t in of.items()
    }
    moded = {(f, mode, *market): t for (f, mode) in activities for market, t in made[f, mode].items()}
    add_param(m, "net_output_t_per_t", single)
    add_param(m, "mode_output_t_per_t", moded)
    add_param(m, "takes_t_per_t", {key: options[key].takes_t_per_t for key in wanted})
    markets = instance.markets
    add_links(m, "TOUCHED_BY", touched, markets, dimen=2)
    add_links(m, "ACTIVE", active, markets, dimen=2)
    add_links(m, "ARRIVING", arriving, markets, dimen=2)
    add_links(m, "LEAVING", leaving, markets, dimen=2)
    add_links(m, "HELD", _by_market(instance.held), markets)
    add_links(m, "RECOVERED", _by_market(instance.recovery.market), markets)
    add_links(m, "DECLARED_AS", declared_as, markets)
    add_links(m, "DECLARED_FROM", declared_from, markets)
    add_links(m, "WANTED", _by_market(wanted), markets, dimen=2)
    add_links(m, "LET_GO", let_go, markets, dimen=2)
    add_constraint(m, commodity_balances, m.MARKETS, m.NODES)


def _by_market(market_of: Mapping[Any, Market]) -> dict[Market, list[Any]]:
    found: dict[Market, list[Any]] = {}
    for key, market in market_of.items():
        found.setdefault(market, []).append(key)
    return found
