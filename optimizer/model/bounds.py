"""Limits that are bounds of a variable, not rows: what each means, and under which name its dual is told.

Where a limit is a row in one case and a bound in another (a capacity, the share of a substitute), it has the name of
its constraint in both, and the duals of both are added: together they say what one more unit of the limit is worth.
"""

from __future__ import annotations

from typing import NamedTuple


class Bound(NamedTuple):
    """A limit that is always a bound of a variable."""

    variable: str
    sentence: str
    equation: str
    unit: str
    dual: str
    source: str
    where: str
    """File and name of what works it out."""
    is_yearly: bool = True
    """Whether it is on a yearly flow: its value at a node is per t, so the node's years are divided out."""


BOUNDS: dict[str, Bound] = {
    "cost_step_stays_within_width": Bound(
        "run",
        "A cost step of a facility or project takes no more than its width, events counted.",
        "run[f,i,n] <= width[f,i] * availability[f,n]",
        "t/y of activity.",
        "what a step wider by one t/y would save, kUSD per t/y (expected, discounted); negative or 0.",
        "`steps` or `supply_curve` of the facility; a step as wide as the capacity is told as the capacity.",
        "optimizer/model/index.py:_run_limits",
    ),
    "stock_is_filled_within_limit": Bound(
        "buy",
        "Purchases for a stockpile stay within what it may be filled with in a year.",
        "buy[z,n] <= fill[z,n]",
        "t/y.",
        "worth of one more t/y that may be filled, kUSD per t/y (expected, discounted); negative or 0.",
        "`fill_t_per_y` of the stockpile.",
        "optimizer/prepare/stocks.py:prepare_stocks",
    ),
    "stock_stays_within_room": Bound(
        "stock",
        "A stockpile holds no more than its room at the end of a period.",
        "stock[z,n] <= capacity[z]",
        "t.",
        "worth of one more t of room, kUSD/t (expected, discounted); negative or 0.",
        "`capacity_t` of the stockpile.",
        "optimizer/prepare/stocks.py:prepare_stocks",
        is_yearly=False,
    ),
    "shortage_stays_within_step": Bound(
        "short",
        "A penalty step takes no more than its width of the shortage; the last one takes the rest.",
        "short[d,s,n] <= width[s] * quantity[d,n]",
        "t/y.",
        "what a step wider by one t/y would save, kUSD per t/y (expected, discounted); negative or 0.",
        "`shortage_penalty_kusd_per_t` of the demand, by share.",
        "optimizer/prepare/demands.py:penalty_steps",
    ),
    "need_given_up_stays_within_step": Bound(
        "use",
        "A step of a price response gives up no more than its width of the need.",
        "use[d,given up s,n] <= width[s] * quantity[d,n]",
        "t/y.",
        "what a step wider by one t/y would save, kUSD per t/y (expected, discounted); negative or 0.",
        "`elastic` of the demand.",
        "optimizer/prepare/demands.py:reduction_steps",
    ),
}
