"""Limits a planner sets: shares, budgets, permit slots, service floors; hard, or soft at a stated price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lodeplan.optimizer.model.data import add_constraint, add_links, add_param, add_set, add_variables, amount
from lodeplan.optimizer.model.declare import DEFINITION, Couples, Limit, constraint, variable
from lodeplan.optimizer.model.scales import Key, Sizes
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.limit,
    marginal_value=Limit("share cap", per="t/y", kinds=("share_cap",)),
    gives_way="Share cap {c!r} would have to be exceeded by {amount} t/y in {n}.",
)
def share_stays_below_cap(m: Any, c: str, n: str) -> Any:
    """The places meant deliver at most their share of home's supply of a commodity, or of its use there.

    sum w[r,b] ship[r,b,n] + tagged output <= cap[c,n] * (sum arrivals + gross output + recovery at home) + slack
    of use: ... <= cap[c,n] * (quantity wanted + sum inputs run + sum takes use, as a substitute, at home) + slack

    Unit: t/y.
    Dual: worth of one more t/y from these places, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard, or soft at the limit's price.
    Source: share cap of the scenario, by last origin or by content; releases from stock do not count.
    """
    return _beyond_share(m, c, n) <= m.known_share_t_per_y[c, n]


@constraint(
    scale=Sizes.limit,
    marginal_value=Limit("minimum share", per="t/y", kinds=("minimum_share",), sense="at least"),
    gives_way="Minimum share {c!r} would fall short by {amount} t/y in {n}.",
)
def minimum_share_is_kept(m: Any, c: str, n: str) -> Any:
    """Output or recovery at home is at least its share of home's supply of a commodity, or of its use there.

    minimum[c,n] * (sum arrivals + gross output + recovery at home) - (output and recovery meant) <= slack
    of use: minimum[c,n] * (quantity wanted + sum inputs run + sum takes use at home) - ... <= slack

    Unit: t/y.
    Dual: what one t/y of the minimum costs, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard, or soft at the limit's price.
    Source: minimum share of the scenario, domestic or recycled.
    """
    return _beyond_share(m, c, n) <= m.known_share_t_per_y[c, n]


@constraint(
    scale=Sizes.limit,
    marginal_value=Limit("import reliance", per="t/y", kinds=("net_import_reliance",)),
    gives_way="Net import reliance {c!r} would have to be exceeded by {amount} t/y in {n}.",
)
def reliance_stays_below_cap(m: Any, c: str, n: str) -> Any:
    """Imports less exports are at most their share of what is left for home.

    sum arrivals - exports <= cap[c,n] * (sum arrivals + gross output + recovery at home - exports) + slack
    of use: ... <= cap[c,n] * (quantity wanted + sum inputs run + sum takes use at home) + slack

    Unit: t/y.
    Dual: worth of one more t/y of net imports, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard, or soft at the limit's price.
    Source: net import reliance, as the United States Geological Survey counts it.
    """
    return _beyond_share(m, c, n) <= m.known_share_t_per_y[c, n]


@constraint(
    scale=Sizes.limit,
    marginal_value=Limit("joint capacity", per="t/y", kinds=("joint_capacity",)),
    gives_way="Joint capacity {c!r} would have to be exceeded by {amount} t/y in {n}.",
)
def joint_capacity_is_kept(m: Any, c: str, n: str) -> Any:
    """Facilities and projects that share something, each by what a t of its activity takes, stay within it together.

    sum weight[c,f] run[f,i,n] <= capacity[c,n] + slack

    Unit: t/y.
    Dual: what one more t/y of it would save, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard, or soft at the limit's price.
    Source: joint capacity of the scenario.
    """
    return _beyond_share(m, c, n) <= m.known_share_t_per_y[c, n]


def _beyond_share(m: Any, c: str, n: str) -> Any:
    """What is meant by a limit on shares, less its share of supply, less slack."""
    return (
        sum(m.share_of_ship_t_per_t[c, n, r, b] * m.ship[r, b, n] for r, b in m.SHARE_OF_SHIP[c, n])
        + sum(m.share_of_run_t_per_t[c, n, f] * m.run[f, i, n] for f, i in m.SHARE_OF_RUN[c, n])
        + sum(m.share_of_activity_t_per_t[c, n, f, h] * m.activity[f, h, n] for f, h in m.SHARE_OF_ACTIVITY[c, n])
        + sum(m.share_of_recover_t_per_t[c, n, x] * m.recover[x, n] for x in m.SHARE_OF_RECOVER[c, n])
        + sum(m.share_of_use_t_per_t[c, n, d, o] * m.use[d, o, n] for d, o in m.SHARE_OF_USE[c, n])
        - sum(m.slack[cc, dd, n] for cc, dd in m.SHARE_SLACK[c, n])
    )


@constraint(
    scale=Sizes.limit,
    marginal_value=DEFINITION,
)
def supply_adds_up(m: Any, c: str, n: str) -> Any:
    """The whole of which a capped concentration counts shares is all supply of the commodity, or its use at home.

    supplied[c,n] = sum over sources of (arrivals, or gross output and recovery at home)
    of use: supplied[c,n] = quantity wanted + sum inputs run + sum takes use, as a substitute, at home

    Unit: t/y.
    Dual: no meaning of its own.
    Kind: hard.
    Source: definition.
    """
    return m.supplied[c, n] == (
        sum(m.ship[r, b, n] for r, b in m.WHOLE_SHIPS[c])
        + sum(m.whole_run_t_per_t[c, f] * m.run[f, i, n] for f, i in m.WHOLE_RUNS[c])
        + sum(m.recover[x, n] for x in m.WHOLE_RECOVERIES[c])
        + sum(m.whole_use_t_per_t[c, d, o] * m.use[d, o, n] for d, o in m.WHOLE_USES[c])
        + m.whole_known_t_per_y[c, n]
    )


@constraint(
    scale=Sizes.limit,
    marginal_value=DEFINITION,
)
def square_lies_above_tangent(m: Any, c: str, q: str, j: int, n: str) -> Any:
    """The square of a source's share, times supply, lies above each of its tangents.

    square[c,q,n] >= 2 a[j] * (supply of source q) - a[j]^2 * supplied[c,n]

    Unit: t/y.
    Dual: no meaning of its own.
    Kind: hard; the square is understated by at most 1 / (4 tangents^2) of supply.
    Source: outer approximation of a convex function.
    """
    return (
        sum(m.slope[c, j] * m.source_ship_share[c, q, r, b] * m.ship[r, b, n] for r, b in m.SOURCE_SHIPS[c, q])
        + sum(m.slope[c, j] * m.source_run_t_per_t[c, f] * m.run[f, i, n] for f, i in m.SOURCE_RUNS[c, q])
        + sum(m.slope[c, j] * m.recover[x, n] for x in m.SOURCE_RECOVERIES[c, q])
        - m.tangent_square[c, j] * m.supplied[c, n]
        - m.square[c, q, n]
        <= 0
    )


@constraint(
    scale=Sizes.limit,
    marginal_value=Limit("concentration", per="t/y", kinds=("concentration_cap",)),
    gives_way="Concentration cap {c!r} would have to be exceeded by {amount} t/y in {n}.",
)
def index_stays_below_cap(m: Any, c: str, n: str) -> Any:
    """The sum of the squared shares of all sources stays below the index.

    sum_q square[c,q,n] <= index[c,n] * supplied[c,n] + slack

    Unit: t/y.
    Dual: worth of a higher index, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard, or soft at the limit's price.
    Source: concentration cap of the scenario; Herfindahl-Hirschman index.
    """
    return (
        sum(m.square[c, q, n] for q in m.SOURCES_OF[c])
        - m.index_cap[c, n] * m.supplied[c, n]
        - sum(m.slack[cc, dd, n] for cc, dd in m.INDEX_SLACK[c])
        <= 0
    )


@constraint(
    scale=Sizes.limit,
    marginal_value=Limit(
        "budget",
        per="kUSD or slot",
        kinds=(
            "budget",
            "permit_slots",
        ),
    ),
    gives_way="Limit {c!r} would have to be exceeded by {amount} {unit} in {n}.",
    couples=(
        Couples.PATH,
        Couples.MINERAL_GROUPS,
    ),
)
def budget_is_kept(m: Any, c: str, n: str) -> Any:
    """The money due in a node stays within the budget, or the starts within the permit slots.

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
        - sum(m.slack[cc, dd, a] for cc, dd, a in m.BUDGET_SLACK[c, n])
        <= m.allowance[c, n]
    )


@constraint(
    scale=Sizes.limit,
    marginal_value=Limit("service floor", per="t/y", kinds=("service_floor",), sense="at least"),
    gives_way="Service floor {c!r} falls short by {amount} t/y for {d!r} in {n}.",
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
        sum(m.short[d, s, n] for s in m.SHORTAGE_STEPS_OF[d])
        - sum(m.slack[cc, dd, n] for cc, dd in m.FLOOR_SLACK[c, d])
        <= m.allowed_shortage_t_per_y[c, d, n]
    )


@variable("c,n", unit="t/y", scale=Sizes.limit)
def supplied(m: Any, instance: Instance) -> Any:
    """Home's supply under concentration cap c."""
    return amount(m.CONCENTRATED)


@variable("c,q,n", unit="t/y", scale=Sizes.limit)
def square(m: Any, instance: Instance) -> Any:
    """Square of source q's share, times that supply."""
    return amount(m.SQUARES)


CONSTRAINTS = (
    share_stays_below_cap,
    minimum_share_is_kept,
    reliance_stays_below_cap,
    joint_capacity_is_kept,
    supply_adds_up,
    square_lies_above_tangent,
    index_stays_below_cap,
    budget_is_kept,
    shortage_stays_below_floor,
)
VARIABLES = (supplied, square)
ON_FLOWS = (share_stays_below_cap, minimum_share_is_kept, reliance_stays_below_cap, joint_capacity_is_kept)
"""Rows whose coefficients `prepare` gives, each of the limits whose price it is."""


def add_limits(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Rows of all limits."""
    _add_limits_on_flows(m, instance)
    _add_concentration(m, instance)
    _add_budgets(m, instance)
    _add_service_floors(m, instance)


def _add_limits_on_flows(m: pyo.ConcreteModel, instance: Instance) -> None:
    limits, names = instance.limits, instance.tree.names
    rows = {(c, names[node]): row for (c, node), (row, _) in limits.shares.items()}
    add_param(m, "known_share_t_per_y", {(c, names[node]): known for (c, node), (_, known) in limits.shares.items()})

    def add(variable: str, weights: Mapping[tuple[str, str], Mapping[Any, float]], dimen: int) -> None:
        add_param(m, f"share_of_{variable}_t_per_t", _flat(weights))
        if variable != "run":
            add_links(m, f"SHARE_OF_{variable.upper()}", weights, list(rows), dimen=dimen)

    add("ship", {key: row.ship for key, row in rows.items()}, 2)
    add("run", {key: row.run for key, row in rows.items()}, 2)
    add("activity", {key: row.activity for key, row in rows.items()}, 2)
    add("recover", {key: row.recover for key, row in rows.items()}, 1)
    add("use", {key: row.use for key, row in rows.items()}, 2)
    steps = {key: [(f, i) for f in row.run for i in m.STEPS_OF[f]] for key, row in rows.items()}
    add_links(m, "SHARE_OF_RUN", steps, list(rows), dimen=2)
    slack = {key: [(key[0], "")] for key in rows if (key[0], "") in limits.soft}
    add_links(m, "SHARE_SLACK", slack, list(rows), dimen=2)
    for rule in ON_FLOWS:
        of_kind = [key for key in rows if instance.scenario.limits[key[0]].kind in rule.kinds]
        add_set(m, f"ROWS_OF_{rule.name}", of_kind, dimen=2)
        add_constraint(m, rule, getattr(m, f"ROWS_OF_{rule.name}"))


def _add_concentration(m: pyo.ConcreteModel, instance: Instance) -> None:
    limits, names = instance.limits, instance.tree.names
    caps = limits.concentration
    rows = [(c, names[node]) for c, node in limits.concentrated]
    squares = [(c, q, n) for c, n in rows for q in caps[c].sources]
    add_set(m, "CONCENTRATED", rows, dimen=2)
    add_set(m, "SQUARES", squares, dimen=3)
    add_set(m, "TANGENTS", [(c, q, j, n) for c, q, n in squares for j in range(len(caps[c].tangents))], dimen=4)
    add_links(m, "INDEX_SLACK", {c: [(c, "")] for c in caps if (c, "") in limits.soft}, list(caps), dimen=2)
    add_param(m, "index_cap", {(c, names[node]): caps[c].index[node] for c, node in limits.concentrated})
    tangents = {(c, j): a for c, cap in caps.items() for j, a in enumerate(cap.tangents)}
    add_param(m, "slope", {key: 2.0 * a for key, a in tangents.items()})
    add_param(m, "tangent_square", {key: a * a for key, a in tangents.items()})
    _add_sources(m, instance)
    _add_whole(m, instance)
    add_variables(m, instance, VARIABLES)
    add_constraint(m, supply_adds_up, m.CONCENTRATED)
    add_constraint(m, square_lies_above_tangent, m.TANGENTS)
    add_constraint(m, index_stays_below_cap, m.CONCENTRATED)


def _add_sources(m: pyo.ConcreteModel, instance: Instance) -> None:
    """What comes from each source under a concentration cap."""
    caps = instance.limits.concentration
    rows = {(c, q): row for c, cap in caps.items() for q, row in cap.sources.items()}
    runs = {key: [(f, i) for f in row.run for i in m.STEPS_OF[f]] for key, row in rows.items()}
    add_links(m, "SOURCES_OF", {c: list(cap.sources) for c, cap in caps.items()}, list(caps))
    add_links(m, "SOURCE_SHIPS", {key: list(row.ship) for key, row in rows.items()}, list(rows), dimen=2)
    add_links(m, "SOURCE_RUNS", runs, list(rows), dimen=2)
    add_links(m, "SOURCE_RECOVERIES", {key: list(row.recover) for key, row in rows.items()}, list(rows))
    add_param(m, "source_run_t_per_t", {(c, f): t for (c, _), row in rows.items() for f, t in row.run.items()})
    add_param(m, "source_ship_share", {(*key, r, b): t for key, row in rows.items() for (r, b), t in row.ship.items()})


def _add_whole(m: pyo.ConcreteModel, instance: Instance) -> None:
    """What the shares of each concentration cap are of."""
    caps, names = instance.limits.concentration, instance.tree.names
    whole = {c: cap.whole.row for c, cap in caps.items()}
    runs = {c: [(f, i) for f in row.run for i in m.STEPS_OF[f]] for c, row in whole.items()}
    add_links(m, "WHOLE_SHIPS", {c: list(row.ship) for c, row in whole.items()}, list(caps), dimen=2)
    add_links(m, "WHOLE_RUNS", runs, list(caps), dimen=2)
    add_links(m, "WHOLE_RECOVERIES", {c: list(row.recover) for c, row in whole.items()}, list(caps))
    add_links(m, "WHOLE_USES", {c: list(row.use) for c, row in whole.items()}, list(caps), dimen=2)
    add_param(m, "whole_run_t_per_t", {(c, f): t for c, row in whole.items() for f, t in row.run.items()})
    add_param(m, "whole_use_t_per_t", {(c, *key): t for c, row in whole.items() for key, t in row.use.items()})
    known = {(c, names[node]): float(caps[c].whole.known_t_per_y[node]) for c, node in instance.limits.concentrated}
    add_param(m, "whole_known_t_per_y", known)


def _add_budgets(m: pyo.ConcreteModel, instance: Instance) -> None:
    limits, names = instance.limits, instance.tree.names
    starts, onboardings, purchases, support = _due(m, instance)
    rows = [key for key in starts if starts[key] or onboardings[key] or purchases[key] or support[key]]
    add_set(m, "BUDGETS", rows, dimen=2)
    add_links(m, "STARTS_DUE", starts, rows, dimen=3)
    add_links(m, "ONBOARDINGS_DUE", {key: [(r, key[1]) for r in onboardings[key]] for key in rows}, rows, dimen=2)
    add_links(m, "PURCHASES_DUE", {key: [(z, key[1]) for z in purchases[key]] for key in rows}, rows, dimen=2)
    of_steps = {key: [(f, i, key[1]) for f in support[key] for i in m.STEPS_OF[f]] for key in rows}
    add_links(m, "SUPPORT_DUE", of_steps, rows, dimen=3)
    add_links(m, "BUDGET_SLACK", {(c, n): [(c, "", n)] for c, n in rows if (c, "") in limits.soft}, rows, dimen=3)
    for name, due in (("start", starts), ("onboarding", onboardings), ("purchase", purchases), ("support", support)):
        add_param(m, f"{name}_due", _flat({key: due[key] for key in rows}))
    add_param(m, "allowance", {(c, names[node]): amount for (c, node), amount in limits.allowance.items()})
    add_constraint(m, budget_is_kept, m.BUDGETS)


def _due(m: pyo.ConcreteModel, instance: Instance) -> tuple[dict[Key, dict[Any, float]], ...]:
    """What starts, onboardings, purchases and support take of a budget, by (budget, node by name)."""
    limits, names, offered = instance.limits, instance.tree.names, set(m.ONBOARDINGS)

    def named(due: Mapping[tuple[str, int], Mapping[Any, float]]) -> dict[Key, dict[Any, float]]:
        return {(c, names[node]): dict(amounts) for (c, node), amounts in due.items()}

    starts = {
        key: {(p, t, names[a]): kusd for (p, t, a), kusd in due.items()}
        for key, due in named(limits.starts_due).items()
    }
    onboardings = {
        key: {r: kusd for r, kusd in due.items() if (r, key[1]) in offered}
        for key, due in named(limits.onboardings_due).items()
    }
    return starts, onboardings, named(limits.purchases_due), named(limits.support_due)


def _flat(by_row: Mapping[Key, Mapping[Any, float]]) -> dict[Key, float]:
    """Numbers of each row by the row and what they belong to."""
    return {
        (*key, *(part if isinstance(part, tuple) else (part,))): number
        for key, of_row in by_row.items()
        for part, number in of_row.items()
    }


def _add_service_floors(m: pyo.ConcreteModel, instance: Instance) -> None:
    limits, names = instance.limits, instance.tree.names
    rows = [(c, d, names[node]) for c, d, node in limits.service_floors]
    pairs = list(dict.fromkeys((c, d) for c, d, _ in rows))
    add_set(m, "SERVICE_FLOORS", rows, dimen=3)
    add_links(m, "FLOOR_SLACK", {(c, d): [(c, d)] for c, d in pairs if (c, d) in limits.soft}, pairs, dimen=2)
    allowed = {(c, d, names[node]): t for (c, d, node), t in limits.allowed_shortage_t_per_y.items()}
    add_param(m, "allowed_shortage_t_per_y", allowed)
    add_constraint(m, shortage_stays_below_floor, m.SERVICE_FLOORS)
