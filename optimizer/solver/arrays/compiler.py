"""A whole model as arrays: objective, bounds, and the constraints family by family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyomo.core as pyo
import scipy.sparse as sp
from pyomo.common.gc_manager import PauseGC
from pyomo.repn.linear import LinearRepnVisitor
from pyomo.repn.util import VarRecorder

from lodeplan.optimizer.solver.arrays.expansion import Expansion, Floats, NoArrays, Tables

Ints = npt.NDArray[np.int64]
FIRST_ROWS = 256
"""Rows of a template that are expanded first; they tell how many to take next."""
MOST_TERMS = 200_000
"""Terms that are expanded at a time, about; 100 bytes each."""


@dataclass(frozen=True)
class Range:
    """A component and which of its members, in the order of its keys, stand next to each other."""

    component: Any
    members: Ints


@dataclass(frozen=True)
class Compiled:
    """minimise cost x + offset, row_lower <= matrix x <= row_upper, column_lower <= x <= column_upper."""

    matrix: sp.csc_array
    cost: Floats
    offset: float
    row_lower: Floats
    row_upper: Floats
    column_lower: Floats
    column_upper: Floats
    integer: npt.NDArray[np.bool_]
    columns: tuple[Range, ...]
    rows: tuple[Range, ...]
    by_row: dict[str, str]
    """Constraints that were walked row by row, and why."""


@dataclass(frozen=True)
class _Rows:
    """Rows of one constraint, without those that nothing enters."""

    members: Ints
    lower: Floats
    upper: Floats
    matrix: list[sp.csr_array]
    """Parts of it, one below the other."""


def has_all_members(component: Any) -> bool:
    """True if a component has a member for each key of its index set, in that order, made or not."""
    return count_of(component) == len(component.index_set())


def count_of(component: Any) -> int:
    """Number of its members, made or not."""
    held = hasattr(component, "array_upper") or hasattr(component, "array_template")
    return len(component.index_set()) if held else len(component)


class _Infeasible(ValueError):
    """A row that no variable enters and that cannot hold."""


def compile_arrays(model: pyo.ConcreteModel) -> Compiled:
    """Compile a linear model with one active objective.

    Raises KeyError for a look-up that misses, ValueError for a row without variables that cannot hold, for a value that
    is missing, for a variable of another model and for what is not linear.
    """
    with PauseGC():
        return _Compiler(model).compiled()


class _Compiler:
    def __init__(self, model: pyo.ConcreteModel) -> None:
        self._model = model
        self._tables = Tables()
        self._first: dict[int, int] = {}
        self._order: dict[int, Any] = {}  # variables in the order in which they are come to
        self._count = 0
        self._by_row: dict[str, str] = {}
        self._places: dict[int, int] = {}
        self._recorder = _Recorder(self._come_to)
        self._visitor = LinearRepnVisitor({}, var_recorder=self._recorder)

    def first_column(self, variable: Any) -> int:
        """The first column of a variable's members, before columns are put in order."""
        if id(variable) not in self._first:
            self._first[id(variable)] = self._count
            self._count += count_of(variable)
        return self._first[id(variable)]

    def compiled(self) -> Compiled:
        for variable in self._model.component_objects(pyo.Var, descend_into=True):
            self.first_column(variable)
        self._fixed = any(
            member.fixed
            for variable in self._model.component_objects(pyo.Var, descend_into=True)
            if not hasattr(variable, "array_upper")
            for member in variable.values()
        )
        cost, offset = self._objective()
        families = [
            (constraint, self._family(constraint))
            for constraint in self._model.component_objects(pyo.Constraint, active=True, descend_into=True)
        ]
        return self._assembled(cost, offset, [(c, rows) for c, rows in families if len(rows.members)])

    def _come_to(self, variable: Any) -> None:
        self._order.setdefault(id(variable), variable)

    def _column(self, identity: int) -> int:
        """The column of a member that the visitor names by its id."""
        if identity not in self._places:
            member = self._recorder.var_map[identity]
            variable = member.parent_component()
            if id(variable) not in self._first:
                raise ValueError(f"{variable.name!r} is not in this model.")
            first = self.first_column(variable)
            if hasattr(variable, "array_upper"):
                self._places[identity] = first + variable.index_set().ord(member.index()) - 1
            else:
                self._places |= {id(other): first + j for j, other in enumerate(variable.values())}
        return self._places[identity]

    def _objective(self) -> tuple[Floats, float]:
        active = list(self._model.component_data_objects(pyo.Objective, active=True, descend_into=True))
        if len(active) != 1:
            raise ValueError(f"The model has {len(active)} active objectives; one is wanted.")
        sign = 1.0 if active[0].sense == pyo.minimize else -1.0
        if hasattr(active[0], "template_expr") and not self._fixed:
            try:
                return self._expanded_objective(active[0].template_expr(), sign)
            except NoArrays as reason:
                self._by_row[active[0].name] = str(reason)
        found = self._linear(active[0].expr, active[0].name)
        columns = [self._column(identity) for identity in found.linear]
        cost = np.zeros(self._count)
        cost[columns] = list(found.linear.values())
        return sign * cost, sign * float(found.constant)

    def _expanded_objective(self, template: Any, sign: float) -> tuple[Floats, float]:
        expansion = Expansion(self._tables, self, 1)
        expansion.add(template[0], expansion.scope((), np.zeros((1, 0), np.int64)))
        self._come_to_all(expansion)
        cost = np.zeros(self._count)
        for column, value in zip(expansion.terms.column, expansion.terms.value, strict=True):
            np.add.at(cost, column, value)
        return sign * cost, sign * float(expansion.constant[0])

    def _come_to_all(self, expansion: Expansion) -> None:
        for _, variable in sorted(expansion.terms.first.values(), key=lambda found: found[0]):
            self._come_to(variable)

    def _linear(self, expression: Any, name: str) -> Any:
        found = self._visitor.walk_expression(expression)
        if found.nonlinear is not None:
            raise ValueError(f"{name!r} is not linear.")
        return found

    def _family(self, constraint: Any) -> _Rows:
        members = _members_of(constraint)
        template = _template_of(members)
        if template is None:
            why = "it was written row by row, without a template"
        elif self._fixed:
            why = "variables are fixed"
        else:
            try:
                return self._expanded(constraint, members[0], template)
            except NoArrays as reason:
                why = str(reason)
        if len(members) < count_of(constraint):
            members = [constraint[key] for key in constraint.index_set()]
        if members:
            self._by_row[constraint.name] = why
        return self._walked(members)

    def _expanded(self, constraint: Any, first: Any, template: Any) -> _Rows:
        """The rows of a template, some at a time: what the arrays of an expansion hold is many times what it leaves."""
        bounded = first.to_bounded_expression()
        index = self._tables.positions.members(constraint.index_set())
        parts, begin, count = [], 0, FIRST_ROWS
        while begin < len(index):
            expansion = Expansion(self._tables, self, len(index[begin : begin + count]))
            parts.append(self._some(constraint, expansion, bounded, (template[1], index[begin : begin + count], begin)))
            begin, count = begin + count, max(1, count * MOST_TERMS // max(1, expansion.widest))
        return _Rows(
            _joined([part.members for part in parts], np.int64),
            _joined([part.lower for part in parts], np.float64),
            _joined([part.upper for part in parts], np.float64),
            [matrix for part in parts for matrix in part.matrix],
        )

    def _some(
        self, constraint: Any, expansion: Expansion, bounded: tuple[Any, Any, Any], of: tuple[Any, Any, int]
    ) -> _Rows:
        """Rows of these members of a template's index; `of`: its indices, the members, the first one's position."""
        (lower, body, upper), (indices, index, begin) = bounded, of
        scope = expansion.scope(indices, index)
        expansion.add(body, scope)
        sides = [
            np.full(len(index), none)
            if side is None
            else np.broadcast_to(np.asarray(expansion.number(side, scope), float), len(index)) - expansion.constant
            for side, none in ((lower, -np.inf), (upper, np.inf))
        ]
        self._come_to_all(expansion)
        row = _joined(expansion.terms.row, np.int32)
        entered = np.zeros(len(index), bool)
        entered[row] = True
        kept = np.flatnonzero(entered)
        _refuse_empty(constraint.name, ~entered, *sides)
        rank = np.cumsum(entered, dtype=np.int32) - 1
        column, value = _joined(expansion.terms.column, np.int32), _joined(expansion.terms.value, np.float64)
        matrix = sp.csr_array(sp.coo_array((value, (rank[row], column)), shape=(len(kept), self._count)))
        return _Rows(begin + kept, sides[0][kept], sides[1][kept], [matrix])

    def _walked(self, members: Sequence[Any]) -> _Rows:
        kept: list[int] = []
        row: list[int] = []
        column: list[int] = []
        value: list[float] = []
        lower: list[float] = []
        upper: list[float] = []
        for j, member in enumerate(members):
            if not member.active:
                continue
            member.expr  # noqa: B018  (a template becomes an ordinary row)
            low, body, high = member.to_bounded_expression(evaluate_bounds=True)
            found = self._linear(body, member.name)
            low = -np.inf if low is None else low - found.constant
            high = np.inf if high is None else high - found.constant
            if low == -np.inf and high == np.inf:
                continue
            if not found.linear:
                _refuse_empty(member.name, np.ones(1, bool), np.array([low]), np.array([high]))
                continue
            row += [len(kept)] * len(found.linear)
            column += [self._column(identity) for identity in found.linear]
            value += found.linear.values()
            kept.append(j)
            lower.append(low)
            upper.append(high)
        entries = np.array(value, float), (np.array(row, np.int32), np.array(column, np.int32))
        matrix = sp.csr_array(sp.coo_array(entries, shape=(len(kept), self._count)))
        return _Rows(np.array(kept, np.int64), np.array(lower, float), np.array(upper, float), [matrix])

    def _assembled(self, cost: Floats, offset: float, families: list[tuple[Any, _Rows]]) -> Compiled:
        # By row first and by column then: entries of one row keep their order, in which they are added up.
        none = sp.csr_array((0, self._count), dtype=float)
        matrix = sp.vstack([none, *(part for _, rows in families for part in rows.matrix)], format="csr")
        for _, rows in families:
            rows.matrix.clear()
        matrix = sp.csc_array(matrix)
        matrix.eliminate_zeros()
        used = (np.diff(matrix.indptr) > 0) | (cost != 0)
        ranges, order = [], []
        for variable in self._order.values():
            first = self.first_column(variable)
            members = np.flatnonzero(used[first : first + count_of(variable)])
            if len(members):
                ranges.append(Range(variable, members))
                order.append(first + members)
        picked = _joined(order, np.int64)
        matrix = sp.csc_array(matrix[:, picked])
        lower, upper, integer = self._bounds(ranges)
        return Compiled(
            matrix=matrix,
            cost=cost[picked],
            offset=offset,
            row_lower=_joined([rows.lower for _, rows in families], np.float64),
            row_upper=_joined([rows.upper for _, rows in families], np.float64),
            column_lower=lower,
            column_upper=upper,
            integer=integer,
            columns=tuple(ranges),
            rows=tuple(Range(constraint, rows.members) for constraint, rows in families),
            by_row=self._by_row,
        )

    def _bounds(self, ranges: Sequence[Range]) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
        """Lower and upper bounds of columns, and which are whole numbers."""
        lower, upper, integer = [], [], []
        for part in ranges:
            held = getattr(part.component, "array_upper", None)
            if held is not None:
                lower.append(np.zeros(len(part.members)))
                upper.append(np.asarray(held, float).ravel()[part.members])
                integer.append(np.zeros(len(part.members), bool))
                continue
            variables = list(part.component.values())
            members = [variables[member] for member in part.members.tolist()]
            pairs = [member.bounds for member in members]
            lower.append(np.array([-np.inf if low is None else low for low, _ in pairs], float))
            upper.append(np.array([np.inf if high is None else high for _, high in pairs], float))
            integer.append(np.array([not member.is_continuous() for member in members], bool))
        return _joined(lower, np.float64), _joined(upper, np.float64), _joined(integer, np.bool_)


class _Recorder(VarRecorder):  # type: ignore[misc]  # Pyomo has no types
    """Tells of each variable when the visitor first comes to it."""

    def __init__(self, come_to: Callable[[Any], None]) -> None:
        super().__init__({}, pyo.SortComponents.UNSORTED)
        self._come_to = come_to

    def add(self, var: Any) -> None:
        """Record all members of a variable."""
        self._come_to(var.parent_component())
        super().add(var)


def _members_of(constraint: Any) -> list[Any]:
    """All rows of a constraint, or one of them where they share a template and none has been asked for."""
    if hasattr(constraint, "array_template") and not len(constraint):
        constraint[next(iter(constraint.index_set()))]
    return list(constraint.values())


def _template_of(members: Sequence[Any]) -> Any:
    """The template that all members share; None where one has been changed or is not active."""
    first = members[0] if members else None
    if first is None or not hasattr(first, "template_expr"):
        return None
    template = first.template_expr()
    same = all(
        member.__class__ is first.__class__ and member.active and member.template_expr() is template
        for member in members
    )
    return template if same and hasattr(template[0], "is_expression_type") else None


def _refuse_empty(name: str, empty: npt.NDArray[np.bool_], lower: Floats, upper: Floats) -> None:
    if ((lower[empty] > 0) | (upper[empty] < 0)).any():
        raise _Infeasible(f"Constraint {name!r} has a row that no variable enters and that cannot hold.")


def _joined(arrays: Sequence[Any], dtype: Any) -> Any:
    return np.concatenate(arrays) if arrays else np.zeros(0, cast(Any, dtype))
