"""Scenario to plan: no HTTP, no database, no global state.

>>> import lodeplan
>>> plan = lodeplan.solve("golden-toy")
>>> round(plan.summary.objective_kusd, 4)
5172.1574
"""

from lodeplan.optimizer.planning import solve
from lodeplan.optimizer.results import Plan, PlanError

__all__ = ["Plan", "PlanError", "solve"]
