"""Labels of columns and rows of the arrays, without the Pyomo objects behind them.

Pyomo's data objects know their component only as long as the model lives.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Label(NamedTuple):
    """A variable or constraint, and the index of one of its members."""

    component: str
    key: tuple[Any, ...]

    @classmethod
    def of(cls, member: Any) -> Label:
        """The label of a Pyomo data object."""
        index = member.index()
        return cls(member.parent_component().local_name, index if isinstance(index, tuple) else (index,))
