"""The duty on an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from lodeplan.optimizer.studies.duty import SCENARIO, Question, answer_of, problems_of
from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.duty import DutyAnswer
from lodeplan.schemas.jobs import ProblemError
from lodeplan.service.api.query_parameters import looked_up_by
from lodeplan.service.checking.loading import SEE_SCENARIOS
from lodeplan.service.checking.origins import shipped_scenario
from lodeplan.service.http.errors import invalid_request

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


def _look_up(given: Mapping[str, Any]) -> list[ProblemError]:
    """The errors in these parts of a question, and in the name of the scenario."""
    try:
        known = shipped_scenario(given["scenario"]) if "scenario" in given else None
    except InvalidInput as error:
        remedy = f"{error.problems[0].remedy or ''} {SEE_SCENARIOS}".strip()
        detail = "No such scenario is shipped."
        unknown = ProblemError(
            pointer="/query/scenario", code="bad_scenario", detail=detail, value=given["scenario"], remedy=remedy
        )
        return [*_errors(problems_of(given)), unknown]
    return _errors(problems_of(given, known))


def _errors(problems: Sequence[InputProblem]) -> list[ProblemError]:
    return [
        ProblemError(
            pointer=f"/query/{PARAMETERS[problem.path]}", code=problem.code, detail=problem.message,
            value=problem.value, allowed=problem.allowed, remedy=problem.remedy,
        )
        for problem in problems
    ]  # fmt: skip


# A parameter for each part of the question.
@router.get("/duty")
@looked_up_by(_look_up)
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
    customs_value_kusd_per_t: Annotated[
        float | None, Query(alias="value", description="Customs value, kUSD per t contained.")
    ] = None,
    scenario: Annotated[str, Query(description="A shipped scenario.", max_length=_LONGEST_NAME)] = SCENARIO,
) -> DutyAnswer:
    """Explain the duty on an import on one day, measure by measure, with sources.

    Without a customs value that of the scenario's route is taken, or else of another route of the commodity;
    `value_from` says which. If there is none, only rates are given.
    """
    question = Question(commodity, origin, on, destination, events or [], customs_value_kusd_per_t)
    errors = _look_up({**vars(question), "scenario": scenario})
    if errors:
        raise invalid_request(errors)
    return answer_of(shipped_scenario(scenario), question)
