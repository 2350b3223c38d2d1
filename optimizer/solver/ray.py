"""Directions in which a model's cost falls without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver.form import Form
from lodeplan.optimizer.solver.highs import Settings, tried
from lodeplan.optimizer.solver.labels import Label, Labels
from lodeplan.optimizer.solver.tolerances import NOTHING

ACTED_ON = ("stock", "run", "ship", "recover", "dispose")
"""Variables of what a planner can limit, the one that names a direction first."""
TIME_LIMIT_S = 30.0
MOST_RAYS = 5


def find_rays(form: Form) -> Iterator[Floats]:
    """Directions along which cost falls without end, the steepest first, in the model's own units.

    Each is an edge of the cone of directions that break no row and no bound, so it holds no more than it needs. What
    one is about (a stockpile, a producer, a route) is left out of those after it.
    """
    cone = _cone(form)
    for _ in range(MOST_RAYS):
        run = tried(cone, Settings(time_limit_s=TIME_LIMIT_S))
        if run.x is None or run.objective > -NOTHING:
            return
        yield run.x * form.column_unit
        leading = leading_columns(form, run.x)
        if not len(leading):
            return
        cone = cone.with_bounds(leading, np.zeros(len(leading)))


def leading_columns(form: Form, ray: Floats) -> np.ndarray:
    """All columns, at whatever node, of what a direction (canonical) is about."""
    for name in ACTED_ON:
        own = form.columns_of(name)
        if len(own) and np.abs(ray[own]).max() > NOTHING:
            subject = _subject(form.columns[own[np.abs(ray[own]).argmax()]])
            return np.array([j for j in own if _subject(form.columns[j]) == subject], np.int64)
    return np.array([], np.int64)


def _subject(column: Label) -> object:
    """The stockpile, producer or route of a column; what is let go, by commodity and place."""
    return column.key[:2] if column.component == "dispose" else column.key[0]


def _cone(form: Form) -> Form:
    """The LP of directions: no row or column may go beyond a side it has, and all above a lower one add up to 1."""
    floored, capped = np.isfinite(form.column_lower), np.isfinite(form.column_upper)
    size = sp.csr_array(floored.astype(float)[None, :])
    return replace(
        form.relaxed(),
        matrix=sp.csc_array(sp.vstack([form.matrix, size])),
        offset=0.0,
        row_lower=np.append(np.where(np.isfinite(form.row_lower), 0.0, -np.inf), -np.inf),
        row_upper=np.append(np.where(np.isfinite(form.row_upper), 0.0, np.inf), 1.0),
        column_lower=np.where(floored, 0.0, -np.inf),
        column_upper=np.where(capped, 0.0, np.inf),
        rows=form.rows + Labels.numbered("directions_add_up", np.zeros(1, np.int64)),
        row_unit=np.append(form.row_unit, 1.0),
    )
