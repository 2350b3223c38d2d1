"""Futures that know what nobody can know, and futures that overlap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.futures import line
from lodeplan.scenarios.selections import matching
from lodeplan.schemas.events import Event, ExportEvent, OutputEvent

_TEXTS = {"title", "note"}
_ENDS = {"until", "recovery_years"}
_DAYS_A_YEAR = 365.25

Hit = tuple[str, str]
"""What an event interrupts: ("routes" or "facilities", name)."""


def note_futures_that_begin_alike(findings: Findings) -> None:
    """Futures that depart by the same first events and differ later: at the first event the plan knows the rest.

    Two events are the same here if they are so but for their end.
    """
    scenario = findings.scenario
    alike: dict[Any, dict[Any, str]] = defaultdict(dict)
    for name, future in scenario.futures.items():
        if future.stress or not future.events:
            continue
        events = [scenario.events[event] for event in future.events]
        onset = min(event.onset for event in events)
        first = frozenset(_said(event, _TEXTS | _ENDS) for event in events if event.onset == onset)
        whole = frozenset(_said(event, _TEXTS) for event in events)
        others = alike[future.after, first]
        if others and whole not in others:
            other = next(iter(others.values()))
            message = (
                f"it begins like `{other}`, on {onset}, and differs later: from that day on the plan knows which of "
                "the two futures it is in, and so how it ends."
            )
            remedy = f"Let one follow the other: `after: {other}`, with an event that begins where they separate."
            keys = ["futures", name, "events"]
            findings.note("futures_begin_alike", keys, message, value=list(future.events), remedy=remedy)
        others.setdefault(whole, name)


def _said(event: Event, without: set[str]) -> str:
    """All that an event says but for some fields; lists of names in any order."""
    said = event.model_dump(mode="json", exclude=without)
    return repr(sorted((key, sorted(value) if isinstance(value, list) else value) for key, value in said.items()))


def note_futures_that_overlap(findings: Findings) -> None:
    """Two futures, neither following the other, that interrupt the same thing on the same days.

    Futures exclude one another, so that none has both interruptions. Those that interrupt just the same from the
    same day on are ways in which one thing may go, and are not asked about.
    """
    scenario = findings.scenario
    lines = {name: set(line(scenario.futures, name)) for name in scenario.futures}
    seen: dict[Hit, list[tuple[str, date, date]]] = defaultdict(list)
    whole = {
        name: frozenset(
            (hit, scenario.events[event].onset)
            for event in future.events
            for hit in _hits(findings, scenario.events[event])
        )
        for name, future in scenario.futures.items()
        if not future.stress
    }
    for name in whole:
        found: dict[str, tuple[Hit, date]] = {}
        for event in map(scenario.events.__getitem__, scenario.futures[name].events):
            begin, end = event.onset, _last_day(event)
            for hit in _hits(findings, event):
                for other, other_begin, other_end in seen[hit]:
                    related = name in lines[other] or other in lines[name] or whole[name] == whole[other]
                    if begin < other_end and other_begin < end and not related:
                        found.setdefault(other, (hit, max(begin, other_begin)))
                seen[hit].append((name, begin, end))
        if found:
            _note_overlap(findings, name, found)


def _note_overlap(findings: Findings, name: str, found: dict[str, tuple[Hit, date]]) -> None:
    (other, ((collection, thing), day)), *more = found.items()
    and_more = f" and {len(more)} more do" if more else " does"
    message = (
        f"from {day} it interrupts {collection.removesuffix('s')} `{thing}`, as `{other}`{and_more}: futures exclude "
        "one another, so both never happen together."
    )
    remedy = f"If one may follow the other, write `after: {other}`; if they are alternatives, acknowledge the warning."
    findings.note("futures_overlap", ["futures", name, "events"], message, value=other, remedy=remedy)


def _hits(findings: Findings, event: Event) -> Iterable[Hit]:
    """Routes and facilities that an event interrupts."""
    selections, scenario = findings.selections, findings.scenario
    if isinstance(event, ExportEvent) and event.availability_share < 1:
        origins, destinations = selections.places(event.places), selections.places(event.destinations)
        for name in selections.routes(selections.commodities(event.commodities), origins, destinations):
            yield "routes", name
    elif isinstance(event, OutputEvent) and event.availability_share < 1:
        places, made = selections.places(event.places), selections.commodities(event.commodities)
        plants = {**scenario.facilities, **scenario.projects}
        for name in matching(event.facilities, plants):
            if plants[name].place in places and made & plants[name].outputs.keys():
                yield "facilities", name


def _last_day(event: Event) -> date:
    """First day on which nothing of an event is left."""
    if event.until is None:
        return date.max
    fading = getattr(event, "recovery_years", 0.0) * _DAYS_A_YEAR
    return event.until + timedelta(days=min(fading, (date.max - event.until).days))
