"""A form whose numbers are changed in place, held against one that is built anew, and solves that begin where the last
one ended."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from solved import TEXTBOOK, shipped
from test_problem import MORE_DEMAND, assert_same_form

from lodeplan import InvalidInput, Problem
from lodeplan.optimizer.change import Anew, Numbers
from lodeplan.schemas import Solution
from lodeplan.schemas.problems import join_path

COLLECTIONS = ("demands", "facilities", "futures", "projects", "routes", "stockpiles", "tariffs")
FACTORS = (0.5, 0.9, 1.1, 2.0)


def numbers_in(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the numbers of a scenario that are not 0."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from numbers_in(value, (*path, name))
    elif isinstance(data, int | float) and not isinstance(data, bool) and data:
        yield path


def draw_changes(name: str, chance: random.Random) -> Iterator[list[dict[str, Any]]]:
    """Changes of one to three numbers, without end."""
    data = shipped(name).model_dump(mode="json", exclude_defaults=True)
    paths = [path for collection in COLLECTIONS for path in numbers_in(data.get(collection, {}), (collection,))]
    paths.append(("economics", "discount_rate"))
    while True:
        drawn = [chance.choice(paths) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
        yield [{"op": "scale", "path": join_path(path), "value": chance.choice(FACTORS)} for path in drawn]


def walk(name: str, count: int, seed: int) -> set[Anew | None]:
    """So many changes in a row, each held against a problem that is new; why forms were built anew."""
    found = set()
    problem = Problem(shipped(name), [{"op": "set", "path": "solve.gap", "value": 1e-6}])
    problem.solve()
    changes = draw_changes(name, random.Random(seed))
    while count:
        patches = next(changes)
        try:
            change = problem.change(patches)
        except InvalidInput:
            continue  # what is left after the change is no scenario
        count -= 1
        found.add(change.anew)
        new = Problem(problem._asked)
        assert_same_form(problem.form, new.form)
        warm, cold = problem.solve().summary, new.solve().summary
        assert warm.solution == cold.solution, patches
        if cold.solution is Solution.OPTIMAL:
            assert warm.objective_kusd == pytest.approx(cold.objective_kusd, rel=2e-6, abs=1e-3), patches
    return found


@pytest.mark.parametrize("name", ["golden-toy", "tariff-rate-quota"])
def test_changes_in_a_row_leave_the_arrays_and_the_optimum_of_a_new_problem(name: str) -> None:
    assert None in walk(name, 5, seed=1)


@pytest.mark.slow(about_s=60)
@pytest.mark.parametrize("name", TEXTBOOK)
def test_many_changes_in_a_row_leave_the_arrays_and_the_optimum_of_a_new_problem(name: str) -> None:
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    walk(name, 200 if os.environ.get("LODEPLAN_CAMPAIGNS") == "full" else 5, seed)


@pytest.mark.slow(about_s=30)
def test_changes_of_a_large_model_leave_the_arrays_of_a_new_problem() -> None:
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}")
    problem, changes, count = Problem("us-2026-lite"), draw_changes("us-2026-lite", random.Random(seed)), 8
    assert problem.form.nonzeros > 100_000
    while count:
        try:
            problem.change(next(changes))
        except InvalidInput:
            continue  # what is left after the change is no scenario
        count -= 1
        assert_same_form(problem.form, Problem(problem._asked).form)


@pytest.mark.slow(about_s=60)
def test_a_change_of_a_large_model_is_solved_from_what_is_known_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem("us-2026-lite", [{"op": "set", "path": "solve.gap", "value": 1e-3}])
    first = problem.answer
    searches = []
    monkeypatch.setattr("lodeplan.optimizer.solver.search_along_groups", lambda *_: searches.append(1))
    problem.change([{"op": "scale", "path": "demands.'gallium/metal other'.quantity_t_per_y", "value": 1.01}])
    again = problem.answer
    assert not searches
    assert again.objective_kusd > first.objective_kusd
    assert again.gap <= 1e-3
    assert again.x is not None
    assert problem.form.violation(again.x / problem.form.column_unit) <= 1e-6
    plan = problem.plan_of(again)
    assert plan.summary.check is not None
    assert not plan.summary.open_groups
    # The bound is one of the changed model: no plan that is searched for from nothing is below it.
    monkeypatch.undo()
    assert again.bound_kusd <= problem.solve(start=None).summary.objective_kusd * (1 + 1e-9)


def test_a_change_in_place_counts_what_it_changes() -> None:
    problem = Problem("golden-toy")
    problem.solve()
    # Six nodes, and the price of the one source at each.
    dearer = problem.change([{"op": "scale", "path": "facilities.'offer CHN'.cost_kusd_per_t", "value": 1.1}])
    assert (dearer.in_place, dearer.anew) == (Numbers(costs=6, bounds=0, sides=0, coefficients=0), None)
    more = problem.change([MORE_DEMAND])
    assert more.in_place is not None
    assert more.in_place.sides > 0
    assert (more.in_place.costs, more.in_place.coefficients) == (0, 0)


def test_what_is_not_changed_in_place_says_why() -> None:
    problem = Problem("golden-toy")
    assert problem.change([MORE_DEMAND]).anew == Anew.NO_FORM
    problem.solve()
    assert problem.change([{"op": "set", "path": "title", "value": "Another"}]).anew is None
    gone = problem.change([{"op": "remove", "path": "projects.'home refinery'"}])
    assert (gone.anew, gone.in_place, gone.only_numbers) == (Anew.INDEX_SETS, None, False)
    assert problem.model is not None
    assert problem.change([MORE_DEMAND]).anew == Anew.ROW_BY_ROW
    problem.solve()
    regret = problem.change([{"op": "set", "path": "risk.objective", "value": "maximum_regret"}])
    assert (regret.anew, regret.only_numbers) == (Anew.REGRET, True)
