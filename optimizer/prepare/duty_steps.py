"""One day's duty step by step: what each measure adds to what came before it, and why others add nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from lodeplan.optimizer.prepare.calendar import Profile, value_in
from lodeplan.optimizer.prepare.duty_scope import Outside
from lodeplan.schemas.events import TariffEvent
from lodeplan.schemas.patterns import matches
from lodeplan.schemas.scenario import TariffMeasure

IN_QUOTA, OVER_QUOTA, ALL = "in_quota", "over_quota", "all"

Idle = Literal["not_yet", "no_longer", "inactive", "switched_off"]
"""Why a measure that means a route is not in force on a day."""

Outcome = Literal["adds", "adds_nothing", "ceiling_reached", "replaced"] | Idle | Outside
"""What a measure did to a duty."""

Base = Literal["customs_value", "metal_value", "gross_weight", "minimum_price", "all_in_ceiling"]


@dataclass(frozen=True)
class Valuation:
    """Bases of the rates of a route in one period, kUSD per t contained."""

    customs_value: float | None
    reference_price: float | None
    contained_share: float


@dataclass(frozen=True)
class Term:
    """A part of a measure's duty: a rate on a base."""

    base: Base
    base_value: float | None
    """kUSD per t contained; of `gross_weight`, t gross per t contained. None: not known, and no duty."""
    rate: float
    """Share of the base; of `gross_weight` and `minimum_price`, kUSD per t."""
    duty_kusd_per_t: float


@dataclass(frozen=True)
class Step:
    """One measure, and what became of it."""

    measure: str
    outcome: Outcome
    because: str = ""
    """The measure that replaces it, the event, the exemption or the date behind the outcome."""
    band: str = ""
    """The band of a measure with a quota."""
    terms: tuple[Term, ...] = ()
    origin: str = ""
    """The part of the route's origin, for a region one of its members."""
    share: float = 1.0
    """Its share in the route's origin."""

    @property
    def duty_kusd_per_t(self) -> float:
        """Duty that it adds for its part of the origin, kUSD per t contained."""
        total = 0.0
        for term in self.terms:
            total += term.duty_kusd_per_t
        return total

    @property
    def in_force(self) -> bool:
        """True if it counted on the day, even if it added nothing."""
        return self.outcome in ("adds", "adds_nothing", "ceiling_reached")


def by_measure(steps: Iterable[Step]) -> dict[str, float]:
    """Duty by measure, kUSD per t contained: that of each part of the origin by its share."""
    total: dict[str, float] = {}
    for step in steps:
        duty = step.duty_kusd_per_t
        if duty != 0.0:
            total[step.measure] = total.get(step.measure, 0.0) + step.share * duty
    return total


def idle(name: str, measure: TariffMeasure, day: date, events: Mapping[str, TariffEvent]) -> tuple[Idle, str] | None:
    """Reason why a measure is not in force on a day, by its own dates or an event's; being switched off wins."""
    held = {key: e for key, e in events.items() if e.onset <= day and (e.until is None or day < e.until)}
    for key, event in held.items():
        if matches(name, event.switch_off):
            return "switched_off", key
    if any(matches(name, event.switch_on) for event in held.values()):
        return None
    if not measure.active:
        return "inactive", ""
    if measure.onset is not None and day < measure.onset:
        return "not_yet", measure.onset.isoformat()
    if measure.until is not None and measure.until <= day:
        return "no_longer", measure.until.isoformat()
    return None


def stack(active: Mapping[str, TariffMeasure], band: str, year: int, value: Valuation) -> list[Step]:
    """Steps of what is active together: plain measures, all-in ones after them, then those that were replaced."""
    by_whom = {name: _replacement(name, measure, active) for name, measure in active.items()}
    standing = {name: measure for name, measure in active.items() if by_whom[name] is None}
    plain = [
        _plain(name, measure, band, year, value)
        for name, measure in standing.items()
        if measure.all_in_ceiling_share is None
    ]
    all_in = [
        _all_in(
            name, measure, [step for step in plain if standing[step.measure].programme in measure.all_in_with], value
        )
        for name, measure in standing.items()
        if measure.all_in_ceiling_share is not None
    ]
    dropped = [Step(name, "replaced", other) for name, other in by_whom.items() if other is not None]
    return [*plain, *all_in, *dropped]


def _replacement(name: str, measure: TariffMeasure, active: Mapping[str, TariffMeasure]) -> str | None:
    """The measure that stands in for one, if any."""
    for other_name, other in active.items():
        named = name in other.replaces or measure.programme in other.replaces
        if named and other.precedence > measure.precedence:
            return other_name
    return None


def _plain(name: str, measure: TariffMeasure, band: str, year: int, value: Valuation) -> Step:
    """A measure's duty on its own base: ad valorem, by weight, and up to a minimum price."""
    rate: Profile = measure.rate_share
    if band == IN_QUOTA and measure.quota is not None:
        rate = measure.quota.in_quota_rate_share
    base = value.customs_value if measure.base == "customs_value" else value.reference_price
    share = value_in(rate, year)
    terms = [Term(measure.base, base, share, share * (base or 0.0))]
    if weight_rate := value_in(measure.rate_kusd_per_t_gross, year):
        terms.append(
            Term("gross_weight", 1.0 / value.contained_share, weight_rate, weight_rate / value.contained_share)
        )
    if measure.minimum_price_kusd_per_t is not None and value.customs_value is not None:
        floor = value_in(measure.minimum_price_kusd_per_t, year)
        terms.append(Term("minimum_price", value.customs_value, floor, max(0.0, floor - value.customs_value)))
    step = Step(name, "adds", band=band if measure.quota is not None else "", terms=_telling(terms))
    return step if step.duty_kusd_per_t != 0.0 else replace(step, outcome="adds_nothing")


def _telling(terms: list[Term]) -> tuple[Term, ...]:
    """Without a rate of zero, unless nothing else is left."""
    return tuple(term for term in terms if term.rate) or tuple(terms[:1])


def _all_in(name: str, measure: TariffMeasure, counted: list[Step], value: Valuation) -> Step:
    """What a ceiling leaves above the duty of the measures counted within it."""
    ceiling = measure.all_in_ceiling_share or 0.0
    within = sum(step.duty_kusd_per_t for step in counted if step.duty_kusd_per_t != 0.0)
    duty = max(0.0, ceiling * (value.customs_value or 0.0) - within)
    outcome: Outcome = "adds" if duty != 0.0 else "ceiling_reached" if within > 0.0 else "adds_nothing"
    return Step(name, outcome, terms=(Term("all_in_ceiling", value.customs_value, ceiling, duty),))
