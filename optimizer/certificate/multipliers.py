"""Multipliers of rows that prove a bound in exact arithmetic: the duals of the relaxation, a little put right.

A column that nothing bounds must have a reduced cost of the right sign exactly, one that nothing bounds on either side
a reduced cost of exactly 0. Rounding keeps neither.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from lodeplan.optimizer.certificate.implied import ImpliedBounds
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver import Form, relaxation_duals

CHEAPER = (1e-9, 1e-8, 1e-7, 1e-6)
"""So much cheaper (canonical) a column that nothing bounds is made, one after the other, until its sign is right."""
_GRID_BITS = 50


def find_multipliers(form: Form, bounds: ImpliedBounds) -> Floats | None:
    """Multipliers of the rows, shape (rows,), canonical; those of the last try where none proves a bound. None where
    the relaxation has no optimum."""
    cost, y = form.cost.copy(), None
    for cheaper in (*CHEAPER, None):
        duals = relaxation_duals(replace(form, cost=cost))
        if duals is None:
            return y
        y = _balanced(form, bounds, _of_sides(form, duals))
        missing = [side for side in bounds.needed(y) if not bounds.has(side)]
        if not missing or cheaper is None:
            return y
        for column, is_upper in missing:
            cost[column] = form.cost[column] + (-cheaper if is_upper else cheaper)
    return y


def _of_sides(form: Form, y: Floats) -> Floats:
    """Multipliers without those of sides that a row does not have, which rounding leaves."""
    has = np.where(y > 0, np.isfinite(form.row_lower), np.isfinite(form.row_upper))
    return np.where(has, y, 0.0) + 0.0


def _balanced(form: Form, bounds: ImpliedBounds, y: Floats) -> Floats:
    """Multipliers with which columns that nothing bounds cost exactly nothing.

    Those of their rows are put on a grid on which they add up without rounding, and the one that has most room takes
    what is left.
    """
    y = y.copy()
    for column in bounds.endless.tolist():
        part = slice(bounds.by_column.indptr[column], bounds.by_column.indptr[column + 1])
        rows, factors = bounds.by_column.indices[part], bounds.by_column.data[part]
        largest = float(np.abs(y[rows]).max(initial=0.0))
        if largest == 0.0:
            continue
        grid = 2.0 ** (np.floor(np.log2(largest)) - _GRID_BITS)
        y[rows] = np.round(y[rows] / grid) * grid
        at = int(np.argmax([_room(form, bounds, y, int(row)) for row in rows]))
        taken = sum(Fraction(float(y[row])) * Fraction(float(a)) for row, a in zip(rows, factors, strict=True))
        left = Fraction(float(form.cost[column])) - taken
        y[rows[at]] = float(Fraction(float(y[rows[at]])) + left / Fraction(float(factors[at])))
    return y


def _room(form: Form, bounds: ImpliedBounds, y: Floats, row: int) -> float:
    """By how much the multiplier of a row may move: the least reduced cost of its columns that lack a bound."""
    part = slice(bounds.by_row.indptr[row], bounds.by_row.indptr[row + 1])
    room = abs(float(y[row]))
    for column in bounds.by_row.indices[part].tolist():
        if column not in bounds.endless and not (bounds.has((column, True)) and bounds.has((column, False))):
            of_column = slice(bounds.by_column.indptr[column], bounds.by_column.indptr[column + 1])
            taken = bounds.by_column.data[of_column] @ y[bounds.by_column.indices[of_column]]
            room = min(room, abs(float(form.cost[column] - taken)))
    return room
