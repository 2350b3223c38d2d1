"""Commodities to which a tariff measure applies (conventions, "Duty", 7)."""

from __future__ import annotations

from lodeplan.optimizer.check.availability import makers
from lodeplan.optimizer.check.selections import selects_code, selects_name
from lodeplan.schemas import Scenario
from lodeplan.schemas.scenario import TariffMeasure


def commodities_of(scenario: Scenario, measure: TariffMeasure) -> frozenset[str]:
    """Those it names, by name or code, with all that is made of them where it says so, less those exempt."""
    meant = {
        name
        for name, commodity in scenario.commodities.items()
        if selects_name(measure.commodities, name) or selects_code(measure.hts, commodity.hts)
    }
    if measure.includes_derivatives:
        _add_what_is_made_of(scenario, meant)
    return frozenset(
        name
        for name in meant
        if not selects_name(measure.except_commodities, name)
        and not selects_code(measure.except_hts, scenario.commodities[name].hts)
    )


def _add_what_is_made_of(scenario: Scenario, commodities: set[str]) -> None:
    recipes = [(set(maker.inputs), set(maker.outputs)) for maker in makers(scenario).values()]
    found = -1
    while found < len(commodities):
        found = len(commodities)
        for inputs, outputs in recipes:
            if not inputs.isdisjoint(commodities):
                commodities |= outputs
