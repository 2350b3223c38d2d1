"""A scenario by subject, as index sets and arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lodeplan.optimizer.prepare.content import Content, Market
from lodeplan.optimizer.prepare.demands import Demands
from lodeplan.optimizer.prepare.limits import Limits
from lodeplan.optimizer.prepare.projects import Programme, Qualification
from lodeplan.optimizer.prepare.recycling import Recovery
from lodeplan.optimizer.prepare.stocks import Stocks
from lodeplan.optimizer.prepare.supply import Supply
from lodeplan.optimizer.prepare.trade import Trade
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.schemas.scenario import Scenario


@dataclass(frozen=True)
class Subjects:
    """A scenario by subject."""

    scenario: Scenario
    tree: Tree
    content: Content
    supply: Supply
    trade: Trade
    programme: Programme
    qualification: Qualification
    stocks: Stocks
    demands: Demands
    recovery: Recovery
    limits: Limits

    @cached_property
    def made(self) -> dict[tuple[str, str], dict[Market, float]]:
        """Net output per t of activity, t by market, of each (producer, mode); the mode is empty where there is one."""
        supply = self.supply
        modes = {(name, ""): mode for name, mode in supply.single_mode.items()} | dict(supply.activities)
        return {key: supply.parts(mode, key[0], self.content) for key, mode in modes.items()}

    @cached_property
    def held(self) -> dict[str, Market]:
        """The market each stockpile buys from and releases to."""
        found = {}
        for name, place in zip(self.stocks.names, self.stocks.place, strict=True):
            commodity = self.stocks.stockpiles[name].commodity
            found[name] = (commodity, self.content.written(commodity, self.content.held(name)), place)
        return found

    @cached_property
    def markets(self) -> tuple[Market, ...]:
        """Every (commodity, variant, place) where something is made, shipped, stored or wanted, in a stable order."""
        found: dict[Market, None] = {}
        for by_market in self.made.values():
            found |= dict.fromkeys(by_market)
        for band in self.trade.bands.values():
            found[band.sent] = None
            found[band.arrived] = None
        found |= dict.fromkeys(self.held.values())
        found |= dict.fromkeys(self.recovery.market.values())
        found |= dict.fromkeys(option.market for option in self.demands.options.values() if option.market)
        for commodity, place, variant, target in self.declarations:
            found[commodity, variant, place] = None
            found[commodity, target, place] = None
        return tuple(found)

    @cached_property
    def declarations(self) -> tuple[tuple[str, str, str, str], ...]:
        """(commodity, place, variant, variant as which it is declared)."""
        written = self.content.written
        return tuple((k, q, written(k, v), written(k, target)) for k, q, v, target in self.content.declarations)

    @cached_property
    def disposals(self) -> tuple[tuple[str, str], ...]:
        """(commodity, place) where a surplus may be let go: of the variant with all tags."""
        found = {(k, q): None for k, _, q in self.markets if self.scenario.commodities[k].disposable}
        return tuple(found)
