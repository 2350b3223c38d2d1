"""Canonical units of columns and rows, in the model's own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.model.declare import Constraint, Variable
from lodeplan.optimizer.model.registry import constraints_in, registry, variables, variables_in
from lodeplan.optimizer.model.risk import cost, node_cost_adds_up
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.solver.labels import Label


def column_units(columns: Sequence[Label], instance: Instance) -> Floats:
    """Unit of each column; shape (columns,)."""
    return _units(columns, variables(), Sizes(instance))


def row_units(rows: Sequence[Label], instance: Instance) -> Floats:
    """Unit of each row; shape (rows,)."""
    return _units(rows, registry(), Sizes(instance))


def _units(labels: Sequence[Label], declared: Mapping[str, Constraint | Variable], sizes: Sizes) -> Floats:
    """What a modeler has added, and so nobody has declared, is in units of the model."""
    return np.array(
        [known.scale(sizes, label.key) if (known := declared.get(label.component)) else 1.0 for label in labels], float
    )


def scale_costs(
    matrix: sp.csr_array, rows: tuple[Sequence[Label], Floats], columns: tuple[Sequence[Label], Floats]
) -> None:
    """Give each row of costs, and the cost it adds up, the size of its own largest term, in place.

    A penalty may be a hundred million times a price: in one unit of money for all, a row with both would be feasible
    only to more than what anything else costs.
    """
    (row_labels, row_unit), (column_labels, column_unit) = rows, columns
    cost_rows, cost_columns = constraints_in(Sizes.money), variables_in(Sizes.money)
    of_cost = np.array([label.component in cost_columns for label in column_labels])
    place = {label: j for j, label in enumerate(column_labels) if label.component in cost_columns}

    def largest(row: int, *, costs: bool) -> float:
        of_row = slice(matrix.indptr[row], matrix.indptr[row + 1])
        terms = np.abs(matrix.data[of_row]) * column_unit[matrix.indices[of_row]]
        kept = terms[of_cost[matrix.indices[of_row]] == costs]
        return float(2.0 ** np.round(np.log2(kept.max()))) if kept.any() else 0.0

    for row, label in enumerate(row_labels):
        if label.component == node_cost_adds_up.name and (size := largest(row, costs=False)) > 0:
            row_unit[row] = column_unit[place[Label(cost.name, label.key)]] = size
    of_futures = set(cost_rows) - {node_cost_adds_up.name}
    compared = [row for row, label in enumerate(row_labels) if label.component in of_futures]
    for row in compared:
        row_unit[row] = largest(row, costs=True)
    for label, column in place.items():
        if label.component != cost.name and compared:
            column_unit[column] = row_unit[compared].max()
