"""Tariff stacking: what a route pays at a node, and the measures that make it up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from itertools import pairwise

import numpy as np

from lodeplan.optimizer.prepare.calendar import Calendar, Floats, first_day
from lodeplan.optimizer.prepare.duty_scope import EXEMPT, Scope
from lodeplan.optimizer.prepare.duty_steps import ALL, IN_QUOTA, OVER_QUOTA, Step, Valuation, by_measure, idle, stack
from lodeplan.optimizer.prepare.tags import Variant
from lodeplan.optimizer.prepare.tree import Tree
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas.events import TariffEvent
from lodeplan.schemas.scenario import Route, Scenario, TariffMeasure

__all__ = [
    "ALL",
    "IN_QUOTA",
    "OVER_QUOTA",
    "Duty",
    "DutyCase",
    "ExplainedStep",
    "QuotaKey",
    "TariffBook",
    "Valuation",
    "explain_duty",
    "quota_volumes",
    "tariff_events",
]

Duty = Mapping[str, float]
"""kUSD per t contained by measure."""

QuotaKey = tuple[str, str]
"""A measure with a quota, and the origin that has a volume of its own under it; empty for the shared volume."""

CLEAN: Variant = frozenset()


@dataclass(frozen=True)
class DutyCase:
    """A shipment: its commodity, band, day and tariff events."""

    route: Route
    day: date
    value: Valuation
    band: str = ALL
    events: Mapping[str, TariffEvent] = field(default_factory=dict)
    content: Variant = CLEAN


@dataclass(frozen=True)
class TariffBook:
    """The measures of a scenario, and how they stack."""

    scenario: Scenario
    selections: Selections
    _duties: dict[tuple[object, ...], Duty] = field(default_factory=dict)
    _matches: dict[tuple[str, str, str, str, Variant], dict[str, TariffMeasure]] = field(default_factory=dict)

    _rules: dict[tuple[date, tuple[str, ...]], frozenset[str]] = field(default_factory=dict)

    @cached_property
    def _calendar(self) -> Calendar:
        return Calendar.of(self.scenario.horizon)

    @cached_property
    def _scope(self) -> Scope:
        return Scope(self.scenario, self.selections)

    def matching(self, route: Route, origin: str, tags: Variant = CLEAN) -> dict[str, TariffMeasure]:
        """Measures that mean a route for this part of its origin, or for the whole of it, whatever the date.

        One that goes by content means what carries its tag.
        """
        key = (route.commodity, route.origin, origin, route.destination, tags)
        if key not in self._matches:
            self._matches[key] = {
                name: measure
                for name, measure in self.scenario.tariffs.items()
                if self._scope.miss(name, route, origin, tags) is None
            }
        return self._matches[key]

    def means(self, name: str, route: Route, tags: Variant = CLEAN) -> bool:
        """True if the scenario has a measure of this name, and it means a part of the route's origin on some day."""
        if name not in self.scenario.tariffs:
            return False
        return any(self._scope.miss(name, route, part, tags) is None for part in self.selections.parts(route.origin))

    def quota_of(self, route: Route, *, content: Variant = CLEAN) -> QuotaKey | None:
        """The tariff-rate quota a route shares in, if any, and its origin if that has a volume of its own."""
        for origin in self.selections.parts(route.origin):
            for name, measure in self.matching(route, origin, content).items():
                if measure.quota is not None:
                    return name, route.origin if route.origin in measure.quota.volume_by_origin_t_per_y else ""
        return None

    def bands(self, route: Route, *, content: Variant = CLEAN) -> tuple[str, ...]:
        """Duty bands of a route."""
        return (IN_QUOTA, OVER_QUOTA) if self.quota_of(route, content=content) else (ALL,)

    def on_day(
        self,
        route: Route,
        band: str,
        day: date,
        events: Mapping[str, TariffEvent],
        value: Valuation,
        *,
        content: Variant = CLEAN,
    ) -> Duty:
        """Duty by measure on one day, with these tariff events of a future."""
        return by_measure(self.steps(DutyCase(route, day, value, band, events, content)))

    def steps(self, case: DutyCase) -> Iterator[Step]:
        """Steps of the duty: the effect of each measure in force on the case, by part of the origin."""
        in_force = self._in_force(case.day, case.events)
        for origin, share in self.selections.parts(case.route.origin).items():
            active = {
                name: measure
                for name, measure in self.matching(case.route, origin, case.content).items()
                if name in in_force and self._scope.miss_on(name, case.route, origin, case.day) is None
            }
            for step in stack(active, case.band, case.day.year, case.value):
                yield replace(step, origin=origin, share=share)

    def _in_force(self, day: date, events: Mapping[str, TariffEvent]) -> frozenset[str]:
        """Measures in force on a day with these events, whatever the route."""
        key = (day, tuple(sorted(events)))
        if key not in self._rules:
            self._rules[key] = frozenset(
                name for name, measure in self.scenario.tariffs.items() if idle(name, measure, day, events) is None
            )
        return self._rules[key]

    def passed_over(self, case: DutyCase) -> Iterator[Step]:
        """Reasons why the other measures of the scenario do not count, by part of the origin."""
        for origin, share in self.selections.parts(case.route.origin).items():
            for name, measure in self.scenario.tariffs.items():
                miss = self._scope.miss(name, case.route, origin, case.content)
                miss = miss or self._scope.miss_on(name, case.route, origin, case.day)
                rest = idle(name, measure, case.day, case.events)
                if rest is not None and (miss is None or miss.reason in EXEMPT):
                    yield Step(name, *rest, origin=origin, share=share)
                elif miss is not None:
                    yield Step(name, miss.reason, miss.because, origin=origin, share=share)

    def over_period(
        self,
        route: Route,
        band: str,
        period: int,
        events: Mapping[str, TariffEvent],
        value: Valuation,
        *,
        content: Variant = CLEAN,
    ) -> Duty:
        """Mean duty by measure over the days of a period."""
        key = (route.commodity, route.origin, route.destination, band, period, tuple(sorted(events)), value, content)
        if key not in self._duties:
            first, _ = self._calendar.days(period)
            case = DutyCase(route, date.fromordinal(first), value, band, events, content)
            self._duties[key] = self._over_period(case, period)
        return self._duties[key]

    def _over_period(self, case: DutyCase, period: int) -> Duty:
        first, after = self._calendar.days(period)
        total: dict[str, float] = {}
        for begin, end in pairwise(self._cuts(case, period)):
            weight = (end - begin) / (after - first)
            for name, duty in by_measure(self.steps(replace(case, day=date.fromordinal(begin)))).items():
                total[name] = total.get(name, 0.0) + weight * duty
        return total

    def _cuts(self, case: DutyCase, period: int) -> list[int]:
        """Days on which the duty may change within a period, its first day and the day after it."""
        calendar = self._calendar
        first, after = calendar.days(period)
        start = calendar.starts[period]
        days = {first_day(year) for year in range(start, start + calendar.lengths[period])}
        parts = self.selections.parts(case.route.origin)
        measures = [m for origin in parts for m in self.matching(case.route, origin, case.content).values()]
        rules: list[TariffMeasure | TariffEvent] = [*measures, *case.events.values()]
        dates = {day for rule in rules for day in (rule.onset, rule.until) if day} | self._scope.days(case.route)
        days |= {day.toordinal() for day in dates}
        return sorted({first, after} | {day for day in days if first < day < after})


@dataclass(frozen=True)
class ExplainedStep:
    """A step, and what the duty is after it."""

    step: Step
    cumulative_kusd_per_t: float
    """Of the whole origin: the steps so far, by their shares."""
    cumulative_share: float | None
    """The same as a share of customs value; None without one."""


def explain_duty(book: TariffBook, case: DutyCase) -> list[ExplainedStep]:
    """Explain a duty: the steps of the measures in force in stacking order, then the reasons why the others add
    nothing."""
    explained = []
    total = 0.0
    for step in [*book.steps(case), *book.passed_over(case)]:
        total += step.share * step.duty_kusd_per_t
        customs = case.value.customs_value
        explained.append(ExplainedStep(step, total, total / customs if customs else None))
    return explained


def tariff_events(scenario: Scenario, tree: Tree) -> list[dict[str, TariffEvent]]:
    """Tariff events that are in force on some day of each node; one mapping a node."""
    dated = [(key, event) for key, event in scenario.events.items() if isinstance(event, TariffEvent)]
    in_period = [
        {key: event for key, event in dated if _meets(event, tree.calendar.days(period))}
        for period in range(len(tree.calendar))
    ]
    return [
        {key: in_period[period][key] for key in tree.events_at(node) if key in in_period[period]}
        for node, period in enumerate(tree.period)
    ]


def _meets(event: TariffEvent, days: tuple[int, int]) -> bool:
    first, after = days
    return event.onset.toordinal() < after and (event.until is None or first < event.until.toordinal())


def quota_volumes(scenario: Scenario, tree: Tree) -> dict[QuotaKey, Floats]:
    """Volume of each tariff-rate quota by node, t/y, shared and by origin; shape (nodes,) each."""
    period = np.array(tree.period)
    return {
        (name, origin): tree.calendar.mean(volume)[period]
        for name, measure in scenario.tariffs.items()
        if measure.quota is not None
        for origin, volume in {"": measure.quota.volume_t_per_y, **measure.quota.volume_by_origin_t_per_y}.items()
    }
