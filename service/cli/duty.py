"""What `lodeplan duty` answers: the duty on an import, measure by measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, Field

from lodeplan import scenarios
from lodeplan.optimizer.prepare.calendar import Profile, value_in
from lodeplan.optimizer.prepare.duties import ALL, DutyCase, ExplainedStep, TariffBook, Valuation, explain_duty
from lodeplan.optimizer.prepare.duty_scope import EXEMPT
from lodeplan.optimizer.prepare.duty_steps import Step, by_measure
from lodeplan.optimizer.prepare.select import Places, matches
from lodeplan.optimizer.results.words import listed
from lodeplan.schemas import InputProblem, InvalidInput, Scenario
from lodeplan.schemas.closest import did_you_mean
from lodeplan.schemas.dates import BrokenDate, read_date
from lodeplan.schemas.entries import Entry
from lodeplan.schemas.events import TariffEvent
from lodeplan.schemas.scenario import Provenance, Route

_RATES_ONLY = 1e9
"""kUSD/t: a customs value beside which duties by weight and minimum prices vanish."""


@dataclass(frozen=True)
class Question:
    """An import, as the command line asks about it."""

    commodity: str
    origin: str
    destination: str | None
    day: str
    events: Sequence[str]
    customs_value_kusd_per_t: float | None


class Term(BaseModel):
    """A part of a measure's duty."""

    base: str = Field(description="What the rate is taken of.")
    base_value: float | None = Field(description="kUSD per t contained; of `gross_weight`, t gross per t contained.")
    rate: float = Field(description="Share of the base; of `gross_weight` and `minimum_price`, kUSD per t.")
    duty_kusd_per_t: float | None


class Line(BaseModel):
    """A measure, and what became of it."""

    measure: str
    title: str
    programme: str
    outcome: str
    because: str = Field(description="The measure, event, exemption or date behind the outcome.")
    band: str = Field(description="Band of a tariff-rate quota.")
    origin: str
    share: float = Field(description="Share of this member in an origin that is a region.")
    terms: list[Term]
    duty_kusd_per_t: float | None = Field(description="Added for the whole origin, kUSD per t contained.")
    duty_share: float = Field(description="The same as a fraction of customs value.")
    cumulative_kusd_per_t: float | None
    cumulative_share: float


class Band(BaseModel):
    """The duty in one duty band of a route; `all` where there is no quota."""

    band: str
    in_force: list[Line]
    not_counted: list[Line]
    duty_kusd_per_t: float | None = Field(description="None where only rates are known.")
    duty_share: float = Field(description="Fraction of customs value.")


class Source(BaseModel):
    """Where a measure comes from."""

    measure: str
    kind: str
    source: str
    year: int | None


class Answer(BaseModel):
    """The duty on an import on a day."""

    scenario: str
    commodity: str
    origin: str
    destination: str
    on: date
    events: list[str]
    customs_value_kusd_per_t: float | None
    value_from: str = Field(description="In words, where the customs value comes from.")
    notes: list[str]
    bands: list[Band]
    sources: list[Source]
    measures: int = Field(description="Measures in the scenario.")


def answer_of(source: str, question: Question) -> Answer:
    """The answer to a question on a scenario; raises `InvalidInput` with all that is wrong with the question."""
    scenario = scenarios.load(source)
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
    book = TariffBook(scenario, Places(scenario))
    bands = [
        _band(scenario, explain_duty(book, case), case, rates_only=customs_value is None)
        for case in (DutyCase(route, day, value, band, known) for band in book.bands(route))
    ]
    said = dict.fromkeys(line.measure for band in bands for line in band.in_force)
    if not any(scenario.tariffs[name].quota for name in said):
        # A quota that is not in force on the day splits nothing.
        bands = [bands[0].model_copy(update={"band": ALL})]
    return Answer(
        scenario=scenario.name,
        commodity=route.commodity,
        origin=route.origin,
        destination=route.destination,
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
    problems = [
        *_unknown("--commodity", "commodity", question.commodity, scenario.commodities),
        *_unknown("--from", "place", question.origin, scenario.places),
        *_unknown("--to", "place", question.destination or scenario.home, scenario.places),
    ]
    if question.origin == (question.destination or scenario.home):
        text = "goods of a place pay no duty there."
        problems.append(_problem("--from", text, question.origin, "Name another place, or another --to."))
    tariff_events = {name: event for name, event in scenario.events.items() if isinstance(event, TariffEvent)}
    for name in question.events:
        problems += _unknown("--with", "event that changes tariffs", name, tariff_events)
    try:
        day = read_date(question.day)
    except BrokenDate as error:
        problems.append(_problem("--on", str(error), question.day, error.remedy))
    value = question.customs_value_kusd_per_t
    if value is not None and not 0 < value < _RATES_ONLY:
        problems.append(
            _problem("--value", "a customs value must be above 0.", value, "Give it in kUSD per t contained.")
        )
    if problems:
        raise InvalidInput(problems)
    return day


def _unknown(option: str, what: str, name: str, known: Mapping[str, Entry]) -> list[InputProblem]:
    if name in known:
        return []
    titled = [f"Did you mean `{key}`?" for key, entry in known.items() if entry.title.lower() == name.lower()]
    remedy = next(iter(titled), None) or did_you_mean(name, known) or f"It has {listed(sorted(known), at_most=3)}."
    return [_problem(option, f"the scenario has no such {what}.", name, remedy)]


def _problem(option: str, message: str, value: object, remedy: str | None) -> InputProblem:
    return InputProblem(code="bad_question", path=option, message=message, value=value, remedy=remedy)


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
            words += ", as the scenario has no value for this one"
        return value_in(valued[name], day.year), words
    return None, "not known: rates only, without duties by weight, on metal value and to a minimum price; see --value"


def _notes(scenario: Scenario, events: Mapping[str, TariffEvent], day: date) -> list[str]:
    """What should be said beside the numbers."""
    return [
        f"The event {name} holds from {event.onset}"
        + (f" until {event.until}" if event.until else "")
        + ", not on this day."
        for name, event in events.items()
        if day < event.onset or (event.until is not None and event.until <= day)
    ]


def _band(scenario: Scenario, explained: Sequence[ExplainedStep], case: DutyCase, *, rates_only: bool) -> Band:
    duty = sum(by_measure(item.step for item in explained).values())
    customs = case.value.customs_value or _RATES_ONLY
    lines = [(item.step, _line(scenario, item, customs, rates_only=rates_only)) for item in explained]
    return Band(
        band=case.band,
        in_force=[line for step, line in lines if step.in_force],
        not_counted=[line for step, line in lines if not step.in_force and _is_near(step)],
        duty_kusd_per_t=None if rates_only else duty,
        duty_share=duty / customs,
    )


def _is_near(step: Step) -> bool:
    """Whether a measure that does not count might have been thought to: the commodity and origin are its own."""
    return step.outcome in EXEMPT or not step.outcome.startswith("other_")


def _line(scenario: Scenario, item: ExplainedStep, customs: float, *, rates_only: bool) -> Line:
    step, measure = item.step, scenario.tariffs[item.step.measure]
    duty = step.share * step.duty_kusd_per_t
    return Line(
        measure=step.measure,
        title=measure.title or step.measure,
        programme=measure.programme,
        outcome=step.outcome,
        because=step.because,
        band=step.band,
        origin=step.origin,
        share=step.share,
        terms=[
            Term(
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


def _sources(provenance: Sequence[Provenance], measure: str) -> list[Source]:
    """The rows of provenance about a measure."""
    return [
        Source(measure=measure, kind=row.kind, source=row.source, year=row.year)
        for row in provenance
        if row.table == "tariffs" and row.name != "*" and matches(measure, [row.name])
    ]
