"""The gap asked of what a plan decides: of its saving against doing nothing, not of the nation's whole bill."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite

from lodeplan.optimizer.solver.control import Control
from lodeplan.optimizer.solver.form import Form
from lodeplan.optimizer.solver.highs import Run
from lodeplan.optimizer.solver.money import added_up
from lodeplan.optimizer.solver.tolerances import CLAIM

LEAST_GAP_OF_COST = 1e-6
"""A gap of the objective at which any gap of worth is met: the solver computes no closer."""
MOST_SEARCHES = 4
"""So often a search goes on where a better plan than expected saves less than was expected."""


def asked_of_cost(control: Control, form: Form, nothing: Run, objective_kusd: float) -> Control | None:
    """The control with its gap as a fraction of this objective; None where doing nothing is infeasible, or as good."""
    if control.gap_of_worth is None or nothing.x is None or not isfinite(objective_kusd):
        return None
    worth = form.cost_of(added_up(form, nothing.x)) * form.money_unit - objective_kusd
    if worth <= CLAIM * max(1.0, abs(objective_kusd)):
        return None
    share = worth / abs(objective_kusd) if objective_kusd else float("inf")
    return replace(control, gap=max(LEAST_GAP_OF_COST, control.gap_of_worth * share))
