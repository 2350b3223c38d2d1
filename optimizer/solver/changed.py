"""Numbers that differ in two forms with the same columns and rows."""

from __future__ import annotations

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver.form import Form


def count_changes(before: Form, after: Form) -> dict[str, int]:
    """Counts of what differs in two forms with the same columns and rows; exact, since units are powers of two."""
    bounds, sides = 0, 0
    first, second = (form.cost * (form.money_unit / form.column_unit) for form in (before, after))
    costs = _differing(first, second)
    for name in ("column_lower", "column_upper"):
        bounds += _differing(*(getattr(form, name) * form.column_unit for form in (before, after)))
    for name in ("row_lower", "row_upper"):
        sides += _differing(*(getattr(form, name) * form.row_unit for form in (before, after)))
    return {"costs": costs, "bounds": bounds, "sides": sides, "coefficients": _differing_entries(before, after)}


def _differing_entries(before: Form, after: Form) -> int:
    matrices = []
    for form in (before, after):
        matrix = form.matrix.copy()
        matrix.data *= form.row_unit[matrix.indices]
        matrix.data /= np.repeat(form.column_unit, np.diff(matrix.indptr))
        matrices.append(matrix)
    return int((matrices[0] != matrices[1]).nnz)


def _differing(one: Floats, other: Floats) -> int:
    return int((one != other).sum())
