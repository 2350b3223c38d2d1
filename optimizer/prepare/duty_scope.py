"""Scope of a tariff measure: whether it applies to a route from a part of its origin, and if not, why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from lodeplan.optimizer.prepare.tags import ORIGIN, Tag, Variant
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.scenario import Membership, Route, Scenario, TariffMeasure

Outside = Literal[
    "other_destination", "other_commodity", "other_origin", "other_content", "exempt_commodity", "exempt_origin"
]
"""Why a measure does not mean a route."""

EXEMPT: tuple[Outside, ...] = ("exempt_commodity", "exempt_origin")
"""Reasons of a measure that means the like of a route."""


@dataclass(frozen=True)
class Miss:
    """A measure that does not mean a route: why, and the place, group or code that says so."""

    reason: Outside
    because: str = ""


class Scope:
    """Whom and what the measures of a scenario mean."""

    def __init__(self, scenario: Scenario, selections: Selections) -> None:
        self._scenario = scenario
        self._selections = selections
        self._clubs = {name: place.memberships for name, place in scenario.places.items() if place.memberships}
        self._named: dict[str, frozenset[str]] = {}

    def miss(self, name: str, route: Route, origin: str, tags: Variant) -> Miss | None:
        """Reason why a measure never applies to a route from a part of its origin; None if it may."""
        measure = self._scenario.tariffs[name]
        if (measure.destination or self._scenario.home) != route.destination:
            return Miss("other_destination")
        if not self._names_commodity(name, route.commodity):
            return Miss("other_commodity")
        miss = self._miss_of_origin(measure, (origin, route.origin)) if measure.origin_role == ORIGIN else None
        if measure.origin_role != ORIGIN and Tag.of(measure, self._selections) not in tags:
            miss = Miss("other_content")
        if miss is not None and miss.reason not in EXEMPT:
            return miss
        exempt = self._exempt_commodity(measure, route.commodity)
        return Miss("exempt_commodity", exempt) if exempt else miss

    def miss_on(self, name: str, route: Route, origin: str, day: date) -> Miss | None:
        """The same for what hangs on the day: the clubs that the origin belongs to."""
        measure = self._scenario.tariffs[name]
        ends = (origin, route.origin)
        if measure.origin_role != ORIGIN or not any(end in self._clubs for end in ends):
            return None
        clubs = [club for club, membership in self._memberships(ends) if _holds(membership, day)]
        if not self._expands_to(measure.origins, ends) and not set(clubs) & set(measure.origins):
            return Miss("other_origin")
        excepted = next((club for club in clubs if club in measure.except_origins), None)
        return Miss("exempt_origin", excepted) if excepted else None

    def days(self, route: Route) -> set[date]:
        """Days on which an origin of a route joins or leaves a club."""
        ends = (route.origin, *self._selections.parts(route.origin))
        return {day for _, held in self._memberships(ends) for day in (held.onset, held.until) if day}

    def _miss_of_origin(self, measure: TariffMeasure, ends: tuple[str, str]) -> Miss | None:
        clubs = {club for club, _ in self._memberships(ends)}
        if not self._expands_to(measure.origins, ends) and not clubs & set(measure.origins):
            return Miss("other_origin")
        excepted = next((name for name in measure.except_origins if self._expands_to([name], ends)), None)
        return Miss("exempt_origin", excepted) if excepted else None

    def _expands_to(self, selection: Sequence[str], ends: tuple[str, str]) -> bool:
        return not self._selections.named_places(selection).isdisjoint(ends)

    def _memberships(self, places: Iterable[str]) -> list[tuple[str, Membership]]:
        return [pair for place in dict.fromkeys(places) for pair in self._clubs.get(place, {}).items()]

    def _names_commodity(self, name: str, commodity: str) -> bool:
        if name not in self._named:
            self._named[name] = self._selections.commodities_named(self._scenario.tariffs[name])
        return commodity in self._named[name]

    def _exempt_commodity(self, measure: TariffMeasure, commodity: str) -> str | None:
        """The exemption that leaves a commodity out, by name or tariff code."""
        meant = self._selections.commodities
        if named := next((item for item in measure.except_commodities if commodity in meant([item])), None):
            return named
        return next((prefix for prefix in measure.except_hts if commodity in meant([], [prefix])), None)


def _holds(membership: Membership, day: date) -> bool:
    begun = membership.onset is None or membership.onset <= day
    return begun and (membership.until is None or day < membership.until)
