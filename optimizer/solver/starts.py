"""A point to start from: the yes/no decisions of a plan known before, completed in the model at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lodeplan.optimizer.plan import Plan
from lodeplan.optimizer.solver.control import Control
from lodeplan.optimizer.solver.form import Form
from lodeplan.optimizer.solver.highs import tried
from lodeplan.optimizer.solver.labels import Label
from lodeplan.optimizer.solver.search import Answer, answer_of, settled, with_decisions
from lodeplan.schemas.kinds import ProjectStatus

Decisions = Mapping[Label, float]
"""Values of yes/no columns, by what they stand for: they outlive the arrays of a model."""


def decisions_of(form: Form, answer: Answer) -> dict[Label, float]:
    """All yes/no decisions of an answer to this form; none where it has no plan."""
    if answer.x is None:
        return {}
    return {form.columns[column]: round(float(answer.x[column])) for column in np.flatnonzero(form.integer).tolist()}


def completed(form: Form, decisions: Decisions, control: Control) -> Answer | None:
    """The best plan with those of these decisions that the model has, nearest to what bounds let them be.

    None where there is none, or no decision to start from. It proves nothing.
    """
    columns = np.array([j for j in np.flatnonzero(form.integer).tolist() if form.columns[j] in decisions], np.int64)
    if not len(columns) or control.ended():
        return None
    values = np.array([decisions[form.columns[column]] for column in columns.tolist()])
    if control.held is not None and control.held.is_known and len(columns) == form.integer.sum():
        x = np.zeros(len(form.cost))
        x[columns] = np.clip(values, form.column_lower[columns], form.column_upper[columns])
        size = control.held.relaxation(control.left_s()).objective * form.money_unit
        return with_decisions(form, x, size, control)
    held = form.with_bounds(columns, np.clip(values, form.column_lower[columns], form.column_upper[columns]))
    left = held.integer.copy()
    left[columns] = False
    settings = replace(
        control.machine(), gap=control.gap, time_limit_s=control.left_s(), should_stop=control.should_stop
    )
    run = tried(replace(held, integer=left), settings)
    return None if run.x is None else replace(settled(form, answer_of(form, run), control), bound_kusd=float("-inf"))


def decisions_in(plan: Plan, form: Form) -> dict[Label, float]:
    """Starts and onboardings of this form as a plan has them: 0 for those that it does not."""
    if not {"projects", "onboardings"} <= plan.tables.keys():
        return {}
    projects = plan.tables["projects"]
    started = projects[projects["status"] == ProjectStatus.STARTED.value][["project", "track", "node"]]
    onboarded = plan.tables["onboardings"][["route", "node"]]
    taken = {Label("start", key) for key in started.itertuples(index=False, name=None)}
    taken |= {Label("onboard", key) for key in onboarded.itertuples(index=False, name=None)}
    offered = [form.columns[column] for column in form.columns_of("start", "onboard").tolist()]
    return {label: float(label in taken) for label in offered}
