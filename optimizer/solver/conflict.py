"""Conflicts in an infeasible scenario: the smallest relaxation of its limits, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from lodeplan.optimizer.model.registry import registry
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.solver.form import Form, Ints
from lodeplan.optimizer.solver.highs import Settings, tried
from lodeplan.optimizer.solver.labels import Label

TIME_LIMIT_S = 60.0
GAP = 1e-4
"""Relative gap to which the least relaxation is searched: amounts are told to four digits."""
GIVES_WAY = 1e-6
"""Canonical units of a row; what gives way by less is within the solver's tolerance."""


def find_conflict(instance: Instance, form: Form) -> list[str]:
    """Sentences that name the stated limits which cannot all hold, with the least total relaxation found.

    A limit that is no row (a bound, such as a fill rate) shows in the row it makes impossible. Limits give way before
    rules between projects, and those before a forced start: what it needs tells more than that it cannot be. Where
    giving up forced starts would do as well, they are named beside.
    """
    stated = {name: constraint.gives_way for name, constraint in registry().items() if constraint.gives_way}
    last = max(way.turn for way in stated.values())
    for turn in range(1, last + 1):
        relaxed = {name: way.sentence for name, way in stated.items() if way.turn <= turn}
        found = _least_relaxation(instance, form, relaxed)
        if found:
            instead = {name: way.given_up for name, way in stated.items() if way.given_up and way.turn > turn}
            return [*found, *_least_relaxation(instance, form, instead)]
    return [_UNNAMED]


def _least_relaxation(instance: Instance, form: Form, sentences: Mapping[str, str]) -> list[str]:
    """A sentence for each row of these constraints that gives way; none where they are not enough."""
    rows = form.rows_of(*sentences)
    if not len(rows):
        return []
    run = tried(_elastic(form, rows), Settings(gap=GAP, time_limit_s=TIME_LIMIT_S))
    if run.x is None:
        return []
    relaxation = run.x[form.matrix.shape[1] :]
    found = [
        _sentence(instance, form.rows[row], float(amount * form.row_unit[row]), sentences)
        for row, amount in zip(rows.tolist(), relaxation, strict=True)
        if amount > GIVES_WAY
    ]
    return list(dict.fromkeys(found))


_UNNAMED = (
    "The stated limits alone do not explain it: check capacities, bounds and dates against the demands that "
    "must be met."
)


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


def _sentence(instance: Instance, row: Label, amount: float, sentences: Mapping[str, str]) -> str:
    """What is said of a row that gives way by an amount."""
    letters = dict(zip(registry()[row.component].letters, row.key, strict=True))
    told = f"{amount:,.4g}"
    return sentences[row.component].format(**letters, amount=told, unit=_unit(instance, row, told))


def _unit(instance: Instance, row: Label, told: str) -> str:
    """What a limit is measured in."""
    limit = instance.scenario.limits.get(row.key[0])
    unit = "" if limit is None else limit.measured_in
    return unit.removesuffix("s") if told == "1" else unit
