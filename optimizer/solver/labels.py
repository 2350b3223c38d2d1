"""Labels of columns and rows of the arrays, without the Pyomo objects behind them.

Pyomo's data objects know their component only as long as the model lives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from lodeplan.optimizer.solver.arrays import Range


class Label(NamedTuple):
    """A variable or constraint, and the index of one of its members."""

    component: str
    key: tuple[Any, ...]

    @classmethod
    def of(cls, member: Any) -> Label:
        """The label of a Pyomo data object."""
        index = member.index()
        return cls(member.parent_component().local_name, index if isinstance(index, tuple) else (index,))


def labels_of(ranges: Iterable[Range]) -> tuple[Label, ...]:
    """A label for each member of these ranges of columns or rows."""
    found: list[Label] = []
    for part in ranges:
        name, index = part.component.local_name, list(part.component.keys())
        keys = (index[member] for member in part.members.tolist())
        found += [Label(name, key if type(key) is tuple else (key,)) for key in keys]
    return tuple(found)
