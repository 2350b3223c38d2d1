"""A scenario by subject, as index sets and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from optimizer.prepare.demands import Demands
from optimizer.prepare.limits import Limits
from optimizer.prepare.projects import Programme, Qualification
from optimizer.prepare.stocks import Stocks
from optimizer.prepare.supply import Supply
from optimizer.prepare.trade import Trade
from optimizer.prepare.tree import Tree
from schemas.scenario import Scenario


@dataclass(frozen=True)
class Subjects:
    """A scenario by subject."""

    scenario: Scenario
    tree: Tree
    supply: Supply
    trade: Trade
    programme: Programme
    qualification: Qualification
    stocks: Stocks
    demands: Demands
    limits: Limits

    @cached_property
    def markets(self) -> tuple[tuple[str, str], ...]:
        """Every (commodity, place) where something is made, shipped, stored or wanted, in a stable order."""
        found: dict[tuple[str, str], None] = {}
        for producer in self.supply.producers.values():
            for commodity in (*producer.outputs, *producer.inputs):
                found[commodity, producer.place] = None
        for route in self.trade.routes.values():
            found[route.commodity, route.origin] = None
            found[route.commodity, route.destination] = None
        for name, place in zip(self.stocks.names, self.stocks.place, strict=True):
            found[self.stocks.stockpiles[name].commodity, place] = None
        for name, place in zip(self.demands.names, self.demands.place, strict=True):
            found[self.demands.demands[name].commodity, place] = None
        return tuple(found)

    @cached_property
    def disposals(self) -> tuple[tuple[str, str], ...]:
        """Markets where a surplus may be let go."""
        return tuple(market for market in self.markets if self.scenario.commodities[market[0]].disposable)
