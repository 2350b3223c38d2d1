"""A model without integrality in one HiGHS object, whose basis is kept from one linear program to the next.

The relaxation, doing nothing, and the rest at given decisions differ in bounds of columns alone. From the basis of the
one before, which stays dual feasible, the dual simplex needs a tenth of the time that the same takes from nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace

import highspy
import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver import highs
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.highs import Run, Settings, SolverError, believed, borne_out_by_duals, tried
from lodeplan.schemas.plan import Termination

ROW = 1e-6
"""Of what stands in a row, the part by which a point may break it."""
DUAL = int(highspy.simplex_constants.SimplexStrategy.kSimplexStrategyDual)


class HeldModel:
    """The relaxation of a form, solved again and again with some columns held at values (canonical)."""

    def __init__(self, form: Form, settings: Settings) -> None:
        self.form = form.relaxed()
        self._whole = form.integer
        self._settings = settings
        self._solver: highspy.Highs | None = None
        self._relaxation: Run | None = None

    def fits(self, form: Form) -> bool:
        """True if a form differs from the held one in bounds of yes/no columns, or in integrality, alone."""
        held, others = self.form, ~self._whole
        same = ((form.matrix, held.matrix), (form.cost, held.cost), (form.row_lower, held.row_lower))
        if any(one is not other for one, other in (*same, (form.row_upper, held.row_upper))):
            return False
        sides = ((form.column_lower, held.column_lower), (form.column_upper, held.column_upper))
        return all(np.array_equal(one[others], other[others]) for one, other in sides)

    def relaxation(self, time_limit_s: float | None) -> Run:
        """The optimum with nothing held; solved once."""
        if self._relaxation is None:
            self._relaxation = self._first(time_limit_s)
        return self._relaxation

    def at(self, columns: Ints, values: Floats, time_limit_s: float | None) -> Run:
        """The optimum with columns held at values. Where it is not found from the basis, it is solved from nothing."""
        part = self.form.with_bounds(columns, values)
        deadline = _after(time_limit_s)
        if self._solver is not None:
            _set_bounds(self._solver, part, columns)
            run = self._optimum(self._solver, part, time_limit_s)
            _set_bounds(self._solver, self.form, columns)
            if run is not None:
                return run
        return tried(part, replace(self._settings, time_limit_s=_until(deadline)))

    def _first(self, time_limit_s: float | None) -> Run:
        deadline = _after(time_limit_s)
        try:
            solver = highs.new_solver(self.form, self._settings)
            run = self._optimum(solver, self.form, time_limit_s)
        except SolverError:
            run = None
        if run is None:
            return tried(self.form, replace(self._settings, time_limit_s=_until(deadline)))
        solver.setOptionValue("simplex_strategy", DUAL)
        self._solver = solver
        return run

    def _optimum(self, solver: highspy.Highs, form: Form, time_limit_s: float | None) -> Run | None:
        """The optimum from where the solver stands; None where there is none to be believed, also for want of time."""
        # The clock of an object runs on from one run to the next.
        limit = float("inf") if time_limit_s is None else solver.getRunTime() + time_limit_s
        solver.setOptionValue("time_limit", limit)
        failed = solver.run() == highspy.HighsStatus.kError
        if failed or solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        run = believed(solver, form, Termination.OPTIMAL)
        return run if run is not None and borne_out_by_duals(form, run) and _keeps_rows(form, run) else None


def relaxation_duals(form: Form) -> Floats | None:
    """Duals of the rows at the optimum of a form without integrality, shape (rows,), canonical; None where it has
    none."""
    return HeldModel(form, Settings()).relaxation(None).row_dual


def _keeps_rows(form: Form, run: Run) -> bool:
    """True if a point, put within its bounds, keeps each row within a tolerance of what stands in it.

    A decision of 1e-14 is 0 to the solver, and times a capacity of 1e14 it would be output of a plant that is not
    there. A run from nothing takes held columns out beforehand.
    """
    if run.x is None:
        return True
    x = np.clip(run.x, form.column_lower, form.column_upper)
    held = form.matrix @ x
    size = 1.0 + abs(form.matrix) @ np.abs(x)
    broken = np.maximum(form.row_lower - held, held - form.row_upper)
    return bool((broken <= ROW * size).all())


def _after(time_limit_s: float | None) -> float | None:
    return None if time_limit_s is None else time.monotonic() + time_limit_s


def _until(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _set_bounds(solver: highspy.Highs, form: Form, columns: Ints) -> None:
    if len(columns):
        lower, upper = form.column_lower[columns], form.column_upper[columns]
        solver.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)
