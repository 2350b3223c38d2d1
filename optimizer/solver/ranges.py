"""Numbers that are too far apart for the solver: scaled further where that helps, otherwise refused with the entry's
name.

HiGHS takes no coefficient of 1e15 or more and drops those of 1e-9 or less without a word. Canonical units keep almost
every model far within; only rows and columns that reach beyond are scaled again, by powers of two, which is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from lodeplan.optimizer.model.letters import LETTERS, letter_of
from lodeplan.optimizer.model.registry import variables
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver.labels import Label
from lodeplan.schemas.problems import InputProblem, InvalidInput, join_path
from lodeplan.schemas.scenario import Scenario

SMALLEST, LARGEST = 1e-9, 1e15
"""Coefficients at or beyond them do not reach the solver as they are."""
MARGIN = 10.0
"""How far within them a coefficient is left alone."""
ROUNDS = 20
HOPELESS = 1e12
"""Largest of some kind of number over the smallest from which on double precision leaves no answer to trust."""
FAR = 1e6
"""Canonical units from which on a number, or its inverse, is one of those that are too far from the others."""
COLLECTIONS = {
    name: LETTERS[letter_of(variable.letters[0])].collection
    for name, variable in variables().items()
    if variable.scale is not Sizes.money
}
"""Where what a column is about stands in a scenario; those of no collection are sums of costs."""


@dataclass(frozen=True)
class Extremes:
    """The smallest and the largest of one kind of number, without zeros, and the columns they stand in."""

    what: str
    smallest: float
    largest: float
    column_of_smallest: int
    column_of_largest: int


def further_scaled(matrix: sp.csc_array, integer: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Factors of rows and of columns (1 for integer ones) that bring coefficients within what the solver takes.

    All are 1 where they are so already.
    """
    rows, columns = np.ones(matrix.shape[0]), np.ones(matrix.shape[1])
    size = np.abs(matrix.data)
    column_of = np.repeat(np.arange(len(columns), dtype=np.int32), np.diff(matrix.indptr))
    for _ in range(ROUNDS):
        if not _outside(size).any():
            break
        of_rows = _factors(matrix.indices, size, len(rows))
        rows *= of_rows
        size *= of_rows[matrix.indices]
        of_columns = np.where(integer, 1.0, _factors(column_of, size, len(columns)))
        columns *= of_columns
        size *= of_columns[column_of]
    return rows, columns


def _outside(size: Floats) -> npt.NDArray[np.bool_]:
    return (size > 0) & ((size < SMALLEST * MARGIN) | (size > LARGEST / MARGIN))


def _factors(line: npt.NDArray[np.int32], size: Floats, count: int) -> Floats:
    """Of each line with a coefficient outside: the power of two that centres its smallest and largest around 1."""
    low, high = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(low, line, np.where(size > 0, size, np.inf))
    np.maximum.at(high, line, size)
    wide = (high > 0) & ((low < SMALLEST * MARGIN) | (high > LARGEST / MARGIN))
    exponent = np.zeros(count)
    exponent[wide] = -np.round((np.log2(low[wide]) + np.log2(high[wide])) / 2.0)
    return np.asarray(2.0**exponent)


def refuse_lost(matrix: sp.csc_array, columns: Sequence[Label], scenario: Scenario) -> None:
    """Raise `InvalidInput` for coefficients that the solver would not take or silently drop."""
    size = np.abs(matrix.data)
    lost = np.flatnonzero((size > 0) & ((size <= SMALLEST) | (size >= LARGEST)))
    if len(lost):
        column_of = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
        _refuse(matrix, column_of[lost].tolist(), columns, scenario)


def refuse_hopeless(
    found: Sequence[Extremes], matrix: sp.csc_array, columns: Sequence[Label], scenario: Scenario
) -> None:
    """Raise `InvalidInput`, naming what is smallest and largest, where one kind of number reaches too far."""
    wide = [kind for kind in found if kind.largest / kind.smallest >= HOPELESS]
    named: dict[int, None] = {}
    for kind in wide:
        if kind.smallest < 1.0 / FAR:
            named[kind.column_of_smallest] = None
        if kind.largest > FAR:
            named[kind.column_of_largest] = None
    if named:
        _refuse(matrix, named, columns, scenario)


def _refuse(matrix: sp.csc_array, which: Iterable[int], columns: Sequence[Label], scenario: Scenario) -> NoReturn:
    """Name these columns; those that are sums of costs only where all are, by what weighs most in them."""
    found = list(which)
    own = [column for column in found if columns[column].component in COLLECTIONS]
    named = own or [placed(matrix, columns, column) for column in found]
    problems = [_problem(columns[column], scenario) for column in named]
    raise InvalidInput(list({problem.path: problem for problem in problems}.values()))


def placed(matrix: sp.csc_array, columns: Sequence[Label], column: int) -> int:
    """The column, or where it is a sum of costs the one of an entry of the scenario that weighs most in it."""
    rows, seen, layer = sp.csr_array(matrix), {column}, [column]
    while columns[layer[0]].component not in COLLECTIONS:
        entries = rows[np.unique(matrix[:, layer].indices)].tocoo()
        order = np.argsort(-np.abs(entries.data), kind="stable")
        reached = [other for other in dict.fromkeys(entries.col[order].tolist()) if other not in seen]
        if not reached:
            break
        # Sums of futures are of sums of nodes, and these of entries.
        layer = [other for other in reached if columns[other].component in COLLECTIONS] or reached
        seen.update(layer)
    return layer[0]


def extremes(matrix: sp.csc_array, cost: Floats, upper: Floats) -> list[Extremes]:
    """Of the coefficients, costs and upper bounds (canonical)."""
    column_of = np.repeat(np.arange(matrix.shape[1]), np.diff(matrix.indptr))
    everywhere = np.arange(len(cost))
    kinds = (("coefficients", matrix.data, column_of), ("costs", cost, everywhere), ("bounds", upper, everywhere))
    found = []
    for what, values, of_column in kinds:
        size = np.abs(values)
        some = np.flatnonzero((size > 0) & np.isfinite(size))
        if len(some):
            low, high = some[size[some].argmin()], some[size[some].argmax()]
            found.append(Extremes(what, float(size[low]), float(size[high]), int(of_column[low]), int(of_column[high])))
    return found


def _problem(column: Label, scenario: Scenario) -> InputProblem:
    collection, name = COLLECTIONS.get(column.component), str(column.key[0])
    if collection == "facilities" and name in scenario.projects:
        collection = "projects"
    return InputProblem(
        code="numbers_too_far_apart",
        path=join_path([collection, name]) if collection else "risk",
        message="the numbers of this entry differ too much in size from those they are used with: a solver cannot "
        "tell them from zero or from no limit.",
        allowed="recipes, capacities, prices and quantities within about 12 digits of each other",
        remedy="Check its units (t, kUSD); leave out a number that only stands for no limit.",
    )
