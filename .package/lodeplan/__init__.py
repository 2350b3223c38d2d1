"""Plans the supply of critical minerals.

>>> import lodeplan
>>> plan = lodeplan.solve("golden-toy")
>>> round(plan.summary.objective_kusd, 4)
5172.1574

The rooms `schemas`, `scenarios`, `optimizer` and `service` are the folders of these names at the root of the
repository; the links beside this file point there. Names are loaded when they are asked for, so that whoever reads a
scenario does not load the solver.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lodeplan.optimizer import Plan, PlanError, solve
    from lodeplan.scenarios import load, names, validate
    from lodeplan.schemas import InvalidInput, Patch, Scenario

__all__ = ["InvalidInput", "Patch", "Plan", "PlanError", "Scenario", "load", "names", "solve", "validate"]

_ROOMS = {
    "lodeplan.optimizer": ("Plan", "PlanError", "solve"),
    "lodeplan.scenarios": ("load", "names", "validate"),
    "lodeplan.schemas": ("InvalidInput", "Patch", "Scenario"),
}


def __getattr__(name: str) -> Any:
    """A public name, from the room that has it."""
    for room, known in _ROOMS.items():
        if name in known:
            return getattr(import_module(room), name)
    raise AttributeError(f"module 'lodeplan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
