"""The solution itself as tidy tables; the independent check needs no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.results.values import Values
from lodeplan.optimizer.tables.specs import SPECS


def frame(name: str, rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Rows under the columns of a table's spec."""
    return pd.DataFrame(list(rows), columns=[column.name for column in SPECS[name].columns])


def solution_tables(values: Values) -> dict[str, pd.DataFrame]:
    """Tables of the first group, without zero rows."""
    instance = values.instance
    tree = instance.tree
    nodes = tree.names
    names = {
        "nodes": [
            (
                nodes[n],
                nodes[tree.parent[n]] if tree.parent[n] >= 0 else "",
                tree.start[n],
                float(tree.start[n] - tree.start[0]),
                float(tree.length[n]),
                float(tree.probability[n]),
                float(tree.discount[n]),
                tree.future_names[tree.future[n]] if tree.future[n] >= 0 else "",
            )
            for n in range(len(tree))
        ],
        "run": _flows(instance.supply.steps, nodes, values.flows["run"]),
        "activity": _flows(list(instance.supply.activities), nodes, values.flows["activity"]),
        "ship": _flows(list(instance.trade.bands), nodes, values.flows["ship"]),
        "declare": _flows(instance.declarations, nodes, values.flows["declare"]),
        "recover": _flows(list(instance.recovery.rules), nodes, values.flows["recover"]),
        "store": _flows(instance.stocks.names, nodes, *(values.flows[v] for v in ("buy", "release", "stock"))),
        "dispose": _flows(instance.disposals, nodes, values.flows["dispose"]),
        "serve": _flows(list(instance.demands.options), nodes, values.flows["use"]),
        "shortage": _flows(instance.demands.steps, nodes, values.flows["short"]),
        "starts": [(p, t, nodes[n]) for p, t, n in sorted(values.started_now, key=lambda s: (s[2], s[0]))],
        "onboardings": [(r, nodes[n]) for r, n in sorted(values.onboarded_now, key=lambda s: (s[1], s[0]))],
        "slack": _flows(instance.limits.soft, nodes, values.flows["slack"]),
        "node_costs": [
            (nodes[n], term, float(cost[n]))
            for term, cost in values.node_costs().items()
            for n in np.flatnonzero(cost).tolist()
        ],
        "futures": list(
            zip(
                tree.future_names,
                tree.future_probability.tolist(),
                values.future_costs().tolist(),
                strict=True,
            )
        ),
        "regrets": _regrets(values),
    }
    return {name: frame(name, rows) for name, rows in names.items()}


def _regrets(values: Values) -> list[tuple[Any, ...]]:
    """(future, its least cost, what the plan costs above it) where regret is minimised."""
    costs = dict(zip(values.instance.tree.future_names, values.future_costs().tolist(), strict=True))
    return [(future, best, costs[future] - best) for future, best in values.instance.best_kusd.items()]


def _flows(index: Sequence[Any], nodes: Sequence[str], *columns: Floats) -> list[tuple[Any, ...]]:
    """(*key, node, value...) of every key and node where a value is not 0."""
    where = np.zeros((len(index), len(nodes)), bool)
    for column in columns:
        where |= column != 0
    return [
        (*_key(index[i]), nodes[n], *(float(column[i, n]) for column in columns))
        for i, n in np.argwhere(where).tolist()
    ]


def _key(key: Any) -> tuple[Any, ...]:
    return key if isinstance(key, tuple) else (key,)
