"""Options of `lodeplan duty`: asks the study, and names errors in a question by the options of the command."""

from __future__ import annotations

from lodeplan import scenarios
from lodeplan.optimizer.studies.duty import Question, answer_of
from lodeplan.schemas import InvalidInput
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
    scenario = scenarios.load(source)
    try:
        return answer_of(scenario, question)
    except InvalidInput as error:
        named = [problem.model_copy(update={"path": _OPTIONS[problem.path]}) for problem in error.problems]
        raise InvalidInput(named) from None
