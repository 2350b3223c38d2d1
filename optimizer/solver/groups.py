"""Groups of minerals: the model falls apart along them, and so does the search.

Groups that no recipe ties together meet only in budgets, permit slots and CVaR. With those rows priced by their duals
in the LP relaxation each group is a small MIP of its own: a Lagrangian relaxation, at least as tight as the LP, and
valid for any duals of the right sign. Together they give a bound; each gives the gap of its group, which the gap of
the whole hides (half a per cent of ten years of copper is more than all gallium ever); and the decisions they and the
relaxation find worth taking are few enough to search exactly with all rows back in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from math import isfinite

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
from lodeplan.optimizer.solver.held import HeldModel, SolvedGroup
from lodeplan.optimizer.solver.highs import Run, Settings, tried
from lodeplan.optimizer.solver.tolerances import WHOLE, bound_of_parts
from lodeplan.schemas.plan import Termination

COST_ROWS = constraints_in(Sizes.money)
COUPLING = coupling(Couples.MINERAL_GROUPS)
SHARED = tuple(name for name in COUPLING if name not in COST_ROWS)
"""What groups share beside costs: budgets and permit slots."""
GROUP_GAP = 1e-3
"""Relative gap at which a group's own search stops, or the gap asked for where that is less."""
STOPPED = Run(Termination.INTERRUPTED, None, None, None, float("inf"), float("-inf"))
GROUP_NODES = 100
"""At most so many nodes a group; what it has proved by then is its bound. Time would depend on what else runs."""
GROUP_SHARE = 0.01
"""A group is as near to its bound as it must be within this share of its cost,"""
GROUP_MONEY_KUSD = 10_000.0
"""or within this."""
NO_COLUMNS: Ints = np.zeros(0, np.int64)
SHARED_BUDGETS = "shared_budgets"
"""Name of what priced budgets leave, which is in no group's gap."""


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
    bounds: Mapping[str, float]
    """Least priced cost of each group, canonical."""
    by_groups: float
    """The bound that these add up to."""
    bound: float
    """Below it no plan can come, canonical: that, or the linear relaxation's."""
    idle: Ints
    """Yes/no columns that neither the LP relaxation nor their group's own search takes up."""
    elsewhere: Mapping[str, tuple[Floats, float]] = field(default_factory=dict)
    """Priced cost of the columns of a group at other prices, and its least there, canonical: nothing in the group has
    changed since it was solved at them."""

    def point(self, form: Form) -> Floats:
        """The points of all groups together (canonical), 0 outside of them; it may break coupling rows."""
        x = np.zeros(len(form.columns))
        for block in self.blocks:
            x[block.columns] = self.runs[block.name].x
        return x

    def gaps(self, form: Form, x: Floats) -> dict[str, float]:
        """Gap of a plan (canonical) in each group, as a fraction of the group's cost."""
        return self.distances(form, x, float("-inf")).shares()

    def distances(self, form: Form, x: Floats, bound: float) -> Distances:
        """Largest distances of a plan (canonical) from the bounds of its groups; none exceeds the whole's."""
        whole = max(0.0, form.cost_of(x) - max(bound, self.bound))
        by_group, size = {}, {}
        for block in self.blocks:
            cost = float(self.prices.column[block.columns] @ x[block.columns])
            by_group[block.name] = max(0.0, cost - self.bounds[block.name])
            size[block.name] = abs(float(self.prices.own[block.columns] @ x[block.columns]))
        if len(form.rows_of(*SHARED)):
            by_group[SHARED_BUDGETS] = max(0.0, form.cost_of(x) - self.by_groups - sum(by_group.values()))
            size[SHARED_BUDGETS] = abs(form.cost_of(x))
        for block in self.blocks:
            if block.name in self.elsewhere:
                price, least = self.elsewhere[block.name]
                by_group[block.name] = min(by_group[block.name], max(0.0, float(price @ x[block.columns]) - least))
        # A better plan of a group with the others as they are would be one of the whole.
        return Distances({name: min(far, whole) for name, far in by_group.items()}, size)

    def own_at(self, form: Form, dual: Floats) -> Floats:
        """Cost of each column with rows of costs, and no others, priced at these duals (canonical)."""
        costs = form.rows_of(*COST_ROWS)
        return np.asarray(form.cost - sp.csr_array(form.matrix)[costs].T @ dual[costs])


@dataclass(frozen=True)
class Distances:
    """Savings of a better plan at most, by group, canonical, and costs of the groups."""

    by_group: Mapping[str, float]
    size: Mapping[str, float]

    def shares(self) -> dict[str, float]:
        """Distance of each group as a fraction of its cost."""
        return {name: far / self.size[name] if self.size[name] > 0 else 0.0 for name, far in self.by_group.items()}

    def open(self, money_unit: float, share: float = GROUP_SHARE) -> list[str]:
        """Groups that are further off than this share of their cost and than `GROUP_MONEY_KUSD`."""
        least = GROUP_MONEY_KUSD / money_unit
        return [name for name, far in self.by_group.items() if far > max(share * self.size[name], least)]


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
    part = part_of(replace(taken, row_upper=upper), replace(block, rows=rows), relaxation.prices.own)
    return tried(part, _settings(control, min(GROUP_GAP, control.gap)))


def relax_by_group(
    instance: Instance, form: Form, control: Control, done: Mapping[str, Run] | None = None
) -> Relaxation | None:
    """Price the coupling rows and solve each group; None where the search is ended or a group has no plan at all.

    Groups that are `done` at these prices are not solved again.
    """
    priced = _relaxation_of(instance, form, control)
    if priced is None:
        return None
    relaxed, relaxation = priced
    control.tell("groups")
    blocks, prices, runs = relaxation.blocks, relaxation.prices, dict(done or {})
    left = [block for block in blocks if block.name not in runs]
    parts = [part_of(form, block, prices.column) for block in left]
    found = runs_of(parts, control, min(GROUP_GAP, control.gap))
    runs |= {block.name: run for block, run in zip(left, found, strict=True)}
    solved = zip(parts, found, strict=True)
    _keep(control, form, {block.name: pair for block, pair in zip(left, solved, strict=True)}, relaxed)
    if control.ended() or any(run.termination == Termination.INFEASIBLE for run in runs.values()):
        return None
    return _with_runs(relaxation, relaxed, form, runs)


def relax_around(
    instance: Instance, form: Form, x: Floats, control: Control, done: dict[str, Run]
) -> Relaxation | None:
    """The same with groups solved only where the linear relaxation does not show that a plan (canonical) is near enough
    in them; None where it is not as near as asked for, as a whole and in each. What is solved is put into `done`."""
    priced = _relaxation_of(instance, form, control)
    if priced is None:
        return None
    relaxed, relaxation = priced
    by_name = {block.name: block for block in relaxation.blocks}
    seen: set[str] = set()
    while not control.ended():
        bound = max(relaxation.bound, control.proven.kusd / form.money_unit)
        wide = form.cost_of(x) - bound - control.gap * abs(form.cost_of(x))
        is_open = set(relaxation.distances(form, x, bound).open(form.money_unit))
        open_groups = is_open & by_name.keys()
        if unseen := open_groups - seen:
            seen |= unseen
            elsewhere = _unchanged(form, [by_name[name] for name in sorted(unseen)], control)
            relaxation = replace(relaxation, elsewhere={**relaxation.elsewhere, **elsewhere})
            continue
        far = replace(relaxation, elsewhere={}).distances(form, x, bound).by_group
        left = {name: far[name] for name in by_name if name not in done}
        if wide <= 0.0 and not is_open:
            return relaxation
        wanted = open_groups or left.keys()
        if wide > sum(left.values()) or not wanted or not wanted <= left.keys():
            return None
        name = max(sorted(wanted), key=left.__getitem__)
        part = part_of(form, by_name[name], relaxation.prices.column)
        [done[name]] = runs_of([part], control, min(GROUP_GAP, control.gap))
        _keep(control, form, {name: (part, done[name])}, relaxed)
        relaxation = _with_runs(relaxation, relaxed, form, done)
    return None


def _relaxation_of(instance: Instance, form: Form, control: Control) -> tuple[Run, Relaxation] | None:
    """The linear relaxation, and its parts as those of the groups at its own prices; None where it has no optimum."""
    held = control.held if control.held is not None and control.held.fits(form) else HeldModel(form, control.machine())
    relaxed = held.relaxation(control.left_s())
    if relaxed.x is None or relaxed.row_dual is None:
        return None
    prices = prices_at(form, relaxed.row_dual, form.rows_of(*COUPLING))
    none = Relaxation(tuple(split(instance, form)), prices, {}, {}, float("-inf"), float("-inf"), NO_COLUMNS)
    return relaxed, _with_runs(none, relaxed, form, {})


def _with_runs(relaxation: Relaxation, relaxed: Run, form: Form, found: Mapping[str, Run]) -> Relaxation:
    """The bounds that runs of groups give; where there is none, or a limit left no plan or no bound, the linear
    relaxation's part has both: it is the least at these prices."""
    assert relaxed.x is not None
    prices, runs, bounds, taken = relaxation.prices, {}, {}, relaxed.x > WHOLE
    for block in relaxation.blocks:
        run = found.get(block.name, STOPPED)
        least = float(prices.column[block.columns] @ relaxed.x[block.columns])
        bounds[block.name] = run.bound if isfinite(run.bound) else least
        x = relaxed.x[block.columns] if run.x is None else run.x
        runs[block.name] = run if run.x is not None else replace(run, x=x, objective=least)
        taken[block.columns] |= x > WHOLE
    by_groups = bound_of_parts([prices.constant, _rest(form, relaxation.blocks, prices), *bounds.values()])
    idle = np.flatnonzero(form.integer & ~taken)
    return replace(
        relaxation, runs=runs, bounds=bounds, by_groups=by_groups, bound=max(by_groups, relaxed.objective), idle=idle
    )


def _keep(control: Control, form: Form, solved: Mapping[str, tuple[Form, Run]], relaxed: Run) -> None:
    """Keep groups that were solved at the prices of a relaxation, for the next model."""
    if control.held is None or relaxed.row_dual is None:
        return
    dual_kusd = relaxed.row_dual * form.money_unit / form.row_unit
    for name, (part, run) in solved.items():
        if isfinite(run.bound):
            control.held.before.groups[name] = SolvedGroup(part, run, dual_kusd)


def _unchanged(form: Form, blocks: Sequence[Block], control: Control) -> dict[str, tuple[Floats, float]]:
    """Groups in which, at the prices at which they were solved for a model before, nothing has changed since: their
    priced costs and bounds."""
    found: dict[str, tuple[Floats, float]] = {}
    columns: dict[int, Floats] = {}
    solved = {} if control.held is None else control.held.before.groups
    for block in blocks:
        if (held := solved.get(block.name)) is None:
            continue
        if id(held.dual_kusd) not in columns:
            dual = held.dual_kusd * form.row_unit / form.money_unit
            columns[id(held.dual_kusd)] = prices_at(form, dual, form.rows_of(*COUPLING)).column
        part = part_of(form, block, columns[id(held.dual_kusd)])
        if part.has_numbers_of(held.part):
            found[block.name] = part.cost, held.run.bound
    return found


def runs_of(parts: Sequence[Form], control: Control, gap: float) -> list[Run]:
    """Runs of models of groups, in their order, by as many threads as the control has: none changes another."""

    def run(part: Form) -> Run:
        return STOPPED if control.ended() else tried(part, _settings(control, gap))

    if control.threads is None or control.threads == 1 or len(parts) < 2:
        return [run(part) for part in parts]
    with ThreadPoolExecutor(control.threads) as threads:
        return list(threads.map(run, parts))


def split(instance: Instance, form: Form) -> Iterator[Block]:
    """The blocks that are left when the coupling rows are taken out, those with a commodity only.

    A mineral group is never cut: its commodities stay together though no recipe may tie them.
    """
    free_rows = np.setdiff1d(np.arange(form.matrix.shape[0]), form.rows_of(*COUPLING))
    links = sp.csr_array(form.matrix)[free_rows]
    balances = [part for part in form.rows.ranges if part.component == commodity_balances.name]
    commodities = instance.scenario.commodities
    names = sorted({commodities[key[0]].mineral_group for part in balances for key in part.factors[0]})
    number_of = {name: number for number, name in enumerate(names)}
    group = [part.numbers(lambda key: number_of[commodities[key[0]].mineral_group]) for part in balances]
    position = np.searchsorted(free_rows, form.rows_of(commodity_balances.name))
    of_group = sp.csr_array(
        (np.ones(len(position)), (position, np.concatenate(group, dtype=np.int64, casting="unsafe"))),
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
    return quoted(group) if "+" in group or "'" in group or group == SHARED_BUDGETS else group


def prices_at(form: Form, dual: Floats, joint: Ints) -> Prices:
    """The objective with rows that groups share priced at their duals; shape of `dual`: (rows,)."""
    costs, priced = form.rows_of(*COST_ROWS), dual[joint]
    # A dual is positive on a binding lower side and negative on a binding upper one.
    side = np.where(priced > 0, form.row_lower[joint], form.row_upper[joint])
    rows = sp.csr_array(form.matrix)
    return Prices(
        column=form.cost - rows[joint].T @ priced,
        own=form.cost - rows[costs].T @ dual[costs],
        constant=form.offset + float(sum(y * b for y, b in zip(priced, side, strict=True) if y != 0)),
    )


def part_of(form: Form, block: Block, cost: Floats) -> Form:
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


def _settings(control: Control, gap: float) -> Settings:
    return replace(
        control.machine(),
        gap=gap,
        time_limit_s=control.left_s(),
        nodes=GROUP_NODES,
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
