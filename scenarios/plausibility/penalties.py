"""Penalties of a shortage beside what supply costs."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from lodeplan.scenarios.plausibility.landed import Landed, main_output, running_costs
from lodeplan.scenarios.rules.findings import Findings
from lodeplan.scenarios.rules.profiles import largest, numbers
from lodeplan.schemas.scenario import Demand

FAR_ABOVE = 1e5
"""Ratio of penalty to the costliest supply from which the cost of supply no longer counts beside that of shortage."""
_ROUNDING = 1e-9


def note_penalties_below_cost(findings: Findings, landed: Landed) -> None:
    """Needs, or parts of them, that are worth less than the least their supply costs: they are never served."""
    for name, demand in findings.scenario.demands.items():
        place = demand.place or findings.scenario.home
        least = landed.cost(demand.commodity, place)
        if largest(demand.quantity_t_per_y) == 0 or not isfinite(least):
            continue
        below = [step for step in _steps(demand) if step[1] < least * (1 - _ROUNDING)]
        if not below:
            continue
        share, penalty = below[-1]
        part = "nothing" if share >= 1 else f"the first {100 * share:g} % of it is never"
        message = (
            f"a shortage costs {penalty:g} kUSD/t, less than {least:.4g}, the lowest cost of `{demand.commodity}` at "
            f"`{place}` ({landed.parts_in_words}): going short is cheaper, and {part} "
            + ("is bought." if share >= 1 else "served.")
        )
        remedy = "Is it in kUSD/t (1 kUSD/t = 1 USD/kg), and is the need worth less than its price?"
        keys = ["demands", name, "shortage_penalty_kusd_per_t"]
        findings.note("penalty_below_cost", keys, message, value=penalty, allowed=f"{least:.4g} or more", remedy=remedy)


def note_penalties_far_above(findings: Findings) -> None:
    """Penalties beside which the cost of supply is lost in rounding."""
    dearest = _dearest(findings)
    overall = max(dearest.values(), default=0.0)
    for name, demand in findings.scenario.demands.items():
        penalty = max(penalty for _, penalty in _steps(demand))
        supply = dearest.get(demand.commodity, overall)
        if supply > 0 and penalty > FAR_ABOVE * supply:
            message = (
                f"a shortage costs {penalty:g} kUSD/t, {penalty / supply:,.0f} times the costliest supply, {supply:g}: "
                "next to it the cost of supply hardly counts."
            )
            remedy = f"Did you mean a penalty of {1000 * supply:g}? A few hundred times the price is served first too."
            keys = ["demands", name, "shortage_penalty_kusd_per_t"]
            findings.note("penalty_far_above", keys, message, value=penalty, remedy=remedy)


def _steps(demand: Demand) -> list[tuple[float, float]]:
    """Share of the need up to which each penalty holds, and the penalty, rising."""
    steps = demand.shortage_penalty_kusd_per_t
    return list(steps.items()) if isinstance(steps, Mapping) else [(1.0, steps)]


def _dearest(findings: Findings) -> dict[str, float]:
    """By commodity, the largest price or running cost that the scenario states, kUSD/t."""
    found: dict[str, float] = {}
    scenario = findings.scenario
    for plant in [*scenario.facilities.values(), *scenario.projects.values()]:
        commodity, amount = main_output(plant)
        found[commodity] = max(found.get(commodity, 0.0), max(running_costs(plant)) / amount)
    for name, commodity_of in scenario.commodities.items():
        found[name] = max([found.get(name, 0.0), *numbers(commodity_of.reference_price_kusd_per_t)])
    return {name: price for name, price in found.items() if price > 0}
