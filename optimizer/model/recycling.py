"""Recycling.

What a planner sees: what was used comes back years later, as far as it is collected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lodeplan.optimizer.model.data import add_constraint, add_links, add_param, add_set
from lodeplan.optimizer.model.declare import Couples, Limit, bound_of, constraint
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance

if TYPE_CHECKING:
    import pyomo.core as pyo


@constraint(
    scale=Sizes.recovery,
    marginal_value=Limit("recycling", per="t/y"),
    couples=(Couples.PATH,),
)
def scrap_follows_past_use(m: Any, x: str, n: str) -> Any:
    """Recovery is at most a share of the use a given lag before.

    recover[x,n] <= recovered[x,n] * sum takes[d,o] use[d,o,LAG(x,n)]

    Unit: t/y.
    Dual: worth of one more t/y recovered, kUSD per t/y (expected, discounted); negative or 0.
    Kind: hard. Where the use lies before the horizon, or a path is given, it is a bound.
    Source: `recycling` of the scenario.
    """
    return m.recover[x, n] <= sum(m.recovered_t_per_t[x, n, d, o] * m.use[d, o, a] for d, o, a in m.USED_BEFORE[x, n])


@bound_of(scrap_follows_past_use, about=lambda _, rule: rule)
def recovery_known_beforehand(instance: Instance) -> Floats:
    """Recovery on a stated path, or from use before the horizon."""
    return instance.recovery.limit_t_per_y


CONSTRAINTS = (scrap_follows_past_use,)


def add_recycling(m: pyo.ConcreteModel, instance: Instance) -> None:
    """Rows of recovery from use within the horizon."""
    recovery, demands, names = instance.recovery, instance.demands, instance.tree.names
    place = dict(zip(demands.names, demands.place, strict=True))
    used: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    comes_back: dict[tuple[str, str, str, str], float] = {}
    for (x, node), (before, share) in recovery.from_use.items():
        rule = recovery.rules[x]
        row = used.setdefault((x, names[node]), [])
        for (d, o), option in demands.options.items():
            here = place[d] == recovery.market[x][2] and demands.demands[d].tier != "export"
            if here and option.market is not None and option.market[0] == rule.from_commodity:
                row.append((d, o, names[before]))
                comes_back[x, names[node], d, o] = share * option.takes_t_per_t
    add_set(m, "RECOVERED_FROM_USE", used, dimen=2)
    add_links(m, "USED_BEFORE", used, list(used), dimen=3)
    add_param(m, "recovered_t_per_t", comes_back)
    add_constraint(m, scrap_follows_past_use, m.RECOVERED_FROM_USE)
