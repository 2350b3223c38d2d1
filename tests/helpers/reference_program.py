"""Linear programs for the second model: columns with names, and rules of which one of two must hold."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import product
from math import inf

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog

Terms = dict[Hashable, float]
Row = tuple[Terms, float]
CLOSE = 1e-7


class NoAnswer(Exception):
    """The solver finds no answer in any way: nothing here is scaled, and numbers may be too far apart for it."""


class Program:
    """A linear program whose columns have names. Columns are from 0 up unless said."""

    def __init__(self) -> None:
        self.upper: Terms = {}
        self.free: set[Hashable] = set()
        self.equal: list[Row] = []
        self.at_most: list[Row] = []
        self.either: list[list[Row]] = []
        """Rows (at most) of which one at least holds."""
        self.point: Terms = {}
        """Where the optimum was found."""

    def add(self, column: Hashable, upper: float = inf) -> Hashable:
        self.upper[column] = upper
        return column

    def add_at_most(self, terms: Mapping[Hashable, float], limit: float) -> None:
        if limit < inf:
            self.at_most.append((dict(terms), limit))

    def least(self, cost: Terms) -> float:
        """The optimum, infinite if infeasible."""
        number = {name: index for index, name in enumerate(self.upper)}
        objective = np.array([cost.get(name, 0.0) for name in number])
        best, open_ends = inf, [self.at_most]
        while open_ends:
            rows = open_ends.pop()
            found = self._solve(number, objective, rows)
            if found is None or found[0] >= best:
                continue
            value, x = found
            point = dict(zip(number, x, strict=True))
            broken = next((ways for ways in self.either if not any(holds(row, point) for row in ways)), None)
            if broken is None:
                best, self.point = value, point
            else:
                open_ends += [[*rows, row] for row in broken]
        return best

    def _solve(self, number: dict[Hashable, int], cost: np.ndarray, rows: list[Row]) -> tuple[float, np.ndarray] | None:
        a_ub, b_ub = _matrix(number, rows)
        a_eq, b_eq = _matrix(number, self.equal)
        bounds = [(None if name in self.free else 0.0, None if up == inf else up) for name, up in self.upper.items()]
        for method, presolve in product(("highs", "highs-ipm"), (True, False)):
            options = {"presolve": presolve}
            found = linprog(cost, a_ub, b_ub, a_eq, b_eq, bounds, method=method, options=options)
            if found.status in (0, 2):
                return (found.fun, found.x) if found.status == 0 else None
        raise NoAnswer(found.message)


def holds(row: Row, point: Mapping[Hashable, float]) -> bool:
    terms, limit = row
    return sum(value * point[name] for name, value in terms.items()) <= limit + CLOSE


def _matrix(number: dict[Hashable, int], rows: list[Row]) -> tuple[sp.csr_array | None, np.ndarray | None]:
    if not rows:
        return None, None
    entries = [(i, number[name], value) for i, (terms, _) in enumerate(rows) for name, value in terms.items()]
    i, j, values = zip(*entries, strict=True) if entries else ((), (), ())
    return sp.csr_array((values, (i, j)), shape=(len(rows), len(number))), np.array([limit for _, limit in rows])
