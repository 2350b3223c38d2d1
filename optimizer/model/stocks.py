"""Stockpiles.

What a planner sees: what is bought for stock now is there when supply stops, less what is lost, at a yearly cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lodeplan.optimizer.model.data import (
    add_constraint,
    add_links,
    add_param_by_node,
    add_set,
    add_variables,
    by_node,
    yes_or_no,
)
from lodeplan.optimizer.model.declare import DECISIONS_ALONE, Couples, Limit, Price, bound, constraint, variable
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.stockpile,
    marginal_value=Price("t"),
    couples=(Couples.NODE_BEFORE,),
)
def stock_carries_over(m: Any, z: str, n: str) -> Any:
    """Stock at the end of a node is what was left of the stock before, plus purchases, less releases.

    stock[z,n] = (1 - loss)^l * stock[z,before n] + opening + l * (buy - release)

    Unit: t.
    Dual: worth of one t in stock, kUSD/t (expected, discounted).
    Kind: hard.
    Source: mass balance.
    """
    return m.stock[z, n] == sum(m.kept_share[z, n] * m.stock[z, a] for a in m.PREVIOUS[n]) + m.opening_stock_t[z, n] + (
        m.length_y[n] * m.buy[z, n] - m.length_y[n] * m.release[z, n]
    )


@constraint(
    scale=Sizes.stockpile,
    marginal_value=Limit(
        "stock cover",
        per="t",
        kinds=(
            "stock_cover",
            "end_minimum",
        ),
        sense="at least",
    ),
    gives_way="Stockpile {z!r} would miss its cover target or end minimum by {amount} t in {n}.",
)
def stock_covers_target(m: Any, z: str, n: str) -> Any:
    """Stock is at least its cover target, and at the end of the planned path its minimum.

    stock[z,n] >= days / 365 * yearly demand[n]

    Unit: t.
    Dual: what one t of the target costs, kUSD/t (expected, discounted); positive or 0.
    Kind: hard; on the planned path.
    Source: `cover_days` and `end_minimum_t` of the stockpile.
    """
    return m.stock[z, n] >= m.stock_floor_t[z, n]


@constraint(
    scale=Sizes.stockpile,
    marginal_value=Limit("stock refill", per="t", kinds=("stock_refill",), sense="at least"),
)
def stock_meets_target_if_said(m: Any, z: str, n: str) -> Any:
    """A stockpile that counts as full is at its cover target.

    stock[z,n] >= days / 365 * yearly demand[n] * full[z,n]

    Unit: t.
    Dual: what one t of the target costs, kUSD/t (expected, discounted); positive or 0.
    Kind: hard; only where the target may be missed for some years.
    Source: `cover_days` of the stockpile.
    """
    return m.stock[z, n] - m.replenished_t[z, n] * m.full[z, n] >= 0


@constraint(
    scale=Sizes.one,
    marginal_value=DECISIONS_ALONE,
    gives_way="Stockpile {z!r} cannot be replenished in time, by {n}.",
    couples=(Couples.PATH,),
)
def stock_is_replenished(m: Any, z: str, n: str) -> Any:
    """A stockpile is full again within the years allowed.

    sum of full[z,a] over n and its ancestors that end within the stated years before it >= 1

    Unit: times full.
    Dual: worth of having longer, kUSD (expected, discounted); positive or 0.
    Kind: hard; stress tests left out.
    Source: `replenish_within_years` of the stockpile.
    """
    return sum(m.full[z, a] for a in m.LATELY[z, n]) >= 1


@bound("z,n", marginal_value=Limit("stock filling", per="t/y"))
def stock_is_filled_within_limit(instance: Instance) -> Floats:
    """Purchases for a stockpile stay within what it may be filled with in a year.

    buy[z,n] <= fill[z,n]

    Unit: t/y.
    Dual: worth of one more t/y that may be filled, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: `fill_t_per_y` of the stockpile.
    """
    return instance.stocks.buy_limit_t_per_y


@bound("z,n", marginal_value=Limit("stock room", per="t"))
def stock_stays_within_room(instance: Instance) -> Floats:
    """A stockpile holds no more than its room at the end of a period.

    stock[z,n] <= capacity[z]

    Unit: t.
    Dual: worth of one more t of room, kUSD/t (expected, discounted); negative or 0.
    Kind: hard.
    Source: `capacity_t` of the stockpile.
    """
    return instance.stocks.stock_limit_t


@variable("z,n", unit="yes or no", scale=Sizes.one)
def full(m: Any, instance: Instance) -> Any:
    """Stockpile z, whose target may be missed for some years, counts as full at the end of the node."""
    return yes_or_no(m.TO_FILL)


CONSTRAINTS = (stock_carries_over, stock_covers_target, stock_meets_target_if_said, stock_is_replenished)
BOUNDS = (stock_is_filled_within_limit, stock_stays_within_room)
VARIABLES = (full,)


def add_stocks(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Stock balance and targets; limits on filling, holding and release are bounds."""
    stocks, nodes = instance.stocks, instance.tree.names
    floor = by_node(stocks.names, nodes, stocks.stock_floor_t)
    add_param_by_node(m, "kept_share", m.STOCKPILES, stocks.kept_share)
    add_param_by_node(m, "opening_stock_t", m.STOCKPILES, stocks.opening_t)
    add_param_by_node(m, "stock_floor_t", m.STOCKPILES, stocks.stock_floor_t)
    add_set(m, "WITH_TARGET", [key for key, level in floor.items() if level > 0], dimen=2)
    add_constraint(m, stock_carries_over, m.STOCKPILES, m.NODES)
    add_constraint(m, stock_covers_target, m.WITH_TARGET)
    lately = {(z, nodes[node]): [nodes[a] for a in above] for (z, node), above in stocks.lately.items()}
    to_fill = list(dict.fromkeys((z, a) for (z, _), above in lately.items() for a in above))
    add_param_by_node(m, "replenished_t", m.STOCKPILES, stocks.replenished_t)
    add_set(m, "TO_FILL", to_fill, dimen=2)
    add_set(m, "REPLENISHED", lately, dimen=2)
    add_links(m, "LATELY", lately, list(lately))
    add_variables(m, instance, VARIABLES)
    add_constraint(m, stock_meets_target_if_said, m.TO_FILL)
    add_constraint(m, stock_is_replenished, m.REPLENISHED)
