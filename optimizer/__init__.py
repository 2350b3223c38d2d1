"""Scenario to plan: no HTTP, no database, no global state.

>>> import lodeplan
>>> plan = lodeplan.solve("golden-toy")
>>> round(plan.summary.objective_kusd, 4)
5172.1574

Names are loaded when first used, so a plan can be read without the solver.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lodeplan.optimizer.memory import TooLarge
    from lodeplan.optimizer.plan import Plan, PlanError, read_plan
    from lodeplan.optimizer.planning import solve
    from lodeplan.optimizer.problem import Problem
    from lodeplan.optimizer.tables.stored import read_document

__all__ = ["Plan", "PlanError", "Problem", "TooLarge", "read_document", "read_plan", "solve"]

_MODULES = {
    "Plan": "plan",
    "PlanError": "plan",
    "Problem": "problem",
    "TooLarge": "memory",
    "read_document": "tables.stored",
    "read_plan": "plan",
    "solve": "planning",
}


def __getattr__(name: str) -> Any:
    """A public name, from the module that has it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
