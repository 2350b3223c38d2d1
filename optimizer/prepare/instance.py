"""The instance: a scenario as index sets and frozen arrays, ready to become a model. No Pyomo here.

Everything is in t, kUSD and years; `units` says how the hand-off to the solver scales it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from optimizer.prepare.calendar import Calendar
from optimizer.prepare.costs import Costs, prepare_costs
from optimizer.prepare.demands import Demands, prepare_demands
from optimizer.prepare.effects import Effects
from optimizer.prepare.limits import Limits, Parts, prepare_limits
from optimizer.prepare.projects import Programme, Qualification, prepare_programme, prepare_qualification
from optimizer.prepare.select import Places
from optimizer.prepare.stocks import Stocks, prepare_stocks
from optimizer.prepare.supply import Supply, prepare_supply
from optimizer.prepare.trade import Trade, prepare_trade
from optimizer.prepare.tree import Tree, build_tree
from optimizer.prepare.units import Units, prepare_units
from schemas.scenario import Scenario


@dataclass(frozen=True)
class Instance:
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
    units: Units

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

    @cached_property
    def costs(self) -> Costs:
        """Every cost term."""
        return prepare_costs(self)


def prepare(scenario: Scenario) -> Instance:
    """Turn a valid scenario into an instance.

    Raises ValueError only for input that `schemas.references` should have refused.
    """
    calendar = Calendar.of(scenario.horizon)
    tree = build_tree(scenario, calendar)
    places = Places(scenario)
    effects = Effects.of(scenario, tree, places)
    supply = prepare_supply(scenario, effects)
    trade = prepare_trade(scenario, effects, supply)
    demands = prepare_demands(scenario, effects)
    stocks = prepare_stocks(scenario, effects, demands.by_market())
    programme = prepare_programme(scenario, tree)
    return Instance(
        scenario=scenario,
        tree=tree,
        supply=supply,
        trade=trade,
        programme=programme,
        qualification=prepare_qualification(tree, trade.onboarding),
        stocks=stocks,
        demands=demands,
        limits=prepare_limits(scenario, tree, places, Parts(supply, programme, stocks, demands)),
        units=prepare_units(scenario, supply, demands),
    )
