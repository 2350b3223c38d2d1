"""Numbers that are legal one by one and far apart together: an answer, or a refusal that names the place."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
import yaml
from check_plans import Data, golden_toy, workshop
from families import DEFAULTS, cost_kusd, optimum, put

from lodeplan import optimizer
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver import standard_form
from lodeplan.optimizer.solver.ranges import LARGEST, SMALLEST, _refuse, further_scaled
from lodeplan.scenarios import load
from lodeplan.schemas import InputProblem, InvalidInput, Termination
from lodeplan.schemas.problems import split_path

BASE = """
horizon: {first_year: 2026, period_years: [1, 1]}
economics: {discount_rate: 0.05}
places: {USA: {}, CHN: {}}
facilities:
  offer CHN: {place: CHN, outputs: {metal: 1}, cost_kusd_per_t: 10}
routes:
  metal CHN: {commodity: metal, origin: CHN, destination: USA}
projects:
  p:
    place: USA
    outputs: {metal: 1}
    capacity_t_per_y: 5
    cost_kusd_per_t: 1
    capex_kusd: 1000
    tracks: {std: {permit_years: 0, construction_years: 0}}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 50, shortage_penalty_kusd_per_t: 100}
"""
ALL_FROM_CHINA_KUSD = 500 + 500 / 1.05
PERIODS = ("horizon", "economics", "risk", "probability", "onset", "latest_start", "earliest_start")


@pytest.mark.parametrize("capex_kusd", [1e9, 1e14, 9e14])
def test_a_project_that_nobody_could_pay_is_not_started(capex_kusd: float) -> None:
    budget = {"kind": "budget", "covers": ["capex"], "amount_kusd_per_y": 10}
    plan = optimum(
        BASE,
        *put("projects.p.capex_kusd", capex_kusd),
        *put("projects.p.end_value_share", 0),
        *put("limits", {"b": budget}),
    )
    assert cost_kusd(plan) == pytest.approx(ALL_FROM_CHINA_KUSD)


def test_a_project_as_large_as_no_limit_is_worth_what_it_saves() -> None:
    plan = optimum(
        BASE,
        *put("projects.p.capacity_t_per_y", 9e14),
        *put("projects.p.capex_kusd", 100),
        *put("projects.p.end_value_share", 0),
    )
    assert cost_kusd(plan) == pytest.approx(100 + 50 + 50 / 1.05)


def test_a_recipe_that_gives_almost_nothing_is_a_plan_or_a_refusal_with_its_place() -> None:
    data = {**DEFAULTS, **yaml.safe_load(BASE), "projects": {}}
    data["facilities"]["offer CHN"]["outputs"] = {"metal": 1e-9}
    plan, problems = answered(data)
    assert all("offer CHN" in problem.path for problem in problems)
    assert plan is None or cost_kusd(plan) == pytest.approx(100 * 50 * (1 + 1 / 1.05))


def answered(data: Data) -> tuple[optimizer.Plan | None, list[InputProblem]]:
    """The plan, or why there is none."""
    try:
        return optimizer.solve(data, time_limit_s=20), []
    except InvalidInput as refused:
        return None, refused.problems


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of masses, money and prices."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in PERIODS and not str(key).endswith(("_share", "_years")):
                yield from numbers(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from numbers(item, (*path, index))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def with_number(data: Data, path: tuple[Any, ...], number: float) -> Data:
    found = deepcopy(data)
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = number
    return found


EVERY = [
    pytest.param(data, path, number, id=f"{data['name']} {'.'.join(map(str, path))} {number:g}")
    for data in (golden_toy(), workshop())
    for path in numbers(data)
    for number in (1e-9, 9e14)
]


@pytest.mark.slow
@pytest.mark.parametrize(("data", "path", "number"), EVERY)
def test_any_legal_number_in_any_place_is_an_answer_or_a_refusal_in_words(
    data: Data, path: tuple[Any, ...], number: float
) -> None:
    plan, problems = answered(with_number(data, path, number))
    assert all(problem.path for problem in problems)
    assert plan is None or plan.summary.termination != Termination.ERROR


@pytest.mark.parametrize(
    ("data", "path", "number"),
    [
        (golden_toy(), ("projects", "Mine", "capacity_t_per_y"), 9e14),
        (golden_toy(), ("projects", "Mine", "outputs", "metal"), 9e14),
        (golden_toy(), ("facilities", "Ally", "outputs", "metal"), 9e14),
        (workshop(), ("projects", "P", "tracks", "standard", "permit_slots"), 9e14),
        (workshop(), ("routes", "AUS-USA", "onboarding", "minimum_t_per_y"), 9e14),
        (workshop(), ("facilities", "plant", "inputs", "ore"), 9e14),
        (workshop(), ("facilities", "pit", "capacity_t_per_y"), 9e14),
        (workshop(), ("projects", "Q", "capacity_t_per_y"), 9e14),
    ],
)
def test_what_failed_in_the_solver_is_an_answer_or_a_refusal_in_words(
    data: Data, path: tuple[Any, ...], number: float
) -> None:
    test_any_legal_number_in_any_place_is_an_answer_or_a_refusal_in_words(data, path, number)


@pytest.mark.parametrize(
    "risk",
    [{}, {"tail_weight": 0.5, "tail_level": 0.9}, {"objective": "worst_future"}, {"objective": "maximum_regret"}],
)
@pytest.mark.parametrize("data", [golden_toy(), workshop()], ids=["golden toy", "workshop"])
def test_whatever_is_too_large_or_too_small_has_its_place_in_the_scenario(data: Data, risk: Data) -> None:
    scenario = load({**data, "risk": risk})
    instance = prepare(scenario, dict.fromkeys(scenario.futures, 0.0))
    form = standard_form(build_model(instance), instance)

    for column in range(len(form.columns)):
        with pytest.raises(InvalidInput) as refused:
            _refuse(form.matrix, [column], form.columns, scenario)
        [problem] = refused.value.problems
        collection, name = split_path(problem.path)
        assert name in getattr(scenario, str(collection))


@pytest.mark.parametrize("name", ["golden-toy", "content-tariff", pytest.param("us-2026-lite", marks=pytest.mark.slow)])
def test_ordinary_models_keep_their_units(name: str) -> None:
    instance = prepare(load(name))
    form = standard_form(build_model(instance), instance)
    assert all((factor == 1).all() for factor in further_scaled(form.matrix, form.integer))


def test_rows_and_columns_beyond_what_the_solver_takes_are_scaled_by_powers_of_two() -> None:
    matrix = sp.csc_array(np.array([[1.0, -1e17, 0.0], [2.0, 0.0, 3.0], [1e-14, 0.0, 1e-12]]))
    integer = np.array([False, True, False])
    rows, columns = further_scaled(matrix, integer)
    scaled = np.abs((sp.diags_array(rows) @ matrix @ sp.diags_array(columns)).toarray())
    assert columns[1] == 1
    assert ((scaled == 0) | ((scaled > SMALLEST) & (scaled < LARGEST))).all()
    assert all(np.array_equal(np.log2(factor), np.round(np.log2(factor))) for factor in (rows, columns))
