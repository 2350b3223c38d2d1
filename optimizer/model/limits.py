"""Limits a planner sets: shares, budgets, permit slots, service floors; hard, or soft at a stated price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyomo.environ as pyo

from optimizer.model.data import add_constraint, add_links, add_param, add_set
from optimizer.prepare.instance import Instance


def share_stays_below_cap(m: Any, c: str, n: str) -> Any:
    """The places meant deliver at most their share of home's arrivals and output of a commodity.

    sum w[r] ship[r,b,n] <= cap[c,n] * (sum arrivals + sum gross output at home) + slack

    Unit: t/y.
    Dual: worth of one more t/y from these places, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard, or soft at the limit's price.
    Source: share cap of the scenario; releases from stock do not count.
    """
    return (
        sum(m.beyond_cap[c, r, n] * m.ship[r, b, n] for r, b in m.ARRIVALS_CAPPED[c])
        - sum(m.output_within_cap[c, f, n] * m.run[f, i, n] for f, i in m.OUTPUT_CAPPED[c])
        - sum(m.slack[x, y, n] for x, y in m.SLACK_OF[c])
        <= 0
    )


def budget_is_kept(m: Any, c: str, n: str) -> Any:
    """What falls due in a node stays within the budget, or within the permit slots.

    sum due of starts + onboardings + stock purchases + support <= amount * l + slack

    Unit: kUSD, or slots.
    Dual: worth of one more kUSD or slot, kUSD per unit (expected, discounted); negative or 0.
    Kind: hard, or soft at the limit's price.
    Source: budget or permit slots of the scenario.
    """
    return (
        sum(m.start_due[c, n, p, t, a] * m.start[p, t, a] for p, t, a in m.STARTS_DUE[c, n])
        + sum(m.onboarding_due[c, n, r] * m.onboard[r, a] for r, a in m.ONBOARDINGS_DUE[c, n])
        + sum(m.purchase_due[c, n, z] * m.buy[z, a] for z, a in m.PURCHASES_DUE[c, n])
        + sum(m.support_due[c, n, f] * m.run[f, i, a] for f, i, a in m.SUPPORT_DUE[c, n])
        - sum(m.slack[x, y, a] for x, y, a in m.BUDGET_SLACK[c, n])
        <= m.allowance[c, n]
    )


def shortage_stays_below_floor(m: Any, c: str, d: str, n: str) -> Any:
    """A protected demand is served at least to its floor.

    sum_s short[d,s,n] <= (1 - served share) * quantity[d,n] + slack

    Unit: t/y.
    Dual: what one t/y of the floor costs, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard, or soft at the limit's price.
    Source: service floor of the scenario.
    """
    return (
        sum(m.short[d, s, n] for s in m.SHORTAGE_STEPS_OF[d]) - sum(m.slack[x, y, n] for x, y in m.FLOOR_SLACK[c, d])
        <= m.allowed_shortage[c, d, n]
    )


CONSTRAINTS = (share_stays_below_cap, budget_is_kept, shortage_stays_below_floor)


def add_limits(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Rows of all limits."""
    _add_share_caps(m, instance)
    _add_budgets(m, instance)
    _add_service_floors(m, instance)


def _add_share_caps(m: pyo.ConcreteModel, instance: Instance) -> None:
    limits, names = instance.limits, instance.tree.names
    rows = [(c, names[node]) for c, node in limits.share_caps]
    caps = list(limits.capped_share)
    add_set(m, "SHARE_CAPS", rows, dimen=2)
    arrivals = {c: [(r, b) for r, b in m.BANDS if r in limits.capped_share[c]] for c in caps}
    outputs = {c: [(f, i) for f, i in m.STEPS if f in limits.counted_outputs[c]] for c in caps}
    add_links(m, "ARRIVALS_CAPPED", arrivals, caps, dimen=2)
    add_links(m, "OUTPUT_CAPPED", outputs, caps, dimen=2)
    add_links(m, "SLACK_OF", {c: [(c, "")] for c in caps if (c, "") in limits.soft}, caps, dimen=2)
    beyond: dict[tuple[str, str, str], float] = {}
    within: dict[tuple[str, str, str], float] = {}
    for c, node in limits.share_caps:
        cap = limits.cap_share[c, node]
        beyond |= {(c, r, names[node]): share - cap for r, share in limits.capped_share[c].items()}
        within |= {(c, f, names[node]): cap * made for f, made in limits.counted_outputs[c].items()}
    add_param(m, "beyond_cap", beyond)
    add_param(m, "output_within_cap", within)
    add_constraint(m, share_stays_below_cap, m.SHARE_CAPS)


def _add_budgets(m: pyo.ConcreteModel, instance: Instance) -> None:
    limits, names = instance.limits, instance.tree.names

    def named(due: Mapping[tuple[str, int], Mapping[Any, float]]) -> dict[tuple[str, str], dict[Any, float]]:
        return {(c, names[node]): dict(amounts) for (c, node), amounts in due.items()}

    starts, onboardings = named(limits.starts_due), named(limits.onboardings_due)
    purchases, support = named(limits.purchases_due), named(limits.support_due)
    offered = set(m.ONBOARDINGS)
    onboarding_links = {key: [(r, key[1]) for r in due if (r, key[1]) in offered] for key, due in onboardings.items()}
    start_links = {key: [(p, t, names[a]) for p, t, a in due] for key, due in starts.items()}
    rows = [key for key in starts if start_links[key] or onboarding_links[key] or purchases[key] or support[key]]
    add_set(m, "BUDGETS", rows, dimen=2)
    add_links(m, "STARTS_DUE", start_links, rows, dimen=3)
    add_links(m, "ONBOARDINGS_DUE", onboarding_links, rows, dimen=2)
    add_links(m, "PURCHASES_DUE", {key: [(z, key[1]) for z in purchases[key]] for key in rows}, rows, dimen=2)
    support_links = {key: [(f, i, key[1]) for f in support[key] for i in m.STEPS_OF[f]] for key in rows}
    add_links(m, "SUPPORT_DUE", support_links, rows, dimen=3)
    slack_links = {(c, n): [(c, "", n)] for c, n in rows if (c, "") in limits.soft}
    add_links(m, "BUDGET_SLACK", slack_links, rows, dimen=3)
    add_param(m, "start_due", {(*key, p, t, names[a]): kusd for key in rows for (p, t, a), kusd in starts[key].items()})
    add_param(m, "onboarding_due", {(*key, r): kusd for key in rows for r, kusd in onboardings[key].items()})
    add_param(m, "purchase_due", {(*key, z): kusd for key in rows for z, kusd in purchases[key].items()})
    add_param(m, "support_due", {(*key, f): kusd for key in rows for f, kusd in support[key].items()})
    add_param(m, "allowance", {(c, names[node]): amount for (c, node), amount in limits.allowance.items()})
    add_constraint(m, budget_is_kept, m.BUDGETS)


def _add_service_floors(m: pyo.ConcreteModel, instance: Instance) -> None:
    limits, names = instance.limits, instance.tree.names
    rows = [(c, d, names[node]) for c, d, node in limits.service_floors]
    pairs = list(dict.fromkeys((c, d) for c, d, _ in rows))
    add_set(m, "SERVICE_FLOORS", rows, dimen=3)
    add_links(m, "FLOOR_SLACK", {(c, d): [(c, d)] for c, d in pairs if (c, d) in limits.soft}, pairs, dimen=2)
    allowed = {(c, d, names[node]): t for (c, d, node), t in limits.allowed_shortage_t_per_y.items()}
    add_param(m, "allowed_shortage", allowed)
    add_constraint(m, shortage_stays_below_floor, m.SERVICE_FLOORS)
