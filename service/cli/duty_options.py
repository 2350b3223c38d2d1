"""Options of `lodeplan duty`: asks the study, and names errors in a question by the options of the command."""

from __future__ import annotations

from lodeplan.optimizer.studies.duty import BAD_QUESTION, Question, ask
from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.duty import DutyAnswer

_OPTIONS = {
    "commodity": "--commodity",
    "origin": "--from",
    "on": "--on",
    "destination": "--to",
    "events": "--with",
    "customs_value_kusd_per_t": "--value",
}
"""By field of a question."""


def answer(source: str, question: Question) -> DutyAnswer:
    """Answer a question on a scenario; raises an `InvalidInput` that names the options."""
    try:
        return ask(source, question)
    except InvalidInput as error:
        raise InvalidInput([_named(problem) for problem in error.problems]) from None


def _named(problem: InputProblem) -> InputProblem:
    return problem.model_copy(update={"path": _OPTIONS[problem.path]}) if problem.code == BAD_QUESTION else problem
