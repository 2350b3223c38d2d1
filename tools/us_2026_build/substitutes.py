"""What users turn to once a future departs: at a cost that nobody pays at today's prices."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from tools.us_2026_build.demand import Demand
from tools.us_2026_build.fact_tables import SubstituteWay
from tools.us_2026_build.home import Balance
from tools.us_2026_build.market import Market
from tools.us_2026_build.numbers import rounded

TIERS = ("essential_civilian", "other")
"""Who can change over; military users specify their material, and qualify another for years."""
LEAST_SHARE = 0.03
"""A tier has a substitute if that could meet at least this share of all use at home: less moves no plan."""
DRAWN_SHARE = 0.05
"""A substitute takes from the model's supply if, at its limit, that is at least this share of the home use of it.
Else the market has it at its landed price: a small draw would tie two minerals together for nothing."""
NAMES = {True: ("other mineral", "second mineral"), False: ("other material", "second material")}


@dataclass(frozen=True)
class Instead:
    """A substitute as a demand has it."""

    facts: SubstituteWay
    name: str
    commodity: str
    """What it takes from the model's supply; empty where its price is in the cost."""
    cost_kusd_per_t: float
    all_in_kusd_per_t: float
    """With what it takes at the landed price."""


def substitutes(market: Market, needed: list[Demand], of: dict[str, Balance]) -> dict[str, list[Instead]]:
    """By demand: those that could meet enough of it, and cost less than the last t short.

    Raises `ValueError` for one that is worth it at today's prices.
    """
    ways: dict[str, list[Instead]] = defaultdict(list)
    for facts in market.facts.substitutes:
        names = NAMES[bool(facts.substitute)]
        used = [way.name for way in ways[facts.commodity]]
        way = _way(market, facts, next(name for name in names if name not in used), of)
        if way.all_in_kusd_per_t <= market.price_kusd_per_t(facts.commodity):
            raise ValueError(f"{facts.commodity}: {facts.end_use} would change over at today's price")
        ways[facts.commodity].append(way)
    return {
        demand.name: [
            way
            for way in ways.get(demand.commodity, [])
            if way.facts.limit_share * demand.base_t_per_y >= LEAST_SHARE * of[demand.commodity].use
            and way.all_in_kusd_per_t < max(demand.penalty_kusd_per_t.values())
        ]
        for demand in needed
        if demand.tier in TIERS
    }


def _way(market: Market, facts: SubstituteWay, name: str, of: dict[str, Balance]) -> Instead:
    taken = facts.ratio_t_per_t * market.price_kusd_per_t(facts.substitute) if facts.substitute else 0.0
    all_in = facts.cost_kusd_per_t + taken
    drawn = bool(facts.substitute) and _drawn_share(facts, of) >= DRAWN_SHARE
    cost = facts.cost_kusd_per_t if drawn else rounded(all_in)
    return Instead(facts, name, facts.substitute if drawn else "", cost, all_in)


def _drawn_share(facts: SubstituteWay, of: dict[str, Balance]) -> float:
    """What the whole use changing over to the limit would take, over what home has of the substitute."""
    own, other = of[facts.commodity], of[facts.substitute]
    taken = facts.ratio_t_per_t * facts.limit_share * (own.use + own.inputs)
    return taken / (other.imports + other.output - other.exports)
