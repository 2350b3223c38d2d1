"""Decisions of a plan on its planned path: starts, onboardings and filled stocks."""

from __future__ import annotations

from dataclasses import dataclass

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.words.numbers import tonnes
from lodeplan.schemas.scenario import Scenario


@dataclass(frozen=True)
class Decision:
    """Something decided on the planned path, and the commodity it is about."""

    kind: str
    title: str
    commodity: str
    detail: str
    level: float = 1.0


def decisions(plan: Plan) -> dict[str, Decision]:
    """Starts, onboardings and filled stocks by key."""
    scenario = scenario_of(plan)
    found = {}
    for start in plan.summary.projects:
        project = scenario.projects[start.name]
        detail = f"started in {start.start} ({start.track.replace('_', ' ')})"
        title = project.title or start.name
        found[f"project {start.name}"] = Decision("project", title, next(iter(project.outputs)), detail)
    for start in plan.summary.onboardings:
        route = scenario.routes[start.name]
        title = route.title or start.name
        found[f"supplier {start.name}"] = Decision("supplier", title, route.commodity, f"onboarded in {start.start}")
    for name, pile in scenario.stockpiles.items():
        level = max((s.stock_t for s in plan.summary.stocks if s.name == name), default=0.0)
        detail = f"filled up to {tonnes(level)}" if level else "left empty"
        found[f"stock {name}"] = Decision("stock", pile.title or name, pile.commodity, detail, level)
    return found


def scenario_of(plan: Plan) -> Scenario:
    """The scenario that a plan answers, without which its decisions have no names."""
    assert plan.scenario is not None, "a plan is compared with its scenario"
    return plan.scenario
