"""Titles of entries of the scenario that a plan answers."""

from __future__ import annotations

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.words.titles import title_of


def title(plan: Plan, collection: str, name: str) -> str:
    """Of `projects`, `routes` and so on; the name where the entry has no title, or nobody knows the scenario."""
    return title_of(getattr(plan.scenario, collection, {}), name)
