"""The duty on an import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from lodeplan.optimizer.studies.duty import SCENARIO, Question, answer_of, problems_of
from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.duty import DutyAnswer
from lodeplan.schemas.jobs import ProblemError
from lodeplan.service.api.dependencies import bad_parameter
from lodeplan.service.api.loading import SEE_SCENARIOS, shipped_scenario
from lodeplan.service.http.problems import ApiError

PARAMETERS = {
    "commodity": "commodity",
    "origin": "from",
    "on": "on",
    "destination": "to",
    "events": "with",
    "customs_value_kusd_per_t": "value",
}
"""Query parameters, by field of a question."""
_LONGEST_NAME = 1000

router = APIRouter(tags=["duty"])


# A parameter for each part of the question.
@router.get("/duty")
def show_duty(
    commodity: Annotated[
        str, Query(description="What is imported, such as `gallium/metal`.", max_length=_LONGEST_NAME)
    ],
    origin: Annotated[
        str, Query(alias="from", description="The place it comes from, such as `CHN`.", max_length=_LONGEST_NAME)
    ],
    on: Annotated[str, Query(description="Any day, such as `2026-11-24`.", max_length=_LONGEST_NAME)],
    destination: Annotated[
        str | None, Query(alias="to", description="The place it goes to; home when left out.", max_length=_LONGEST_NAME)
    ] = None,
    events: Annotated[
        list[str] | None, Query(alias="with", description="Tariff event to assume. Repeatable.", max_length=100)
    ] = None,
    value: Annotated[float | None, Query(description="Customs value, kUSD per t contained.")] = None,
    scenario: Annotated[str, Query(description="A shipped scenario.", max_length=_LONGEST_NAME)] = SCENARIO,
) -> DutyAnswer:
    """Explain the duty on an import on one day, measure by measure, with sources.

    Without a customs value that of the scenario's route is taken, or else of another route of the commodity;
    `value_from` says which. If there is none, only rates are given.
    """
    question = Question(commodity, origin, on, destination, events or [], value)
    try:
        known = shipped_scenario(scenario)
    except InvalidInput as error:
        unknown = bad_parameter("scenario", scenario, f"No such scenario is shipped. {_remedy(error)}")
        raise _refused([*_errors(problems_of(question)), *unknown.problem.errors]) from None
    try:
        return answer_of(known, question)
    except InvalidInput as error:
        raise _refused(_errors(error.problems)) from None


def _errors(problems: Sequence[InputProblem]) -> list[ProblemError]:
    return [
        ProblemError(
            pointer=f"/query/{PARAMETERS[problem.path]}", code=problem.code, detail=problem.message,
            value=problem.value, allowed=problem.allowed, remedy=problem.remedy,
        )
        for problem in problems
    ]  # fmt: skip


def _refused(errors: list[ProblemError]) -> ApiError:
    return ApiError(422, "invalid-request", "A parameter of the request is not valid.", errors)


def _remedy(error: InvalidInput) -> str:
    return f"{error.problems[0].remedy or ''} {SEE_SCENARIOS}".strip()
