"""Scenario to plan: no HTTP, no database, no global state.

>>> import optimizer
>>> plan = optimizer.solve("golden-toy")
>>> round(plan.summary.objective_kusd, 4)
5172.1574
"""

from optimizer.planning import solve
from optimizer.results import Plan, PlanError

__all__ = ["Plan", "PlanError", "solve"]
