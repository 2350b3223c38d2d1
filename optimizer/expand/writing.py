"""Draws written out as futures with named events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

import numpy as np

from lodeplan.optimizer.expand.draws import Interruptions
from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.schemas.events import Event, ExportEvent, Future, OutputEvent
from lodeplan.schemas.hazards import Hazard

NOTHING_HAPPENS = "nothing happens"
NO_DRAW = -1
"""Stands for the draw without events."""
_MAX_LETTERS = 80
"""Of a future's name that lists all its events."""


class Writer:
    """Futures as they are written, and their events; futures in which the same happens share the event."""

    def __init__(
        self, hazards: Mapping[str, Hazard], interruptions: Mapping[str, Interruptions], calendar: Calendar
    ) -> None:
        self.events: dict[str, Event] = {}
        self.futures: dict[str, Future] = {}
        self._hazards = hazards
        self._interruptions = interruptions
        self._spans = {name: found.spans(calendar) for name, found in interruptions.items()}
        self._names: dict[tuple[str, date, date | None, float], str] = {}
        self._variants: Counter[str] = Counter()

    def add(self, draw: int, probability: float) -> None:
        """Write a draw out as a future, its events in order of onset."""
        found = []
        for name, drawn in self._interruptions.items():
            begin, end = np.searchsorted(drawn.draw, [draw, draw + 1]).tolist()
            for item in range(begin, end):
                onset, until = self._spans[name][item]
                found.append((onset, self._event(name, onset, until, float(drawn.left_share[item]))))
        events = [name for _, name in sorted(found, key=lambda pair: pair[0])]
        self.futures[self._future_name(events)] = Future(probability=probability, events=events)

    def _event(self, hazard: str, onset: date, until: date | None, left_share: float) -> str:
        """Name of the event, which is written when it is met for the first time."""
        key = (hazard, onset, until, left_share)
        if key not in self._names:
            name = f"{hazard} {onset.year}"
            self._variants[name] += 1
            self._names[key] = name if self._variants[name] == 1 else f"{name} #{self._variants[name]}"
            self.events[self._names[key]] = _event(self._hazards[hazard], onset, until, left_share)
        return self._names[key]

    def _future_name(self, events: list[str]) -> str:
        """All events where they fit, else the first and how many more, numbered where that is not enough."""
        name = " + ".join(events) or NOTHING_HAPPENS
        if len(events) > 1 and len(name) > _MAX_LETTERS:
            short = f"{events[0]} and {len(events) - 1} more"
            self._variants[short] += 1
            return short if self._variants[short] == 1 else f"{short} ({self._variants[short]})"
        return name


def _event(hazard: Hazard, onset: date, until: date | None, left_share: float) -> Event:
    recovery_years = hazard.recovery_years if until else 0.0
    if hazard.changes == "exports":
        return ExportEvent(
            changes="exports",
            title=hazard.title,
            places=hazard.places,
            commodities=hazard.commodities,
            destinations=hazard.destinations,
            onset=onset,
            until=until,
            recovery_years=recovery_years,
            availability_share=left_share,
        )
    return OutputEvent(
        changes="output",
        title=hazard.title,
        places=hazard.places,
        commodities=hazard.commodities,
        onset=onset,
        until=until,
        recovery_years=recovery_years,
        availability_share=left_share,
    )
