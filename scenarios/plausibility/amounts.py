"""Amounts per t, such as freight and duties, beside the price of their commodity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from lodeplan.scenarios.plausibility.landed import main_output, running_costs
from lodeplan.scenarios.plausibility.prices import FAR, unit_question
from lodeplan.scenarios.rules.profiles import largest, numbers

if TYPE_CHECKING:
    from lodeplan.scenarios.rules.findings import Findings
    from lodeplan.schemas.scenario import Scenario


class _Amount(NamedTuple):
    """An amount: where it stands, its largest number, the price it is held against, and how often it may be that."""

    keys: list[str]
    kusd_per_t: float
    price_kusd_per_t: float
    times: float = FAR


def note_amounts_above_prices(findings: Findings) -> None:
    """Amounts more than ten times the price of their commodity; of holding, more than the price a year.

    The price is the reference price, or without one the cheapest offer; without either nothing is asked.
    """
    scenario = findings.scenario
    known = _known_prices(scenario)
    for amount in (*_of_tariffs(findings, known), *_of_routes(scenario, known), *_of_stocks(scenario, known)):
        if 0 < amount.times * amount.price_kusd_per_t < amount.kusd_per_t:
            times = amount.kusd_per_t / amount.price_kusd_per_t
            message = (
                f"{amount.kusd_per_t:g} is {times:,.0f} times the price of its commodity, {amount.price_kusd_per_t:g} "
                "kUSD/t."
            )
            remedy = unit_question(amount.kusd_per_t, times)
            findings.note("amount_above_price", amount.keys, message, value=amount.kusd_per_t, remedy=remedy)


def _known_prices(scenario: Scenario) -> dict[str, float]:
    """By commodity, its largest reference price, or without one the cheapest offer, kUSD/t."""
    found: dict[str, float] = {}
    for plant in scenario.facilities.values():
        commodity, amount = main_output(plant)
        costs = [cost / amount for cost in running_costs(plant) if cost > 0]
        if costs and not plant.inputs:
            found[commodity] = min(found.get(commodity, costs[0]), *costs)
    for name, entry in scenario.commodities.items():
        price = max(numbers(entry.reference_price_kusd_per_t), default=0.0)
        if price > 0:
            found[name] = price
    return found


def _of_tariffs(findings: Findings, known: Mapping[str, float]) -> Iterator[_Amount]:
    """Specific duties and minimum prices, each with the highest price among the commodities of the measure."""
    scenario = findings.scenario
    for name, measure in scenario.tariffs.items():
        hit = {scenario.routes[key].commodity for key in findings.selections.routes_of_measure(measure)}
        if not hit <= known.keys():
            continue
        dearest = max((known[key] for key in hit), default=0.0)
        gross = max((known[key] * scenario.commodities[key].contained_share for key in hit), default=0.0)
        if measure.minimum_price_kusd_per_t is not None:
            least = largest(measure.minimum_price_kusd_per_t)
            yield _Amount(["tariffs", name, "minimum_price_kusd_per_t"], least, dearest)
        yield _Amount(["tariffs", name, "rate_kusd_per_t_gross"], largest(measure.rate_kusd_per_t_gross), gross)


def _of_routes(scenario: Scenario, known: Mapping[str, float]) -> Iterator[_Amount]:
    for name, route in scenario.routes.items():
        for field in ("freight_kusd_per_t", "hub_markup_kusd_per_t"):
            yield _Amount(["routes", name, field], largest(getattr(route, field)), known.get(route.commodity, 0.0))


def _of_stocks(scenario: Scenario, known: Mapping[str, float]) -> Iterator[_Amount]:
    for name, pile in scenario.stockpiles.items():
        price = known.get(pile.commodity, 0.0)
        yield _Amount(["stockpiles", name, "holding_kusd_per_t_y"], largest(pile.holding_kusd_per_t_y), price, 1.0)
        yield _Amount(["stockpiles", name, "buying_premium_kusd_per_t"], pile.buying_premium_kusd_per_t, price)
