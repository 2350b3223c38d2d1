"""The search for a plan: the MIP, then the LP with its decisions fixed, then the same without any decision.

The gap of the whole hides small minerals, so after every MIP the integers are fixed and the LP is re-solved to
optimality: better flows, and duals.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from optimizer.prepare.calendar import Floats
from optimizer.solve.form import Form
from optimizer.solve.highs import Run, Settings, run_highs
from schemas.plan import Solution, Termination

Report = Callable[[str, float | None, float | None], None]
"""Called with a phase, and objective and bound in kUSD once there are any."""


GRACE_S = 10.0
"""Seconds beyond the time limit for what every answer needs."""
ROUNDING = 1e-9
"""Relative difference of two objectives that is no difference."""
STOPPED = (Termination.TIME_LIMIT, Termination.INTERRUPTED, Termination.MEMORY_LIMIT)


@dataclass(frozen=True)
class Control:
    """How far to search, and who listens."""

    gap: float
    time_limit_s: float | None = None
    """Wall time for all searching together, from when this object was made."""
    threads: int | None = None
    report: Report | None = None
    should_stop: Callable[[], bool] | None = None
    began: float = field(default_factory=time.monotonic)

    def left_s(self) -> float | None:
        """Time left of the limit, seconds; None without one."""
        return None if self.time_limit_s is None else max(0.0, self.began + self.time_limit_s - time.monotonic())

    def ended(self) -> bool:
        """Whether the limit has passed, or somebody asked to stop."""
        return self.left_s() == 0.0 or (self.should_stop is not None and self.should_stop())

    def above(self, bound_kusd: float) -> Control:
        """The same, telling this bound of the whole instead of that of a search which leaves something out."""
        if self.report is None:
            return self
        report = self.report
        return replace(self, report=lambda phase, objective, _: report(phase, objective, bound_kusd))

    def settings(self, phase: str, money_unit: float) -> Settings:
        """Solver settings for one run."""
        on_incumbent = None
        if self.report is not None:
            report = self.report

            def on_incumbent(objective: float, bound: float) -> None:
                report(phase, _finite(objective * money_unit), _finite(bound * money_unit))

        return Settings(
            gap=self.gap,
            time_limit_s=self.left_s(),
            threads=self.threads,
            on_incumbent=on_incumbent,
            should_stop=self.should_stop,
        )

    def tell(self, phase: str, answer: Answer | None = None) -> None:
        """Report a phase and what is held at its start."""
        if self.report is not None and answer is not None:
            self.report(phase, _finite(answer.objective_kusd), _finite(answer.bound_kusd))
        elif self.report is not None:
            self.report(phase, None, None)


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
    gap_by_group: Mapping[str, float] = field(default_factory=dict)
    """By group of minerals that recipes tie together."""
    do_nothing_kusd: float | None = None
    do_nothing_x: Floats | None = None
    fell_back: bool = False
    """Whether a limit passed before the search found anything, so that doing nothing is the answer."""

    @property
    def gap(self) -> float:
        """(objective - bound) / |objective|."""
        if self.x is None:
            return float("inf")
        distance = max(0.0, self.objective_kusd - self.bound_kusd)
        return distance / abs(self.objective_kusd) if distance > 0 else 0.0


def search(form: Form, control: Control, start: Floats | None = None) -> Answer:
    """Find a plan within the gap, its flows and duals at the optimum of its decisions; from a point if there is one."""
    found = search_decisions(form, control, start)
    if found.x is None or not form.integer.any():
        return found
    return with_decisions_fixed(form, found.x / form.column_unit, found, control)


def search_decisions(form: Form, control: Control, start: Floats | None = None) -> Answer:
    """Find decisions within the gap, as far as the limits allow; from a feasible point (canonical) if there is one."""
    first = run_highs(form, replace(control.settings("search", form.money_unit), start=start))
    if first.x is None:
        return Answer(first.termination, Solution.NONE, bound_kusd=first.bound * form.money_unit)
    return _answer(form, first)


def with_decisions_fixed(form: Form, x: Floats, answer: Answer, control: Control) -> Answer:
    """The answer with the decisions of a point (canonical), everything else re-solved to optimality.

    The answer as it came where that LP has no solution or a worse one.
    """
    integers = np.flatnonzero(form.integer)
    lp = run_highs(form.with_bounds(integers, np.round(x[integers])).relaxed(), Settings(threads=control.threads))
    worse = lp.objective * form.money_unit > answer.objective_kusd + 1e-6 * abs(answer.objective_kusd)
    if lp.x is None or worse:
        return answer
    return replace(_answer(form, lp), termination=answer.termination, bound_kusd=answer.bound_kusd)


def do_nothing(form: Form, control: Control) -> Run:
    """The plan without any start, onboarding or purchase for stock: what every other is held against.

    It may take `GRACE_S` beyond the time limit.
    """
    idle = form.columns_of("start", "started", "onboard", "onboarded", "buy")
    left = control.left_s()
    limit = None if left is None else max(left, GRACE_S)
    nothing = form.with_bounds(idle, np.zeros(len(idle)))
    if form.integer.sum() == form.integer[idle].sum():  # no yes/no is left that doing nothing would have to answer
        nothing = nothing.relaxed()
    return run_highs(nothing, Settings(threads=control.threads, time_limit_s=limit))


def compared(answer: Answer, nothing: Run, form: Form) -> Answer:
    """The answer with doing nothing beside it; doing nothing is the answer where a limit left no other."""
    if nothing.x is None:
        return answer
    if answer.x is None and answer.termination in STOPPED:
        held = _answer(form, nothing)
        answer = replace(held, termination=answer.termination, bound_kusd=answer.bound_kusd, fell_back=True)
    return replace(
        answer, do_nothing_kusd=nothing.objective * form.money_unit, do_nothing_x=nothing.x * form.column_unit
    )


def judged(answer: Answer, gap: float) -> Answer:
    """The answer with the word for what we hold: optimal where the gap asked for is reached."""
    if answer.x is None:
        return answer
    reached = answer.gap <= gap + ROUNDING
    return replace(
        answer,
        solution=Solution.OPTIMAL if reached else Solution.FEASIBLE,
        termination=Termination.OPTIMAL if reached else answer.termination,
    )


def _answer(form: Form, run: Run) -> Answer:
    assert run.x is not None
    return Answer(
        termination=run.termination,
        solution=Solution.FEASIBLE,
        x=run.x * form.column_unit,
        row_dual=None if run.row_dual is None else run.row_dual * form.money_unit / form.row_unit,
        column_dual=None if run.column_dual is None else run.column_dual * form.money_unit / form.column_unit,
        objective_kusd=run.objective * form.money_unit,
        bound_kusd=run.bound * form.money_unit,
    )


def _finite(amount: float) -> float | None:
    return amount if np.isfinite(amount) and abs(amount) < 1e30 else None
