"""The gap of each group of minerals.

Groups that no recipe ties together meet only in budgets, permit slots and CVaR. With those rows priced by their duals
(a Lagrangian relaxation: a valid bound for any duals of the right sign) the model falls apart into one small MIP a
group; what the plan could still save in a group, at those prices, is its gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from optimizer.prepare.calendar import Floats
from optimizer.prepare.instance import Instance
from optimizer.solve.form import Form, Ints
from optimizer.solve.highs import Settings, run_highs
from optimizer.solve.search import Answer, Control
from schemas.plan import Solution

COUPLING = ("node_cost_adds_up", "tail_excess_is_counted", "budget_is_kept")
GROUP_GAP = 1e-4
"""Relative gap at which a group's own search stops."""
GROUP_TIME_LIMIT_S = 10.0
"""At most this long a group; what it has proved by then is its bound."""


@dataclass(frozen=True)
class Block:
    """One group of minerals tied together by recipes."""

    name: str
    columns: Ints
    rows: Ints


def gap_by_group(instance: Instance, form: Form, answer: Answer, control: Control) -> dict[str, float]:
    """What the plan may still be off, by group, as a fraction of the group's own cost.

    Empty where there is no plan or no dual to price the coupling rows with.
    """
    if answer.x is None or answer.row_dual is None:
        return {}
    blocks = list(split(instance, form))
    if not form.integer.any():
        return {block.name: 0.0 for block in blocks} if answer.solution == Solution.OPTIMAL else {}
    dual = answer.row_dual * form.row_unit / form.money_unit
    x = answer.x / form.column_unit
    priced = form.cost - form.matrix[_coupling_rows(form)].T @ dual[_coupling_rows(form)]
    own_cost = form.cost - form.matrix[_rows_of(form, COUPLING[:2])].T @ dual[_rows_of(form, COUPLING[:2])]
    gaps = {}
    for block in blocks:
        if control.should_stop is not None and control.should_stop():
            break
        cost = float(priced[block.columns] @ x[block.columns])
        bound = min(cost, _bound(form, block, priced, control))
        size = abs(float(own_cost[block.columns] @ x[block.columns]))
        gaps[block.name] = (cost - bound) / size if size > 0 else 0.0
    return gaps


def split(instance: Instance, form: Form) -> Iterator[Block]:
    """The blocks that are left when the coupling rows are taken out, those with a commodity only."""
    free_rows = np.setdiff1d(np.arange(form.matrix.shape[0]), _coupling_rows(form))
    links = sp.csr_array(form.matrix)[free_rows]
    graph = sp.block_array([[None, links], [links.T, None]])
    _, label = connected_components(graph, directed=False)
    row_label, column_label = label[: len(free_rows)], label[len(free_rows) :]
    for number in range(label.max() + 1):
        rows = free_rows[row_label == number]
        groups = {
            instance.scenario.commodities[form.rows[row].index()[0]].mineral_group
            for row in rows.tolist()
            if form.rows[row].parent_component().local_name == "commodity_balances"
        }
        if groups:
            yield Block(" + ".join(sorted(groups)), np.flatnonzero(column_label == number), rows)


def _bound(form: Form, block: Block, priced: Floats, control: Control) -> float:
    """Least priced cost of a block on its own."""
    columns, rows = block.columns, block.rows
    alone = replace(
        form,
        matrix=sp.csc_array(sp.csr_array(form.matrix)[rows][:, columns]),
        cost=priced[columns],
        offset=0.0,
        row_lower=form.row_lower[rows],
        row_upper=form.row_upper[rows],
        column_lower=form.column_lower[columns],
        column_upper=form.column_upper[columns],
        integer=form.integer[columns],
    )
    run = run_highs(
        alone,
        Settings(
            gap=GROUP_GAP, time_limit_s=GROUP_TIME_LIMIT_S, threads=control.threads, should_stop=control.should_stop
        ),
    )
    return run.bound


def _coupling_rows(form: Form) -> Ints:
    return _rows_of(form, COUPLING)


def _rows_of(form: Form, names: tuple[str, ...]) -> Ints:
    return np.array([i for i, row in enumerate(form.rows) if row.parent_component().local_name in names], np.int64)
