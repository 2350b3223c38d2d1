"""Groups of minerals: the model falls apart along them, and so does the search.

Groups that no recipe ties together meet only in budgets, permit slots and CVaR. With those rows priced by their duals
in the LP relaxation each group is a small MIP of its own: a Lagrangian relaxation, at least as tight as the LP, and
valid for any duals of the right sign. Together they give a bound; each gives the gap of its group, which the gap of
the whole hides (half a per cent of ten years of copper is more than all gallium ever); and the decisions they and the
relaxation find worth taking are few enough to search exactly with all rows back in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.model.balances import commodity_balances
from lodeplan.optimizer.model.declare import Couples
from lodeplan.optimizer.model.registry import constraints_in, coupling
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.prepare.tags import quoted
from lodeplan.optimizer.solver.control import Control
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.held import HeldModel
from lodeplan.optimizer.solver.highs import Run, Settings, tried
from lodeplan.optimizer.solver.tolerances import WHOLE, bound_of_parts

COST_ROWS = constraints_in(Sizes.money)
COUPLING = coupling(Couples.MINERAL_GROUPS)
SHARED = tuple(name for name in COUPLING if name not in COST_ROWS)
"""What groups share beside costs: budgets and permit slots."""
GROUP_GAP = 1e-3
"""Relative gap at which a group's own search stops, or the gap asked for where that is less."""
GROUP_TIME_LIMIT_S = 60.0
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


@dataclass(frozen=True)
class Relaxation:
    """The model with its coupling rows priced, solved group by group."""

    blocks: tuple[Block, ...]
    prices: Prices
    runs: Mapping[str, Run]
    bound: float
    """Below it no plan can come, canonical."""
    idle: Ints
    """Yes/no columns that neither the LP relaxation nor their group's own search takes up."""

    def point(self, form: Form) -> Floats:
        """The points of all groups together (canonical), 0 outside of them; it may break coupling rows."""
        x = np.zeros(len(form.columns))
        for block in self.blocks:
            x[block.columns] = self.runs[block.name].x
        return x

    def gaps(self, form: Form, x: Floats) -> dict[str, float]:
        """Gap of a plan (canonical) in each group, as a fraction of the group's cost."""
        found = {}
        for block in self.blocks:
            cost = float(self.prices.column[block.columns] @ x[block.columns])
            size = abs(float(self.prices.own[block.columns] @ x[block.columns]))
            found[block.name] = max(0.0, cost - self.runs[block.name].bound) / size if size > 0 else 0.0
        return found


def polish(form: Form, relaxation: Relaxation, x: Floats, control: Control) -> Floats:
    """A point (canonical) with each group's decisions searched once more, with what the others leave of the budgets.

    A search of the whole stops where the large groups are good enough; the small ones are then still far off. Only
    decisions worth taking are looked at; flows may no longer fit the new decisions and have to be solved for.
    """
    better = x.copy()
    gaps = relaxation.gaps(form, x)
    shared = form.rows_of(*SHARED)
    budgets = sp.csr_array(form.matrix)[shared]
    for block in sorted(relaxation.blocks, key=lambda block: -gaps[block.name]):
        if gaps[block.name] <= GROUP_GAP or control.ended():
            break
        others = better.copy()
        others[block.columns] = 0.0
        left = form.row_upper[shared] - budgets @ others
        run = _searched_with(form, block, relaxation, (shared, left), control)
        own = relaxation.prices.own[block.columns]
        if run.x is not None and own @ run.x < own @ better[block.columns]:
            better[block.columns] = run.x
    return better


def _searched_with(
    form: Form, block: Block, relaxation: Relaxation, budgets: tuple[Ints, Floats], control: Control
) -> Run:
    """The MIP of a block at its own cost, held to its part of the budgets, among the decisions worth taking."""
    shared, left = budgets
    upper = form.row_upper.copy()
    upper[shared] = left
    taken = form.with_bounds(relaxation.idle, np.zeros(len(relaxation.idle)))
    rows = np.concatenate([block.rows, shared])
    part = _part(replace(taken, row_upper=upper), replace(block, rows=rows), relaxation.prices.own)
    return tried(part, _settings(control))


def relax_by_group(instance: Instance, form: Form, control: Control) -> Relaxation | None:
    """Price the coupling rows and solve each group; None where time runs out or a group has no plan at all."""
    held = control.held if control.held is not None and control.held.fits(form) else HeldModel(form, control.machine())
    relaxed = held.relaxation(control.left_s())
    if relaxed.x is None or relaxed.row_dual is None:
        return None
    blocks = tuple(split(instance, form))
    prices = _prices(form, relaxed.row_dual)
    runs = {}
    taken = relaxed.x > WHOLE
    for block in blocks:
        if control.ended():
            return None
        control.tell("groups")
        run = _alone(form, block, prices, control)
        if run.x is None:
            return None
        runs[block.name] = run
        taken[block.columns] |= run.x > WHOLE
    bound = bound_of_parts([prices.constant, _rest(form, blocks, prices), *(run.bound for run in runs.values())])
    return Relaxation(blocks, prices, runs, max(bound, relaxed.objective), np.flatnonzero(form.integer & ~taken))


def split(instance: Instance, form: Form) -> Iterator[Block]:
    """The blocks that are left when the coupling rows are taken out, those with a commodity only.

    A mineral group is never cut: its commodities stay together though no recipe may tie them.
    """
    free_rows = np.setdiff1d(np.arange(form.matrix.shape[0]), form.rows_of(*COUPLING))
    links = sp.csr_array(form.matrix)[free_rows]
    group_of = {
        position: instance.scenario.commodities[form.rows[row].key[0]].mineral_group
        for position, row in enumerate(free_rows.tolist())
        if form.rows[row].component == commodity_balances.name
    }
    names = sorted(set(group_of.values()))
    of_group = sp.csr_array(
        (np.ones(len(group_of)), (list(group_of), [names.index(group) for group in group_of.values()])),
        shape=(len(free_rows), len(names)),
    )
    ties = sp.block_array([[links, of_group]], format="coo")
    label = connected(sum(ties.shape), ties.row, ties.col + len(free_rows))
    row_label, column_label, group_label = np.split(label, np.cumsum(links.shape))
    for number in dict.fromkeys(group_label.tolist()):
        joined = [_part_name(name) for name, its in zip(names, group_label.tolist(), strict=True) if its == number]
        yield Block(" + ".join(joined), np.flatnonzero(column_label == number), free_rows[row_label == number])


def connected(count: int, ends: Ints, other_ends: Ints) -> Ints:
    """First node that each of `count` nodes is connected with, shape (count,); edges have shape (edges,).

    `scipy.sparse.csgraph` would take a tenth of the start of a solve to import.
    """
    first = np.arange(count)
    while (apart := first[ends] != first[other_ends]).any():
        ends, other_ends = ends[apart], other_ends[apart]
        here, there = first[ends], first[other_ends]
        np.minimum.at(first, np.maximum(here, there), np.minimum(here, there))
        while (further := first[first] != first).any():
            first = np.where(further, first[first], first)
    return first


def _part_name(group: str) -> str:
    return quoted(group) if "+" in group or "'" in group else group


def _prices(form: Form, dual: Floats) -> Prices:
    coupling, costs = form.rows_of(*COUPLING), form.rows_of(*COST_ROWS)
    priced = dual[coupling]
    # A dual is positive on a binding lower side and negative on a binding upper one.
    side = np.where(priced > 0, form.row_lower[coupling], form.row_upper[coupling])
    rows = sp.csr_array(form.matrix)
    return Prices(
        column=form.cost - rows[coupling].T @ priced,
        own=form.cost - rows[costs].T @ dual[costs],
        constant=form.offset + float(sum(y * b for y, b in zip(priced, side, strict=True) if y != 0)),
    )


def _alone(form: Form, block: Block, prices: Prices, control: Control) -> Run:
    """The priced MIP of one block."""
    return tried(_part(form, block, prices.column), _settings(control))


def _part(form: Form, block: Block, cost: Floats) -> Form:
    """The rows and columns of a block, at this cost of each column of the whole."""
    columns, rows = block.columns, block.rows
    return replace(
        form,
        matrix=sp.csc_array(sp.csr_array(form.matrix)[rows][:, columns]),
        cost=cost[columns],
        offset=0.0,
        row_lower=form.row_lower[rows],
        row_upper=form.row_upper[rows],
        column_lower=form.column_lower[columns],
        column_upper=form.column_upper[columns],
        integer=form.integer[columns],
    )


def _settings(control: Control) -> Settings:
    left = control.left_s()
    return replace(
        control.machine(),
        gap=min(GROUP_GAP, control.gap),
        time_limit_s=GROUP_TIME_LIMIT_S if left is None else min(GROUP_TIME_LIMIT_S, left),
        plain=True,
        should_stop=control.should_stop,
    )


def _rest(form: Form, blocks: tuple[Block, ...], prices: Prices) -> float:
    """Least priced cost of the columns in no block.

    Costs of nodes and the value at risk are free but priced at nothing, up to rounding; the others rest at a bound.
    """
    outside = np.ones(len(form.cost), bool)
    for block in blocks:
        outside[block.columns] = False
    price, lower, upper = (a[outside] for a in (prices.column, form.column_lower, form.column_upper))
    rest = np.where(price > 0, lower, upper)
    return float((price * np.where(np.isfinite(rest), rest, 0.0)).sum())
