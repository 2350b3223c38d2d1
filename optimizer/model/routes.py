"""Routes: capacity over duty bands, tariff-rate quotas, and suppliers that must be onboarded.

What a planner sees: a new supplier can be bought from only after it was qualified, and then a minimum has to be taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lodeplan.optimizer.model.data import (
    add_constraint,
    add_links,
    add_param,
    add_param_by_node,
    add_set,
    add_variables,
    yes_or_no,
)
from lodeplan.optimizer.model.declare import (
    DECISIONS_ALONE,
    ON_A_DECISION,
    Couples,
    Limit,
    bound_of,
    constraint,
    variable,
)
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.bounds import flow_limit_t_per_y
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.duties import IN_QUOTA, OVER_QUOTA
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.route,
    marginal_value=Limit("route", per="t/y"),
)
def route_flows_within_capacity(m: Any, r: str, n: str) -> Any:
    """All duty bands of a route together stay within what it carries.

    sum_b ship[r,b,n] <= capacity[r] * availability[r,n]

    Unit: t/y.
    Dual: what one more t/y would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: capacity of the route. Routes with a single band have it as a bound.
    """
    return sum(m.ship[r, b, n] for b in m.BANDS_OF[r]) <= m.route_capacity_t_per_y[r, n]


@constraint(
    scale=Sizes.quota,
    marginal_value=Limit("tariff quota", per="t/y"),
)
def flow_stays_within_quota(m: Any, u: str, q: str, n: str) -> Any:
    """Imports at the in-quota rate of a tariff-rate quota stay within its volume.

    sum_r share[u,q,r] ship[r,in quota,n] <= volume[u,q,n], q an origin with a volume of its own, or none

    Unit: t/y.
    Dual: worth of one more t/y of quota, the duty saved, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard.
    Source: quota of the tariff measure.
    """
    return (
        sum(m.quota_share[u, q, r] * m.ship[r, b, n] for r, b in m.IN_QUOTA_FLOWS[u, q])
        <= m.quota_volume_t_per_y[u, q, n]
    )


@constraint(
    scale=Sizes.quota,
    marginal_value=ON_A_DECISION,
)
def quota_fills_first(m: Any, u: str, q: str, n: str) -> Any:
    """A quota that counts as full is full.

    sum_r share[u,q,r] ship[r,in quota,n] >= volume[u,q,n] * quota_full[u,q,n]

    Unit: t/y.
    Dual: what one t/y of the quota costs, kUSD per t/y (expected, discounted); positive or 0.
    Kind: hard; only where the duty within the quota is above the duty over it.
    Source: quota of the tariff measure.
    """
    return (
        sum(m.quota_share[u, q, r] * m.ship[r, b, n] for r, b in m.IN_QUOTA_FLOWS[u, q])
        - m.quota_volume_t_per_y[u, q, n] * m.quota_full[u, q, n]
        >= 0
    )


@constraint(
    scale=Sizes.quota,
    marginal_value=ON_A_DECISION,
)
def over_quota_needs_full_quota(m: Any, u: str, q: str, n: str) -> Any:
    """Nothing enters at the lower rate over a quota before the quota is full.

    sum_r ship[r,over quota,n] <= limit[u,q,n] * quota_full[u,q,n]

    Unit: t/y.
    Dual: worth of one t/y over the quota, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard; only where the duty within the quota is above the duty over it; the limit is the most that can flow.
    Source: quota of the tariff measure.
    """
    return (
        sum(m.ship[r, b, n] for r, b in m.OVER_QUOTA_FLOWS[u, q])
        <= m.over_limit_t_per_y[u, q, n] * m.quota_full[u, q, n]
    )


@constraint(
    scale=Sizes.one,
    marginal_value=DECISIONS_ALONE,
    couples=(Couples.PATH,),
)
def onboarding_stays(m: Any, r: str, n: str) -> Any:
    """A route has been onboarded by a node if it had been before, or is now.

    onboarded[r,n] = onboarded[r,before n] + onboard[r,n]

    Unit: decisions.
    Dual: worth of having onboarded by then, kUSD (expected, discounted).
    Kind: hard.
    Source: definition.
    """
    return m.onboarded[r, n] == sum(m.onboarded[r, a] for a in m.ONBOARDED_BEFORE[r, n]) + m.onboard[r, n]


@constraint(
    scale=Sizes.route,
    marginal_value=ON_A_DECISION,
    couples=(Couples.PATH,),
)
def route_flows_after_onboarding(m: Any, r: str, n: str) -> Any:
    """A route that needs onboarding carries nothing before its lead time has passed.

    sum_b ship[r,b,n] <= limit[r,n] * onboarded[r,LAG(r,n)]

    Unit: t/y.
    Dual: worth of one more t/y from the supplier, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard; the limit is the most that can flow there, computed from the data.
    Source: onboarding of the route.
    """
    return sum(m.ship[r, b, n] for b in m.BANDS_OF[r]) <= sum(
        m.flow_limit_t_per_y[r, n] * m.onboarded[r, a] for a in m.USABLE[r, n]
    )


@constraint(
    scale=Sizes.route,
    marginal_value=Limit("minimum taken", per="t/y"),
    gives_way="Route {r!r} cannot take its minimum volume in {n}: {amount} t/y is missing.",
    couples=(Couples.PATH,),
)
def onboarded_route_takes_minimum(m: Any, r: str, n: str) -> Any:
    """An onboarded supplier is bought from at least at its minimum volume, as far as it can deliver.

    sum_b ship[r,b,n] >= minimum[r] * availability[r,n] * onboarded[r,LAG(r,n)]

    Unit: t/y.
    Dual: what one t/y of the minimum costs, kUSD per t/y (expected, discounted); positive or 0.
    Kind: hard.
    Source: onboarding of the route.
    """
    return (
        sum(m.ship[r, b, n] for b in m.BANDS_OF[r])
        - sum(m.minimum_flow_t_per_y[r, n] * m.onboarded[r, a] for a in m.USABLE[r, n])
        >= 0
    )


@bound_of(route_flows_within_capacity, about=lambda _, band: band[:1])
def capacity_of_a_band(instance: Instance) -> Floats:
    """Capacity of the route, for each of its bands."""
    trade, nodes = instance.trade, len(instance.tree)
    return np.array([trade.capacity_t_per_y[r] for r, _ in trade.bands]).reshape(len(trade.bands), nodes)


@variable("u,q,n", unit="yes or no", scale=Sizes.one)
def quota_full(m: Any, instance: Instance) -> Any:
    """Quota u, of origin q if that has its own, counts as full."""
    return yes_or_no(m.FULL_FIRST)


CONSTRAINTS = (
    route_flows_within_capacity,
    flow_stays_within_quota,
    quota_fills_first,
    over_quota_needs_full_quota,
    onboarding_stays,
    route_flows_after_onboarding,
    onboarded_route_takes_minimum,
)
VARIABLES = (quota_full,)


def add_routes(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Rows of routes with several bands, of quotas and of onboardings."""
    trade, nodes = instance.trade, instance.tree.names
    capacity = {
        (r, n): limit
        for r in trade.routes
        if len(m.BANDS_OF[r]) > 1
        for n, limit in zip(nodes, trade.capacity_t_per_y[r].tolist(), strict=True)
        if np.isfinite(limit)
    }
    add_set(m, "BANDED", capacity, dimen=2)
    add_param(m, "route_capacity_t_per_y", capacity)
    add_constraint(m, route_flows_within_capacity, m.BANDED)

    quotas = list(trade.quotas)
    add_set(m, "QUOTAS", quotas, dimen=2)
    add_links(m, "IN_QUOTA_FLOWS", {u: trade.quota_bands(u, IN_QUOTA) for u in quotas}, quotas, dimen=2)
    add_links(m, "OVER_QUOTA_FLOWS", {u: trade.quota_bands(u, OVER_QUOTA) for u in quotas}, quotas, dimen=2)
    shares = {(*u, r): share for u in quotas for r, share in trade.quota_routes[u].items()}
    add_param(m, "quota_share", shares)
    volumes = np.array(list(trade.quotas.values())).reshape(len(quotas), len(nodes))
    add_param_by_node(m, "quota_volume_t_per_y", m.QUOTAS, volumes)
    add_constraint(m, flow_stays_within_quota, m.QUOTAS, m.NODES)
    full_first = [(*u, nodes[node]) for u, node in sorted(trade.full_first)]
    limits = {
        u: np.sum([flow_limit_t_per_y(instance, r) for r in trade.quota_routes[u]], axis=0) for u, _ in trade.full_first
    }
    add_set(m, "FULL_FIRST", full_first, dimen=3)
    add_param(m, "over_limit_t_per_y", {(*u, nodes[node]): float(limits[u][node]) for u, node in trade.full_first})
    add_variables(m, instance, VARIABLES)
    add_constraint(m, quota_fills_first, m.FULL_FIRST)
    add_constraint(m, over_quota_needs_full_quota, m.FULL_FIRST)
    _add_onboardings(m, instance)


def _add_onboardings(m: pyo.ConcreteModel, instance: Instance) -> None:
    tree, trade, qualification = instance.tree, instance.trade, instance.qualification
    names = tree.names
    offered = set(qualification.offers)
    before = {
        (r, names[node]): [
            names[a] for a in next(([a] for a in tree.back(node) if a != node and (r, a) in offered), [])
        ]
        for r, node in qualification.offers
    }
    rows = [(r, n) for r in trade.onboarding for n in names]
    usable = {(r, names[node]): [names[a]] for (r, node), a in qualification.usable.items()}
    limits = {
        (r, n): limit for r in trade.onboarding for n, limit in zip(names, flow_limit_t_per_y(instance, r), strict=True)
    }
    minimum = {
        (r, n): volume for r in trade.onboarding for n, volume in zip(names, trade.minimum_t_per_y[r], strict=True)
    }
    add_set(m, "TO_ONBOARD", [key for key in rows if len(m.BANDS_OF[key[0]])], dimen=2)
    add_set(m, "WITH_MINIMUM", [key for key in rows if minimum[key] > 0 and key in usable], dimen=2)
    add_links(m, "ONBOARDED_BEFORE", before, list(before))
    add_links(m, "USABLE", usable, rows)
    add_param(m, "flow_limit_t_per_y", limits)
    add_param(m, "minimum_flow_t_per_y", minimum)
    add_constraint(m, onboarding_stays, m.ONBOARDINGS)
    add_constraint(m, route_flows_after_onboarding, m.TO_ONBOARD)
    add_constraint(m, onboarded_route_takes_minimum, m.WITH_MINIMUM)
