"""Components that a modeler adds to a model, such as a constraint."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from pyomo.core import Block, Component, ConcreteModel, Constraint, Expression, Param, RangeSet, Set, Suffix, Var
from pyomo.core.expr import identify_variables
from pyomo.core.expr.numvalue import polynomial_degree
from pyomo.repn import generate_standard_repn

from lodeplan.optimizer.model.data import ONE_AT_A_TIME
from lodeplan.schemas.problems import InputProblem, InvalidInput, at_most

KINDS = (Constraint, Var, Block, Expression, Param, Set, RangeSet, Suffix)
"""Kinds of components that the arrays follow, or that change nothing; of others the solver would never hear."""
MAKER = "a function that takes the model and returns a component, such as `lambda model: Constraint(expr=...)`"


def check_name(name: Any) -> None:
    """Raise `schemas.InvalidInput` for what cannot name a component."""
    if not isinstance(name, str) or not name.isidentifier():
        allowed = "letters, digits and `_`, with no digit first, such as `at_most_half`"
        raise InvalidInput([_wrong("name", "this cannot name a component.", name, allowed=allowed)])


def add_own(model: ConcreteModel, name: str, make: Callable[[ConcreteModel], Any]) -> None:
    """Make a component from a model and put it into the model under a name; nothing is in it where this raises.

    Raises `schemas.InvalidInput` for what the arrays cannot hold, such as constraints that are not linear, and what
    `make` itself raises.
    """
    component = _made(model, name, make)
    try:
        # While another model is made of templates, Pyomo would make one of this too.
        with ONE_AT_A_TIME:
            model.add_component(name, component)
        problems = refused(component, model)
    except Exception as error:
        _take_out(model, component)
        if isinstance(error, ValueError):
            message = f"Pyomo cannot construct this component: {' '.join(str(error).split())}"
            raise InvalidInput([_wrong(f"model.{name}", message)]) from error
        raise
    if problems:
        _take_out(model, component)
        raise InvalidInput(problems)


def refused(component: Any, model: ConcreteModel) -> list[InputProblem]:
    """The errors of what stands in a component of a model and the arrays cannot hold."""
    parts = [component, *_within(component)]
    kinds = [
        _wrong(
            f"model.{part.name}",
            "the solver would not hear of a component of this kind.",
            part.ctype.__name__,
            allowed=", ".join(kind.__name__ for kind in KINDS),
            remedy="The model has an objective already; change the scenario to change what counts."
            if part.ctype.__name__ == "Objective"
            else "Say it by linear constraints and yes/no variables.",
        )
        for part in parts
        if part is not model and part.ctype not in KINDS and part.active
    ]
    found = [_problem_of(member, model) for part in parts if part.ctype is Constraint for member in part.values()]
    variables = [_problem_of_variable(v) for part in parts if part.ctype is Var for v in part.values()]
    return at_most([*kinds, *(problem for problem in (*found, *variables) if problem is not None)])


def _made(model: ConcreteModel, name: str, make: Callable[[ConcreteModel], Any]) -> Any:
    """What `make` makes, where it is a component that is in no model yet."""
    if not callable(make) or isinstance(make, Component):
        raise InvalidInput([_wrong("make", f"nothing makes {name!r}.", type(make).__name__, allowed=MAKER)])
    try:
        component = make(model)
    except RuntimeError as error:
        if "before it has been constructed" not in str(error):
            raise
        message = "a component is used before it is constructed."
        remedy = "Call its `construct()` before you use it, or give it a rule."
        raise InvalidInput([_wrong(f"model.{name}", message, remedy=remedy)]) from error
    if not isinstance(component, Component):
        message, found = "what makes it must return a Pyomo component.", type(component).__name__
        raise InvalidInput([_wrong(f"model.{name}", message, found, allowed=MAKER)])
    if component is model or component.parent_block() is not None:
        message, remedy = "what makes it returns something that is in a model already.", "Make a new component."
        raise InvalidInput([_wrong(f"model.{name}", message, component.name, allowed=MAKER, remedy=remedy)])
    return component


def _take_out(model: ConcreteModel, component: Any) -> None:
    if component.parent_block() is model:
        model.del_component(component)


def _within(component: Any) -> Iterator[Any]:
    """Active components within a block."""
    if component.ctype is Block:
        for block in component.values():
            yield from block.component_objects(active=True, descend_into=True)


def _problem_of(constraint: Any, model: ConcreteModel) -> InputProblem | None:
    if not constraint.active:
        return None
    foreign = [v.name for v in identify_variables(constraint.body) if v.model() is not model]
    if foreign:
        message = "the constraint has a variable that is not in this model."
        remedy = "Use the variables of the model that `make` is given."
        return _wrong(f"model.{constraint.name}", message, foreign[0], remedy=remedy)
    if polynomial_degree(constraint.body) not in (0, 1):
        message, allowed = "the constraint is not linear.", "sums of variables, each times a number"
        remedy = "Replace products and powers of variables by linear constraints and yes/no variables."
        found = _wrong(f"model.{constraint.name}", message, str(constraint.expr)[:200], allowed=allowed, remedy=remedy)
        return found.model_copy(update={"code": "not_linear"})
    return _problem_of_numbers(constraint)


def _problem_of_numbers(constraint: Any) -> InputProblem | None:
    """The error of a linear constraint with a number that is none, or that nothing can keep."""
    body = generate_standard_repn(constraint.body)
    numbers = [body.constant, *body.linear_coefs]
    try:
        lower, _, upper = constraint.to_bounded_expression(evaluate_bounds=True)
        least, most = (-math.inf if lower is None else lower), (math.inf if upper is None else upper)
        sound = all(map(math.isfinite, numbers)) and least < math.inf and most > -math.inf
    except (ValueError, TypeError):
        sound = False
    if not sound:
        message = "the constraint has a number that is not finite."
        return _wrong(f"model.{constraint.name}", message, str(constraint.expr)[:200], allowed="finite numbers")
    if not body.linear_vars and not least <= body.constant <= most:
        message = "the constraint can never hold, since no variable is in it."
        remedy = "Leave it out, or return `Constraint.Skip`."
        return _wrong(f"model.{constraint.name}", message, str(constraint.expr)[:200], remedy=remedy)
    return None


def _problem_of_variable(variable: Any) -> InputProblem | None:
    try:
        bounds = variable.bounds
    except ValueError as error:
        message = "the variable has a bound that is not a number."
        return _wrong(f"model.{variable.name}", message, str(error), allowed="numbers, or None for no bound")
    if variable.domain.get_interval()[2] in (0, 1):
        return None
    allowed = "real numbers, whole numbers, or yes and no (`Reals`, `Integers`, `Binary`), with bounds"
    message = "the variable has a domain that the arrays cannot hold."
    return _wrong(f"model.{variable.name}", message, f"{variable.domain}, {bounds}", allowed=allowed)


def _wrong(
    path: str, message: str, value: Any = None, *, allowed: str | None = None, remedy: str | None = None
) -> InputProblem:
    return InputProblem(code="bad_component", path=path, message=message, value=value, allowed=allowed, remedy=remedy)
