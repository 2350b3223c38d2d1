"""Hazards, where their numbers come from, and how often their rates say what was recorded."""

from __future__ import annotations

from dataclasses import dataclass

from tools.us_2026_build.fact_tables import Hazard, HazardFacts, StabilityClass
from tools.us_2026_build.numbers import rounded, text
from tools.us_2026_build.tables import Row

YEARS_OF_RECORD = range(2010, 2026)
"""Years in which interruptions that began are counted."""
JUDGED_RANGE = ("0.5", "2")
"""How far severity, duration and recovery may be off, as factors."""
CORRELATION = "Assumed: Chinese controls came in 2010, 2021, 2023, 2024 and twice in 2025; other blocs by analogy"


@dataclass(frozen=True)
class Rate:
    """Interruptions a year, and the plausible range."""

    per_y: float = 0.0
    low_per_y: float = 0.0
    high_per_y: float = 0.0

    def times(self, factor: float) -> Rate:
        """The rate and its range, so many times."""
        return Rate(self.per_y * factor, self.low_per_y * factor, self.high_per_y * factor)

    def plus(self, other: Rate) -> Rate:
        """Both rates; ranges add as if both were off to the same side."""
        return Rate(self.per_y + other.per_y, self.low_per_y + other.low_per_y, self.high_per_y + other.high_per_y)


def stability_class(facts: HazardFacts, country: str) -> StabilityClass:
    """The class of a country: the most stable whose bound it reaches."""
    reached = [row for row in facts.classes if facts.stability[country].political_stability >= row.stability_from]
    return max(reached, key=lambda row: row.stability_from)


def rate(facts: HazardFacts, hazard: Hazard) -> Rate:
    """Rate of the class of the hazard's country, for exports or output, times its multiple."""
    row = stability_class(facts, hazard.country)
    if hazard.changes == "exports":
        return Rate(row.exports_per_y, row.exports_low, row.exports_high).times(hazard.multiple)
    return Rate(row.output_per_y, row.output_low, row.output_high).times(hazard.multiple)


def hazard_rows(facts: HazardFacts) -> list[Row]:
    """`hazards.csv`: the hazards that meet something the scenario buys or makes."""
    rows = []
    for hazard in facts.in_scenario:
        severity = facts.severity[hazard.cause]
        rows.append(
            {
                "name": hazard.name,
                "changes": hazard.changes,
                "places": hazard.places,
                "commodities": hazard.commodities,
                "yearly_rate": text(rounded(rate(facts, hazard).per_y)),
                "availability_share": severity.availability_share,
                "duration_years": severity.duration_years,
                "recovery_years": text(severity.recovery_years),
                "bloc": hazard.bloc,
                "bloc_correlation": text(hazard.bloc_correlation) if hazard.bloc else "",
                "note": hazard.note,
            }
        )
    return rows


def hazard_provenance_rows(facts: HazardFacts) -> list[Row]:
    """Where the numbers of `hazards.csv` come from."""
    rows = []
    for hazard in facts.in_scenario:
        row, severity = stability_class(facts, hazard.country), facts.severity[hazard.cause]
        stability = facts.stability[hazard.country]
        ranged = rate(facts, hazard)
        told = (
            f"Assumed: rate of the class {row.name} ({hazard.country}: {text(stability.political_stability)} in "
            f"{stability.year}; {stability.source}) times {text(hazard.multiple)}. {row.reasoning}"
        )
        bounds = (text(rounded(ranged.low_per_y)), text(rounded(ranged.high_per_y)))
        rows += [
            _row(hazard.name, "yearly_rate", "assumed", told, bounds),
            _row(hazard.name, "availability_share*", severity.kind, severity.reasoning, JUDGED_RANGE),
            _row(hazard.name, "duration_years*", severity.kind, severity.reasoning, JUDGED_RANGE),
            _row(hazard.name, "recovery_years", "assumed", severity.recovery_reasoning, JUDGED_RANGE),
        ]
    return [*rows, _row("*", "bloc_correlation", "assumed", CORRELATION, ("0", "0.8"))]


def _row(name: str, field: str, kind: str, source: str, bounds: tuple[str, str]) -> Row:
    return {
        "table": "hazards",
        "name": name,
        "field": field,
        "kind": kind,
        "source": source,
        "low": bounds[0],
        "high": bounds[1],
        "range_is_factor": "true" if bounds is JUDGED_RANGE else "",
    }


@dataclass(frozen=True)
class Comparison:
    """Interruptions of a group of hazards in the years of the record: under the rates, and those that began."""

    group: str
    hazards: list[str]
    """Names of the hazards."""
    expected: Rate
    """A number of interruptions, not a rate."""
    recorded: list[str]
    """Names of the events."""


GROUPS = ("China's controls", "Other exports", "Plants and mines abroad", "Plants and mines at home")


def comparisons(facts: HazardFacts) -> list[Comparison]:
    """By group, over all hazards of the facts; events before and after the years counted are left out."""
    counted = [event for event in facts.record if event.hazard and int(event.onset[:4]) in YEARS_OF_RECORD]
    found = []
    for group in GROUPS:
        hazards = [hazard for hazard in facts.hazards if _group(hazard) == group]
        names = [hazard.name for hazard in hazards]
        expected = Rate()
        for hazard in hazards:
            expected = expected.plus(rate(facts, hazard).times(len(YEARS_OF_RECORD)))
        found.append(Comparison(group, names, expected, [e.event for e in counted if e.hazard in names]))
    return found


def _group(hazard: Hazard) -> str:
    """Refiners that lack feed because a state stops it belong to exports."""
    if hazard.changes == "exports" or hazard.cause == "feed":
        return GROUPS[0] if (hazard.country, hazard.cause) == ("CHN", "control") else GROUPS[1]
    return GROUPS[3] if hazard.country == "USA" else GROUPS[2]
