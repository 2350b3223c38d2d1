"""Memory that a solve needs, told from the size of its model, and a refusal where it cannot fit."""

import subprocess
import sys

import pytest
from solved import shipped

from lodeplan.optimizer import Problem, TooLarge, solve
from lodeplan.optimizer.memory import WITHIN, Need
from lodeplan.schemas import Solution


def test_a_solve_that_cannot_fit_is_refused_before_its_model_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem(shipped("us-2026-lite"))
    monkeypatch.setattr("lodeplan.optimizer.problem.build_model", None)

    with pytest.raises(TooLarge) as refused:
        problem.solve(memory_mib=150)

    need = Need.of(problem.instance)
    for told in (
        f"about {need.mib:,.0f} MiB",
        "may hold 150 MiB",
        f"{need.variables:,} variables",
        "80 nodes",
        "323 cost steps of facilities and projects",
        "Fewer futures",
    ):
        assert told in str(refused.value)


def test_a_solve_is_refused_only_where_it_cannot_fit_however_far_off_the_estimate_is() -> None:
    need = Need.of(Problem(shipped("us-2026-lite")).instance)

    need.refuse_beyond(need.least_mib)
    with pytest.raises(TooLarge):
        need.refuse_beyond(need.least_mib - 1)
    assert need.mib / need.least_mib == pytest.approx(1 + WITHIN)
    assert solve("golden-toy", memory_mib=need.mib).summary.solution is Solution.OPTIMAL


def test_variables_are_counted_without_the_model() -> None:
    problem = Problem(shipped("us-2026-lite"))

    assert Need.of(problem.instance).variables == pytest.approx(len(problem.form.columns), rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["golden-toy", "us-2026-china-stops", "us-2026-lite"])
def test_the_peak_of_a_whole_solve_is_within_what_the_estimate_says(name: str) -> None:
    code = f"from lodeplan import solve; print(solve({name!r}).summary.peak_memory_mib)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    need = Need.of(Problem(shipped(name)).instance)
    assert need.least_mib <= float(shown.stdout) <= need.mib * (1 + WITHIN)
