"""Who uses what: three tiers and exports, each with the penalty of going without."""

from __future__ import annotations

from dataclasses import dataclass

from tools.us_2026_build.fact_tables import Facts, PenaltyRule
from tools.us_2026_build.home import Balance
from tools.us_2026_build.market import Market
from tools.us_2026_build.numbers import rounded

NEGLIGIBLE_SHARE = 0.02
"""Exports below this share of supply count as use by others; a use below 1e-5 of supply is rounding."""
EXPORT_MULTIPLE = 1.5
"""Worth of an exported tonne over the landed price: exporters sell dearer grades than they import, and duty on
imports that leave again is paid back."""


@dataclass(frozen=True)
class Demand:
    """One tier's need of a commodity at home."""

    commodity: str
    name: str
    tier: str
    base_t_per_y: float
    growth_per_y: float
    penalty_kusd_per_t: dict[float, float]


def demands(market: Market, of: dict[str, Balance]) -> list[Demand]:
    """All demands of the base year, with growth; by commodity in the order of materials."""
    found: list[Demand] = []
    for commodity, balance in of.items():
        supply = balance.imports + balance.output
        exports, use = balance.exports, balance.use
        if market.facts.materials[commodity].final_use == "exports" and not exports:
            exports, use = use, 0.0
        if exports < NEGLIGIBLE_SHARE * supply:
            exports, use = 0.0, use + exports
        if use < -1e-4 * supply:
            raise ValueError(f"{commodity}: {-use:.4g} t more are used at home than there are")
        if use > 1e-4 * supply:
            found += _tiers(market, commodity, use)
        if exports and (market.vintage.is_base or not _sales_abroad_ended(market.facts, commodity)):
            found.append(_exports(market, commodity, exports))
    return found


def _sales_abroad_ended(facts: Facts, commodity: str) -> bool:
    """Exports that were the remainder in the base year: the mine stopped selling concentrate abroad in 2025."""
    return facts.materials[commodity].final_use == "exports" and not facts.flows_of(commodity, "exports")


def _tiers(market: Market, commodity: str, use_t: float) -> list[Demand]:
    judged = market.facts.assumptions[commodity]
    shares = {"military": judged.military_share, "essential_civilian": judged.essential_share}
    amounts = {tier: rounded(share * use_t, 6) for tier, share in shares.items()}
    amounts["other"] = rounded(use_t - sum(amounts.values()), 6)
    price = market.price_kusd_per_t(commodity) * judged.use_value_factor
    return [
        Demand(
            commodity=commodity,
            name=f"{commodity} {rule.tier.replace('_', ' ')}",
            tier=rule.tier,
            base_t_per_y=amounts[rule.tier],
            growth_per_y=judged.growth_per_y,
            penalty_kusd_per_t=_steps(rule, price),
        )
        for rule in market.facts.penalties
    ]


def _steps(rule: PenaltyRule, price_kusd_per_t: float) -> dict[float, float]:
    first, rest = rounded(rule.first_multiple * price_kusd_per_t), rounded(rule.rest_multiple * price_kusd_per_t)
    return {rule.first_share: first, 1.0: rest}


def _exports(market: Market, commodity: str, exports_t: float) -> Demand:
    """Exports as they were, at the price they fetch."""
    imported = any(source.commodity == commodity for source in market.sources)
    multiple = EXPORT_MULTIPLE if imported else 1.0
    penalty = rounded(multiple * market.price_kusd_per_t(commodity))
    amount = rounded(_known_later_t(market, commodity) or exports_t, 6)
    return Demand(commodity, f"{commodity} exports", "export", amount, 0.0, {1.0: penalty})


def _known_later_t(market: Market, commodity: str) -> float:
    """Exports of the first year planned for, where the facts have them; else 0."""
    year = market.vintage.first_year
    flows = market.facts.flows_of(commodity, "exports")
    known = [(flow.factor, market.facts.quantities.get((flow.key, year))) for flow in flows]
    return sum(factor * quantity.value_t for factor, quantity in known if quantity)
