"""A model without integrality in one HiGHS object, whose basis is kept from one linear program to the next.

The relaxation, doing nothing, and the rest at given decisions differ in bounds of columns alone. From the basis of the
one before, which stays dual feasible, the dual simplex needs a tenth of the time that the same takes from nothing.

A model whose numbers were changed is passed anew, which takes next to no time and leaves nothing of what was before,
and each of these is solved from its own last basis.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import highspy
import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver import highs
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.highs import Run, Settings, SolverError, believed, borne_out_by_duals, tried
from lodeplan.optimizer.solver.labels import Labels
from lodeplan.schemas.plan import Termination

ROW = 1e-6
"""Of what stands in a row, the part by which a point may break it."""
DUAL = int(highspy.simplex_constants.SimplexStrategy.kSimplexStrategyDual)
EITHER = int(highspy.simplex_constants.SimplexStrategy.kSimplexStrategyChoose)
"""Primal where the basis is feasible, as after a change of prices; dual elsewhere."""
NONE: Ints = np.zeros(0, np.int64)


@dataclass(frozen=True)
class SolvedGroup:
    """A part of a model with the rows that it shares priced, and what its search found."""

    part: Form
    run: Run
    dual_kusd: Floats
    """Duals of the rows of the whole at which it was priced, in the model's own units; shape (rows,)."""


class Before:
    """Findings of a model for the next that has the same columns and rows, but other numbers: the last basis of
    each linear program, by the columns that were held in it, and the groups that were solved, by name."""

    def __init__(self) -> None:
        self.groups: dict[str, SolvedGroup] = {}
        self._labels: tuple[Labels, Labels] | None = None
        self._by_held: dict[bytes, highspy.HighsBasis] = {}

    def for_model(self, form: Form) -> dict[bytes, highspy.HighsBasis]:
        """Bases that another model can begin with: all where it has the same columns and rows, else none."""
        return dict(self._by_held) if self._labels == (form.columns, form.rows) else {}

    def keep(self, form: Form, columns: Ints, basis: highspy.HighsBasis) -> None:
        """Keep the basis of a model with these columns held; those of a model with other columns or rows are let go."""
        if self._labels != (form.columns, form.rows):
            self._labels, self._by_held, self.groups = (form.columns, form.rows), {}, {}
        self._by_held[columns.tobytes()] = basis


class HeldModel:
    """The relaxation of a form, solved again and again with some columns held at values (canonical).

    `before` is what the model before it left, and gets what this one leaves.
    """

    def __init__(self, form: Form, settings: Settings, before: Before | None = None) -> None:
        self.form = form.relaxed()
        self._whole = form.integer
        self._settings = settings
        self.before = Before() if before is None else before
        """What the model before this one left, and this one leaves."""
        self._first_bases = self.before.for_model(form)
        self.is_known = bool(self._first_bases)
        """True if a model with the same columns and rows was solved before."""
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
            run = self._optimum(self._solver, part, columns, time_limit_s)
            _set_bounds(self._solver, self.form, columns)
            if run is not None:
                return run
        return tried(part, replace(self._settings, time_limit_s=_until(deadline)))

    def _first(self, time_limit_s: float | None) -> Run:
        deadline = _after(time_limit_s)
        for _ in range(1 + (NONE.tobytes() in self._first_bases)):
            try:
                solver = highs.new_solver(self.form, self._settings)
                run = self._optimum(solver, self.form, NONE, _until(deadline))
            except SolverError:
                run = None
            if run is not None:
                self._solver = solver
                return run
        return tried(self.form, replace(self._settings, time_limit_s=_until(deadline)))

    def _optimum(self, solver: highspy.Highs, form: Form, held: Ints, time_limit_s: float | None) -> Run | None:
        """The optimum from the last basis of the same program, which is used once, or from where the solver stands;
        None where there is none to be believed, also for want of time."""
        if (basis := self._first_bases.pop(held.tobytes(), None)) is not None:
            solver.setOptionValue("simplex_strategy", EITHER)
            solver.setBasis(basis)
        elif self._solver is not None:
            solver.setOptionValue("simplex_strategy", DUAL)
        # The clock of an object runs on from one run to the next.
        limit = float("inf") if time_limit_s is None else solver.getRunTime() + time_limit_s
        solver.setOptionValue("time_limit", limit)
        failed = solver.run() == highspy.HighsStatus.kError
        if failed or solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        run = believed(solver, form, Termination.OPTIMAL)
        if run is None or not borne_out_by_duals(form, run) or not _keeps_rows(form, run):
            return None
        self.before.keep(form, held, solver.getBasis())
        return run


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
