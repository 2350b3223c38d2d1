"""What a solve answers: tidy tables, a summary, findings in words."""

from lodeplan.optimizer.results.plan import Plan, PlanError, make_plan

__all__ = ["Plan", "PlanError", "make_plan"]
