"""Figures of a plan: one pure function each, from its tables to a Vega-Lite specification."""

from optimizer.figures.cost_by_term import cost_by_term
from optimizer.figures.flows import flows
from optimizer.figures.future_costs import future_costs
from optimizer.figures.spec import Spec
from optimizer.figures.stock_levels import stock_levels

__all__ = ["Spec", "cost_by_term", "flows", "future_costs", "stock_levels"]
