"""A form that asks what duty an import pays, and the answer below it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from lodeplan.optimizer.report.duty import duty_sections, duty_sentences, duty_title, source_sentences
from lodeplan.optimizer.studies.duty import SCENARIO, Question, answer_of
from lodeplan.optimizer.words.titles import title_of
from lodeplan.schemas import InputProblem, InvalidInput, Scenario
from lodeplan.schemas.entries import Entry
from lodeplan.schemas.events import TariffEvent
from lodeplan.service.checking.origins import shipped_scenario
from lodeplan.service.ui.rendering import page

LABELS = {
    "commodity": "Commodity",
    "origin": "From",
    "on": "On",
    "destination": "To",
    "events": "Events that happen",
    "customs_value_kusd_per_t": "Customs value",
}
"""What the form calls each field of a question."""

router = APIRouter(include_in_schema=False)


# A parameter for each part of the question.
@router.get("/duty")
def show_duty(
    request: Request,
    commodity: str = "",
    origin: Annotated[str, Query(alias="from")] = "",
    on: str = "",
    destination: Annotated[str, Query(alias="to")] = "",
    events: Annotated[list[str] | None, Query(alias="with")] = None,
    value: str = "",
    scenario: str = SCENARIO,
) -> Response:
    """The form; with a commodity and a place also the answer, or what is wrong with the question."""
    try:
        known = shipped_scenario(scenario)
    except InvalidInput:
        context = {"title": "Not found", "message": f"No scenario “{scenario}” is shipped.", "errors": []}
        return page(request, "problem.html", context, 404)
    asked = Question(
        commodity, origin, on or date.today().isoformat(), destination or None, events or (), _value(value)
    )
    form = {"scenario": known.name, "asked": asked, "value": value, "options": _options(known)}
    if not commodity and not origin:
        return page(request, "duty.html", {**form, "answer": None, "problems": []})
    try:
        answer = answer_of(known, asked)
    except InvalidInput as error:
        problems = [_in_words(problem) for problem in error.problems]
        return page(request, "duty.html", {**form, "answer": None, "problems": problems}, 422)
    shown = {
        "title": duty_title(answer),
        "sentences": duty_sentences(answer, "the field for one"),
        "sections": duty_sections(answer),
        "sources": source_sentences(answer),
    }
    return page(request, "duty.html", {**form, "answer": shown, "problems": []})


def _value(text: str) -> float | None:
    """The customs value in the form: None where it is empty, and not a number, which is refused, for anything else."""
    try:
        return float(text) if text.strip() else None
    except ValueError:
        return math.nan


def _options(scenario: Scenario) -> dict[str, Any]:
    """(name, title) of what each list of the form offers, by title."""
    events = {name: event for name, event in scenario.events.items() if isinstance(event, TariffEvent)}
    return {
        "commodities": _titled(scenario.commodities),
        "places": _titled(scenario.places),
        "events": _titled(events),
        "home": scenario.home,
    }


def _titled(entries: Mapping[str, Entry]) -> list[tuple[str, str]]:
    return sorted(((name, title_of(entries, name)) for name in entries), key=lambda entry: entry[1].lower())


def _in_words(problem: InputProblem) -> str:
    return f"{LABELS[problem.path]}: {problem.message} {problem.remedy or ''}".strip()
