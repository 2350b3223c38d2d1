"""Helpers that turn arrays into index sets, parameters, variables and rows.

Pyomo is imported where a model is built: what constraints and variables say of themselves can be read without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from lodeplan.optimizer.model.declare import Constraint, Variable
from lodeplan.optimizer.model.scales import Key
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo

ONE_AT_A_TIME = threading.RLock()
"""Held while a model is built: to make a template, Pyomo replaces the iteration of sets in all threads."""


def add_set(m: pyo.ConcreteModel, name: str, members: Iterable[Any], dimen: int = 1) -> None:
    """An ordered index set."""
    import pyomo.core as pyo

    setattr(m, name, pyo.Set(initialize=list(members), dimen=dimen))


def add_links(
    m: pyo.ConcreteModel, name: str, links: Mapping[Any, Iterable[Any]], over: Sequence[Any], dimen: int = 1
) -> None:
    """A set for each member of `over`: its neighbours; none where `links` names none."""
    import pyomo.core as pyo

    index = pyo.Set(initialize=list(over), dimen=len(over[0]) if over and isinstance(over[0], tuple) else 1)
    setattr(m, f"{name}_index", index)
    if m.as_arrays:
        from lodeplan.optimizer.model.lazy import LazySets

        setattr(m, name, LazySets(index, links, dimen))
    else:
        setattr(m, name, pyo.Set(index, initialize={key: list(links.get(key, ())) for key in over}, dimen=dimen))


def add_param(m: pyo.ConcreteModel, name: str, values: Mapping[Any, float]) -> None:
    """A parameter over the keys given."""
    import pyomo.core as pyo

    first = next(iter(values), None)
    index = pyo.Set(initialize=list(values), dimen=len(first) if isinstance(first, tuple) else 1)
    setattr(m, f"{name}_index", index)
    if m.as_arrays:
        _add_array(m, name, np.fromiter(values.values(), float, len(values)), index)
    else:
        setattr(m, name, pyo.Param(index, initialize=dict(values), within=pyo.Any))


def add_param_by_node(m: pyo.ConcreteModel, name: str, index: pyo.Set, values: Floats | float) -> None:
    """A parameter over an index set and the nodes; values of shape (index, nodes), or one for all."""
    if m.as_arrays:
        size = len(index), len(m.NODES)
        _add_array(m, name, np.broadcast_to(np.asarray(values, float), size).ravel(), index, m.NODES)
    else:
        add_param(m, name, by_node(list(index), list(m.NODES), values))


def _add_array(m: pyo.ConcreteModel, name: str, values: Floats, *index: pyo.Set) -> None:
    """A parameter whose values stand beside it, in the order of its index set; Pyomo itself knows of none."""
    import pyomo.core as pyo

    param = pyo.Param(*index, within=pyo.Any)
    param.array_values = values
    setattr(m, name, param)


def add_number(m: pyo.ConcreteModel, name: str, value: float) -> None:
    """A parameter without an index."""
    import pyomo.core as pyo

    setattr(m, name, pyo.Param(initialize=value, within=pyo.Reals))


def add_variables(m: pyo.ConcreteModel, instance: Instance, variables: Iterable[Variable]) -> None:
    """Variables, each named as it is declared."""
    for variable in variables:
        setattr(m, variable.name, variable.make(m, instance))


def add_constraint(m: pyo.ConcreteModel, constraint: Constraint, *index: pyo.Set) -> None:
    """A constraint over these sets; nothing where they are empty (an empty one is no template).

    A row that no variable enters, such as a quota on what nothing feeds, holds by itself and is left out. Raises
    ValueError for one that cannot hold.
    """
    import pyomo.core as pyo

    @wraps(constraint.rule)
    def with_terms(*args: Any) -> Any:
        row = constraint.rule(*args)
        if not isinstance(row, bool | np.bool_):
            return row
        return pyo.Constraint.Skip if row else pyo.Constraint.Infeasible

    if not all(len(over) for over in index):
        return
    if m.as_arrays and index:
        from lodeplan.optimizer.model.lazy import LazyRows

        setattr(m, constraint.name, LazyRows(*index, rule=with_terms))
    else:
        setattr(m, constraint.name, pyo.Constraint(*index, rule=with_terms))


def add_objective(m: pyo.ConcreteModel, rule: Callable[..., Any]) -> None:
    """Add the objective, named as its rule."""
    import pyomo.core as pyo

    setattr(m, rule.__name__, pyo.Objective(rule=rule))


def flow(m: pyo.ConcreteModel, index: pyo.Set, limits: Floats | float) -> pyo.Var:
    """A variable at every node, from 0 to its limit; shape (index, nodes)."""
    import pyomo.core as pyo

    if m.as_arrays:
        variable = pyo.Var(index, m.NODES, dense=False)
        variable.array_upper = np.broadcast_to(np.asarray(limits, float), (len(index), len(m.NODES))).ravel()
        return variable
    return pyo.Var(index, m.NODES, bounds=upper_bounds(by_node(list(index), list(m.NODES), limits)))


def amount(index: pyo.Set) -> pyo.Var:
    """A variable that is at least 0."""
    import pyomo.core as pyo

    return pyo.Var(index, within=pyo.NonNegativeReals)


def any_sign(*index: pyo.Set) -> pyo.Var:
    """A variable free of sign."""
    import pyomo.core as pyo

    return pyo.Var(*index)


def yes_or_no(index: pyo.Set) -> pyo.Var:
    """A variable that is 0 or 1."""
    import pyomo.core as pyo

    return pyo.Var(index, within=pyo.Binary)


def part_of_one(index: pyo.Set) -> pyo.Var:
    """A variable between 0 and 1."""
    import pyomo.core as pyo

    return pyo.Var(index, bounds=(0, 1))


@contextmanager
def templates() -> Iterator[None]:
    """Have Pyomo make templates of the constraints and the objective that are built meanwhile, in this thread."""
    from pyomo.core.base import constraint, objective
    from pyomo.core.expr.template_expr import _template_iter_context as context

    flags = constraint.TEMPLATIZE_CONSTRAINTS, objective.TEMPLATIZE_OBJECTIVES
    functions = context.sum_template, context.get_iter
    constraint.TEMPLATIZE_CONSTRAINTS = objective.TEMPLATIZE_OBJECTIVES = True
    context.sum_template = _in_this_thread(context.sum_template)
    context.get_iter = _iterated_in_this_thread(context.get_iter)
    try:
        yield
    finally:
        constraint.TEMPLATIZE_CONSTRAINTS, objective.TEMPLATIZE_OBJECTIVES = flags
        context.sum_template, context.get_iter = functions


def _iterated_in_this_thread(get_iter: Callable[..., Any]) -> Callable[..., Any]:
    """Pyomo's members of a set for rules, and the ordinary ones for all other threads, which Pyomo would give templates
    as well."""
    from pyomo.core.base.set import _FiniteSetMixin
    from pyomo.core.expr.template_expr import GetAttrExpression, GetItemExpression

    builder = threading.get_ident()
    ordinary = {kind: kind.__iter__ for kind in (_FiniteSetMixin, GetItemExpression, GetAttrExpression)}

    def told_apart(context: Any, members: Any) -> Any:
        if threading.get_ident() == builder:
            return get_iter(context, members)
        return next(iterate for kind, iterate in ordinary.items() if isinstance(members, kind))(members)

    return told_apart


def _in_this_thread(sum_template: Callable[..., Any]) -> Callable[..., Any]:
    """Pyomo's `sum` for rules, and the ordinary one for all other threads, which Pyomo would give its own too: that
    fails where there is nothing to add up, and knows no start."""
    builder, ordinary = threading.get_ident(), sum

    def told_apart(context: Any, summands: Iterable[Any], /, *start: Any, **named: Any) -> Any:
        if start or named or threading.get_ident() != builder:
            return ordinary(summands, *start, **named)
        return sum_template(context, summands)

    return told_apart


def by_node(index: Sequence[Any], nodes: Sequence[str], values: Floats | float) -> dict[Key, float]:
    """Values of shape (index, nodes), or one for all, as a mapping from (*key, node)."""
    keys = [key if isinstance(key, tuple) else (key,) for key in index]
    if not keys:
        return {}
    flat = np.broadcast_to(np.asarray(values, float), (len(keys), len(nodes))).ravel().tolist()
    return dict(zip(((*key, node) for key, node in product(keys, nodes)), flat, strict=True))


def upper_bounds(limits: Mapping[Key, float]) -> Any:
    """Bounds rule: from 0 to the limit of the key, or without limit."""

    def rule(_: Any, *key: Any) -> tuple[float, float | None]:
        limit = limits[key]
        return (0.0, limit if np.isfinite(limit) else None)

    return rule
