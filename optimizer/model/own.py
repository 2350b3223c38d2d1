"""Components that a modeler adds to a model, such as a constraint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyomo.core import Block, ConcreteModel, Constraint
from pyomo.core.expr.numvalue import polynomial_degree

from lodeplan.optimizer.model.data import ONE_AT_A_TIME
from lodeplan.schemas.problems import InputProblem, InvalidInput, at_most


def add_own(model: ConcreteModel, name: str, component: Any) -> None:
    """Put a component into a model under a name; nothing is in it where this raises.

    Raises TypeError for what is no component, ValueError for an objective, `schemas.InvalidInput` for constraints that
    are not linear.
    """
    kind = getattr(component, "ctype", None)
    if kind is None:
        raise TypeError(
            f"What makes {name!r} must return a Pyomo component, such as `Constraint(expr=...)`, and no "
            f"{type(component).__name__}."
        )
    if kind.__name__ == "Objective":
        raise ValueError("The model has an objective already; change the scenario to change what counts.")
    # While another model is made of templates, Pyomo would make one of this too.
    with ONE_AT_A_TIME:
        model.add_component(name, component)
    if problems := nonlinear(component):
        model.del_component(component)
        raise InvalidInput(problems)


def nonlinear(component: Any) -> list[InputProblem]:
    """The errors of constraints in a component that are not linear in the variables."""
    found = [
        InputProblem(
            code="not_linear",
            path=f"model.{constraint.name}",
            message="the constraint is not linear.",
            value=str(constraint.expr)[:200],
            allowed="sums of variables, each times a number",
            remedy="Replace products and powers of variables by linear constraints and yes/no variables.",
        )
        for constraint in _constraints(component)
        if polynomial_degree(constraint.body) not in (0, 1)
    ]
    return at_most(found)


def _constraints(component: Any) -> Iterator[Any]:
    """Active constraints of a constraint, or within a block."""
    if component.ctype is Constraint:
        yield from (member for member in component.values() if member.active)
    elif component.ctype is Block:
        for block in component.values():
            yield from block.component_data_objects(Constraint, active=True)
