"""Mean duty of the base year on a source, from the tariff measures. Used for calibration alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from lodeplan.schemas.patterns import fits
from lodeplan.schemas.scenario import TariffMeasure
from tools.us_2026_build.fact_tables import BASE_YEAR, Facts

_FIRST, _END = date(BASE_YEAR, 1, 1), date(BASE_YEAR + 1, 1, 1)


@dataclass(frozen=True)
class Import:
    """A commodity from a country, and what duty is taken on, kUSD per t contained."""

    commodity: str
    origin: str
    customs_value_kusd_per_t: float
    reference_price_kusd_per_t: float


@dataclass(frozen=True)
class DutyBook:
    """Measures, and the facts needed to see whom they meet."""

    measures: dict[str, TariffMeasure]
    facts: Facts

    def mean_duty_kusd_per_t(self, item: Import) -> float:
        """Mean over the days of the base year; of a region, over its members by share."""
        members = self.facts.others[item.commodity].members if item.origin.endswith(" others") else {item.origin: 1.0}
        return sum(share * self._of_country(replace(item, origin=country)) for country, share in members.items())

    def _of_country(self, item: Import) -> float:
        days = {_FIRST, _END} | {
            day for measure in self.measures.values() for day in (measure.onset, measure.until) if day
        }
        cuts = sorted(day for day in days if _FIRST <= day <= _END)
        total = sum((end - start).days * self._on_day(item, start) for start, end in pairwise(cuts))
        return total / (_END - _FIRST).days

    def _on_day(self, item: Import, day: date) -> float:
        active = {
            name: measure
            for name, measure in self.measures.items()
            if measure.active and _in_force(measure, day) and self._meets(measure, item)
        }
        kept = [measure for name, measure in active.items() if not _replaced(name, measure, list(active.values()))]
        content = self.facts.materials[item.commodity].contained_share
        plain = [(m.programme, _plain_duty(m, item, content)) for m in kept if m.all_in_ceiling_share is None]
        total = sum(duty for _, duty in plain)
        for measure in kept:
            if measure.all_in_ceiling_share is not None:
                within = sum(duty for programme, duty in plain if programme in measure.all_in_with)
                total += max(0.0, measure.all_in_ceiling_share * item.customs_value_kusd_per_t - within)
        return total

    def _meets(self, measure: TariffMeasure, item: Import) -> bool:
        country = self.facts.countries.get(item.origin)
        names = {item.origin, *(country.groups.split("; ") if country else [])}
        codes = [code.strip().replace(".", "") for code in self.facts.materials[item.commodity].hts.split(";")]
        meant = _any(measure.commodities, item.commodity) or _starts(measure.hts, codes)
        exempt = _any(measure.except_commodities, item.commodity) or _starts(measure.except_hts, codes)
        from_here = "*" in measure.origins or bool(names & set(measure.origins))
        return meant and from_here and not exempt and not names & set(measure.except_origins)


def was_in_force(measure: TariffMeasure) -> bool:
    """Whether a measure was in force on any day of the base year."""
    begun = measure.onset is None or measure.onset < _END
    return measure.active and begun and (measure.until is None or measure.until > _FIRST)


def _in_force(measure: TariffMeasure, day: date) -> bool:
    return (measure.onset is None or measure.onset <= day) and (measure.until is None or day < measure.until)


def _replaced(name: str, measure: TariffMeasure, active: list[TariffMeasure]) -> bool:
    return any(
        other.precedence > measure.precedence and (name in other.replaces or measure.programme in other.replaces)
        for other in active
    )


def _plain_duty(measure: TariffMeasure, item: Import, content: float) -> float:
    """Of a measure that is not all-in; with a quota, the rate within it, as the base year's flows fit."""
    rate = measure.quota.in_quota_rate_share if measure.quota else _in_base_year(measure.rate_share)
    by_metal = measure.base == "metal_value"
    duty = rate * (item.reference_price_kusd_per_t if by_metal else item.customs_value_kusd_per_t)
    duty += _in_base_year(measure.rate_kusd_per_t_gross) / content
    if measure.minimum_price_kusd_per_t is not None:
        duty += max(0.0, _in_base_year(measure.minimum_price_kusd_per_t) - item.customs_value_kusd_per_t)
    return duty


def _in_base_year(value: float | dict[int, float]) -> float:
    if not isinstance(value, dict):
        return value
    passed = [year for year in value if year <= BASE_YEAR]
    return value[max(passed) if passed else min(value)]


def _any(patterns: list[str], name: str) -> bool:
    return any(fits(name, pattern) for pattern in patterns)


def _starts(prefixes: list[str], codes: list[str]) -> bool:
    return any(code and code.startswith(prefix.replace(".", "")) for prefix in prefixes for code in codes)
