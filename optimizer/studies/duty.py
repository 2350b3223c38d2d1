"""The duty on an import on one day, measure by measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from numbers import Real
from typing import Any

from lodeplan import scenarios
from lodeplan.optimizer.prepare.calendar import Profile, value_in
from lodeplan.optimizer.prepare.duties import ALL, DutyCase, ExplainedStep, TariffBook, Valuation, explain_duty
from lodeplan.optimizer.prepare.duty_scope import EXEMPT
from lodeplan.optimizer.prepare.duty_steps import Step, by_measure
from lodeplan.optimizer.words.numbers import listed
from lodeplan.optimizer.words.titles import title_of
from lodeplan.scenarios import Source
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.dates import BrokenDate, read_date
from lodeplan.schemas.duty import DutyAnswer, DutyBand, DutyLine, DutySource, DutyTerm
from lodeplan.schemas.entries import Entry
from lodeplan.schemas.events import TariffEvent
from lodeplan.schemas.patterns import matches
from lodeplan.schemas.problems import InputProblem, InvalidInput
from lodeplan.schemas.scenario import Provenance, Route, Scenario

SCENARIO = "us-2026"
"""The shipped scenario used by default."""
BAD_QUESTION = "bad_question"
"""Code of an error in a question, whose path is the field."""
_RATES_ONLY = 1e9
"""kUSD/t: a customs value beside which duties by weight and minimum prices vanish."""


@dataclass(frozen=True)
class Question:
    """A question for the duty on an import. Errors in it name the field."""

    commodity: str
    origin: str
    on: str | date
    destination: str | None = None
    """A place; home if None."""
    events: Sequence[str] = ()
    """Tariff events that happen."""
    customs_value_kusd_per_t: float | None = None
    """Per t contained; if None, that of the scenario's route, or else of another route of the commodity."""


# A parameter for each part of the question.
def duty(
    commodity: str, *, origin: str, on: str | date, scenario: Source = SCENARIO, destination: str | None = None,
    events: Sequence[str] = (), customs_value_kusd_per_t: float | None = None,
) -> DutyAnswer:  # fmt: skip
    """Return the duty on an import, in kUSD per t contained and as a share of customs value; arguments as in
    `Question`. Raises `InvalidInput` with all errors in the question, by the names of the arguments, and in the
    scenario.

    >>> answer = duty("gallium/metal", origin="CHN", on="2026-11-24")
    >>> round(answer.bands[0].duty_share, 6)
    0.28
    """
    return ask(scenario, Question(commodity, origin, on, destination, events, customs_value_kusd_per_t))


def ask(source: Source, question: Question) -> DutyAnswer:
    """Answer a question on the scenario in a source; raises `InvalidInput` with all errors in the question and in the
    scenario."""
    try:
        scenario = scenarios.load(source)
    except InvalidInput as error:
        raise InvalidInput([*problems_of(vars(question)), *error.problems]) from None
    return answer_of(scenario, question)


def answer_of(scenario: Scenario, question: Question) -> DutyAnswer:
    """Answer a question on a scenario; raises `InvalidInput` with all errors in the question."""
    day = _checked(scenario, question)
    route = Route(
        commodity=question.commodity,
        origin=question.origin,
        destination=question.destination or scenario.home,
    )
    known = {name: event for name in question.events if isinstance(event := scenario.events[name], TariffEvent)}
    customs_value, value_from = _customs_value(scenario, route, day, question.customs_value_kusd_per_t)
    commodity = scenario.commodities[route.commodity]
    reference = commodity.reference_price_kusd_per_t
    value = Valuation(
        customs_value=_RATES_ONLY if customs_value is None else customs_value,
        reference_price=None if reference is None else value_in(reference, day.year),
        contained_share=commodity.contained_share,
    )
    book = TariffBook(scenario, Selections(scenario))
    bands = [
        _band(scenario, explain_duty(book, case), case, rates_only=customs_value is None)
        for case in (DutyCase(route, day, value, band, known) for band in book.bands(route))
    ]
    said = dict.fromkeys(line.measure for band in bands for line in band.in_force)
    if not any(scenario.tariffs[name].quota for name in said):
        # A quota that is not in force on the day splits nothing.
        bands = [bands[0].model_copy(update={"band": ALL})]
    return DutyAnswer(
        scenario=scenario.name,
        commodity=route.commodity,
        commodity_title=title_of(scenario.commodities, route.commodity),
        origin=route.origin,
        origin_title=title_of(scenario.places, route.origin),
        destination=route.destination,
        destination_title=title_of(scenario.places, route.destination),
        on=day,
        events=list(known),
        customs_value_kusd_per_t=customs_value,
        value_from=value_from,
        notes=_notes(scenario, known, day),
        bands=bands,
        sources=[source for name in said for source in _sources(scenario.provenance, name)],
        measures=len(scenario.tariffs),
    )


def _checked(scenario: Scenario, question: Question) -> date:
    """The day asked about; raises `InvalidInput` with every name that is not known and every value that is wrong."""
    problems = problems_of(vars(question), scenario)
    if problems:
        raise InvalidInput(problems)
    return read_date(question.on)


def problems_of(asked: Mapping[str, Any], scenario: Scenario | None = None) -> list[InputProblem]:
    """The errors in a question, of which `asked` holds the fields that are known; without a scenario, those that it has
    whatever the scenario."""
    problems = [*_misstated(asked), *(_misnamed(scenario, asked) if scenario else ())]
    return sorted(problems, key=lambda problem: _FIELDS.index(problem.path))


def _misstated(asked: Mapping[str, Any]) -> Iterator[InputProblem]:
    """Values of the question that make no sense."""
    try:
        if "on" in asked:
            read_date(asked["on"])
    except BrokenDate as error:
        yield _problem("on", str(error), asked["on"], error.remedy)
    if "origin" in asked and asked["origin"] == asked.get("destination"):
        yield _untaxed(asked["origin"])
    value: float | None = asked.get("customs_value_kusd_per_t")
    if value is not None and not (isinstance(value, Real) and 0 < value < _RATES_ONLY):
        text = "a customs value must be above 0, and below 1e9."
        remedy = "Give it in kUSD per t contained."
        yield _problem("customs_value_kusd_per_t", text, value, remedy)


def _untaxed(origin: str) -> InputProblem:
    text = "goods of a place pay no duty there."
    return _problem("origin", text, origin, "Name another origin, or another destination.")


_FIELDS = tuple(Question.__dataclass_fields__)


def _misnamed(scenario: Scenario, asked: Mapping[str, Any]) -> Iterator[InputProblem]:
    """Names of the question that the scenario does not have, and home as the origin of an import."""
    tariff_events = {name: event for name, event in scenario.events.items() if isinstance(event, TariffEvent)}
    if "commodity" in asked:
        yield from _unknown("commodity", "commodity", asked["commodity"], scenario.commodities)
    if "origin" in asked:
        yield from _unknown("origin", "place", asked["origin"], scenario.places)
    if asked.get("destination"):
        yield from _unknown("destination", "place", asked["destination"], scenario.places)
    elif "destination" in asked and asked.get("origin") == scenario.home:
        yield _untaxed(scenario.home)
    events = asked.get("events") or ()
    if isinstance(events, str):
        yield _problem("events", "events are given in a list.", events, f"Write {[events]!r}.")
        return
    for name in events:
        yield from _unknown("events", "event that changes tariffs", name, tariff_events)


def _unknown(field: str, what: str, name: str, known: Mapping[str, Entry]) -> list[InputProblem]:
    if not isinstance(name, str):
        return [_problem(field, "a name is text.", name, None)]
    if name in known:
        return []
    titled = [f"Did you mean `{key}`?" for key, entry in known.items() if entry.title.lower() == name.lower()]
    remedy = next(iter(titled), None) or did_you_mean(name, known) or f"It has {listed(sorted(known), at_most=3)}."
    return [_problem(field, f"the scenario has no such {what}.", name, remedy)]


def _problem(field: str, message: str, value: object, remedy: str | None) -> InputProblem:
    return InputProblem(code=BAD_QUESTION, path=field, message=message, value=value, remedy=remedy)


def _customs_value(scenario: Scenario, route: Route, day: date, given: float | None) -> tuple[float | None, str]:
    """Customs value on the day, kUSD per t contained, and in words where it comes from; None: not known."""
    if given is not None:
        return given, "as given"
    valued: dict[str, Profile] = {
        name: other.customs_value_kusd_per_t
        for name, other in scenario.routes.items()
        if other.commodity == route.commodity and other.customs_value_kusd_per_t is not None
    }
    same = [
        name
        for name in valued
        if (scenario.routes[name].origin, scenario.routes[name].destination) == (route.origin, route.destination)
    ]
    for name in [*same, *valued]:
        words = f"of the route {name!r} in {day.year}"
        if not same:
            words += ", because the scenario has no value for this one"
        return value_in(valued[name], day.year), words
    return None, "not known: rates only, without duties by weight, duties on metal value and minimum prices"


def _notes(scenario: Scenario, events: Mapping[str, TariffEvent], day: date) -> list[str]:
    """Notes on the numbers."""
    return [
        f"The event {name} holds from {event.onset}"
        + (f" until {event.until}" if event.until else "")
        + ", not on this day."
        for name, event in events.items()
        if day < event.onset or (event.until is not None and event.until <= day)
    ]


def _band(scenario: Scenario, explained: Sequence[ExplainedStep], case: DutyCase, *, rates_only: bool) -> DutyBand:
    duty = sum(by_measure(item.step for item in explained).values())
    customs = case.value.customs_value or _RATES_ONLY
    lines = [(item.step, _line(scenario, item, customs, rates_only=rates_only)) for item in explained]
    return DutyBand(
        band=case.band,
        in_force=[line for step, line in lines if step.in_force],
        not_counted=[line for step, line in lines if not step.in_force and _is_near(step)],
        duty_kusd_per_t=None if rates_only else duty,
        duty_share=duty / customs,
    )


def _is_near(step: Step) -> bool:
    """Whether a measure that does not count might have been thought to: the commodity and origin are its own."""
    return step.outcome in EXEMPT or not step.outcome.startswith("other_")


def _line(scenario: Scenario, item: ExplainedStep, customs: float, *, rates_only: bool) -> DutyLine:
    step, measure = item.step, scenario.tariffs[item.step.measure]
    duty = step.share * step.duty_kusd_per_t
    return DutyLine(
        measure=step.measure,
        title=measure.title or step.measure,
        programme=measure.programme,
        outcome=step.outcome,
        because=step.because,
        why="" if step.in_force else _reason(scenario, step),
        band=step.band,
        origin=step.origin,
        origin_title=title_of(scenario.places, step.origin),
        share=step.share,
        terms=[
            DutyTerm(
                base=term.base,
                base_value=None if rates_only and term.base != "gross_weight" else term.base_value,
                rate=term.rate,
                duty_kusd_per_t=None if rates_only else term.duty_kusd_per_t,
            )
            for term in step.terms
        ],
        duty_kusd_per_t=None if rates_only else duty,
        duty_share=duty / customs,
        cumulative_kusd_per_t=None if rates_only else item.cumulative_kusd_per_t,
        cumulative_share=item.cumulative_kusd_per_t / customs,
    )


def _reason(scenario: Scenario, step: Step) -> str:
    """Why a measure does not count, in words."""
    because = step.because
    match step.outcome:
        case "replaced":
            return f"replaced by: {title_of(scenario.tariffs, because)}"
        case "exempt_commodity":
            return f"exempt: HTS {because}" if because[:1].isdigit() else f"exempt: {because}"
        case "exempt_origin":
            return f"exempt origin: {because}"
        case "switched_off":
            return f"lifted by the event {because}"
        case "not_yet":
            return f"only from {because}"
        case "no_longer":
            return f"ended on {because}"
        case _:
            return "not in force unless an event switches it on"


def _sources(provenance: Sequence[Provenance], measure: str) -> list[DutySource]:
    """The rows of provenance about a measure."""
    return [
        DutySource(measure=measure, kind=row.kind, source=row.source, year=row.year)
        for row in provenance
        if row.table == "tariffs" and row.name != "*" and matches(measure, [row.name])
    ]
