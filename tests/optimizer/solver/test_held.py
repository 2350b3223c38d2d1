"""One HiGHS object for the linear programs of a model: the same answers as from nothing, whatever came before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from check_plans import Data, golden_toy, workshop

from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver import Control, Form, standard_form
from lodeplan.optimizer.solver.held import HeldModel
from lodeplan.optimizer.solver.highs import Settings, tried
from lodeplan.optimizer.solver.least import least_by_duals
from lodeplan.optimizer.solver.search import do_nothing
from lodeplan.scenarios import load
from lodeplan.schemas import Termination

CASES = {"toy": golden_toy, "workshop": workshop}


def form_of(data: Data) -> Form:
    instance = prepare(load(data))
    return standard_form(build_model(instance), instance)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(5))
def test_from_the_last_basis_the_optimum_is_that_from_nothing_and_its_duals_prove_it(case: str, seed: int) -> None:
    form, random = form_of(CASES[case]()), np.random.default_rng(seed)
    held, whole = HeldModel(form, Settings()), np.flatnonzero(form.integer)
    assert held.relaxation(None).objective == pytest.approx(tried(form.relaxed(), Settings()).objective, rel=1e-9)
    for _ in range(10):
        some = np.sort(random.choice(whole, random.integers(1, len(whole) + 1), replace=False))
        values = np.clip(random.integers(0, 2, len(some)), form.column_lower[some], form.column_upper[some])
        warm, part = held.at(some, values, None), form.with_bounds(some, values).relaxed()
        cold = tried(part, Settings())
        assert warm.termination == cold.termination
        if warm.x is not None and warm.row_dual is not None:
            assert warm.objective == pytest.approx(cold.objective, rel=1e-9)
            assert part.violation(warm.x) <= 1e-6
            proven = least_by_duals(part, warm.row_dual, warm.objective)
            assert proven == pytest.approx(warm.objective, rel=1e-6)


def test_doing_nothing_is_the_same_after_the_relaxation_as_by_itself() -> None:
    form = form_of(golden_toy())
    control = Control(0.0).of_another_model(form)
    assert control.held is not None
    control.held.relaxation(None)

    assert do_nothing(form, control).objective == pytest.approx(do_nothing(form, Control(0.0)).objective, rel=1e-9)


def test_a_held_model_fits_where_yes_no_columns_alone_have_other_bounds() -> None:
    form = form_of(golden_toy())
    held, starts, ships = HeldModel(form, Settings()), form.columns_of("start"), form.columns_of("ship")

    assert held.fits(form)
    assert held.fits(form.relaxed())
    assert held.fits(form.with_bounds(starts, np.zeros(len(starts))))
    assert not held.fits(form.with_bounds(ships, np.zeros(len(ships))))
    assert not held.fits(replace(form, cost=2.0 * form.cost))


def test_without_time_nothing_is_found_and_what_comes_later_is_right() -> None:
    form = form_of(workshop())
    held = HeldModel(form, Settings())

    assert held.at(form.columns_of("start")[:1], np.zeros(1), 0.0).termination in (
        Termination.TIME_LIMIT,
        Termination.OPTIMAL,
    )
    assert held.relaxation(None).objective == pytest.approx(tried(form.relaxed(), Settings()).objective, rel=1e-9)
