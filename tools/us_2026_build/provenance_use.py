"""Where the numbers of recycling and of substitutes come from."""

from __future__ import annotations

from tools.us_2026_build.fact_tables import BASE_YEAR, Facts
from tools.us_2026_build.home import COST_SHARE
from tools.us_2026_build.market import Market
from tools.us_2026_build.numbers import text
from tools.us_2026_build.provenance import between, factored, ranged, source_row
from tools.us_2026_build.recycling import Recovery
from tools.us_2026_build.substitutes import Instead
from tools.us_2026_build.tables import Row


def recycling_sources(market: Market, found: list[Recovery]) -> list[Row]:
    """Rows of the recycling table."""
    return [row for recovery in found for row in [*_amount_rows(market.facts, recovery), _cost_row(market, recovery)]]


def _amount_rows(facts: Facts, recovery: Recovery) -> list[Row]:
    name, plant, path = recovery.name, recovery.plant.facts, recovery.path
    made = facts.quantities[plant.activity_key, BASE_YEAR]
    low, high = 0.7, 1.3
    if made.low is not None and made.high is not None:
        low, high = made.low / made.value_t, made.high / made.value_t
    source = f"{text(made.value_t)} t of {BASE_YEAR} ({made.source})"
    if recovery.is_dearer:
        source = f"{text((plant.capacity_factor or 1) - 1)} times the {source}. {plant.capacity_source}"
        return [factored(source_row("recycling", name, "available_t_per_y", "assumed", source, BASE_YEAR), 0.5, 1.5)]
    kind = "assumed" if made.kind == "assumed" else "derived"
    if not recovery.past_use_t_per_y:
        row = source_row("recycling", name, "available_t_per_y", kind, f"{source}. {path.reasoning}", BASE_YEAR)
        return [factored(row, low, high)]
    growth = text(100 * facts.assumptions[path.from_commodity].growth_per_y)
    past = (
        f"Use at home in {BASE_YEAR}, as the demands have it, in all years before too; then {growth} % a year more, "
        "as demand. Growth is not carried backwards: what is recovered has hardly changed since 2021 (USGS, Mineral "
        "Commodity Summaries 2026), and use then was higher for most metals"
    )
    return [
        factored(
            source_row("recycling", name, "recovered_t_per_t", kind, f"{source}, over past use", BASE_YEAR), low, high
        ),
        between(
            source_row("recycling", name, "lag_years", "assumed", f"Years in use: {path.reasoning}"),
            path.lag_low,
            path.lag_high,
        ),
        factored(source_row("recycling", name, "past_use_t_per_y*", "assumed", past, BASE_YEAR), 0.8, 1.4),
    ]


def _cost_row(market: Market, recovery: Recovery) -> Row:
    cost = f"{COST_SHARE} times landed price"
    if recovery.is_dearer:
        elasticity = text(recovery.plant.facts.elasticity or 1)
        cost += f", and dearer: the middle of a supply curve of elasticity {elasticity}"
    return ranged(
        market.facts,
        "home_cost_share",
        source_row("recycling", recovery.name, "cost_kusd_per_t", "assumed", f"{cost}."),
    )


def substitute_sources(facts: Facts, instead: dict[str, list[Instead]]) -> list[Row]:
    """Rows of the substitutes of demands, one set for all tiers of a commodity that have them."""
    ways = {(way.facts.commodity, way.name): way for found in instead.values() for way in found}
    rows = []
    for (commodity, name), way in ways.items():
        users, at, own = f"{commodity} *", f"substitutes.{name}", way.facts
        use, what = f"{own.end_use[0].upper()}{own.end_use[1:]}. {own.source}", own.cost_reasoning
        if own.substitute:
            bought = f"{text(own.ratio_t_per_t)} t {own.substitute} a t"
            what += f"; {bought} apart" if way.commodity else f"; with {bought} at its landed price"
        share = source_row("demands", users, f"{at}.limit_share", "assumed", use)
        cost = source_row("demands", users, f"{at}.cost_kusd_per_t", "assumed", f"{what[0].upper()}{what[1:]}.")
        delay = source_row("demands", users, f"{at}.delay_years", "assumed", "")
        rows += [
            between(share, own.low, own.high),
            ranged(facts, "substitute_cost", cost),
            ranged(facts, "substitute_delay", delay),
        ]
        if way.commodity:
            ratio = source_row("demands", users, f"{at}.ratio_t_per_t", "assumed", use)
            rows.append(factored(ratio, 0.7, 1.5))
    return rows
