"""Survival limits written out: for each place that may be lost a stress test, and a floor it has to stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from optimizer.expand.names import refuse_names
from optimizer.prepare.select import Places
from schemas.events import Event, ExportEvent, Future, OutputEvent
from schemas.limits import ServiceFloor, Survival
from schemas.scenario import Scenario

AS_PLANNED = "as_planned"
"""The future of a scenario that lists none; written out where stress tests would else stand alone."""


def with_survival_futures(scenario: Scenario) -> Scenario:
    """The scenario with stress tests and service floors instead of survival limits; the same object without any.

    A floor has the name of its limit. A limit that means no place that matters goes without a trace.
    """
    limits = {name: limit for name, limit in scenario.limits.items() if isinstance(limit, Survival)}
    if not limits:
        return scenario
    tests = _tests(scenario, limits)
    pairs = [(place, test) for named in tests.values() for place, test in named.items()]
    remedy = "Rename the entry that has this name, or the place or limit that asks for it."
    refuse_names("events", scenario.events, [name for _, test in pairs for name in _event_names(test)], remedy)
    futures = {} if _any_may_come(scenario) or not pairs else {AS_PLANNED: Future(probability=1.0)}
    for place, test in pairs:
        title = f"{scenario.places[place].title or place} is lost"
        futures[test] = Future(title=title, probability=0.0, events=_event_names(test), stress=True)
    refuse_names("futures", scenario.futures, [*futures], remedy)
    events = {
        name: event
        for limit, named in tests.items()
        for place, test in named.items()
        for name, event in zip(_event_names(test), _losses(place, limits[limit]), strict=True)
    }
    floors = {name: _floor(limits[name], list(named.values())) for name, named in tests.items() if named}
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


def _tests(scenario: Scenario, limits: Mapping[str, Survival]) -> dict[str, dict[str, str]]:
    """Of each limit: the places that may be lost, with the name of the stress test that is."""
    meant = {name: _places(scenario, limit) for name, limit in limits.items()}
    times = Counter(place for places in meant.values() for place in places)
    return {
        name: {place: f"without {place}" + (f" ({name})" if times[place] > 1 else "") for place in places}
        for name, places in meant.items()
    }


def _any_may_come(scenario: Scenario) -> bool:
    return any(not future.stress for future in scenario.futures.values())


def _places(scenario: Scenario, limit: Survival) -> list[str]:
    """Plain places the limit means, in the order of the scenario, of which the loss can matter."""
    chosen = Places(scenario).expand(limit.places)
    plants = [*scenario.facilities.values(), *scenario.projects.values()]
    matter = {route.origin for route in scenario.routes.values()} | {plant.place for plant in plants}
    matter |= {member for place in scenario.places.values() for member in place.members}
    return [
        name
        for name, place in scenario.places.items()
        if name in chosen and name in matter and name != scenario.home and not place.members
    ]


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
