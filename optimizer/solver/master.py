"""The master: a small model that chooses a plan for each group of minerals, with all rows that groups share.

Its columns are plans of groups, each with its cost and its use of the shared rows, and the columns that belong to no
group: costs of nodes, what lies in the tail. So budgets and the comparison of futures are exact in it; its duals price
them for the next plans, and its whole solution is a plan of all, or close to one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.groups import SHARED, Block, Prices, prices_at
from lodeplan.optimizer.solver.highs import Settings, tried
from lodeplan.optimizer.solver.labels import Labels

NODES = 5000
"""Nodes of the search for the best choice at most; where it stops there, its choice is as good as any other."""
GAP = 1e-6
"""Relative gap of that search."""
SAME = 1e-9
"""Two plans of a group whose costs and uses differ by less, relative, are one."""
CHOSEN = 1e-4
"""A share of a plan between this and one less this is neither taken nor left."""


@dataclass(frozen=True)
class GroupPlan:
    """A plan of one group."""

    x: Floats
    """Value of each of the group's columns, canonical."""
    cost: float
    """In the objective by itself; costs that stand in rows are in `use`."""
    use: Floats
    """Of each shared row."""


@dataclass(frozen=True)
class Choice:
    """A solution of the master."""

    objective: float
    shares: tuple[Floats, ...]
    """By group, the share of each of its plans."""
    dual: Floats
    """Of each row of the whole that belongs to no group; 0 of the others. Shape (rows,)."""

    def undecided(self) -> list[int]:
        """Groups that take a part of a plan."""
        return [
            number for number, shares in enumerate(self.shares) if ((shares > CHOSEN) & (shares < 1.0 - CHOSEN)).any()
        ]


class Master:
    """The model of choices among the plans that are known of each group."""

    def __init__(self, form: Form, blocks: tuple[Block, ...], settings: Settings) -> None:
        self.form, self.blocks = form, blocks
        self._settings = settings
        rows = sp.csr_array(form.matrix)
        self.rows = _in_no(form.matrix.shape[0], [block.rows for block in blocks])
        self.outside = _in_no(form.matrix.shape[1], [block.columns for block in blocks])
        joint = rows[self.rows]
        self._outside = sp.csc_array(joint[:, self.outside])
        self._use = [sp.csr_array(joint[:, block.columns]) for block in blocks]
        self.shared = np.flatnonzero(np.isin(self.rows, form.rows_of(*SHARED)))
        self.plans: list[list[GroupPlan]] = [[] for _ in blocks]

    def add(self, group: int, x: Floats | None) -> bool:
        """Take a plan of a group (canonical values of its columns); false where it is none, or known."""
        if x is None:
            return False
        plan = GroupPlan(x, float(self.form.cost[self.blocks[group].columns] @ x), self._use[group] @ x)
        if any(_alike(plan, known) for known in self.plans[group]):
            return False
        self.plans[group].append(plan)
        return True

    def add_all(self, x: Floats) -> int:
        """Take the plans of all groups in a point (canonical) of the whole; how many of them were not known."""
        return sum(self.add(group, x[block.columns]) for group, block in enumerate(self.blocks))

    def uses(self, group: int, x: Floats) -> Floats:
        """Use of each budget by a group in a point (canonical) of the whole."""
        return np.asarray((self._use[group] @ x[self.blocks[group].columns])[self.shared])

    def relaxed(self) -> Choice | None:
        """The best mix of plans, with its duals; where budgets leave none, the one that breaks them least."""
        form = self._model()
        run = tried(form.relaxed(), self._settings)
        if run.x is None or run.row_dual is None:
            run = tried(self._with_broken_budgets(form).relaxed(), self._settings)
        if run.x is None or run.row_dual is None:
            return None
        dual = np.zeros(self.form.matrix.shape[0])
        dual[self.rows] = run.row_dual[: len(self.rows)]
        return Choice(run.objective, self._shares(run.x), dual)

    def chosen(self) -> tuple[float, Floats] | None:
        """The best choice of one plan a group: its objective, and the point (canonical) of the groups, 0 elsewhere."""
        run = tried(self._model(), replace(self._settings, gap=GAP, nodes=NODES))
        if run.x is None:
            return None
        x = np.zeros(len(self.form.cost))
        for block, plans, shares in zip(self.blocks, self.plans, self._shares(run.x), strict=True):
            x[block.columns] = plans[int(shares.argmax())].x
        return run.objective, x

    def prices(self, dual: Floats) -> tuple[Prices, float]:
        """The objective with the master's rows priced, and the least cost of the columns of no group at it."""
        prices = prices_at(self.form, dual, self.rows)
        price = prices.column[self.outside]
        lower, upper = self.form.column_lower[self.outside], self.form.column_upper[self.outside]
        rest = np.where(price > 0, lower, upper)
        endless = ~np.isfinite(rest) & (np.abs(price) > 1e-7 * (1.0 + np.abs(self.form.cost[self.outside])))
        if endless.any():
            return prices, float("-inf")
        return prices, prices.constant + float(price @ np.where(np.isfinite(rest), rest, 0.0))

    def _model(self) -> Form:
        """Rows: those of no group, and one a group, of which one plan is taken. Columns: those of no group, plans."""
        form, counts = self.form, [len(plans) for plans in self.plans]
        plans = [plan for known in self.plans for plan in known]
        use = sp.csc_array(np.array([plan.use for plan in plans]).T)
        of_group = np.repeat(np.arange(len(counts)), counts)
        one = sp.csc_array((np.ones(len(plans)), (of_group, np.arange(len(plans)))), shape=(len(counts), len(plans)))
        none = sp.csc_array((len(counts), len(self.outside)))
        return replace(
            form,
            matrix=sp.csc_array(sp.block_array([[self._outside, use], [none, one]])),
            cost=np.append(form.cost[self.outside], [plan.cost for plan in plans]),
            row_lower=np.append(form.row_lower[self.rows], np.ones(len(counts))),
            row_upper=np.append(form.row_upper[self.rows], np.ones(len(counts))),
            column_lower=np.append(form.column_lower[self.outside], np.zeros(len(plans))),
            column_upper=np.append(form.column_upper[self.outside], np.ones(len(plans))),
            integer=np.append(form.integer[self.outside], np.ones(len(plans), bool)),
            columns=Labels(()),
            rows=Labels(()),
        )

    def _with_broken_budgets(self, form: Form) -> Form:
        """The same with budgets that may be broken, dearer than anything that they buy."""
        count, price = len(self.shared), 1e3 * max(1.0, float(np.abs(form.cost).max(initial=0.0)))
        broken = sp.csc_array((-np.ones(count), (self.shared, np.arange(count))), shape=(form.matrix.shape[0], count))
        return replace(
            form,
            matrix=sp.csc_array(sp.hstack([form.matrix, broken])),
            cost=np.append(form.cost, np.full(count, price)),
            column_lower=np.append(form.column_lower, np.zeros(count)),
            column_upper=np.append(form.column_upper, np.full(count, np.inf)),
            integer=np.append(form.integer, np.zeros(count, bool)),
        )

    def _shares(self, x: Floats) -> tuple[Floats, ...]:
        ends = np.cumsum([len(self.outside), *(len(plans) for plans in self.plans)])
        return tuple(x[begin:end] for begin, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))


def _in_no(count: int, parts: list[Ints]) -> Ints:
    inside = np.zeros(count, bool)
    for part in parts:
        inside[part] = True
    return np.flatnonzero(~inside)


def _alike(one: GroupPlan, other: GroupPlan) -> bool:
    same = abs(one.cost - other.cost) <= SAME * (1.0 + abs(other.cost))
    return bool(same and (np.abs(one.use - other.use) <= SAME * (1.0 + np.abs(other.use))).all())
