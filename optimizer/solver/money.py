"""Exact cost of a point, added up again: rows of costs hold only within the solver's tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.model.risk import node_cost_adds_up, tail_excess_is_counted, worst_future_is_counted
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.costs import Variable
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.prepare.weights import cost_weights
from lodeplan.optimizer.solver.form import Form, Ints


def added_up(form: Form, x: Floats) -> Floats:
    """The point (canonical) with costs of nodes, the value at risk, excesses and the worst as its flows make them."""
    rows = sp.csr_array(form.matrix)
    found = x.copy()
    costs = form.rows_of(node_cost_adds_up.name)
    if not len(costs):
        return found
    column, size = _own_column(form, rows, costs, "cost")
    found[column] = 0.0
    found[column] = (form.row_upper[costs] - rows[costs] @ found) / size
    _add_tail(form, rows, found)
    worst = form.rows_of(worst_future_is_counted.name)
    if len(worst):
        column, size = _own_column(form, rows, worst, "worst")
        found[column] = 0.0
        found[column] = ((rows[worst] @ found - form.row_upper[worst]) / -size).max()
    return found


def _add_tail(form: Form, rows: sp.csr_array, x: Floats) -> None:
    """The value at risk is the cost of a future at which it is least; what lies above it is excess."""
    tail = form.rows_of(tail_excess_is_counted.name)
    if not len(tail):
        return
    at_risk, size = _own_column(form, rows, tail, "value_at_risk")
    excess, of_excess = _own_column(form, rows, tail, "excess")
    x[at_risk], x[excess] = 0.0, 0.0
    levels = (rows[tail] @ x - form.row_upper[tail]) / -size
    over = np.maximum(0.0, (levels[None, :] - levels[:, None]) * (size / of_excess)[None, :])
    worth = form.cost[at_risk[0]] * levels + over @ form.cost[excess]
    best = int(worth.argmin())
    x[at_risk], x[excess] = levels[best], over[best]


def _own_column(form: Form, rows: sp.csr_array, which: Ints, name: str) -> tuple[Ints, Floats]:
    """In each of these rows, the column of this variable and its coefficient."""
    columns = form.columns_of(name)
    part = sp.coo_array(rows[which][:, columns])
    order = np.argsort(part.row, kind="stable")
    return columns[part.col[order]], part.data[order]


def money_weights(instance: Instance, form: Form, row_dual: Floats | None) -> Floats:
    """Compute the weight of a kUSD at each node in the objective, before discounting; shape (nodes,).

    Its coefficient where cost stands in the objective; where costs are compared, the dual of the row that adds them up
    (kUSD per kUSD): a future in the tail, or the worst, weighs more than its probability, and the others less.
    """
    weights = cost_weights(instance).copy()
    if row_dual is not None:
        node_of = {name: node for node, name in enumerate(instance.tree.names)}
        for row in form.rows_of(node_cost_adds_up.name).tolist():
            weights[node_of[form.rows[row].key[0]]] = row_dual[row]
    return weights


def costs_by_node(instance: Instance, form: Form) -> sp.csr_array:
    """kUSD of each node per unit of each column (the model's own), not discounted; shape (nodes, columns)."""
    node_of = {name: node for node, name in enumerate(instance.tree.names)}
    indices: dict[Variable, Sequence[Any]] = {
        "run": instance.supply.steps,
        "ship": list(instance.trade.bands),
        "recover": list(instance.recovery.rules),
        "use": list(instance.demands.options),
        "dispose": instance.disposals,
        "buy": instance.stocks.names,
        "stock": instance.stocks.names,
        "short": instance.demands.steps,
        "slack": instance.limits.soft,
        "onboard": list(instance.trade.onboarding),
    }
    units = {
        name: (
            {key if isinstance(key, tuple) else (key,): row for row, key in enumerate(index)},
            np.broadcast_to(np.asarray(instance.costs.unit_cost(name), float), (len(index), len(node_of))),
        )
        for name, index in indices.items()
    }
    due: dict[tuple[str, str, int], list[tuple[int, float]]] = {}
    for (start, node), kusd in instance.costs.start_cost().items():
        due.setdefault(start, []).append((node, kusd))
    entries: list[tuple[int, int, float]] = []
    for column in form.columns_of("start").tolist():
        project, track, name = form.columns[column].key
        entries += [(node, column, kusd) for node, kusd in due.get((project, track, node_of[name]), [])]
    nodes, columns, amounts = ([part] for part in np.array(entries).reshape(-1, 3).T)
    node_of_column = form.columns.last_in(node_of)
    for begin, part in form.columns.begun():
        if part.component in units:
            rows, unit = units[part.component]
            own = slice(begin, begin + len(part.members))
            row = part.numbers(partial(_without_node, rows)).astype(np.int64)
            nodes.append(node_of_column[own])
            columns.append(np.arange(own.start, own.stop))
            amounts.append(unit[row, node_of_column[own]])
    place = np.concatenate(nodes).astype(np.int64), np.concatenate(columns).astype(np.int64)
    return sp.csr_array((np.concatenate(amounts), place), shape=(len(node_of), len(form.columns)))


def _without_node(rows: dict[Any, int], key: tuple[Any, ...]) -> int:
    return rows[key[:-1]]
