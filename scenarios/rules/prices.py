"""Prices: each must be given, so that nothing is free by omission."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lodeplan.scenarios.rules.findings import Findings
from lodeplan.schemas.scenario import Facility, TariffMeasure
from lodeplan.schemas.types import ByYear

_RATES = ("rate_share", "rate_kusd_per_t_gross", "minimum_price_kusd_per_t", "all_in_ceiling_share")


def check(findings: Findings) -> None:
    """Producers that say no price, and measures that say no rate."""
    scenario = findings.scenario
    for collection in ("facilities", "projects"):
        for name, facility in getattr(scenario, collection).items():
            _check_producer(findings, [collection, name, "cost_kusd_per_t"], facility)
    for name, measure in scenario.tariffs.items():
        _check_measure(findings, ["tariffs", name, "rate_share"], measure)


def warn(findings: Findings) -> None:
    """Note what is free because no price is given, and prices that are 0 in some years only."""
    for name, demand in findings.scenario.demands.items():
        for key, substitute in demand.substitutes.items():
            if substitute.commodity is None and "cost_kusd_per_t" not in substitute.model_fields_set:
                path = ["demands", name, "substitutes", key, "cost_kusd_per_t"]
                message = "without it, giving up need costs nothing."
                findings.note("no_price", path, message, remedy="Give it; write 0 if it is free.")
    for name, recycling in findings.scenario.recycling.items():
        if "cost_kusd_per_t" not in recycling.model_fields_set:
            path = ["recycling", name, "cost_kusd_per_t"]
            message = "without it, what is recovered costs nothing."
            findings.note("no_price", path, message, remedy="Give it; write 0 if it is free.")
    for keys, prices in _prices(findings):
        if isinstance(prices, Mapping) and any(prices.values()):
            years = [year for year, price in prices.items() if price == 0]
            if years:
                message = f"it is 0 from {years[0]} on, and not in other years."
                remedy = (
                    "If the price of that year is unknown, remove the year; the price of the year before then holds."
                )
                findings.note("zero_price_year", keys, message, value=years[0], remedy=remedy)


def _check_producer(findings: Findings, keys: list[str], facility: Facility) -> None:
    """A recipe's inputs have prices of their own; where there are none, this one decides alone."""
    if facility.cost_kusd_per_t is not None or facility.steps:
        return
    curve = facility.supply_curve
    if curve is not None and (curve.elasticity is not None or not facility.inputs):
        message = "the supply curve has no base price, so it would be free."
    elif not facility.inputs:
        message = "it has neither a price nor inputs, so its output would be free."
    else:
        return
    findings.note("no_price", keys, message, allowed="kUSD per t of activity", remedy="Give it; write 0 if it is free.")


def _check_measure(findings: Findings, keys: list[str], measure: TariffMeasure) -> None:
    if measure.model_fields_set.isdisjoint(_RATES):
        message = "the measure has no rate, so it would add no duty."
        findings.note("no_rate", keys, message, remedy="Give it; write 0 if the measure only replaces others.")


def _prices(findings: Findings) -> Iterator[tuple[Sequence[str], ByYear | None]]:
    """Prices of a scenario, each with its keys."""
    scenario = findings.scenario
    for name, commodity in scenario.commodities.items():
        yield ("commodities", name, "reference_price_kusd_per_t"), commodity.reference_price_kusd_per_t
    for collection in ("facilities", "projects"):
        for name, facility in getattr(scenario, collection).items():
            yield (collection, name, "cost_kusd_per_t"), facility.cost_kusd_per_t
            for number, step in enumerate(facility.steps):
                yield (collection, name, "steps", str(number), "cost_kusd_per_t"), step.cost_kusd_per_t
    for name, route in scenario.routes.items():
        yield ("routes", name, "customs_value_kusd_per_t"), route.customs_value_kusd_per_t
    for name, recycling in scenario.recycling.items():
        yield ("recycling", name, "cost_kusd_per_t"), recycling.cost_kusd_per_t
    for name, measure in scenario.tariffs.items():
        yield ("tariffs", name, "minimum_price_kusd_per_t"), measure.minimum_price_kusd_per_t
