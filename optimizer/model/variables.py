"""Variables shared by families of constraints, at every node but for decisions.

What a planner sees: what runs, moves, is stored, used and short in each period, and what is decided.

Each is one documented function that makes it. Its upper bound is the least of the limits named beside it, which the
families declare, and of what cannot happen at a node. Variables of one family alone stand in its module.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lodeplan.optimizer.model.capacity import capacity_of_a_step, cost_step_stays_within_width
from lodeplan.optimizer.model.data import flow, part_of_one, yes_or_no
from lodeplan.optimizer.model.declare import variable
from lodeplan.optimizer.model.demands import (
    limit_of_a_substitute,
    need_given_up_stays_within_step,
    shortage_stays_within_step,
)
from lodeplan.optimizer.model.recycling import recovery_known_beforehand
from lodeplan.optimizer.model.routes import capacity_of_a_band
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.model.stocks import stock_is_filled_within_limit, stock_stays_within_room
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance


@variable("p,t,n", unit="yes or no", scale=Sizes.one)
def start(m: Any, instance: Instance) -> Any:
    """Project p starts on track t."""
    return yes_or_no(m.STARTS)


@variable("p,t,n", unit="from 0 to 1", scale=Sizes.one)
def started(m: Any, instance: Instance) -> Any:
    """It has started by n; whole as its starts are."""
    return part_of_one(m.STARTS)


@variable("r,n", unit="yes or no", scale=Sizes.one)
def onboard(m: Any, instance: Instance) -> Any:
    """Route r is qualified."""
    return yes_or_no(m.ONBOARDINGS)


@variable("r,n", unit="from 0 to 1", scale=Sizes.one)
def onboarded(m: Any, instance: Instance) -> Any:
    """It has been by n; whole as its onboardings are."""
    return part_of_one(m.ONBOARDINGS)


@variable("f,i,n", unit="t/y", scale=Sizes.producer, bounds=(capacity_of_a_step, cost_step_stays_within_width))
def run(m: Any, instance: Instance) -> Any:
    """Activity of producer f on cost step i."""
    return flow(m, m.STEPS, np.where(_may_run(instance), run.upper(instance), 0.0))


@variable("f,h,n", unit="t/y", scale=Sizes.producer)
def activity(m: Any, instance: Instance) -> Any:
    """Activity in mode h, where inputs may come in several variants."""
    return flow(m, m.ACTIVITIES, np.inf)


@variable("r,b,n", unit="t/y", scale=Sizes.route, bounds=(capacity_of_a_band,))
def ship(m: Any, instance: Instance) -> Any:
    """Flow on route r in band b: by duty, and by variant where the commodity is traced."""
    return flow(m, m.BANDS, ship.upper(instance))


@variable("k,q,v,vv,n", unit="t/y", scale=Sizes.commodity)
def declare(m: Any, instance: Instance) -> Any:
    """Variant v of a commodity at a place, passed on as vv, which has more tags."""
    return flow(m, m.DECLARATIONS, np.inf)


@variable("z,n", unit="t/y", scale=Sizes.stockpile, bounds=(stock_is_filled_within_limit,))
def buy(m: Any, instance: Instance) -> Any:
    """Purchase for stockpile z."""
    return flow(m, m.STOCKPILES, buy.upper(instance))


@variable("z,n", unit="t/y", scale=Sizes.stockpile)
def release(m: Any, instance: Instance) -> Any:
    """Release from it."""
    return flow(m, m.STOCKPILES, instance.stocks.release_limit_t_per_y)


@variable("z,n", unit="t", scale=Sizes.stockpile, bounds=(stock_stays_within_room,))
def stock(m: Any, instance: Instance) -> Any:
    """Stock at the end of n."""
    return flow(m, m.STOCKPILES, stock.upper(instance))


@variable("x,n", unit="t/y", scale=Sizes.recovery, bounds=(recovery_known_beforehand,))
def recover(m: Any, instance: Instance) -> Any:
    """Recovery by recycling rule x."""
    return flow(m, m.RECOVERIES, recover.upper(instance))


@variable("k,q,n", unit="t/y", scale=Sizes.commodity)
def dispose(m: Any, instance: Instance) -> Any:
    """Surplus disposed of."""
    return flow(m, m.DISPOSALS, np.inf)


@variable("d,o,n", unit="t/y", scale=Sizes.demand, bounds=(limit_of_a_substitute, need_given_up_stays_within_step))
def use(m: Any, instance: Instance) -> Any:
    """Need of demand d met by option o: as itself, by a substitute, or given up to the price."""
    return flow(m, m.OPTIONS, use.upper(instance))


@variable("d,s,n", unit="t/y", scale=Sizes.demand, bounds=(shortage_stays_within_step,))
def short(m: Any, instance: Instance) -> Any:
    """Need that is short, on penalty step s."""
    return flow(m, m.SHORTAGE_STEPS, instance.demands.step_limit_t_per_y)


@variable("c,d,n", unit="as the limit", scale=Sizes.limit)
def slack(m: Any, instance: Instance) -> Any:
    """Violation of soft limit c (of a floor by demand d)."""
    return flow(m, m.SOFT, instance.limits.slack_limit)


VARIABLES = (
    run,
    ship,
    activity,
    declare,
    recover,
    dispose,
    buy,
    release,
    stock,
    use,
    short,
    slack,
    start,
    started,
    onboard,
    onboarded,
)


def _may_run(instance: Instance) -> Floats:
    """Whether each step can run at a node: of a project only where a start can be on line; shape (steps, nodes)."""
    programme, nodes = instance.programme, range(len(instance.tree))
    rows = [
        [f not in programme.projects or programme.may_run(f, node) for node in nodes] for f, _ in instance.supply.steps
    ]
    return np.array(rows, bool).reshape(len(rows), len(instance.tree))
