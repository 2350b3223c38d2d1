"""Tolerances for judging answers of the solver, with a name for each meaning.

HiGHS holds rows, bounds and reduced costs to 1e-7, absolute, in canonical units. What follows is measured against that.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

CLAIM = 1e-6
"""Two costs of one plan or of two, relative to the cost (a unit of money at least, where it is a run's own): beyond it
they are not the same, and a run that claims the one for the other is thrown away. Ten times the solver's tolerance."""
ROUNDING = 1e-9
"""The same for sums of the same numbers in another order, relative: what double precision leaves of long sums."""
ARITHMETIC = 1e-14
"""A sum below it, relative to the terms that it is the sum of, is 0: double precision cannot tell."""
FEASIBLE = 1e-5
"""Violation of a row or bound, relative to its side (a canonical unit at least), beyond which a point is none. A
hundred times the solver's tolerance, since undoing its presolve and scaling may enlarge what is left."""
WHOLE = 1e-6
"""How far a yes/no column may be from 0 or 1, absolute: HiGHS's own default."""
STRICT = 1e-10
"""The same, and for reduced costs, where what is left is worth something, as in a project far larger than the need: the
least that HiGHS takes."""
NOTHING = 1e-9
"""Canonical units (a thousandth of a year's demand at home) below which a value is taken as 0."""


def gap_of(objective: float, bound: float) -> float:
    """(objective - bound) / |objective|; infinite where either is not known, or an objective of 0 lies above its bound.

    >>> gap_of(100.0, 98.0), gap_of(-100.0, -102.0), gap_of(0.0, 0.0)
    (0.02, 0.02, 0.0)
    >>> gap_of(0.0, -1.0), gap_of(1.0, float("nan")), gap_of(1.0, float("-inf"))
    (inf, inf, inf)
    """
    if not (isfinite(objective) and isfinite(bound)):
        return float("inf")
    distance = max(0.0, objective - bound)
    if distance == 0.0:
        return 0.0
    return distance / abs(objective) if objective else float("inf")


def bound_of_parts(bounds: Sequence[float]) -> float:
    """Lower bound of parts together: the sum of their bounds, less a claim of what cancels out in it.

    The bound of a part holds relative to the part, and so does the sum relative to the whole, unless the whole is a
    small difference of large parts.

    >>> bound_of_parts([1.0, 2.0]), round(bound_of_parts([1e6, 5.0 - 1e6]), 6)
    (3.0, 3.00001)
    """
    total = sum(bounds)
    if not isfinite(total):
        return total
    return total - CLAIM * (sum(abs(bound) for bound in bounds) - abs(total))


def borne_out(bound: float, objective: float) -> float:
    """Hold a lower bound against a point: it is never above the point, and minus infinity if the point disproves it.

    >>> borne_out(90.0, 100.0), borne_out(100.00001, 100.0), borne_out(101.0, 100.0)
    (90.0, 100.0, -inf)
    """
    return min(bound, objective) if bound <= objective + CLAIM * max(1.0, abs(objective)) else float("-inf")
