"""Stocks and flows that earn money without limit."""

from __future__ import annotations

from math import isfinite

from lodeplan.scenarios.plausibility.landed import Landed
from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import numbers

_NOTHING = 1e-9


def note_stocks_that_earn(findings: Findings, landed: Landed) -> None:
    """Stockpiles without a limit of room or purchases whose end value beats the least cost of filling them."""
    scenario = findings.scenario
    for name, pile in scenario.stockpiles.items():
        if pile.capacity_t is not None or pile.fill_t_per_y is not None or pile.end_value_kusd_per_t <= 0:
            continue
        place = pile.place or scenario.home
        cost = landed.cost(pile.commodity, place) + pile.buying_premium_kusd_per_t
        cost += min(numbers(pile.holding_kusd_per_t_y))
        if isfinite(cost) and pile.end_value_kusd_per_t > cost + _NOTHING:
            message = (
                f"at the end a t is worth {pile.end_value_kusd_per_t:g} kUSD, and to buy and hold it costs {cost:.4g} "
                f"or more ({landed.parts_in_words}, premium, holding): each t earns money, and nothing limits how many "
                "it holds."
            )
            remedy = "Give `capacity_t`, or an end value below the price."
            keys = ["stockpiles", name, "end_value_kusd_per_t"]
            findings.note("stock_earns", keys, message, value=pile.end_value_kusd_per_t, remedy=remedy)


def note_flows_that_earn(findings: Findings, landed: Landed) -> None:
    """Routes that a negative calibration makes free, of what may be let go: the more is thrown away, the better."""
    scenario = findings.scenario
    for name, route in scenario.routes.items():
        commodity = scenario.commodities[route.commodity]
        term = min(numbers(route.calibration_kusd_per_t))
        if term >= 0 or not commodity.disposable:
            continue
        other = min(numbers(route.freight_kusd_per_t)) + min(numbers(route.hub_markup_kusd_per_t))
        other += landed.duty(name)
        cost = landed.cost(route.commodity, route.origin) + other + term + commodity.disposal_cost_kusd_per_t
        if cost <= _NOTHING:
            message = (
                f"with {term:g} kUSD/t, a tonne that arrives and is thrown away costs at least {cost:.4g} kUSD: "
                "buying it to throw it away earns money."
            )
            remedy = "Is the term above the price? Or give a disposal cost, or set `disposable` to false."
            keys = ["routes", name, "calibration_kusd_per_t"]
            findings.note("flow_earns", keys, message, value=term, remedy=remedy)
