"""The search for a plan: the MIP, then the LP with its decisions fixed, then the same without any decision.

The gap of the whole hides small minerals, so after every MIP the integers are fixed and the LP is re-solved to
optimality: better flows, and duals.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from optimizer.prepare.calendar import Floats
from optimizer.solve.form import Form
from optimizer.solve.highs import Run, Settings, run_highs
from schemas.plan import Solution, Termination

Report = Callable[[str, float | None, float | None], None]
"""Called with a phase, and objective and bound in kUSD once there are any."""


@dataclass(frozen=True)
class Control:
    """How far to search, and who listens."""

    gap: float
    time_limit_s: float | None = None
    threads: int | None = None
    report: Report | None = None
    should_stop: Callable[[], bool] | None = None

    def settings(self, time_limit_s: float | None, phase: str, money_unit: float) -> Settings:
        """Solver settings for one run."""
        on_incumbent = None
        if self.report is not None:
            report = self.report

            def on_incumbent(objective: float, bound: float) -> None:
                report(phase, _finite(objective * money_unit), _finite(bound * money_unit))

        return Settings(
            gap=self.gap,
            time_limit_s=time_limit_s,
            threads=self.threads,
            on_incumbent=on_incumbent,
            should_stop=self.should_stop,
        )


@dataclass(frozen=True)
class Answer:
    """What the search holds, in the model's own units."""

    termination: Termination
    solution: Solution
    x: Floats | None = None
    """Value of each column."""
    row_dual: Floats | None = None
    """Dual of each row with the decisions fixed, kUSD per unit of the row."""
    column_dual: Floats | None = None
    """Reduced cost of each column, kUSD per unit of the column."""
    objective_kusd: float = float("inf")
    bound_kusd: float = float("-inf")
    do_nothing_kusd: float | None = None
    do_nothing_x: Floats | None = None

    @property
    def gap(self) -> float:
        """(objective - bound) / |objective|."""
        if self.x is None:
            return float("inf")
        distance = max(0.0, self.objective_kusd - self.bound_kusd)
        return distance / abs(self.objective_kusd) if distance > 0 else 0.0


def search(form: Form, control: Control) -> Answer:
    """Find a plan within the gap, as far as the limits allow."""
    started = time.monotonic()
    first = run_highs(form, control.settings(control.time_limit_s, "search", form.money_unit))
    if first.x is None:
        return Answer(first.termination, Solution.NONE, bound_kusd=first.bound * form.money_unit)
    final = _with_decisions_fixed(form, first, control) if form.integer.any() else first
    answer = _answer(form, first, final, control.gap)
    if control.report is not None:
        control.report("compare", answer.objective_kusd, answer.bound_kusd)
    left = None if control.time_limit_s is None else max(10.0, control.time_limit_s - (time.monotonic() - started))
    return _compared(form, answer, control, left)


def _with_decisions_fixed(form: Form, run: Run, control: Control) -> Run:
    """The LP that is left once every decision is taken; the MIP's own point where that LP gives none."""
    assert run.x is not None
    integers = np.flatnonzero(form.integer)
    fixed = form.with_bounds(integers, np.round(run.x[integers])).relaxed()
    lp = run_highs(fixed, Settings(threads=control.threads))
    return lp if lp.x is not None and lp.objective <= run.objective + 1e-6 * abs(run.objective) else run


def _answer(form: Form, first: Run, final: Run, gap: float) -> Answer:
    assert final.x is not None
    objective, bound = final.objective * form.money_unit, min(first.bound, final.objective) * form.money_unit
    answer = Answer(
        termination=first.termination,
        solution=Solution.FEASIBLE,
        x=final.x * form.column_unit,
        row_dual=None if final.row_dual is None else final.row_dual * form.money_unit / form.row_unit,
        column_dual=None if final.column_dual is None else final.column_dual * form.money_unit / form.column_unit,
        objective_kusd=objective,
        bound_kusd=bound,
    )
    reached = first.termination == Termination.OPTIMAL and answer.gap <= gap + 1e-12
    return replace(answer, solution=Solution.OPTIMAL) if reached else answer


def _compared(form: Form, answer: Answer, control: Control, time_limit_s: float | None) -> Answer:
    """With the cost of doing nothing: no start, no onboarding, nothing bought for stock."""
    idle = form.columns_of("start", "started", "onboard", "onboarded", "buy")
    nothing = form.with_bounds(idle, np.zeros(len(idle))).relaxed()
    run = run_highs(nothing, Settings(threads=control.threads, time_limit_s=time_limit_s))
    if run.x is None:
        return answer
    return replace(answer, do_nothing_kusd=run.objective * form.money_unit, do_nothing_x=run.x * form.column_unit)


def _finite(amount: float) -> float | None:
    return amount if np.isfinite(amount) and abs(amount) < 1e30 else None
