"""Pyomo to HiGHS and back: hand-off in canonical units, progress, stop, and a final LP for flows and duals."""

from dataclasses import replace
from math import isfinite

import numpy as np

import lodeplan.optimizer.model.lean  # noqa: F401  (before anything imports SciPy)
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.solver.branches import settle_branches
from lodeplan.optimizer.solver.changed import count_changes
from lodeplan.optimizer.solver.conflict import find_conflict
from lodeplan.optimizer.solver.control import Control
from lodeplan.optimizer.solver.export import write_model
from lodeplan.optimizer.solver.form import Form, standard_form
from lodeplan.optimizer.solver.groups import Block, Relaxation, polish, relax_around, relax_by_group, split
from lodeplan.optimizer.solver.held import Before, HeldModel, relaxation_duals
from lodeplan.optimizer.solver.highs import Run
from lodeplan.optimizer.solver.labels import Label
from lodeplan.optimizer.solver.money import money_weights
from lodeplan.optimizer.solver.options import checked_options
from lodeplan.optimizer.solver.ranges import extremes, refuse_hopeless
from lodeplan.optimizer.solver.ray import find_rays
from lodeplan.optimizer.solver.rounds import search_along_groups
from lodeplan.optimizer.solver.search import (
    Answer,
    answer_of,
    any_point,
    compared,
    do_nothing,
    exact,
    from_known,
    idle,
    improved,
    judged,
    judged_by_group,
    search,
    search_closely,
    search_decisions,
    settled,
)
from lodeplan.optimizer.solver.starts import Decisions, completed, decisions_in, decisions_of
from lodeplan.optimizer.solver.tolerances import NOTHING, borne_out, gap_of
from lodeplan.optimizer.solver.worth import MOST_SEARCHES, asked_of_cost
from lodeplan.schemas.plan import Solution, Termination

__all__ = [
    "NOTHING",
    "Answer",
    "Before",
    "Block",
    "Control",
    "Decisions",
    "Form",
    "HeldModel",
    "Label",
    "checked_options",
    "count_changes",
    "decisions_in",
    "decisions_of",
    "find_conflict",
    "find_rays",
    "gap_of",
    "money_weights",
    "refuse_hopeless_numbers",
    "relaxation_duals",
    "solve_form",
    "split",
    "standard_form",
    "write_model",
]

LARGE_FROM_NONZEROS = 10_000
"""From it on a model is searched along its groups first; a smaller one as a whole at once."""
RESTRICTED_SHARE = 0.5
"""Relative gap among the decisions worth taking, as a share of the gap asked for; groups are polished after it."""


def solve_form(instance: Instance, form: Form, control: Control, start: Decisions | None = None) -> Answer:
    """Search for a plan, give its gap as a whole and by group, and say what doing nothing would cost.

    A large model is first searched among the decisions that its groups find worth taking, and as a whole only if that
    leaves a gap wider than asked for. `start` names decisions of a plan known before: where they are as good as asked
    for, nothing is searched. Raises `schemas.InvalidInput` where there is no answer to trust for numbers that
    are too far apart; where there is none for another reason, the answer's termination is an error.
    """
    answer = _solved(instance, form, control, start or {})
    if answer.termination == Termination.ERROR:
        refuse_hopeless_numbers(instance, form)
    return answer


def refuse_hopeless_numbers(instance: Instance, form: Form) -> None:
    """Raise `schemas.InvalidInput` where the numbers of a model are too far apart for an answer to trust."""
    found = extremes(form.matrix, form.cost, form.column_upper)
    refuse_hopeless(found, form.matrix, form.columns, instance.scenario)


def _solved(instance: Instance, form: Form, control: Control, start: Decisions) -> Answer:
    control = control.of_another_model(form)
    if control.held is not None and not control.ended():
        control.tell("relaxation")
        control.held.relaxation(control.left_s())
    control.tell("do nothing")
    nothing = do_nothing(form, control)
    if control.held is not None and control.gap_of_worth is not None and not control.ended():
        # No plan saves more than the relaxation.
        most = control.held.relaxation(control.left_s()).objective * form.money_unit
        control = asked_of_cost(control, form, nothing, most) or control
    answer, relaxation, control = _answered(instance, form, nothing, start, control)
    if answer.x is None:
        return answer
    answer = replace(_with_branches(instance, form, answer, control), gap_of=answer.gap_of)
    if answer.x is None:
        return answer
    if nothing.x is not None:
        answer = replace(answer, do_nothing_x=_settled_nothing(instance, form, nothing, control))
    if relaxation is not None:
        return judged_by_group(answer, relaxation, form)
    # Without yes/no decisions an optimum of the whole is one of each group.
    proven = not form.integer.any() and answer.solution == Solution.OPTIMAL
    return replace(answer, gap_by_group={block.name: 0.0 for block in split(instance, form)} if proven else {})


def _answered(
    instance: Instance, form: Form, nothing: Run, start: Decisions, control: Control
) -> tuple[Answer, Relaxation | None, Control]:
    """What the search finds, with the bounds of groups, and the control with the gap that it is to be judged by.

    Where a model was solved before with other numbers, what was decided then is held against the linear relaxation
    first: nothing is searched where it is still as near as asked for.
    """
    done: dict[str, Run] = {}
    known = None if control.ended() else completed(form, start, control)
    if (again := _still_near(instance, form, (nothing, known), control, done)) is not None:
        return again
    control.tell("groups")
    relaxation = relax_by_group(instance, form, control, done) if form.integer.any() and not control.ended() else None
    answer, control = _near_enough(form, relaxation, nothing, known, control)
    return answer, relaxation, control


def _still_near(
    instance: Instance, form: Form, points: tuple[Run, Answer | None], control: Control, done: dict[str, Run]
) -> tuple[Answer, Relaxation | None, Control] | None:
    """What is known of a model that was solved before with other numbers, where that is as near as asked for. Runs of
    groups that this takes are put into `done`."""
    nothing, known = points
    if control.held is None or not control.held.is_known:
        return None
    relaxed = control.held.relaxation(control.left_s())
    if relaxed.x is None or control.ended():
        return None
    control.proven.add(relaxed.objective * form.money_unit)
    if not form.integer.any():
        return compared(answer_of(form, relaxed), nothing, form), None, control
    if known is None:
        return None
    known = compared(_bounded(known, control), nothing, form)
    if control.gap_of_worth is not None:
        closer = asked_of_cost(control, form, nothing, known.objective_kusd)
        known = replace(known, gap_of="cost" if closer is None else "worth")
        control = closer or replace(control, gap=control.gap_of_worth)
    relaxation = relax_around(instance, form, np.asarray(known.x) / form.column_unit, control, done)
    if relaxation is None:
        return None
    control.proven.add(relaxation.bound * form.money_unit)
    return _bounded(known, control), relaxation, control


def _near_enough(
    form: Form, relaxation: Relaxation | None, nothing: Run, known: Answer | None, control: Control
) -> tuple[Answer, Control]:
    """What the search finds, held against doing nothing; and the control with the gap that it is to be judged by.

    How close to the objective a gap of worth is shows only once there is a plan; then the search goes on from it.
    """
    answer = compared(_found(form, relaxation, nothing, known, control), nothing, form)
    for _ in range(MOST_SEARCHES):
        if control.gap_of_worth is None or answer.x is None:
            break
        closer = asked_of_cost(control, form, nothing, answer.objective_kusd)
        answer = replace(answer, gap_of="cost" if closer is None else "worth")
        control = closer or replace(control, gap=control.gap_of_worth)
        if answer.gap <= control.gap or control.ended():
            break
        found = compared(_found(form, relaxation, nothing, answer, control), nothing, form)
        answer = replace(found, gap_of=answer.gap_of)
    return answer, control


def _with_branches(instance: Instance, form: Form, answer: Answer, control: Control) -> Answer:
    """The answer with its branches settled; where they save what the search says none can, both are done once more.

    So unlikely a branch weighs less than the solver's tolerance: its word on the whole is then none.
    """
    claimed = judged(answer, control)
    found = settle_branches(instance, form, exact(claimed, form), control)
    undercut = found.x is not None and judged(found, control).solution != Solution.OPTIMAL
    if undercut and claimed.solution == Solution.OPTIMAL:
        cheaper = replace(claimed, x=found.x, objective_kusd=found.objective_kusd, bound_kusd=found.bound_kusd)
        closer = search_closely(form, cheaper, control)
        found = settle_branches(instance, form, exact(judged(closer, control), form), control)
    return judged(found, control)


def _settled_nothing(instance: Instance, form: Form, nothing: Run, control: Control) -> Floats | None:
    """Doing nothing with its own branches settled, so that what a plan does in a test is held against the same."""
    none = idle(form)
    held = exact(replace(answer_of(form, nothing), solution=Solution.FEASIBLE), form)
    return settle_branches(instance, form.with_bounds(none, np.zeros(len(none))), held, control).x


def _found(form: Form, relaxation: Relaxation | None, nothing: Run, start: Answer | None, control: Control) -> Answer:
    """What the search finds. Where it says there is nothing, or fails, a known point is held against it."""
    answer = _searched(form, relaxation, nothing, start, control)
    if answer.x is not None or answer.termination not in (Termination.INFEASIBLE, Termination.ERROR):
        return answer
    known = nothing if nothing.x is not None else any_point(form, control)
    if known.x is None:
        return replace(answer, termination=known.termination)
    return _bounded(from_known(form, known.x, answer, control), control)


def _searched(
    form: Form, relaxation: Relaxation | None, nothing: Run, known: Answer | None, control: Control
) -> Answer:
    answer = known
    if relaxation is not None:
        control.proven.add(relaxation.bound * form.money_unit)
        answer = None if known is None else _bounded(known, control)
        if form.nonzeros >= LARGE_FROM_NONZEROS and (answer is None or answer.gap > control.gap):
            answer = _cheaper(answer, _along_groups(form, relaxation, (nothing, answer), control))
        if answer is not None and (answer.gap <= control.gap or control.ended()):
            return answer
    start = None if answer is None or answer.x is None else answer.x / form.column_unit
    found = _bounded(_better(answer, search(form, control, start)), control)
    return found if relaxation is None else _held_against_groups(form, relaxation, found, control)


def _along_groups(
    form: Form, relaxation: Relaxation, known: tuple[Run, Answer | None], control: Control
) -> Answer | None:
    """The best plan by the master over the groups' plans; where that fails, the one among the decisions taken."""
    nothing, answer = known
    if control.along == "master":
        points = [] if nothing.x is None else [nothing.x]
        points += [] if answer is None else [np.asarray(answer.x) / form.column_unit]
        found = search_along_groups(form, relaxation, points, control)
        if found is not None or control.ended():
            return None if found is None else _bounded(found, control)
    return _among_the_taken(form, relaxation, control)


def _held_against_groups(form: Form, relaxation: Relaxation, answer: Answer, control: Control) -> Answer:
    """The answer, or the plan with the decisions that the groups found by themselves where that disproves its bound.

    In a group alone nothing compares costs of futures, so its search does not share what the solver gets wrong there.
    """
    if answer.x is None or control.ended():
        return answer
    decided, theirs = (np.round(x[form.integer]) for x in (answer.x / form.column_unit, relaxation.point(form)))
    found = answer if (decided == theirs).all() else improved(form, relaxation.point(form), answer, control)
    if isfinite(borne_out(answer.bound_kusd, found.objective_kusd)) or not isfinite(answer.bound_kusd):
        return answer
    found = _bounded(found, control)
    return found if found.gap <= control.gap else _bounded(search_closely(form, found, control), control)


def _among_the_taken(form: Form, relaxation: Relaxation, control: Control) -> Answer | None:
    """The best plan without the decisions set aside; None where there is none, which says nothing of the whole."""
    restricted = form.with_bounds(relaxation.idle, np.zeros(len(relaxation.idle)))
    answer = search_decisions(restricted, control.of_a_part(RESTRICTED_SHARE * control.gap))
    if answer.x is None:
        return None
    control.tell("groups again", answer.objective_kusd)
    polished = polish(form, relaxation, answer.x / form.column_unit, control)
    better = improved(form, polished, answer, control)
    return _bounded(settled(form, answer, control) if better is answer else better, control)


def _bounded(answer: Answer, control: Control) -> Answer:
    """The answer with the best bound that is proven of the whole and that its own point does not disprove."""
    return replace(answer, bound_kusd=control.proven.hold_against(answer.objective_kusd))


def _cheaper(first: Answer | None, second: Answer | None) -> Answer | None:
    if first is None or second is None:
        return first or second
    return min(first, second, key=lambda answer: answer.objective_kusd)


def _better(first: Answer | None, second: Answer) -> Answer:
    """The one with the lower objective, with why the second search stopped."""
    if first is None or first.objective_kusd >= second.objective_kusd:
        return second
    return replace(first, termination=second.termination)
