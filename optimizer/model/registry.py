"""Everything the model says of itself: its constraints, the limits that are bounds, and its variables."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from lodeplan.optimizer.model import balances, capacity, demands, limits, projects, recycling, risk, routes, stocks
from lodeplan.optimizer.model import variables as shared
from lodeplan.optimizer.model.declare import Bound, Constraint, Couples, Variable
from lodeplan.optimizer.model.scales import Scale

FAMILIES: tuple[ModuleType, ...] = (balances, capacity, projects, routes, stocks, demands, recycling, limits, risk)


@cache
def registry() -> dict[str, Constraint]:
    """Every constraint by name, in the order of the families."""
    return {constraint.name: constraint for family in FAMILIES for constraint in family.CONSTRAINTS}


@cache
def bounds() -> dict[str, Bound]:
    """Limits that are always bounds of a variable, by name."""
    return {bound.name: bound for family in FAMILIES for bound in getattr(family, "BOUNDS", ())}


@cache
def statements() -> dict[str, Constraint | Bound]:
    """All that the table of marginal values may name."""
    return {**registry(), **bounds()}


@cache
def variables() -> dict[str, Variable]:
    """Every variable by name: the shared ones, then those of one family."""
    modules = (shared, *FAMILIES)
    return {variable.name: variable for module in modules for variable in getattr(module, "VARIABLES", ())}


def coupling(what: Couples) -> tuple[str, ...]:
    """Constraints whose rows tie such things together."""
    return tuple(name for name, constraint in registry().items() if what in constraint.couples)


def constraints_in(scale: Scale) -> tuple[str, ...]:
    """Constraints whose rows are scaled so."""
    return tuple(name for name, constraint in registry().items() if constraint.scale is scale)


def variables_in(scale: Scale) -> tuple[str, ...]:
    """Variables that are scaled so."""
    return tuple(name for name, variable in variables().items() if variable.scale is scale)
