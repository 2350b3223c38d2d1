"""A template of constraints expanded over all of its index at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyomo.core as pyo
from pyomo.common.numeric_types import native_numeric_types
from pyomo.core.expr.numeric_expr import (
    DivisionExpression,
    NegationExpression,
    ProductExpression,
    SumExpressionBase,
)
from pyomo.core.expr.template_expr import GetItemExpression, IndexTemplate, TemplateSumExpression

from lodeplan.optimizer.solver.arrays.positions import Codes, Positions

Floats = npt.NDArray[np.float64]


class NoArrays(Exception):
    """A template that holds something that arrays are not made of, in words."""


class Columns(Protocol):
    """Begin of the columns of variables."""

    def first_column(self, variable: Any) -> int:
        """The first column of a variable's members, which stand in the order of its index set."""


@dataclass
class Scope:
    """Index parts as codes for each term, the row it is of, and what it is multiplied by."""

    parts: dict[int, Any]
    row: npt.NDArray[np.int64]
    factor: Any
    above: Scope | None = None
    repeats: npt.NDArray[np.int64] | None = None
    """Position of each term in the scope above."""
    turn: int = 0

    def place(self, position: int, turn: int) -> tuple[int, ...]:
        """Place of a term among all of the constraint, in the order in which Pyomo would come to it."""
        path = [turn, position]
        scope = self
        while scope.above is not None and scope.repeats is not None:
            position = int(scope.repeats[position])
            path += [scope.turn, position]
            scope = scope.above
        return tuple(reversed(path))


@dataclass
class Terms:
    """Entries of the matrix: rows, columns and coefficients, and the constant of each row."""

    row: list[npt.NDArray[np.int32]] = field(default_factory=list)
    column: list[npt.NDArray[np.int32]] = field(default_factory=list)
    value: list[Floats] = field(default_factory=list)
    first: dict[int, tuple[tuple[int, ...], Any]] = field(default_factory=dict)
    """Of each variable where it first comes, and the variable, by its id."""


class Tables:
    """Values of Params and members of indexed sets as arrays, each read once."""

    def __init__(self) -> None:
        self.positions = Positions()
        self._values: dict[int, Floats] = {}
        self._members: dict[int, tuple[npt.NDArray[np.int64], Codes]] = {}
        self._kept: list[Any] = []

    def values(self, param: Any) -> Floats:
        """Values of a Param in the order of its index set; those that are missing are NaN."""
        held = getattr(param, "array_values", None)
        if held is not None:
            return np.asarray(held, float).ravel()
        if id(param) not in self._values:
            self._kept.append(param)
            known = param.extract_values()
            self._values[id(param)] = np.array([known.get(key, np.nan) for key in param.index_set()], float)
        return self._values[id(param)]

    def members(self, indexed: Any, parts: int) -> tuple[npt.NDArray[np.int64], Codes]:
        """Begin of the members of each set, and the codes of all of them, set after set."""
        if id(indexed) not in self._members:
            self._kept.append(indexed)
            held = getattr(indexed, "array_members", None)
            lists = [
                list(indexed[key]) if held is None else [*dict.fromkeys(held.get(key, ()))]
                for key in indexed.index_set()
            ]
            start = np.concatenate([[0], np.cumsum([len(each) for each in lists])]).astype(np.int64)
            codes = self.positions.codes_of((member for each in lists for member in each), parts)
            self._members[id(indexed)] = start, codes
        return self._members[id(indexed)]


class Expansion:
    """The terms of one template over its rows."""

    def __init__(self, tables: Tables, columns: Columns, rows: int) -> None:
        self._tables, self._columns = tables, columns
        self.terms = Terms()
        self.constant = np.zeros(rows)
        self.widest = 0
        """Terms of the largest sum, in all rows."""
        self._turn = 0

    def scope(self, indices: Any, members: npt.NDArray[np.int64]) -> Scope:
        """The scope of the rows themselves; shape of members (rows, parts)."""
        self.widest = len(members)
        parts = {id(index): members[:, j] for j, index in enumerate(indices)}
        return Scope(parts, np.arange(len(members), dtype=np.int64), 1.0)

    def number(self, expression: Any, scope: Scope) -> Any:
        """The value of an expression without variables, one for all terms or one for each. Raises NoArrays."""
        if expression.__class__ in native_numeric_types:
            return expression
        if isinstance(expression, GetItemExpression):
            return self._looked_up(expression, scope)
        if isinstance(expression, NegationExpression):
            return -self.number(expression.arg(0), scope)
        if isinstance(expression, ProductExpression):
            return self.number(expression.arg(0), scope) * self.number(expression.arg(1), scope)
        if isinstance(expression, DivisionExpression):
            return self.number(expression.arg(0), scope) / self.number(expression.arg(1), scope)
        if isinstance(expression, SumExpressionBase):
            total: Any = 0
            for each in expression.args:
                total = total + self.number(each, scope)
            return total
        if not expression.is_expression_type() and not isinstance(expression, IndexTemplate):
            return pyo.value(expression)
        raise NoArrays(f"a number that is computed by {type(expression).__name__}")

    def add(self, expression: Any, scope: Scope) -> None:
        """Add what an expression is made of to the terms and constants. Raises NoArrays, KeyError."""
        if expression.__class__ in native_numeric_types or not expression.is_potentially_variable():
            self._add_constant(expression, scope)
        elif isinstance(expression, GetItemExpression):
            self._add_member(expression, scope)
        elif isinstance(expression, SumExpressionBase):
            for each in expression.args:
                self.add(each, scope)
        elif isinstance(expression, TemplateSumExpression):
            for group in expression.template_iters():
                scope = self._over(group, scope)
            self.add(expression.template_args()[0], scope)
        elif isinstance(expression, NegationExpression):
            self.add(expression.arg(0), self._times(scope, -1.0))
        elif isinstance(expression, ProductExpression):
            self._add_product(expression, scope)
        elif isinstance(expression, DivisionExpression):
            divisor = expression.arg(1)
            if divisor.__class__ not in native_numeric_types and divisor.is_potentially_variable():
                raise NoArrays("a division by a variable")
            self.add(expression.arg(0), self._times(scope, 1.0, self.number(divisor, scope)))
        elif not expression.is_expression_type() and not expression.parent_component().is_indexed():
            self._put(expression, self._columns.first_column(expression), scope)
        else:
            raise NoArrays(f"a term that is a {type(expression).__name__}")

    def _add_constant(self, expression: Any, scope: Scope) -> None:
        if isinstance(expression, TemplateSumExpression):
            for group in expression.template_iters():
                scope = self._over(group, scope)
            expression = expression.template_args()[0]
        value = self.number(expression, scope)
        np.add.at(self.constant, scope.row, np.broadcast_to(value * scope.factor, scope.row.shape))

    def _add_product(self, expression: Any, scope: Scope) -> None:
        number, term = expression.args
        if number.__class__ not in native_numeric_types and number.is_potentially_variable():
            number, term = term, number
        if number.__class__ not in native_numeric_types and number.is_potentially_variable():
            raise NoArrays("a product of variables")
        self.add(term, self._times(scope, self.number(number, scope)))

    def _times(self, scope: Scope, number: Any, divisor: Any = None) -> Scope:
        factor = scope.factor * number if divisor is None else scope.factor / divisor
        return Scope(scope.parts, scope.row, factor, scope.above, scope.repeats, scope.turn)

    def _parts(self, expression: Any, scope: Scope) -> list[Any]:
        found: list[Any] = []
        for part in expression.args[1:]:
            if type(part) is IndexTemplate:
                found.append(scope.parts[id(part)])
            elif part.__class__ in native_numeric_types or isinstance(part, str):
                found.append(self._tables.positions.code(part))
            else:
                raise NoArrays(f"an index that is computed: {part}")
        return found

    def _found(self, expression: Any, scope: Scope) -> Any:
        """Positions in the index set of the component; raises KeyError where there is no such member."""
        component, parts = expression.arg(0), self._parts(expression, scope)
        position = self._tables.positions.find(component.index_set(), parts)
        position = np.broadcast_to(position, scope.row.shape)
        if (position < 0).any():
            first = int(np.flatnonzero(position < 0)[0])
            key = tuple(
                self._tables.positions.name(int(np.broadcast_to(part, position.shape)[first])) for part in parts
            )
            raise KeyError(f"Index {key!r} is not valid for indexed component {component.name!r}.")
        return position

    def _looked_up(self, expression: Any, scope: Scope) -> Any:
        component = expression.arg(0)
        if getattr(component, "ctype", None) is not pyo.Param:
            raise NoArrays(f"a number looked up in {component}")
        values = self._tables.values(component)[self._found(expression, scope)]
        if np.isnan(values).any():
            raise ValueError(f"Param {component.name!r} has no value for an index that is asked for.")
        return values

    def _add_member(self, expression: Any, scope: Scope) -> None:
        variable = expression.arg(0)
        if getattr(variable, "ctype", None) is not pyo.Var:
            raise NoArrays(f"a term looked up in {variable}")
        column = self._columns.first_column(variable) + self._found(expression, scope)
        self._put(variable, column, scope)

    def _put(self, variable: Any, column: Any, scope: Scope) -> None:
        self._turn += 1
        if not len(scope.row):
            return
        # Pyomo comes to a variable also where its coefficient is zero.
        place = scope.place(0, self._turn)
        if id(variable) not in self.terms.first or place < self.terms.first[id(variable)][0]:
            self.terms.first[id(variable)] = place, variable
        value = np.broadcast_to(np.asarray(scope.factor, float), scope.row.shape)
        some = np.flatnonzero(value)
        self.terms.row.append(scope.row[some].astype(np.int32))
        self.terms.column.append(np.broadcast_to(np.asarray(column, np.int32), scope.row.shape)[some])
        self.terms.value.append(value[some])

    def _over(self, group: Any, scope: Scope) -> Scope:
        """The scope with a term for each member of the set that a sum is over."""
        self._turn += 1
        over = group[0]._set
        count: Any
        if isinstance(over, GetItemExpression):
            start, codes = self._tables.members(over.arg(0), len(group))
            position = self._found(over, scope)
            begin, count = start[position], start[position + 1] - start[position]
        else:
            codes = self._tables.positions.members(over)
            begin, count = np.zeros(len(scope.row), np.int64), np.full(len(scope.row), len(codes))
        repeats = np.repeat(np.arange(len(scope.row)), count)
        self.widest = max(self.widest, len(repeats))
        taken = np.arange(len(repeats)) - np.repeat(np.cumsum(count) - count - begin, count)
        parts = {key: part[repeats] if isinstance(part, np.ndarray) else part for key, part in scope.parts.items()}
        parts |= {id(index): codes[taken, j] for j, index in enumerate(group)}
        factor = scope.factor[repeats] if isinstance(scope.factor, np.ndarray) else scope.factor
        return Scope(parts, scope.row[repeats], factor, scope, repeats, self._turn)
