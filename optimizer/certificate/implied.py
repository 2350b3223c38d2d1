"""Bounds that rows imply for columns that have none.

Demand, capacity and room bound every flow, but through rows: a flow has no bound of its own. A bound of the whole
needs one wherever rounding leaves a column a reduced cost that is not exactly 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver import Form

OUTWARD = 1e-9
"""Implied bounds are made wider by this part of what they are computed from, so that they hold in exact arithmetic."""
ROUNDS = 200
"""At most so many times bounds are passed on from row to row."""

Side = tuple[int, bool]
"""A column, and whether its upper side is meant."""


@dataclass(frozen=True)
class Implied:
    """A bound of a column (canonical) that a row implies, given the bounds of its other columns."""

    column: int
    is_upper: bool
    value: float
    row: int


class ImpliedBounds:
    """The bounds of columns that rows imply, and with these other rows, as long as that gives more."""

    def __init__(self, form: Form) -> None:
        self.form, self.by_row, self.by_column = form, form.matrix.tocsr(), form.matrix.tocsc()
        self._lower, self._upper = form.column_lower.copy(), form.column_upper.copy()
        self._row = np.repeat(np.arange(self.by_row.shape[0]), np.diff(self.by_row.indptr))
        self._column, self._factor = self.by_row.indices, self.by_row.data
        self.found: dict[Side, Implied] = {}
        for _ in range(ROUNDS):
            if not (self._take(is_upper_side=True) + self._take(is_upper_side=False)):
                break
        own = np.isfinite(form.column_lower) & np.isfinite(form.column_upper)
        self.without_own = np.flatnonzero(~own)
        """Columns that lack a bound of their own on one side at least."""
        self.endless = np.flatnonzero(~(np.isfinite(self._lower) | np.isfinite(self._upper)))
        """Columns that nothing bounds on either side."""

    def has(self, side: Side) -> bool:
        """Whether a column has a bound on a side, its own or an implied one."""
        return bool(np.isfinite((self._upper if side[1] else self._lower)[side[0]]))

    def needed(self, y: Floats) -> list[Side]:
        """Sides without a bound of their own to which the reduced costs at these multipliers push columns; by exact
        arithmetic."""
        multipliers = [Fraction(value) for value in y.tolist()]
        found = []
        for column in self.without_own.tolist():
            part = slice(self.by_column.indptr[column], self.by_column.indptr[column + 1])
            terms = zip(self.by_column.indices[part].tolist(), self.by_column.data[part].tolist(), strict=True)
            reduced = Fraction(float(self.form.cost[column])) - sum(multipliers[row] * Fraction(a) for row, a in terms)
            own = (self.form.column_upper if reduced < 0 else self.form.column_lower)[column]
            if reduced and not np.isfinite(own):
                found.append((column, reduced < 0))
        return found

    def in_order(self, sides: Iterable[Side]) -> list[Implied]:
        """Implied bounds of these sides, where there are any, each after those that it follows from."""
        begun: set[Side] = set()
        order: list[Implied] = []
        # Depth first without recursion: a bound is listed once all that it follows from are.
        stack = [(side, False) for side in sides]
        while stack:
            side, is_ready = stack.pop()
            bound = self.found.get(side)
            if bound is None:
                continue
            if is_ready:
                order.append(bound)
            elif side not in begun:
                begun.add(side)
                stack.append((side, True))
                stack += [(other, False) for other in self._behind(bound)]
        return order

    def _behind(self, bound: Implied) -> Iterator[Side]:
        """The implied bounds that a bound follows from."""
        part = slice(self.by_row.indptr[bound.row], self.by_row.indptr[bound.row + 1])
        entries = list(zip(self._column[part].tolist(), self._factor[part].tolist(), strict=True))
        own = next(a for j, a in entries if j == bound.column)
        from_upper = bound.is_upper == (own > 0)
        for j, a in entries:
            side = j, (a > 0) != from_upper
            if j != bound.column and side in self.found:
                yield side

    def _take(self, *, is_upper_side: bool) -> int:
        """Take what one side of each row implies; how many bounds are new."""
        side = self.form.row_upper if is_upper_side else self.form.row_lower
        # Of a row held from above, what its terms are at least; of one held from below, at most.
        ends = np.where((self._factor > 0) == is_upper_side, self._lower[self._column], self._upper[self._column])
        endless = ~np.isfinite(ends)
        terms = self._factor * np.where(endless, 0.0, ends)
        unknown = np.bincount(self._row, endless, len(side))
        total = np.bincount(self._row, terms, len(side))
        size = np.bincount(self._row, np.abs(terms), len(side))
        gives_upper = (self._factor > 0) == is_upper_side
        has_none = ~np.isfinite(np.where(gives_upper, self._upper[self._column], self._lower[self._column]))
        at = np.flatnonzero(has_none & (unknown[self._row] == endless) & np.isfinite(side[self._row]))
        rows, factor = self._row[at], self._factor[at]
        value = (side[rows] - (total[rows] - terms[at])) / factor
        slack = OUTWARD * (np.abs(side[rows]) + size[rows]) / np.abs(factor) + OUTWARD
        return self._keep(at, gives_upper[at], np.where(gives_upper[at], value + slack, value - slack))

    def _keep(self, at: npt.NDArray[np.int64], is_upper: npt.NDArray[np.bool_], value: Floats) -> int:
        """Keep the tightest of the bounds that these entries of the matrix imply; how many are new."""
        before = len(self.found)
        for k in np.argsort(np.where(is_upper, value, -value), kind="stable").tolist():
            side = int(self._column[at[k]]), bool(is_upper[k])
            if side not in self.found:
                self.found[side] = Implied(*side, float(value[k]), int(self._row[at[k]]))
                (self._upper if side[1] else self._lower)[side[0]] = value[k]
        return len(self.found) - before
