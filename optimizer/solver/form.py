"""The hand-off: a Pyomo model as arrays in canonical units, for one `passModel`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyomo.core as pyo
import scipy.sparse as sp
from pyomo.common.errors import InvalidConstraintError

from lodeplan.optimizer.model.own import refused
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.solver.arrays import Compiled, compile_arrays
from lodeplan.optimizer.solver.labels import Label, Labels
from lodeplan.optimizer.solver.ranges import further_scaled, refuse_lost
from lodeplan.optimizer.solver.scaling import column_units, row_units, scale, scale_costs
from lodeplan.optimizer.solver.tolerances import ARITHMETIC
from lodeplan.schemas.problems import InvalidInput

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Form:
    """minimise cost x + offset, row_lower <= matrix x <= row_upper, column_lower <= x <= column_upper.

    Arrays are in canonical units: `x * column_unit` and `row value * row_unit` are in the model's t, kUSD and years,
    money is in `money_unit` kUSD.
    """

    matrix: sp.csc_array
    cost: Floats
    offset: float
    row_lower: Floats
    row_upper: Floats
    column_lower: Floats
    column_upper: Floats
    integer: npt.NDArray[np.bool_]
    columns: Labels
    rows: Labels
    column_unit: Floats
    row_unit: Floats
    money_unit: float
    held: tuple[Label, ...] = ()
    """Variables that a modeler holds between bounds."""

    @property
    def nonzeros(self) -> int:
        """Entries of the matrix."""
        return int(self.matrix.nnz)

    def has_labels_of(self, other: Form) -> bool:
        """True if another form has the same columns and rows, in the same order."""
        return self.columns == other.columns and self.rows == other.rows

    def has_numbers_of(self, other: Form) -> bool:
        """True if all numbers of another form are the same, to the last bit."""
        matrices = (self.matrix, other.matrix)
        if matrices[0].shape != matrices[1].shape or self.offset != other.offset:
            return False
        arrays = [(getattr(matrices[0], name), getattr(matrices[1], name)) for name in ("indptr", "indices", "data")]
        names = ("cost", "row_lower", "row_upper", "column_lower", "column_upper", "integer")
        arrays += [(getattr(self, name), getattr(other, name)) for name in names]
        return all(np.array_equal(one, another) for one, another in arrays)

    def cost_of(self, x: Floats) -> float:
        """The objective at a point, canonical."""
        return float(self.cost @ x) + self.offset

    def violation(self, x: Floats) -> float:
        """Largest violation of a row or bound at a point, relative to its own size and to 1 canonical unit at least.

        What double precision cannot tell from none, of terms as large as a row's, is none.
        """
        value = self.matrix @ x
        lost = ARITHMETIC * (abs(self.matrix) @ np.abs(x))
        sides = ((value - lost, self.row_upper, 1), (value + lost, self.row_lower, -1), (x, self.column_upper, 1))
        return max(_beyond(*side) for side in (*sides, (x, self.column_lower, -1)))

    def with_bounds(self, columns: Ints, values: Floats) -> Form:
        """The same with columns fixed to values (canonical)."""
        lower, upper = self.column_lower.copy(), self.column_upper.copy()
        lower[columns] = values
        upper[columns] = values
        return replace(self, column_lower=lower, column_upper=upper)

    def within(self, columns: Ints, lower: Floats, upper: Floats) -> Form:
        """The same with columns held between these bounds (canonical), and between their own."""
        least, most = self.column_lower.copy(), self.column_upper.copy()
        least[columns] = np.maximum(least[columns], lower)
        most[columns] = np.minimum(most[columns], upper)
        return replace(self, column_lower=least, column_upper=most, held=tuple(self.columns[j] for j in columns))

    def in_money_of(self, most_kusd: float) -> Form:
        """The same in a unit of money of at most so many kUSD; a power of two apart, so that nothing is rounded."""
        return self if not 0.0 < most_kusd < self.money_unit else self._with_money(np.floor(np.log2(most_kusd)))

    def in_money_from(self, least_kusd: float) -> Form:
        """The same in a unit of money of at least so many kUSD; a power of two apart, so that nothing is rounded."""
        return self if not self.money_unit < least_kusd else self._with_money(np.ceil(np.log2(least_kusd)))

    def _with_money(self, exponent: float) -> Form:
        factor = self.money_unit / 2.0**exponent
        return replace(self, cost=self.cost * factor, offset=self.offset * factor, money_unit=self.money_unit / factor)

    def relaxed(self) -> Form:
        """The same without integrality."""
        return replace(self, integer=np.zeros_like(self.integer))

    def columns_of(self, *names: str) -> Ints:
        """Columns of these variables."""
        return self.columns.places_of(*names)

    def rows_of(self, *names: str) -> Ints:
        """Rows of these constraints."""
        return self.rows.places_of(*names)


def standard_form(model: pyo.ConcreteModel, instance: Instance) -> Form:
    """Compile a model and scale it by the instance's units (powers of two: exact).

    Raises `schemas.InvalidInput` for what was put into the model and the arrays cannot hold, and for numbers that the
    solver could not take, however they are scaled.
    """
    compiled = _compiled(model)
    columns, rows = Labels.of(compiled.columns), Labels.of(compiled.rows)
    column_unit = column_units(columns, instance)
    row_unit = row_units(rows, instance)
    money = instance.units.kusd
    scale_costs(compiled.matrix, (rows, row_unit), (columns, column_unit))
    integer, matrix = compiled.integer, compiled.matrix
    scale(matrix, 1.0 / row_unit, column_unit)
    row_factor, column_factor = further_scaled(matrix, integer)
    if (row_factor != 1.0).any() or (column_factor != 1.0).any():
        row_unit, column_unit = row_unit / row_factor, column_unit * column_factor
        scale(matrix, row_factor, column_factor)
    refuse_lost(matrix, columns, instance.scenario)
    return Form(
        matrix=matrix,
        cost=compiled.cost * column_unit / money,
        offset=compiled.offset / money,
        row_lower=compiled.row_lower / row_unit,
        row_upper=compiled.row_upper / row_unit,
        column_lower=compiled.column_lower / column_unit,
        column_upper=compiled.column_upper / column_unit,
        integer=integer,
        columns=columns,
        rows=rows,
        column_unit=column_unit,
        row_unit=row_unit,
        money_unit=money,
    )


def _compiled(model: pyo.ConcreteModel) -> Compiled:
    try:
        compiled = compile_arrays(model)
        if any(np.isnan(a).any() for a in (compiled.matrix.data, compiled.row_lower, compiled.row_upper)):
            raise ValueError("The model has a row with a number that is none.")
    except (InvalidConstraintError, ValueError):
        # Ours are sound: these were put into the model by hand.
        if problems := refused(model, model):
            raise InvalidInput(problems) from None
        raise
    return compiled


def _beyond(value: Floats, side: Floats, sign: int) -> float:
    """How far values lie beyond a side at most, relative; 0 where none does."""
    some = np.isfinite(side)
    beyond = sign * (value[some] - side[some]) / np.maximum(1.0, np.abs(side[some]))
    return float(beyond.max(initial=0.0))
