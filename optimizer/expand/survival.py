"""Survival limits written out: for each place that may be lost a stress test, and a floor it has to stand."""

from __future__ import annotations

from collections import Counter

from optimizer.expand.names import refuse_names
from optimizer.prepare.select import Places
from schemas.events import Event, ExportEvent, Future, OutputEvent
from schemas.limits import Limit, ServiceFloor, Survival
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
    meant = {name: _places(scenario, limit) for name, limit in limits.items()}
    times = Counter(place for places in meant.values() for place in places)
    written: dict[str, Limit] = {}
    events: list[tuple[str, Event]] = []
    futures: list[tuple[str, Future]] = []
    for name, limit in scenario.limits.items():
        if not isinstance(limit, Survival):
            written[name] = limit
            continue
        tests = {place: f"without {place}" + (f" ({name})" if times[place] > 1 else "") for place in meant[name]}
        for place, test in tests.items():
            losses = _losses(test, place, limit)
            events += losses.items()
            title = f"Without {scenario.places[place].title or place}"
            futures.append((test, Future(title=title, probability=0.0, events=list(losses), stress=True)))
        if tests:
            written[name] = _floor(limit, list(tests.values()))
    if futures and all(future.stress for future in scenario.futures.values()):
        futures.insert(0, (AS_PLANNED, Future(probability=1.0)))
    remedy = "Rename the entry that has this name, or the place or limit that asks for it."
    refuse_names("events", scenario.events, [name for name, _ in events], remedy)
    refuse_names("futures", scenario.futures, [name for name, _ in futures], remedy)
    return scenario.model_copy(
        update={
            "limits": written,
            "events": {**scenario.events, **dict(events)},
            "futures": {**scenario.futures, **dict(futures)},
        }
    )


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


def _losses(test: str, place: str, limit: Survival) -> dict[str, Event]:
    """What a stress test takes away: exports from the place and output at it."""
    return {
        f"{test}: exports": ExportEvent(
            changes="exports",
            places=[place],
            onset=limit.onset,
            until=limit.until,
            availability_share=limit.left_share,
        ),
        f"{test}: output": OutputEvent(
            changes="output",
            places=[place],
            onset=limit.onset,
            until=limit.until,
            availability_share=limit.left_share,
        ),
    }


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
