"""Plans the supply of critical minerals.

>>> import lodeplan
>>> plan = lodeplan.solve("golden-toy")
>>> round(plan.summary.objective_kusd, 4)
5172.1574

`solve` makes a plan of a scenario (a file, a folder, data, or a shipped name), `load` and `validate` read one, `names`
lists those that are shipped. `duty` says what an import pays, `compare` what differs between two plans
and why. `read_plan` reads a plan that was saved.

The rooms `schemas`, `scenarios`, `optimizer` and `service` are the folders of these names at the root of the
repository; the links beside this file point there. Names are loaded when they are asked for, so that whoever reads a
scenario does not load the solver.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lodeplan.optimizer import Plan, PlanError, Problem, read_plan, solve
    from lodeplan.optimizer.studies.compare import compare
    from lodeplan.optimizer.studies.duty import duty
    from lodeplan.scenarios import load, names, validate
    from lodeplan.schemas import InvalidInput, Patch, Scenario

__all__ = [
    "InvalidInput",
    "Patch",
    "Plan",
    "PlanError",
    "Problem",
    "Scenario",
    "compare",
    "duty",
    "load",
    "names",
    "read_plan",
    "solve",
    "validate",
]

_ROOMS = {
    "lodeplan.optimizer": ("Plan", "PlanError", "Problem", "read_plan", "solve"),
    "lodeplan.optimizer.studies.compare": ("compare",),
    "lodeplan.optimizer.studies.duty": ("duty",),
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
