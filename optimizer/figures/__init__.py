"""Figures of a plan: one pure function each, from its tables to a Vega-Lite specification."""

from lodeplan.optimizer.figures.cost_by_term import cost_by_term
from lodeplan.optimizer.figures.drawing import FigureName, draw, mineral_groups, telling_group, telling_year, years
from lodeplan.optimizer.figures.flows import flows
from lodeplan.optimizer.figures.future_costs import future_costs
from lodeplan.optimizer.figures.spec import Spec
from lodeplan.optimizer.figures.stock_levels import AS_PLANNED, stock_levels, stock_points
from lodeplan.optimizer.tables.rows import years_in_words

__all__ = [
    "AS_PLANNED",
    "FigureName",
    "Spec",
    "cost_by_term",
    "draw",
    "flows",
    "future_costs",
    "mineral_groups",
    "stock_levels",
    "stock_points",
    "telling_group",
    "telling_year",
    "years",
    "years_in_words",
]
