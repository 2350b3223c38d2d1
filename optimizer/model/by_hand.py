"""Changes that a modeler makes to a model that was built, by hand and not by `Problem`."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from pyomo.core import ConcreteModel, Constraint, Var

from lodeplan.schemas.problems import InputProblem, InvalidInput

State = list[Any]


class AsBuilt:
    """Components of a model as they were built: bounds and fixed values of variables, and which constraints count."""

    def __init__(self, model: ConcreteModel) -> None:
        self._states = {part.local_name: _state(part) for part in model.component_objects(descend_into=False)}

    def note(self, component: Any) -> None:
        """Count a component as it is now among those that were built."""
        self._states[component.local_name] = _state(component)

    def changed(self, model: ConcreteModel) -> list[str]:
        """Names of components that were added, taken out or changed since."""
        now = {part.local_name: part for part in model.component_objects(descend_into=False)}
        gone = self._states.keys() - now.keys()
        others = [name for name, part in now.items() if self._states.get(name) != _state(part)]
        return sorted([*gone, *others])


def refuse_fixed(model: ConcreteModel, own: Container[str]) -> None:
    """Raise `schemas.InvalidInput` for fixed variables that are not a modeler's own: the plan would not have them."""
    for variable in model.component_objects(Var, descend_into=False):
        if variable.local_name in own or hasattr(variable, "array_upper"):
            continue
        fixed = next((member for member in variable.values() if member.fixed), None)
        if fixed is not None:
            remedy = "Release it with its `unfix()`, and hold it with `Problem.fix`."
            message = "this variable is fixed by hand, and would be missing in the plan."
            raise InvalidInput(
                [
                    InputProblem(
                        code="fixed_by_hand",
                        path=f"model.{fixed.name}",
                        message=message,
                        value=fixed.value,
                        remedy=remedy,
                    )
                ]
            )


def _state(component: Any) -> State:
    """What of a component may be changed by hand, within blocks too."""
    if component.ctype is Var:
        return [] if hasattr(component, "array_upper") else [(v.lb, v.ub, v.fixed) for v in component.values()]
    if component.ctype is Constraint:
        return [member.active for member in component.values()]
    if hasattr(component, "component_objects"):
        return [[part.name, *_state(part)] for part in component.component_objects((Var, Constraint))]
    return []
