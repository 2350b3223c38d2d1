"""Pyomo to HiGHS and back: hand-off in canonical units, progress, stop, and a final LP for flows and duals."""

from optimizer.prepare.instance import Instance
from optimizer.solve.conflict import find_conflict
from optimizer.solve.form import Form, standard_form
from optimizer.solve.groups import improve_by_group
from optimizer.solve.search import Answer, Control, compared, judged, search

__all__ = ["Answer", "Control", "Form", "find_conflict", "solve_form", "standard_form"]


def solve_form(instance: Instance, form: Form, control: Control) -> Answer:
    """Search for the whole, then group by group; then say what doing nothing would cost."""
    answer = search(form, control)
    if answer.x is None:
        return answer
    control.tell("groups", answer)
    answer = judged(improve_by_group(instance, form, answer, control), control.gap)
    control.tell("compare", answer)
    return compared(form, answer, control)
