"""Prices beside the reference price of their commodity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from lodeplan.scenarios.plausibility.landed import main_output, running_costs
from lodeplan.scenarios.rules.profiles import numbers

if TYPE_CHECKING:
    from lodeplan.scenarios.rules.findings import Findings
    from lodeplan.schemas.scenario import Facility, Scenario

FAR = 10.0
"""Times a price may be off before that is asked about."""
_USD_PER_KUSD = 1000.0

Price = tuple[list[str], str, list[float]]
"""Where it stands, of what commodity, and its numbers, kUSD/t."""
Known = tuple[str, list[float]]
"""What prices are held against, in words, and its numbers, kUSD/t."""


def note_prices_off_reference(findings: Findings) -> None:
    """Prices more than ten times above or below the reference price; of customs values without one, the offers."""
    scenario = findings.scenario
    reference: dict[str, Known] = {
        name: (f"the reference price of `{name}`", found)
        for name, commodity in scenario.commodities.items()
        if (found := _positive(numbers(commodity.reference_price_kusd_per_t)))
    }
    offered = _offered(scenario)
    for keys, commodity, prices in _prices(scenario):
        if commodity in reference:
            _note_if_off(findings, keys, prices, reference[commodity])
    for keys, commodity, costs in _costs_at_home(scenario):
        if commodity in reference:
            what, usual = reference[commodity]
            _note_if_off(findings, keys, [cost for cost in costs if cost > max(usual)], (what, usual))
    for name, route in scenario.routes.items():
        known: Known | None = reference.get(route.commodity)
        offers = offered.get((route.commodity, route.origin))
        if known is None and offers:
            known = (f"what `{route.commodity}` is offered at in `{route.origin}`", offers)
        if known is not None:
            keys = ["routes", name, "customs_value_kusd_per_t"]
            _note_if_off(findings, keys, numbers(route.customs_value_kusd_per_t), known)


def _prices(scenario: Scenario) -> Iterator[Price]:
    """Offers, prices of price floors and of elastic demand."""
    for collection in ("facilities", "projects"):
        for name, plant in getattr(scenario, collection).items():
            commodity, amount = main_output(plant)
            if not plant.inputs and plant.place != scenario.home:
                yield [collection, name, _cost_field(plant)], commodity, _costs(plant)
            if plant.price_floor is not None:
                for field in ("floor_kusd_per_t", "reference_price_kusd_per_t"):
                    found = numbers(getattr(plant.price_floor, field))
                    yield [collection, name, "price_floor", field], commodity, [price / amount for price in found]
    for name, demand in scenario.demands.items():
        if demand.elastic is not None:
            price = demand.elastic.price_kusd_per_t
            yield ["demands", name, "elastic", "price_kusd_per_t"], demand.commodity, [price]


def _costs_at_home(scenario: Scenario) -> Iterator[Price]:
    """Costs of what home mines itself: it is worth its price, and may cost far less."""
    for collection in ("facilities", "projects"):
        for name, plant in getattr(scenario, collection).items():
            if not plant.inputs and plant.place == scenario.home:
                yield [collection, name, _cost_field(plant)], main_output(plant)[0], _costs(plant)


def _cost_field(plant: Facility) -> str:
    return "steps" if plant.steps else "cost_kusd_per_t"


def _costs(plant: Facility) -> list[float]:
    """kUSD per t of the main product."""
    return [cost / main_output(plant)[1] for cost in running_costs(plant)]


def _offered(scenario: Scenario) -> Mapping[tuple[str, str], list[float]]:
    """Prices at which a commodity is offered at a place."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for plant in scenario.facilities.values():
        if not plant.inputs:
            found[main_output(plant)[0], plant.place] += _positive(_costs(plant))
    return found


def _note_if_off(findings: Findings, keys: Sequence[str], prices: Sequence[float], known: Known) -> None:
    what, usual = known
    for price in _positive(prices):
        times = price / max(usual) if price > max(usual) else price / min(usual) if price < min(usual) else 1.0
        if not 1 / FAR <= times <= FAR:
            least = f"{min(usual):g} to {max(usual):g}" if min(usual) < max(usual) else f"{max(usual):g}"
            said = f"{times:,.0f} times" if times > 1 else f"1/{1 / times:,.0f} of"
            message = f"{price:g} kUSD/t is {said} {what}, {least}."
            findings.note("price_off_reference", keys, message, value=price, remedy=unit_question(price, times))
            return


def unit_question(price: float, times: float) -> str:
    """Ask whether an amount that is this many times its price is in USD/t or USD/kg."""
    if 300 <= times <= 3000:
        return f"Is it in USD/t? Prices are in kUSD/t: did you mean {price / _USD_PER_KUSD:g}?"
    if 300 <= 1 / times <= 3000:
        return f"Prices are in kUSD/t (1 kUSD/t = 1 USD/kg): did you mean {price * _USD_PER_KUSD:g}?"
    return "Is one of the two in another unit, or of another form? Prices are in kUSD/t (1 kUSD/t = 1 USD/kg)."


def _positive(prices: Sequence[float]) -> list[float]:
    return [price for price in prices if price > 0]
