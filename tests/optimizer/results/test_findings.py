"""Sentences of a plan: they name things by what they are, and say nothing that is empty."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest
from check_plans import golden_toy
from rich.console import Console

from lodeplan import optimizer
from lodeplan.optimizer.solver.control import Control
from lodeplan.optimizer.solver.search import Answer
from lodeplan.schemas import Solution, Termination
from lodeplan.service.cli.report import print_plan

Data = dict[str, Any]


def findings_of(data: Data) -> list[str]:
    return optimizer.solve(data, gap=0).summary.findings


def with_mine_on(track: str, **tracks: Data) -> Data:
    data = golden_toy()
    data["projects"]["Mine"] |= {"forced_track": track, "latest_start": 2026}
    data["projects"]["Mine"]["tracks"] |= tracks
    return data


@pytest.mark.parametrize("name", ["fast", "fast_track", "strategic", "Überholspur"])
def test_a_track_is_fast_by_its_lead_time_whatever_it_is_called(name: str) -> None:
    data = with_mine_on(name)
    tracks = data["projects"]["Mine"]["tracks"]
    tracks[name] = tracks.pop("fast")
    found = findings_of(data)
    assert found[0].startswith("Start 1 project (1 on the fast track)")
    assert found[1] == "Projects: Mine (2026, fast track)."


def test_the_slowest_track_is_not_fast_even_if_it_is_called_so() -> None:
    slowest = {"permit_years": 2, "construction_years": 1}
    data = with_mine_on("fast_track", fast_track=slowest)
    found = findings_of(data)
    assert "fast track" not in found[0]
    assert found[1] == "Projects: Mine (2026)."


def test_the_only_track_of_a_project_is_not_fast() -> None:
    data = with_mine_on("fast")
    data["projects"]["Mine"]["tracks"] = {"fast": data["projects"]["Mine"]["tracks"]["fast"]}
    assert findings_of(data)[1] == "Projects: Mine (2026)."


def test_a_future_that_costs_nothing_above_the_mean_is_not_called_the_costliest() -> None:
    data = golden_toy()
    data["events"]["ban"] |= {"availability_share": 1}
    found = findings_of(data)
    assert "Every future that may come costs the same." in found
    assert not any("costliest" in sentence for sentence in found)


def test_a_plan_beside_doing_nothing_at_no_cost_is_told_without_a_share() -> None:
    data = golden_toy()
    data["demands"] = {"civilian": data["demands"]["civilian"] | {"quantity_t_per_y": 0}}
    data["stockpiles"]["store"] |= {"end_value_kusd_per_t": 20, "capacity_t": 10}
    plan = optimizer.solve(data, gap=0)
    assert plan.summary.do_nothing_kusd == 0
    assert plan.summary.findings[0].startswith("Fill 1 stockpile. ")
    assert plan.summary.findings[0].endswith(" less than doing nothing.")


@pytest.mark.parametrize(
    ("termination", "fell_back", "begins", "plan_follows"),
    [
        (Termination.ERROR, False, "The solver failed before it reached the requested gap", True),
        (
            Termination.ERROR,
            True,
            "The solver failed before it found a plan. The following only keeps the limits",
            False,
        ),
        (
            Termination.TIME_LIMIT,
            True,
            "No plan was found before the search ended. The following is the outcome of doing nothing",
            False,
        ),
        (Termination.TIME_LIMIT, False, "", True),
    ],
)
def test_the_first_finding_says_that_the_search_failed_or_found_nothing(
    termination: Termination, fell_back: bool, begins: str, plan_follows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(answer: Answer, _control: Control) -> Answer:
        return replace(answer, termination=termination, solution=Solution.FEASIBLE, fell_back=fell_back)

    monkeypatch.setattr(import_module("lodeplan.optimizer.solver"), "judged", ended)
    summary = optimizer.solve(golden_toy()).summary
    assert summary.nothing_found is fell_back
    assert summary.findings[0].startswith(begins)
    assert any("expected and discounted" in sentence for sentence in summary.findings[:2]) is plan_follows


def test_doing_nothing_is_a_plan_like_any_other_where_nothing_better_can_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def proven(answer: Answer, _control: Control) -> Answer:
        return replace(answer, termination=Termination.OPTIMAL, solution=Solution.OPTIMAL, fell_back=True)

    monkeypatch.setattr(import_module("lodeplan.optimizer.solver"), "judged", proven)
    summary = optimizer.solve(golden_toy()).summary
    assert not summary.nothing_found
    assert "not a recommendation" not in " ".join(summary.findings)


@pytest.mark.parametrize(("periods", "shown"), [(4, None), (6, None), (7, "3 of 7 periods are shown")])
def test_what_is_bought_is_shown_for_all_of_a_few_years_and_else_said_of_how_many(
    periods: int, shown: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    data = golden_toy()
    data["horizon"] = data["horizon"] | {"period_years": [1] * periods}
    plan = optimizer.solve(data, gap=0)
    print_plan(plan)
    said = capsys.readouterr().out.split("Buy, make and take from stock")[1]
    heads = said.splitlines()[1]
    first = data["horizon"]["first_year"]
    years = [str(first + year) for year in range(periods)]
    assert heads.split()[2:] == ([years[0], years[3], years[6]] if shown else years)
    assert ("periods are shown" in said) == bool(shown)
    assert (shown or "") in said


def test_names_of_limits_that_bind_are_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    data = golden_toy()
    name = "an offer of a name that no eighty columns of a terminal can ever hold beside its numbers and its unit"
    data["facilities"][name] = data["facilities"].pop("Ally")
    plan = optimizer.solve(data, gap=0)
    print_plan(plan)
    in_a_pipe = capsys.readouterr().out
    assert name in in_a_pipe
    print_plan(plan, Console(force_terminal=True, width=80, color_system=None))
    on_a_terminal = capsys.readouterr().out
    assert "…" not in on_a_terminal
    assert all(word in on_a_terminal for word in name.split())
