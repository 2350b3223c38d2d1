"""How arrays become index sets and parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from itertools import product
from typing import Any

import numpy as np
import pyomo.environ as pyo

from lodeplan.optimizer.prepare.calendar import Floats

Key = tuple[Any, ...]


def add_set(m: pyo.ConcreteModel, name: str, members: Iterable[Any], dimen: int = 1) -> None:
    """An ordered index set."""
    setattr(m, name, pyo.Set(initialize=list(members), dimen=dimen))


def add_links(
    m: pyo.ConcreteModel, name: str, links: Mapping[Any, Iterable[Any]], over: Sequence[Any], dimen: int = 1
) -> None:
    """A set for each member of `over`: its neighbours; none where `links` names none."""
    index = pyo.Set(initialize=list(over), dimen=len(over[0]) if over and isinstance(over[0], tuple) else 1)
    setattr(m, f"{name}_index", index)
    setattr(m, name, pyo.Set(index, initialize={key: list(links.get(key, ())) for key in over}, dimen=dimen))


def add_param(m: pyo.ConcreteModel, name: str, values: Mapping[Any, float]) -> None:
    """A parameter over the keys given."""
    first = next(iter(values), None)
    index = pyo.Set(initialize=list(values), dimen=len(first) if isinstance(first, tuple) else 1)
    setattr(m, f"{name}_index", index)
    setattr(m, name, pyo.Param(index, initialize=dict(values), within=pyo.Any))


def add_constraint(m: pyo.ConcreteModel, rule: Callable[..., Any], *index: pyo.Set) -> None:
    """A constraint named as its rule, over these sets; nothing where they are empty (an empty one is no template).

    A row that no variable enters, such as a quota on what nothing feeds, holds by itself and is left out. Raises
    ValueError for one that cannot hold.
    """

    @wraps(rule)
    def with_terms(*args: Any) -> Any:
        row = rule(*args)
        if not isinstance(row, bool | np.bool_):
            return row
        return pyo.Constraint.Skip if row else pyo.Constraint.Infeasible

    if all(len(over) for over in index):
        setattr(m, rule.__name__, pyo.Constraint(*index, rule=with_terms))


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
