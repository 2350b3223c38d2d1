"""Survival limits written out: for each place that may be lost a stress test, and a floor it has to stand."""

from __future__ import annotations

from lodeplan.optimizer.expand.names import refuse_names
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.events import Event, ExportEvent, Future, OutputEvent
from lodeplan.schemas.limits import ServiceFloor, Survival
from lodeplan.schemas.scenario import Scenario

AS_PLANNED = "as_planned"
"""The future of a scenario that lists none; written out where stress tests would else stand alone."""


def with_survival_futures(scenario: Scenario) -> Scenario:
    """The scenario with stress tests and service floors instead of survival limits; the same object without any.

    A floor has the name of its limit. A limit that means no place that matters goes without a trace.
    """
    limits = {name: limit for name, limit in scenario.limits.items() if isinstance(limit, Survival)}
    if not limits:
        return scenario
    tests = Selections(scenario).survival_futures
    remedy = "Rename the entry that has this name, or the place or limit that needs it."
    refuse_names("events", scenario.events, [name for test in tests for name in _event_names(test)], remedy)
    events: dict[str, Event] = {}
    futures = {} if _any_may_come(scenario) or not tests else {AS_PLANNED: Future(probability=1.0)}
    floored: dict[str, list[str]] = {}
    for test, (limit, place) in tests.items():
        events |= zip(_event_names(test), _losses(place, limits[limit]), strict=True)
        title = f"{scenario.places[place].title or place} is lost"
        futures[test] = Future(title=title, probability=0.0, events=_event_names(test), stress=True)
        floored.setdefault(limit, []).append(test)
    refuse_names("futures", scenario.futures, futures, remedy)
    floors = {name: _floor(limits[name], named) for name, named in floored.items()}
    return scenario.model_copy(
        update={
            "limits": {
                name: floors.get(name, limit)
                for name, limit in scenario.limits.items()
                if name in floors or name not in limits
            },
            "events": {**scenario.events, **events},
            "futures": {**scenario.futures, **futures},
        }
    )


def _any_may_come(scenario: Scenario) -> bool:
    return any(not future.stress for future in scenario.futures.values())


def _event_names(test: str) -> list[str]:
    return [f"{test}: exports", f"{test}: output"]


def _losses(place: str, limit: Survival) -> list[Event]:
    """What a stress test takes away: exports from the place, and output at it."""
    return [
        ExportEvent(
            changes="exports",
            places=[place],
            onset=limit.onset,
            until=limit.until,
            availability_share=limit.left_share,
        ),
        OutputEvent(
            changes="output",
            places=[place],
            onset=limit.onset,
            until=limit.until,
            availability_share=limit.left_share,
        ),
    ]


def _floor(limit: Survival, tests: list[str]) -> ServiceFloor:
    return ServiceFloor(
        kind="service_floor",
        title=limit.title,
        note=limit.note,
        futures=tests,
        violation_price_kusd=limit.violation_price_kusd,
        tiers=limit.tiers,
        commodities=limit.commodities,
        served_share=limit.served_share,
    )
