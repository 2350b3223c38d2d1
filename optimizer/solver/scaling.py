"""Canonical units of columns and rows, in the model's own units."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.model.declare import Constraint, Variable
from lodeplan.optimizer.model.registry import constraints_in, registry, variables, variables_in
from lodeplan.optimizer.model.risk import cost, node_cost_adds_up
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.solver.labels import Label, Labels


def column_units(columns: Labels, instance: Instance) -> Floats:
    """Unit of each column; shape (columns,)."""
    return _units(columns, variables(), Sizes(instance))


def row_units(rows: Labels, instance: Instance) -> Floats:
    """Unit of each row; shape (rows,)."""
    return _units(rows, registry(), Sizes(instance))


def _units(labels: Labels, declared: Mapping[str, Constraint | Variable], sizes: Sizes) -> Floats:
    """What a modeler has added, and so nobody has declared, is in units of the model. No unit depends on the node."""
    units = [np.zeros(0)]
    for part in labels.ranges:
        known = declared.get(part.component)
        units.append(np.ones(len(part.members)) if known is None else part.numbers(partial(known.scale, sizes)))
    return np.concatenate(units)


def scale(matrix: sp.csc_array, rows: Floats, columns: Floats) -> None:
    """Multiply each entry by the factors of its row and its column, in place."""
    matrix.data *= rows[matrix.indices]
    matrix.data *= np.repeat(columns, np.diff(matrix.indptr))


def scale_costs(matrix: sp.csc_array, rows: tuple[Labels, Floats], columns: tuple[Labels, Floats]) -> None:
    """Give each row of costs, and the cost it adds up, the size of its own largest term, in place.

    A penalty may be a hundred million times a price: in one unit of money for all, a row with both would be feasible
    only to more than what anything else costs.
    """
    (row_labels, row_unit), (column_labels, column_unit) = rows, columns
    cost_rows, cost_columns = constraints_in(Sizes.money), variables_in(Sizes.money)
    costly = column_labels.places_of(*cost_columns).tolist()
    of_cost = np.zeros(len(column_labels), bool)
    of_cost[costly] = True
    place = {column_labels[column]: column for column in costly}

    summed = row_labels.places_of(*cost_rows)
    place_of_row = {row: place for place, row in enumerate(summed.tolist())}
    sums = sp.csr_array(matrix[summed])

    def largest(row: int, *, costs: bool) -> float:
        of_row = slice(sums.indptr[place_of_row[row]], sums.indptr[place_of_row[row] + 1])
        terms = np.abs(sums.data[of_row]) * column_unit[sums.indices[of_row]]
        kept = terms[of_cost[sums.indices[of_row]] == costs]
        return float(2.0 ** np.round(np.log2(kept.max()))) if kept.any() else 0.0

    for row in row_labels.places_of(node_cost_adds_up.name).tolist():
        if (size := largest(row, costs=False)) > 0:
            row_unit[row] = column_unit[place[Label(cost.name, row_labels[row].key)]] = size
    compared = row_labels.places_of(*(set(cost_rows) - {node_cost_adds_up.name})).tolist()
    for row in compared:
        row_unit[row] = largest(row, costs=True)
    for label, column in place.items():
        if label.component != cost.name and compared:
            column_unit[column] = row_unit[compared].max()
