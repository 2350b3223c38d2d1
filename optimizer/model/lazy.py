"""Pyomo components whose members are made when somebody asks for one.

A model that is handed off as arrays needs next to none of them.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

from pyomo.core.base.constraint import IndexedConstraint, TemplateConstraintData
from pyomo.core.base.set import IndexedSet, InsertionOrderSetData
from pyomo.core.expr.template_expr import TemplateExpressionError, templatize_constraint


class LazySets(IndexedSet):  # type: ignore[misc]  # Pyomo has no types
    """A set for each key of an index set; `array_members` has the members of all by key, none where it names none."""

    def __init__(self, index: Any, members: Any, dimen: int) -> None:
        def members_of(_: Any, *key: Any) -> Any:
            return members.get(key if len(key) > 1 else key[0], ())

        super().__init__(index, initialize=members_of, dimen=dimen)
        self._ComponentDataClass = InsertionOrderSetData
        self.array_members = members

    def construct(self, data: Any = None) -> None:
        """Make no member yet."""
        self._constructed = True


class LazyRows(IndexedConstraint):  # type: ignore[misc]
    """A constraint with one expression for all of its rows, in `array_template`, where its rule can be made one."""

    def construct(self, data: Any = None) -> None:
        """Make the expression and no row yet; all rows where there is no such expression."""
        try:
            self.array_template = templatize_constraint(self)
            self._constructed = True
        except TemplateExpressionError:
            super().construct(data)

    def _getitem_when_not_present(self, index: Any) -> Any:
        member = self._data[index] = TemplateConstraintData(self.array_template, ref(self), index)
        return member
