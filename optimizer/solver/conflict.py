"""Why a scenario is infeasible: the least that would have to give way, by limit, in sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.highs import Settings, tried
from lodeplan.optimizer.solver.labels import Label

TIME_LIMIT_S = 60.0
GAP = 1e-4
"""Relative gap to which the least relaxation is searched: amounts are told to four digits."""
GIVES_WAY = 1e-6
"""Canonical units of a row; what gives way by less is within the solver's tolerance."""
SENTENCES = {
    "budget_is_kept": "Limit {0!r} would have to be exceeded by {amount:,.4g} {unit} in {node}.",
    "share_stays_below_cap": "Share cap {0!r} would have to be exceeded by {amount:,.4g} t/y in {node}.",
    "minimum_share_is_kept": "Minimum share {0!r} would lack {amount:,.4g} t/y in {node}.",
    "reliance_stays_below_cap": "Net import reliance {0!r} would have to be exceeded by {amount:,.4g} t/y in {node}.",
    "index_stays_below_cap": "Concentration cap {0!r} would have to be exceeded by {amount:,.4g} t/y in {node}.",
    "facility_keeps_running": "{0!r} cannot run at its minimum utilisation in {node}: {amount:,.4g} t/y lack.",
    "activity_grows_within_limit": "{0!r} would have to grow by {amount:,.4g} t/y more than its limit in {node}.",
    "reserves_are_not_exceeded": "The reserves of {0!r} would have to be larger by {amount:,.4g} t ({node}).",
    "demand_takes_clean_material": "Source ban {1!r} of {0!r} would have to let {amount:,.4g} t/y pass in {node}.",
    "stock_is_replenished": "Stockpile {0!r} cannot be replenished in time, by {node}.",
    "shortage_stays_below_floor": "Service floor {0!r} lacks {amount:,.4g} t/y for {1!r} in {node}.",
    "stock_covers_target": "Stockpile {0!r} would miss its cover target or end minimum by {amount:,.4g} t in {node}.",
    "project_starts_where_forced": "Project {0!r} cannot start on its forced track {1!r}, by {node} at the latest.",
    "project_waits_for_required": "Project {0!r} would have to start before {1!r}, which it requires.",
    "project_excludes_other": "Projects {0!r} and {1!r}, which exclude each other, would both have to start.",
    "onboarded_route_takes_minimum": "Route {0!r} cannot take its minimum volume in {node}: {amount:,.4g} t/y lack.",
}
"""Constraints a planner states, and so may relax; the others are material balances and definitions."""
PAIRS = ("project_waits_for_required", "project_excludes_other")
FORCED = ("project_starts_where_forced",)
GIVEN_UP = "Or do without the forced start of project {0!r} on track {1!r}, asked for by {node}."


def find_conflict(instance: Instance, form: Form) -> list[str]:
    """Sentences that name the stated limits which cannot all hold, with the least total relaxation found.

    A limit that is no row (a bound, such as a fill rate) shows in the row it makes impossible. Limits give way before
    rules between projects, and those before a forced start: what it needs tells more than that it cannot be. Where
    giving up forced starts would do as well, they are named beside.
    """
    for kept in ((*PAIRS, *FORCED), FORCED, ()):
        relaxed = set(SENTENCES) - set(kept)
        found = _least_relaxation(instance, form, form.rows_of(*relaxed))
        if found:
            forced = _least_relaxation(instance, form, form.rows_of(*FORCED), GIVEN_UP) if kept else []
            return [*found, *forced]
    return [_UNNAMED]


def _least_relaxation(instance: Instance, form: Form, rows: Ints, words: str = "") -> list[str]:
    """A sentence for each of these rows that gives way; none where they are not enough."""
    if not len(rows):
        return []
    run = tried(_elastic(form, rows), Settings(gap=GAP, time_limit_s=TIME_LIMIT_S))
    if run.x is None:
        return []
    relaxation = run.x[form.matrix.shape[1] :]
    found = [
        _sentence(instance, form.rows[row], float(amount * form.row_unit[row]), words)
        for row, amount in zip(rows.tolist(), relaxation, strict=True)
        if amount > GIVES_WAY
    ]
    return list(dict.fromkeys(found))


_UNNAMED = "No stated limit alone explains it: check capacities, bounds and dates against the demands that must be met."


def _elastic(form: Form, rows: Ints) -> Form:
    """The model with a relaxation column on each of these rows, at cost 1; nothing else costs anything."""
    count = len(rows)
    sign = np.where(np.isfinite(form.row_upper[rows]), -1.0, 1.0)
    extra = sp.csc_array((sign, (rows, np.arange(count))), shape=(form.matrix.shape[0], count))
    zeros = np.zeros(count)
    return replace(
        form,
        matrix=sp.csc_array(sp.hstack([form.matrix, extra])),
        cost=np.concatenate([np.zeros_like(form.cost), np.ones(count)]),
        offset=0.0,
        column_lower=np.concatenate([form.column_lower, zeros]),
        column_upper=np.concatenate([form.column_upper, np.full(count, np.inf)]),
        integer=np.concatenate([form.integer, zeros.astype(bool)]),
    )


def _sentence(instance: Instance, row: Label, amount: float, words: str) -> str:
    """In these words, or in those of the constraint."""
    constraint, index = row
    unit = ""
    if constraint == "budget_is_kept":
        slots = "slot" if f"{amount:,.4g}" == "1" else "slots"
        unit = slots if instance.scenario.limits[index[0]].kind == "permit_slots" else "kUSD"
    if constraint in FORCED:
        index = (index[0], instance.programme.projects[index[0]].forced_track, index[-1])
    return (words or SENTENCES[constraint]).format(*index, node=index[-1], amount=amount, unit=unit)
