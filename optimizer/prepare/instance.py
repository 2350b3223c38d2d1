"""The instance: a scenario as index sets and frozen arrays, ready to become a model. No Pyomo here.

Everything is in t, kUSD and years; `units` says how the hand-off to the solver scales it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.optimizer.prepare.content import trace
from lodeplan.optimizer.prepare.costs import Costs, prepare_costs
from lodeplan.optimizer.prepare.demands import prepare_demands
from lodeplan.optimizer.prepare.effects import Effects
from lodeplan.optimizer.prepare.limits import prepare_limits
from lodeplan.optimizer.prepare.parts import Parts
from lodeplan.optimizer.prepare.projects import PROGRAMME_HANGS_ON, Programme, prepare_programme, prepare_qualification
from lodeplan.optimizer.prepare.recycling import prepare_recovery
from lodeplan.optimizer.prepare.stocks import prepare_stocks
from lodeplan.optimizer.prepare.subjects import Subjects
from lodeplan.optimizer.prepare.supply import prepare_supply
from lodeplan.optimizer.prepare.trade import KnownDuties, is_alike, prepare_trade
from lodeplan.optimizer.prepare.tree import Tree, build_tree
from lodeplan.optimizer.prepare.units import Units, prepare_units
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.order import in_order
from lodeplan.schemas.scenario import Scenario


@dataclass(frozen=True)
class Instance(Subjects):
    """A scenario by subject, with the units of the hand-off and every cost term."""

    units: Units
    best_kusd: Mapping[str, float] = field(default_factory=dict)
    """Least cost of each future if it were known to come: what regret is held against."""

    @cached_property
    def costs(self) -> Costs:
        """Every cost term."""
        return prepare_costs(self)


def prepare(
    scenario: Scenario, best_kusd: Mapping[str, float] | None = None, before: Instance | None = None
) -> Instance:
    """Turn a valid scenario into an instance; `best_kusd`: for regret, the least cost of each future by itself.

    Duties and the programme of projects, which take longest, are those of the instance `before` where nothing that they
    hang on is another one now.
    Whatever the order its entries are written in, the instance is the same.

    Raises ValueError only for input that `scenarios.rules` should have refused.
    """
    scenario = in_order(scenario)
    calendar = Calendar.of(scenario.horizon)
    tree = build_tree(scenario, calendar)
    selections = Selections(scenario)
    effects = Effects.of(scenario, tree, selections)
    content = trace(scenario, selections)
    supply = prepare_supply(scenario, effects, content)
    known = None if before is None else KnownDuties(before.scenario, before.tree, before.trade)
    trade = prepare_trade(effects, supply, content, known)
    demands = prepare_demands(scenario, effects, content)
    stocks = prepare_stocks(scenario, effects, demands.by_market())
    programme = _kept_programme(before, scenario, tree) or prepare_programme(scenario, tree)
    return Instance(
        scenario=scenario,
        tree=tree,
        content=content,
        supply=supply,
        trade=trade,
        programme=programme,
        qualification=prepare_qualification(tree, trade.onboarding),
        stocks=stocks,
        demands=demands,
        recovery=prepare_recovery(scenario, tree, content),
        limits=prepare_limits(tree, content, Parts(supply, trade, programme, stocks, demands)),
        units=prepare_units(scenario, supply, demands),
        best_kusd=best_kusd or {},
    )


def _kept_programme(before: Instance | None, scenario: Scenario, tree: Tree) -> Programme | None:
    """The programme of the instance before, where it can only be the same."""
    if before is None or not is_alike(scenario, before.scenario, PROGRAMME_HANGS_ON) or not tree.is_same(before.tree):
        return None
    return before.programme
