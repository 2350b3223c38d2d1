"""Lower bounds of a linear model by weak duality, valid for any duals, right or not."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver.form import Form
from lodeplan.optimizer.solver.tolerances import ARITHMETIC

ROUNDS = 50
"""How often bounds are passed on from row to row at most; a longer chain leaves columns without one."""


def least_by_duals(form: Form, row_dual: Floats, most: float) -> float:
    """A cost (canonical) that no point is below; `most`: what a known point costs. Minus infinity where none is known.

    Integrality is left out. The solver leaves a price a hair below 0 here and there; such a column counts at its upper
    bound, or at the one that rows and `most` imply.
    """
    by_rows, price, rest = _priced(form, row_dual, most)
    return min(most, by_rows + float(price @ rest))


def spared_by_duals(form: Form, row_dual: Floats, x: Floats) -> float:
    """Largest saving over this point (canonical) that these duals leave possible, as far as is known.

    Columns that have no end where they would rest are left as they are. Of an optimum and its own duals it is 0.
    """
    most = form.cost_of(x)
    by_rows, price, rest = _priced(form, row_dual, most)
    return max(0.0, most - by_rows - float(price @ np.where(np.isfinite(rest), rest, x)))


def _priced(form: Form, row_dual: Floats, most: float) -> tuple[float, Floats, Floats]:
    """What rows (and the offset) come to at these duals, and the price of each column and where it rests for it.

    A dual on a side that a row does not have counts as 0.
    """
    side = np.where(row_dual > 0, form.row_lower, form.row_upper)
    dual = np.where(np.isfinite(side), row_dual, 0.0)
    price = form.cost - form.matrix.T @ dual
    price[np.abs(price) <= ARITHMETIC * (np.abs(form.cost) + abs(form.matrix).T @ np.abs(dual))] = 0.0
    rest = np.where(price > 0, form.column_lower, form.column_upper)
    if np.isposinf(rest[price < 0]).any():
        rest = np.where(price > 0, form.column_lower, implied_upper(form, most))
    by_rows = form.offset + float(dual @ np.where(np.isfinite(side), side, 0.0))
    return by_rows, price, np.where(price == 0, 0.0, rest)


def implied_upper(form: Form, most: float) -> Floats:
    """Upper bound of each column at points that cost no more than `most`: its own, else what rows leave; or infinity.

    In a row `a x <= b`, a column takes at most what is left of b when all others take the least they can.
    """
    rows = sp.csr_array(sp.vstack([form.matrix, -form.matrix, sp.csr_array(form.cost[None, :])]))
    side = np.concatenate([form.row_upper, -form.row_lower, [most - form.offset]])
    rows, side = rows[np.isfinite(side)], side[np.isfinite(side)]
    plus, minus = rows.maximum(0.0), rows.minimum(0.0)
    lower, upper = form.column_lower, form.column_upper.copy()
    sinks = (plus != 0).astype(float) @ np.isinf(lower) > 0
    entries = plus.tocoo()
    for _ in range(ROUNDS):
        open_ = np.isinf(upper)
        ended = ~sinks & ((minus != 0).astype(float) @ open_ == 0)
        left = side - plus @ np.where(np.isinf(lower), 0.0, lower) - minus @ np.where(open_, 0.0, upper)
        of = ended[entries.row] & open_[entries.col]
        row, column = entries.row[of], entries.col[of]
        np.minimum.at(upper, column, lower[column] + np.maximum(0.0, left[row]) / entries.data[of])
        if not (open_ & np.isfinite(upper)).any():
            break
    return upper
