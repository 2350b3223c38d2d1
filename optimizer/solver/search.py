"""The search for a plan: the MIP, then the LP with its decisions fixed, then the same without any decision.

The gap of the whole hides small minerals, so after every MIP the integers are fixed and the LP is re-solved to
optimality: better flows, and duals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver.control import Control
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.groups import Relaxation
from lodeplan.optimizer.solver.highs import Run, closely_priced, tried
from lodeplan.optimizer.solver.money import added_up
from lodeplan.optimizer.solver.tolerances import CLAIM, ROUNDING, borne_out, gap_of
from lodeplan.schemas.plan import Solution, Termination

GRACE_S = 10.0
"""Seconds beyond the time limit for what every answer needs."""
LEAST_MONEY = 1e3
"""An objective has this many units of money at least, where flows are settled: the solver's tolerance is absolute."""
STOPPED = (Termination.TIME_LIMIT, Termination.INTERRUPTED, Termination.MEMORY_LIMIT, Termination.SEARCH_LIMIT)


@dataclass(frozen=True)
class Branch:
    """A branch that weighs nothing in the objective, and how cheap it is."""

    start: str
    """Its first node."""
    cost_kusd: float
    """At its futures' own conditional probabilities, discounted."""
    bound_kusd: float | None
    """What it costs at least with its yes/no decisions as they are, by the duals; None where that is not known."""
    gap: float | None
    """Relative gap of its own yes/no decisions; None where it has none, or where the bound is not known."""


@dataclass(frozen=True)
class Answer:
    """Answer of the search, in the model's own units."""

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
    gap_of: Literal["cost", "worth"] = "cost"
    """What the gap asked for is measured against: the objective, or what the plan saves against doing nothing."""
    gap_by_group: Mapping[str, float] = field(default_factory=dict)
    """By group of minerals that recipes tie together."""
    open_groups: tuple[str, ...] = ()
    """Those too far from their bounds for the plan to be optimal."""
    do_nothing_kusd: float | None = None
    do_nothing_x: Floats | None = None
    branches: tuple[Branch, ...] = ()
    """Those that weigh nothing in the objective, as they were settled."""
    branch_row_dual: Floats | None = None
    """Dual of each row of such a branch, kUSD of the branch per unit of the row; NaN elsewhere."""
    branch_column_dual: Floats | None = None
    branch_weight: Floats | None = None
    """Weight of a kUSD at each node in what its branch makes least; NaN outside of them."""
    rays: tuple[Floats, ...] = ()
    """Where a branch has no least cost: directions along which it falls, in the model's own units."""
    fell_back: bool = False
    """True if the search ended or failed before it found anything, so that a point known before is the answer."""

    @property
    def nothing_found(self) -> bool:
        """True if the answer is not a plan of the search and not proven optimal either."""
        return self.fell_back and self.solution != Solution.OPTIMAL

    @property
    def gap(self) -> float:
        """(objective - bound) / |objective|; infinite where there is no plan, or nothing is proven."""
        return float("inf") if self.x is None else gap_of(self.objective_kusd, self.bound_kusd)


def search(form: Form, control: Control, start: Floats | None = None) -> Answer:
    """Find a plan within the gap, its flows and duals at the optimum of its decisions; from a point if there is one."""
    found = search_decisions(form, control, start)
    if found.x is None or not form.integer.any():
        return found
    answer = settled(form, found, control)
    control.proven.hold_against(answer.objective_kusd)
    claimed = found.termination == Termination.OPTIMAL and not control.ended()
    return search_closely(form, answer, control) if claimed and answer.gap > control.gap + ROUNDING else answer


def search_closely(form: Form, answer: Answer, control: Control) -> Answer:
    """Search once more, as closely as the solver can, where what it left within its tolerance was worth something.

    A millionth of a large project may be all that is needed, at next to nothing of its cost; what next to nothing can
    be saved on each of may be much in all. The same where the solver says that its plan costs more than it does: its
    bound is then none.
    """
    assert answer.x is not None
    sized = closely_priced(form, answer.objective_kusd / form.money_unit)
    has_decisions = bool(form.integer.any())
    start = answer.x / form.column_unit if has_decisions else None
    found = search_decisions(sized, control, start, closely=True)
    if found.x is None:
        return answer
    again = settled(sized, found, control, closely=True) if has_decisions else found
    best = min(answer, again, key=lambda held: held.objective_kusd)
    bound = max(borne_out(held.bound_kusd, best.objective_kusd) for held in (answer, again))
    return replace(best, bound_kusd=bound, termination=again.termination)


def search_decisions(form: Form, control: Control, start: Floats | None = None, *, closely: bool = False) -> Answer:
    """Find decisions within the gap, as far as the limits allow; from a feasible point (canonical) if there is one."""
    first = tried(form, replace(control.settings("search", form.money_unit), start=start, closely=closely))
    control.believe(first, form.money_unit)
    if first.x is None:
        return Answer(first.termination, Solution.NONE, bound_kusd=first.bound * form.money_unit)
    return answer_of(form, first)


def settled(form: Form, answer: Answer, control: Control, *, closely: bool = False) -> Answer:
    """The answer with everything but its decisions re-solved to optimality; as it came where that has no solution.

    What comes may cost more: decisions that are whole only within the solver's tolerance may be worth a little. It is
    solved from nothing: of several duals that prove an optimum, those after presolve are the ones that plans report.
    """
    control = replace(control, held=None)
    found = _with_decisions(form, np.asarray(answer.x) / form.column_unit, answer, control, closely=closely)
    return answer if found is None else replace(found, fell_back=answer.fell_back)


def improved(form: Form, x: Floats, answer: Answer, control: Control) -> Answer:
    """The answer with the decisions of another point (canonical); as it came where they do not fit, or are worse."""
    found = _with_decisions(form, x, answer, control)
    allowed = answer.objective_kusd + CLAIM * abs(answer.objective_kusd)
    return answer if found is None or found.objective_kusd > allowed else found


def with_decisions(form: Form, x: Floats, objective_kusd: float, control: Control) -> Answer | None:
    """The optimum at the decisions of a point (canonical) that costs about so much; None where there is none."""
    like = Answer(Termination.OPTIMAL, Solution.FEASIBLE, objective_kusd=objective_kusd)
    return _with_decisions(form, x, like, control)


def _with_decisions(form: Form, x: Floats, answer: Answer, control: Control, *, closely: bool = False) -> Answer | None:
    """The optimum of everything else at the decisions of a point (canonical), if there is one."""
    integers = np.flatnonzero(form.integer)
    sized = form.in_money_of(abs(answer.objective_kusd) / LEAST_MONEY)
    decided = np.round(x[integers])
    held = control.held
    if held is not None and held.fits(sized) and not closely:
        lp = held.at(integers, decided, None)
    else:
        settings = replace(control.machine(), closely=closely)
        lp = tried(sized.with_bounds(integers, decided).relaxed(), settings)
    if lp.x is None:
        return None
    found = answer_of(sized, lp)
    bound = borne_out(answer.bound_kusd, found.objective_kusd)
    return replace(found, termination=answer.termination, bound_kusd=bound)


def idle(form: Form) -> Ints:
    """Columns that are 0 where nothing is done."""
    return form.columns_of("start", "started", "onboard", "onboarded", "buy")


def do_nothing(form: Form, control: Control) -> Run:
    """The plan without any start, onboarding or purchase for stock: what every other is held against.

    It may take `GRACE_S` beyond the time limit.
    """
    none = idle(form)
    if (form.column_lower[none] > 0).any():  # somebody holds that something is done
        return Run(Termination.INFEASIBLE, None, None, None, float("inf"), float("-inf"))
    left = control.left_s()
    limit = None if left is None else max(left, GRACE_S)
    # Else a yes/no is left that doing nothing would have to answer.
    no_decision_left = form.integer.sum() == form.integer[none].sum()
    if no_decision_left and control.held is not None and control.held.fits(form):
        return control.held.at(none, np.zeros(len(none)), limit)
    nothing = form.with_bounds(none, np.zeros(len(none)))
    if no_decision_left:
        nothing = nothing.relaxed()
    return tried(nothing, replace(control.machine(), time_limit_s=limit))


def any_point(form: Form, control: Control) -> Run:
    """A point that breaks no rule, at whatever cost: where there is one, the model is not infeasible."""
    limit = None if control.left_s() is None else GRACE_S
    free = replace(form, cost=np.zeros_like(form.cost))
    return tried(free, replace(control.machine(), time_limit_s=limit))


def from_known(form: Form, known: Floats, answer: Answer, control: Control) -> Answer:
    """The answer where the search says that there is none, or fails, though a point (canonical) is known."""
    held = replace(
        answer, termination=Termination.ERROR, solution=Solution.FEASIBLE, x=known * form.column_unit, fell_back=True
    )
    held = settled(form, replace(held, objective_kusd=form.cost_of(known) * form.money_unit), control)
    again = tried(form, replace(control.settings("search", form.money_unit), start=known, presolve=False))
    control.believe(again, form.money_unit)
    if again.x is None:
        return held
    return settled(form, answer_of(form, again), control) if form.integer.any() else answer_of(form, again)


def compared(answer: Answer, nothing: Run, form: Form) -> Answer:
    """Compare the answer with doing nothing, which becomes the answer if there is no other, or only a costlier one."""
    if nothing.x is None:
        return answer
    do_nothing_kusd = form.cost_of(added_up(form, nothing.x)) * form.money_unit
    dearer = answer.x is not None and answer.objective_kusd > do_nothing_kusd + CLAIM * abs(do_nothing_kusd)
    if dearer or (answer.x is None and answer.termination in STOPPED):
        held = answer_of(form, nothing)
        bound = borne_out(answer.bound_kusd, held.objective_kusd)
        answer = replace(held, termination=answer.termination, bound_kusd=bound, fell_back=not dearer)
    return replace(
        answer,
        do_nothing_kusd=do_nothing_kusd,
        do_nothing_x=nothing.x * form.column_unit,
    )


def exact(answer: Answer, form: Form) -> Answer:
    """The answer with its costs added up from its flows: rows hold only within the solver's tolerance."""
    if answer.x is None:
        return answer
    x = added_up(form, answer.x / form.column_unit)
    objective = form.cost_of(x) * form.money_unit
    return replace(
        answer,
        x=x * form.column_unit,
        objective_kusd=objective,
        bound_kusd=borne_out(answer.bound_kusd, objective),
    )


def judged(answer: Answer, control: Control) -> Answer:
    """The answer with the words for why it stopped and what we hold: optimal where the gap asked for is reached.

    A part of the search, or the solver's own word, may have said so of what the whole does not bear out.
    """
    if answer.x is None:
        return answer
    if answer.gap <= control.gap + ROUNDING:
        return replace(answer, solution=Solution.OPTIMAL, termination=Termination.OPTIMAL)
    termination = answer.termination
    if termination == Termination.OPTIMAL:
        at_limit = Termination.TIME_LIMIT if control.left_s() == 0.0 else Termination.INTERRUPTED
        termination = at_limit if control.ended() else Termination.ERROR
    return replace(answer, solution=Solution.FEASIBLE, termination=termination)


def judged_by_group(answer: Answer, relaxation: Relaxation, form: Form) -> Answer:
    """The answer with the gap of each group; no longer optimal where one is further off than a group may be."""
    bound = answer.bound_kusd / form.money_unit
    distances = relaxation.distances(form, np.asarray(answer.x) / form.column_unit, bound)
    answer = replace(answer, gap_by_group=distances.shares(), open_groups=tuple(distances.open(form.money_unit)))
    if not answer.open_groups or answer.solution != Solution.OPTIMAL:
        return answer
    return replace(answer, solution=Solution.FEASIBLE, termination=Termination.SEARCH_LIMIT)


def answer_of(form: Form, run: Run) -> Answer:
    """A run with a point, in the model's own units."""
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
