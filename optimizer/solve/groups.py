"""Groups of minerals: the gap of each, and a better plan where one has been overlooked.

Groups that no recipe ties together meet only in budgets, permit slots and CVaR. With those rows priced by their duals
in the LP relaxation the model falls apart into one small MIP a group: a Lagrangian relaxation, at least as tight as
the LP, and valid for any duals of the right sign. Each MIP yields a bound, so a gap, and decisions that may be better
than those the search for the whole stopped at: half a per cent of ten years of copper is more than all gallium ever.
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
from optimizer.solve.highs import Run, Settings, run_highs
from optimizer.solve.search import Answer, Control, decided

COSTS = ("node_cost_adds_up", "tail_excess_is_counted")
COUPLING = (*COSTS, "budget_is_kept")
GROUP_GAP = 1e-3
"""Relative gap at which a group's own search stops, or the gap asked for where that is less."""
GROUP_TIME_LIMIT_S = 10.0
"""At most this long a group; what it has proved by then is its bound."""


@dataclass(frozen=True)
class Block:
    """One group of minerals tied together by recipes."""

    name: str
    columns: Ints
    rows: Ints


@dataclass(frozen=True)
class Prices:
    """The objective with the coupling rows priced into it, canonical."""

    column: Floats
    """Cost of each column with all coupling rows priced."""
    own: Floats
    """The same with the cost rows alone: what a column costs in the objective."""
    constant: float
    """What the coupling rows' right-hand sides add."""


def improve_by_group(instance: Instance, form: Form, answer: Answer, control: Control) -> Answer:
    """The answer with a gap by group, its bound raised and its decisions bettered where a group's own search does.

    Returned as it came where there is no plan, or no dual to price the coupling rows with.
    """
    if answer.x is None or control.ended():
        return answer
    blocks = list(split(instance, form))
    if not form.integer.any():
        return replace(answer, gap_by_group={block.name: answer.gap for block in blocks})
    relaxed = run_highs(form.relaxed(), Settings(threads=control.threads, time_limit_s=control.left_s()))
    if relaxed.row_dual is None:
        return answer
    prices = _prices(form, relaxed.row_dual)
    runs = {}
    for block in blocks:
        if control.ended():
            return answer
        runs[block.name] = _alone(form, block, prices, answer, control)
    better = _adopted(form, answer, blocks, runs, control)
    lagrangian = prices.constant + sum(run.bound for run in runs.values()) + _rest(form, blocks, prices)
    bound = min(max(better.bound_kusd, lagrangian * form.money_unit), better.objective_kusd)
    return replace(better, bound_kusd=bound, gap_by_group=_gaps(form, better, blocks, runs, prices))


def split(instance: Instance, form: Form) -> Iterator[Block]:
    """The blocks that are left when the coupling rows are taken out, those with a commodity only.

    A mineral group is never cut: its commodities stay together though no recipe may tie them.
    """
    free_rows = np.setdiff1d(np.arange(form.matrix.shape[0]), _rows_of(form, COUPLING))
    links = sp.csr_array(form.matrix)[free_rows]
    group_of = {
        position: instance.scenario.commodities[form.rows[row].index()[0]].mineral_group
        for position, row in enumerate(free_rows.tolist())
        if form.rows[row].parent_component().local_name == "commodity_balances"
    }
    names = sorted(set(group_of.values()))
    of_group = sp.csr_array(
        (np.ones(len(group_of)), (list(group_of), [names.index(group) for group in group_of.values()])),
        shape=(len(free_rows), len(names)),
    )
    graph = sp.block_array([[None, links, of_group], [links.T, None, None], [of_group.T, None, None]])
    _, label = connected_components(graph, directed=False)
    row_label, column_label, group_label = np.split(label, np.cumsum(links.shape))
    for number in dict.fromkeys(group_label.tolist()):
        joined = [name for name, its in zip(names, group_label.tolist(), strict=True) if its == number]
        yield Block(" + ".join(joined), np.flatnonzero(column_label == number), free_rows[row_label == number])


def _prices(form: Form, dual: Floats) -> Prices:
    coupling, costs = _rows_of(form, COUPLING), _rows_of(form, COSTS)
    priced = dual[coupling]
    # A dual is positive on a binding lower side and negative on a binding upper one.
    side = np.where(priced > 0, form.row_lower[coupling], form.row_upper[coupling])
    rows = sp.csr_array(form.matrix)
    return Prices(
        column=form.cost - rows[coupling].T @ priced,
        own=form.cost - rows[costs].T @ dual[costs],
        constant=form.offset + float(sum(y * b for y, b in zip(priced, side, strict=True) if y != 0)),
    )


def _alone(form: Form, block: Block, prices: Prices, answer: Answer, control: Control) -> Run:
    """The priced MIP of one block, from where the plan stands."""
    assert answer.x is not None
    columns, rows, left = block.columns, block.rows, control.left_s()
    alone = replace(
        form,
        matrix=sp.csc_array(sp.csr_array(form.matrix)[rows][:, columns]),
        cost=prices.column[columns],
        offset=0.0,
        row_lower=form.row_lower[rows],
        row_upper=form.row_upper[rows],
        column_lower=form.column_lower[columns],
        column_upper=form.column_upper[columns],
        integer=form.integer[columns],
    )
    return run_highs(
        alone,
        Settings(
            gap=min(GROUP_GAP, control.gap),
            time_limit_s=GROUP_TIME_LIMIT_S if left is None else min(GROUP_TIME_LIMIT_S, left),
            threads=control.threads,
            start=(answer.x / form.column_unit)[columns],
            should_stop=control.should_stop,
        ),
    )


def _rest(form: Form, blocks: list[Block], prices: Prices) -> float:
    """Least priced cost of the columns in no block.

    Costs of nodes and the value at risk are free but priced at nothing, up to rounding; the others rest at a bound.
    """
    outside = np.ones(len(form.cost), bool)
    for block in blocks:
        outside[block.columns] = False
    price, lower, upper = (a[outside] for a in (prices.column, form.column_lower, form.column_upper))
    rest = np.where(price > 0, lower, upper)
    return float((price * np.where(np.isfinite(rest), rest, 0.0)).sum())


def _adopted(form: Form, answer: Answer, blocks: list[Block], runs: dict[str, Run], control: Control) -> Answer:
    """The answer with the blocks' own decisions where they are better and fit together."""
    assert answer.x is not None
    x = answer.x / form.column_unit
    for block in blocks:
        run = runs[block.name]
        if run.x is None:
            continue
        integers = np.flatnonzero(form.integer[block.columns])
        mine = block.columns[integers]
        if np.array_equal(np.round(run.x[integers]), np.round(x[mine])):
            continue
        if control.ended():
            break
        trial = x.copy()
        trial[mine] = np.round(run.x[integers])
        better = decided(form, trial, answer, control)
        if better.objective_kusd < answer.objective_kusd:
            answer = better
            assert answer.x is not None
            x = answer.x / form.column_unit
    return answer


def _gaps(form: Form, answer: Answer, blocks: list[Block], runs: dict[str, Run], prices: Prices) -> dict[str, float]:
    assert answer.x is not None
    x = answer.x / form.column_unit
    gaps = {}
    for block in blocks:
        cost = float(prices.column[block.columns] @ x[block.columns])
        size = abs(float(prices.own[block.columns] @ x[block.columns]))
        gaps[block.name] = max(0.0, cost - runs[block.name].bound) / size if size > 0 else 0.0
    return gaps


def _rows_of(form: Form, names: tuple[str, ...]) -> Ints:
    return np.array([i for i, row in enumerate(form.rows) if row.parent_component().local_name in names], np.int64)
