"""Branches that have no weight in the objective: they are decided last, each on its own.

A stress test, a future too unlikely to move a sum, a future outside the tail where only the tail weighs: whatever
happens there, the objective is the same, so the search leaves it as it comes. With everything before them fixed these
branches are trees apart; each is made as cheap as can be at its futures' own conditional probabilities, without a
tested limit exceeded any further and without a future above the value at risk, or worse than the worst, that was not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.model.declare import Couples
from lodeplan.optimizer.model.registry import constraints_in, coupling
from lodeplan.optimizer.model.scales import Sizes
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.prepare.tree import MIN_PROBABILITY, Tree
from lodeplan.optimizer.prepare.weights import TIE_BREAKER
from lodeplan.optimizer.solver.control import Control
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.highs import Run, tried
from lodeplan.optimizer.solver.labels import Labels
from lodeplan.optimizer.solver.least import least_by_duals
from lodeplan.optimizer.solver.money import added_up, costs_by_node, money_weights
from lodeplan.optimizer.solver.ray import find_rays
from lodeplan.optimizer.solver.search import GRACE_S, Answer, Branch
from lodeplan.optimizer.solver.tolerances import ROUNDING, borne_out, gap_of
from lodeplan.schemas.plan import Solution, Termination

LIGHT = 1e-4
"""Weight of a kUSD, not discounted, below which a node weighs nothing: the solver's tolerance is near."""
DECISIONS_GAP = 1e-4
"""Relative gap to which a branch's own yes/no decisions are searched, or the gap asked for where that is less."""
TIGHTER = (0.0, 1e-7, 1e-6, 1e-5)
"""By how much what must not rise is held down, relative, one after another until the first objective stays."""


@dataclass(frozen=True)
class _Held:
    """What all branches are settled against."""

    instance: Instance
    form: Form
    flows: sp.csr_array
    """Rows of the form but those of costs, which are empty."""
    costs: sp.csr_array
    """kUSD of each node per canonical unit of each column, discounted."""
    short: sp.csr_array
    """The same of shortages alone."""
    node: Ints
    """Node of each column that can be settled, else -1."""
    control: Control

    @classmethod
    def of(cls, instance: Instance, form: Form, control: Control) -> _Held:
        node = form.columns.last_in({name: node for node, name in enumerate(instance.tree.names)})
        node[form.columns_of("cost", "excess")] = -1
        keep = np.ones(len(form.rows))
        keep[form.rows_of(*constraints_in(Sizes.money))] = 0.0
        discounted = sp.diags_array(instance.tree.discount) @ costs_by_node(instance, form)
        costs = sp.csr_array(discounted @ sp.diags_array(form.column_unit))
        is_short = np.zeros(len(form.columns))
        is_short[form.columns_of("short")] = 1.0
        return cls(
            instance=instance,
            form=form,
            flows=sp.csr_array(sp.diags_array(keep) @ form.matrix),
            costs=costs,
            short=sp.csr_array(costs @ sp.diags_array(is_short)),
            node=node,
            control=control,
        )

    def aim(self, share: Floats) -> Floats:
        """Objective of a branch, canonical, by column, with the share of each node in it; shape (columns,)."""
        if self.instance.scenario.risk.objective == "expected_shortage":
            return np.asarray(
                (TIE_BREAKER * (share @ self.costs) + (1.0 - TIE_BREAKER) * (share @ self.short)) / self.form.money_unit
            )
        return np.asarray(share @ self.costs) / self.form.money_unit


def settle_branches(instance: Instance, form: Form, answer: Answer, control: Control) -> Answer:
    """The answer with each branch that weighs nothing as cheap as it can be; the objective stays as it is."""
    if answer.x is None:
        return answer
    tree = instance.tree
    starts = list(_branches(tree, money_weights(instance, form, answer.row_dual) / tree.discount))
    if not starts:
        return answer
    held = _Held.of(instance, form, control)
    for start, share in starts:
        answer = _settled(held, answer, start, share)
        if answer.x is None:
            break
    return answer


def _branches(tree: Tree, weight: Floats) -> Iterator[tuple[int, Floats]]:
    """First node of each branch and the share of every node in it, those that may come before those that only test.

    A test that departs from a branch which may come is settled after it: it must not sway what is decided there.
    """
    kept = {above for node in np.flatnonzero(weight >= LIGHT).tolist() for above in tree.back(node)}
    may_come = tree.probability > MIN_PROBABILITY
    through = np.zeros(len(tree))
    for leaf in tree.leaf:
        through[tree.path(leaf)] += 1.0
    for node in range(len(tree)):
        if node not in kept and may_come[node] and tree.parent[node] in kept:
            below = np.array([node in tree.ancestors[other] and may_come[other] for other in range(len(tree))])
            yield node, np.where(below, tree.probability / tree.probability[node], 0.0)
    for node in range(len(tree)):
        if not may_come[node] and (tree.parent[node] < 0 or may_come[tree.parent[node]]):
            below = np.array([node in tree.ancestors[other] for other in range(len(tree))])
            yield node, np.where(below, through, 0.0)


def _settled(held: _Held, answer: Answer, start: int, share: Floats) -> Answer:
    """The answer with one branch settled; as it came where the solver fails or the objective would rise."""
    form, before = held.form, answer.objective_kusd
    x = np.asarray(answer.x) / form.column_unit
    tree = held.instance.tree
    inside = np.array([start in tree.ancestors[node] for node in range(len(tree))])
    columns = np.flatnonzero((held.node >= 0) & inside[held.node])
    loosest = _part(held, (columns, x), (inside, share), 0.0)
    for tighter in TIGHTER:
        part = _part(held, (columns, x), (inside, share), tighter) if tighter else loosest
        run, gap = _searched(part, x[columns], held.control)
        if run.termination == Termination.UNBOUNDED:
            return Answer(Termination.UNBOUNDED, Solution.NONE, rays=tuple(_rays(form, part, columns)))
        if run.x is None:
            break
        y = x.copy()
        y[columns] = run.x
        y = added_up(form, y)
        objective = form.cost_of(y) * form.money_unit
        if objective <= before + ROUNDING * max(1.0, abs(before)):
            known = gap if part is loosest or gap is None else float("inf")
            return _with_branch(held, answer, (y, objective), _Found(start, share, columns, loosest, run, known))
    unknown = Branch(tree.names[start], held.form.money_unit * float(held.aim(share) @ x), None, None)
    return replace(answer, branches=(*answer.branches, unknown))


@dataclass(frozen=True)
class _Found:
    """A branch and how it was settled."""

    start: int
    share: Floats
    columns: Ints
    part: Form
    """Its model with nothing held down further than need be."""
    run: Run
    gap: float | None
    """Of its own yes/no decisions; infinite where nothing is proven of them, None where it has none."""

    def bound(self) -> float:
        """What it costs at least with its decisions as they are, canonical."""
        assert self.run.x is not None
        assert self.run.row_dual is not None
        whole = np.flatnonzero(self.part.integer)
        decided = self.part.with_bounds(whole, np.round(self.run.x[whole])).relaxed()
        return least_by_duals(decided, self.run.row_dual, decided.cost_of(self.run.x))


def _with_branch(held: _Held, answer: Answer, point: tuple[Floats, float], found: _Found) -> Answer:
    form, instance = held.form, held.instance
    money, rows = form.money_unit, np.array([row.key[0] for row in found.part.rows if row.component == "row"], np.int64)
    row_dual, column_dual, weight = (
        array.copy() if array is not None else np.full(size, np.nan)
        for array, size in (
            (answer.branch_row_dual, len(form.rows)),
            (answer.branch_column_dual, len(form.columns)),
            (answer.branch_weight, len(instance.tree)),
        )
    )
    assert found.run.row_dual is not None
    assert found.run.column_dual is not None
    named = found.share[held.node[found.columns]] > 0
    own = found.columns[named]
    column_dual[own] = found.run.column_dual[named] * money / form.column_unit[own]
    row_dual[rows] = found.run.row_dual[: len(rows)] * money / form.row_unit[rows]
    main = TIE_BREAKER if instance.scenario.risk.objective == "expected_shortage" else 1.0
    counted = found.share > 0
    weight[counted] = main * found.share[counted] * instance.tree.discount[counted]
    x, objective = point
    bound, cost = money * found.bound(), money * float(held.aim(found.share) @ x)
    known = isfinite(bound) and (found.gap is None or isfinite(found.gap))
    branch = Branch(instance.tree.names[found.start], cost, *((bound, found.gap) if known else (None, None)))
    return replace(
        answer,
        x=x * form.column_unit,
        objective_kusd=objective,
        bound_kusd=borne_out(answer.bound_kusd, objective),
        branches=(*answer.branches, branch),
        branch_row_dual=row_dual,
        branch_column_dual=column_dual,
        branch_weight=weight,
    )


def _part(held: _Held, at: tuple[Ints, Floats], of: tuple[np.ndarray, Floats], tighter: float) -> Form:
    """The model of a branch: its columns, the rows they stand in with all else fixed, and what must not rise."""
    (columns, x), (inside, share), form = at, of, held.form
    own = sp.csr_array(held.flows[:, columns])
    rows = np.flatnonzero(np.diff(own.indptr))
    own, value = own[rows], held.flows[rows] @ x
    decided = np.setdiff1d(np.arange(len(x)), columns)
    fixed = held.flows[rows][:, decided] @ x[decided]
    aim = held.aim(share)
    kept = list(_kept_down(held, x, inside, tighter))
    extra = sp.csr_array(np.array([coefficients[columns] for coefficients, _ in kept]).reshape(len(kept), len(columns)))
    most = [limit - float(coefficients[decided] @ x[decided]) for coefficients, limit in kept]
    return replace(
        form,
        matrix=sp.csc_array(sp.vstack([own, extra])),
        cost=aim[columns],
        offset=float(aim[decided] @ x[decided]),
        # The point itself breaks no row beyond the solver's tolerance; it must not be shut out by as little.
        row_lower=np.append(np.minimum(form.row_lower[rows], value) - fixed, np.full(len(kept), -np.inf)),
        row_upper=np.append(np.maximum(form.row_upper[rows], value) - fixed, most),
        column_lower=np.minimum(form.column_lower[columns], x[columns]),
        column_upper=np.maximum(form.column_upper[columns], x[columns]),
        integer=form.integer[columns],
        columns=form.columns.picked(columns),
        rows=Labels.numbered("row", rows) + Labels.numbered("kept_down", np.arange(len(kept))),
        column_unit=form.column_unit[columns],
        row_unit=np.append(form.row_unit[rows], np.ones(len(kept))),
    )


def _kept_down(held: _Held, x: Floats, inside: np.ndarray, tighter: float) -> Iterator[tuple[Floats, float]]:
    """Sums over all columns that may not exceed a limit: tested slack, and costs of futures that are compared."""
    form, instance, tree = held.form, held.instance, held.instance.tree
    tested = np.zeros(len(form.cost))
    slack = form.columns_of("slack")
    in_test = slack[(inside & (tree.probability <= MIN_PROBABILITY))[held.node[slack]]] if len(slack) else slack
    tested[in_test] = form.cost[in_test]
    if tested.any():
        yield _scaled(tested, float(tested @ x), tighter)
    shared = form.columns_of("value_at_risk", "worst")
    for row in form.rows_of(*coupling(Couples.FUTURES)).tolist():
        name = str(form.rows[row].key[0])
        path = tree.path(tree.leaf[tree.future_names.index(name)])
        if inside[path].any():
            along = np.zeros(len(tree))
            along[path] = 1.0
            cost = np.asarray(along @ held.costs) / form.money_unit
            level_kusd = float(x[shared[0]] * form.column_unit[shared[0]]) + instance.best_kusd.get(name, 0.0)
            yield _scaled(cost, max(level_kusd / form.money_unit, float(cost @ x)), tighter)


def _scaled(coefficients: Floats, limit: float, tighter: float) -> tuple[Floats, float]:
    size = float(np.abs(coefficients).max())
    return coefficients / size, (limit - tighter * abs(limit)) / size


def _searched(part: Form, x: Floats, control: Control) -> tuple[Run, float | None]:
    """The branch's decisions, if it has any, and the optimum of the rest with them; the gap of the decisions."""
    left = control.left_s()
    limit = None if left is None else max(left, GRACE_S)
    options = replace(control.machine(), gap=min(control.gap, DECISIONS_GAP), time_limit_s=limit)
    if not part.integer.any():
        return tried(part, options), None
    first = tried(part, options)
    if first.termination == Termination.UNBOUNDED:
        return first, None
    point = x if first.x is None else first.x
    whole = np.flatnonzero(part.integer)
    run = tried(part.with_bounds(whole, np.round(point[whole])).relaxed(), options)
    return run, gap_of(run.objective, first.bound)


def _rays(form: Form, part: Form, columns: Ints) -> Iterator[Floats]:
    """Directions without end of a branch as directions of the whole model, in its own units."""
    for ray in find_rays(part):
        whole = np.zeros(len(form.columns))
        whole[columns] = ray
        yield whole
