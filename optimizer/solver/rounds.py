"""The search along groups: plans of groups in rounds, a master that chooses among them, and what budgets leave.

The master prices what groups share; each group answers with its best plan at these prices, among the decisions worth
taking. Prices do not see budgets in units, so the plans that a budget asks for are looked for by themselves: of each
group within what the others leave, of the groups that the master leaves undecided together, and, where the model is
small enough, of all at once to begin with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver.control import Control
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.groups import GROUP_SHARE, Block, Relaxation, part_of, runs_of
from lodeplan.optimizer.solver.highs import Run, tried
from lodeplan.optimizer.solver.master import Choice, Master
from lodeplan.optimizer.solver.search import Answer, with_decisions
from lodeplan.optimizer.solver.tolerances import ROUNDING, WHOLE, bound_of_parts, gap_of

WHOLE_FIRST_BELOW_NONZEROS = 300_000
"""Below it a coarse search of all groups together gives the first plans, from it on the master's prices do."""
COARSE = 2.5e-3
"""The coarse search stops this near the groups' bound, relative."""
FINE = 1e-4
"""Relative gap of a group's search among the decisions worth taking; of a group below it nothing better is sought."""
WORTHWHILE = 2.5e-4
"""Relative gap of the whole down to which steps that cost little go on, though less be asked for."""
WORTHWHILE_OF_GROUP = 5e-3
"""The same of each group."""
CHEAP_NONZEROS = 100_000
"""A joint search of groups with more nonzeros than this is no cheap step: it is made only where that much is asked."""
MORE = 2
"""So many of the largest users of budgets join the groups that the master leaves undecided."""

Step = Callable[[], int]


@dataclass
class _State:
    """What the search holds."""

    form: Form
    relaxation: Relaxation
    control: Control
    master: Master
    taken: Form
    """The form without the decisions set aside."""
    best: Answer | None = None
    within: set[bytes] = field(default_factory=set)
    """Digests of the models of single groups within what the others leave that were searched: again finds the same."""

    @property
    def x(self) -> Floats:
        """The best plan, canonical."""
        assert self.best is not None
        return np.asarray(self.best.x) / self.form.column_unit

    def asked(self) -> bool:
        """True if the best plan is as near to the bound as asked for, as a whole and in each group."""
        return self._within(self.control.gap, GROUP_SHARE)

    def good(self) -> bool:
        """True if no cheap step is worth its time any more."""
        return self._within(min(self.control.gap, WORTHWHILE), WORTHWHILE_OF_GROUP)

    def _within(self, gap: float, of_group: float) -> bool:
        if self.best is None:
            return False
        bound = self.control.proven.hold_against(self.best.objective_kusd)
        if gap_of(self.best.objective_kusd, bound) > gap:
            return False
        distances = self.relaxation.distances(self.form, self.x, bound / self.form.money_unit)
        return not distances.open(self.form.money_unit, of_group)


def search_along_groups(form: Form, relaxation: Relaxation, known: Sequence[Floats], control: Control) -> Answer | None:
    """Find a plan by way of the groups' plans; `known` points (canonical) give the first ones. None where it fails.

    Threads solve groups at the same time; their plans join the master in the groups' order, so their number changes
    nothing in the plan.
    """
    taken = form.with_bounds(relaxation.idle, np.zeros(len(relaxation.idle)))
    state = _State(form, relaxation, control, Master(form, relaxation.blocks, control.machine()), taken)
    for number, block in enumerate(relaxation.blocks):
        state.master.add(number, relaxation.runs[block.name].x)
    for x in known:
        state.master.add_all(x)
    control.tell("master")
    if form.nonzeros < WHOLE_FIRST_BELOW_NONZEROS:
        _coarse(state)
    if not control.ended():
        _round(state)
    if not _settle(state):
        return None
    _improve(state)
    return state.best


def _improve(state: _State) -> None:
    """Steps that see budgets in units, and more rounds of prices, until the plan is good, or as good as asked for."""
    done: set[tuple[int, ...]] = set()
    steps: list[tuple[Callable[[], bool], Step]] = [
        (state.good, lambda: _final(state)),
        (state.asked, lambda: _round(state)),
        (state.good, lambda: _joint(state, 0, done)),
        (state.asked, lambda: _joint(state, MORE, done)),
        (state.asked, lambda: _joint(state, len(state.master.blocks), done)),
        (state.asked, lambda: _all_decisions(state)),
    ]
    at = 0
    while at < len(steps):
        enough, step = steps[at]
        if state.control.ended() or enough():
            return
        better = step() > 0 and _settle(state)
        # What is cheaper may help once more after a step that found something.
        at = 0 if better and at > 0 else at if better else at + 1


def _coarse(state: _State) -> None:
    """Plans of all groups from a search of them together that stops where it is near their bound."""
    form, bound = state.taken, state.relaxation.bound
    target = bound + COARSE * abs(bound)
    settings = replace(
        state.control.settings("search", form.money_unit), gap=0.5 * state.control.gap, on_incumbent=None
    )
    run = tried(form, replace(settings, options={**settings.options, "objective_target": target}))
    if run.x is not None:
        state.master.add_all(run.x)


def _round(state: _State) -> int:
    """One plan a group at the master's prices, among the decisions taken; how many of them are new."""
    choice = state.master.relaxed()
    if choice is None:
        return 0
    prices, _ = state.master.prices(choice.dual)
    runs = _solved(state, [part_of(state.taken, block, prices.column) for block in state.master.blocks])
    return sum(state.master.add(number, run.x) for number, run in enumerate(runs))


def _settle(state: _State) -> bool:
    """Let the master choose, and solve for everything else; true where that is cheaper than what is held."""
    chosen = state.master.chosen()
    if chosen is None:
        return False
    objective, x = chosen
    money, best = state.form.money_unit, state.best
    if best is not None and objective * money >= best.objective_kusd - ROUNDING * abs(best.objective_kusd):
        return False
    found = with_decisions(state.form, x, objective * money, state.control)
    if found is None:
        return False
    if best is not None and found.objective_kusd >= best.objective_kusd - ROUNDING * abs(best.objective_kusd):
        return False
    state.best = found
    state.master.add_all(state.x)
    state.control.tell("master", found.objective_kusd)
    return True


def _own(state: _State) -> Floats:
    """Cost of each column with costs of nodes weighed as in the plan that is held, and budgets priced at nothing."""
    assert state.best is not None
    assert state.best.row_dual is not None
    form = state.form
    return state.relaxation.own_at(form, state.best.row_dual * form.row_unit / form.money_unit)


def _final(state: _State) -> int:
    """Plans of groups that are off, each at its own cost within what the others leave; how many are new."""
    x, own = state.x, _own(state)
    gaps = state.relaxation.distances(state.form, x, float("-inf")).shares()
    off = [number for number, block in enumerate(state.master.blocks) if gaps[block.name] > FINE]
    models = {number: _within_what_is_left(state, [number], own) for number in off}
    digests = {number: _digest(model) for number, model in models.items()}
    new = {number: model for number, model in models.items() if digests[number] not in state.within}
    state.within.update(digests.values())
    runs = _solved(state, list(new.values()))
    return sum(_added_if_cheaper(state, [number], run, own) for number, run in zip(new, runs, strict=True))


def _joint(state: _State, more: int, done: set[tuple[int, ...]]) -> int:
    """Plans of the groups that the master leaves undecided, and of `more` large users of budgets, searched together."""
    choice = state.master.relaxed()
    if choice is None:
        return 0
    groups = choice.undecided()
    groups += [number for number in _users(state, choice) if number not in groups][:more]
    joined = tuple(sorted(groups))
    if len(joined) < 2 or joined in done or (more == 0 and state.asked() and _nonzeros(state, joined) > CHEAP_NONZEROS):
        return 0
    done.add(joined)
    own = _own(state)
    [run] = _solved(state, [_within_what_is_left(state, joined, own)])
    return _added_if_cheaper(state, joined, run, own)


def _users(state: _State, choice: Choice) -> Iterator[int]:
    """Groups that use priced budgets, the largest user first, by what their use is worth."""
    worth = np.abs(choice.dual[state.master.rows][state.master.shared])
    use = [float(worth @ np.abs(state.master.uses(number, state.x))) for number in range(len(state.master.blocks))]
    return (number for number in np.argsort(-np.array(use), kind="stable").tolist() if use[number] > 0)


def _all_decisions(state: _State) -> int:
    """One round over all decisions at the master's prices: it may raise the bound, and takes up what was set aside."""
    choice = state.master.relaxed()
    if choice is None:
        return 0
    prices, rest = state.master.prices(choice.dual)
    runs = _solved(state, [part_of(state.form, block, prices.column) for block in state.master.blocks])
    if isfinite(rest):
        state.control.proven.add(bound_of_parts([rest, *(run.bound for run in runs)]) * state.form.money_unit)
    taken = np.zeros(len(state.form.cost), bool)
    for block, run in zip(state.master.blocks, runs, strict=True):
        if run.x is not None:
            taken[block.columns] = run.x > WHOLE
    idle = state.relaxation.idle[~taken[state.relaxation.idle]]
    state.taken = state.form.with_bounds(idle, np.zeros(len(idle)))
    return sum(state.master.add(number, run.x) for number, run in enumerate(runs))


def _within_what_is_left(state: _State, groups: Sequence[int], own: Floats) -> Form:
    """The model of some groups at their own cost, with what all others leave of the budgets, or what they use."""
    master, form, x = state.master, state.form, state.x
    shared = master.rows[master.shared]
    mine = sum((master.uses(number, x) for number in groups), np.zeros(len(shared)))
    all_use = sum((master.uses(number, x) for number in range(len(master.blocks))), np.zeros(len(shared)))
    others = all_use - mine
    upper, lower = form.row_upper.copy(), form.row_lower.copy()
    upper[shared] = np.maximum(upper[shared] - others, mine)
    lower[shared] = np.minimum(lower[shared] - others, mine)
    joined = Block(
        name=" + ".join(master.blocks[number].name for number in groups),
        columns=_together([master.blocks[number].columns for number in groups]),
        rows=_together([*(master.blocks[number].rows for number in groups), shared]),
    )
    return part_of(replace(state.taken, row_upper=upper, row_lower=lower), joined, own)


def _added_if_cheaper(state: _State, groups: Sequence[int], run: Run, own: Floats) -> int:
    if run.x is None:
        return 0
    columns = _together([state.master.blocks[number].columns for number in groups])
    before = float(own[columns] @ state.x[columns])
    if float(own[columns] @ run.x) >= before - ROUNDING * abs(before):
        return 0
    ends = np.cumsum([len(state.master.blocks[number].columns) for number in groups])[:-1]
    parts = np.split(run.x, ends)
    return sum(state.master.add(number, part) for number, part in zip(groups, parts, strict=True))


def _solved(state: _State, parts: Sequence[Form]) -> list[Run]:
    """Runs of these models in their order, by as many threads as the control has."""
    return runs_of(parts, state.control, min(FINE, state.control.gap))


def _digest(model: Form) -> bytes:
    """Digest of the numbers in which models of one group within what the others leave differ."""
    arrays = (model.cost, model.row_lower, model.row_upper, model.column_lower, model.column_upper)
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).digest()


def _nonzeros(state: _State, groups: Sequence[int]) -> int:
    columns = _together([state.master.blocks[number].columns for number in groups])
    return int(np.diff(state.form.matrix.indptr)[columns].sum())


def _together(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts)
