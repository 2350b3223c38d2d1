"""All figures by name: what each is called, what it is drawn for, and how."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from lodeplan.optimizer.decisions import decisions
from lodeplan.optimizer.figures.cost_by_term import cost_by_term
from lodeplan.optimizer.figures.flows import flows, group_flows
from lodeplan.optimizer.figures.future_costs import future_costs
from lodeplan.optimizer.figures.spec import Spec
from lodeplan.optimizer.figures.stock_levels import stock_levels
from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.tables.rows import records, years_in_words
from lodeplan.schemas import Scenario


class FigureName(StrEnum):
    """A figure of a plan."""

    FLOWS = "flows"
    STOCK_LEVELS = "stock_levels"
    COST_BY_TERM = "cost_by_term"
    FUTURE_COSTS = "future_costs"

    @property
    def by_group(self) -> bool:
        """True if it shows one mineral group."""
        return self in (FigureName.FLOWS, FigureName.STOCK_LEVELS)

    @property
    def by_year(self) -> bool:
        """True if it shows one period."""
        return self is FigureName.FLOWS


def mineral_groups(plan: Plan) -> list[str]:
    """Groups for which figures are drawn: all of the scenario."""
    return sorted({commodity.mineral_group for commodity in _scenario(plan).commodities.values()})


def years(plan: Plan) -> list[int]:
    """First years of the periods, for which figures are drawn."""
    return [*years_in_words(plan.tables)]


def telling_group(plan: Plan) -> str:
    """The group to show first: where most is decided; of those with as many decisions, where shortages weigh most."""
    commodities, piles = _scenario(plan).commodities, _scenario(plan).stockpiles
    opening = {f"stock {name}": pile.opening_t for name, pile in piles.items()}
    decided = Counter(
        commodities[decision.commodity].mineral_group
        for key, decision in decisions(plan).items()
        if decision.kind != "stock" or decision.level > opening[key]
    )
    penalty = Counter[str]()
    for row in records(plan.tables["shortages"]):
        penalty[commodities[row["commodity"]].mineral_group] += row["expected_penalty_kusd"]
    return min(mineral_groups(plan), key=lambda group: (-decided[group], -penalty[group], group))


def telling_year(plan: Plan, mineral_group: str) -> int:
    """The first year in which something of a group flows on the planned path, or the first."""
    found = (year for year in years(plan) if group_flows(dict(plan.tables), mineral_group, year))
    return next(found, years(plan)[0])


def draw(name: FigureName, plan: Plan, mineral_group: str, year: int) -> Spec:
    """A figure of a plan that has its scenario; a group or year that it is not drawn by is ignored."""
    tables, scenario = dict(plan.tables), _scenario(plan)
    match name:
        case FigureName.FLOWS:
            return flows(tables, scenario, mineral_group, year)
        case FigureName.STOCK_LEVELS:
            return stock_levels(tables, scenario, mineral_group)
        case FigureName.COST_BY_TERM:
            return cost_by_term(tables, scenario)
        case FigureName.FUTURE_COSTS:
            return future_costs(tables, scenario, plan.summary)


def _scenario(plan: Plan) -> Scenario:
    assert plan.scenario is not None, "figures are drawn with the scenario"
    return plan.scenario
