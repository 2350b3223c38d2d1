"""The golden toy: four years of one metal, its optimum known to a tenth of a dollar in every variant."""

from typing import Any

import pytest

from lodeplan import optimizer

PROJECT = "projects.'home refinery'"
AT_MOST_65_PERCENT = {
    "op": "add",
    "path": "limits",
    "value": {"CN": {"kind": "share_cap", "commodity": "metal/refined", "places": ["CHN"], "cap_share": 0.65}},
}
ANY_NODE = [
    {"op": "set", "path": f"{PROJECT}.start_in_branches", "value": True},
    {"op": "remove", "path": f"{PROJECT}.latest_start"},
]


def forced(track: str) -> dict[str, Any]:
    return {"op": "set", "path": f"{PROJECT}.forced_track", "value": track}


def ban_probability(share: float) -> list[dict[str, Any]]:
    return [
        {"op": "set", "path": "futures.ban.probability", "value": share},
        {"op": "set", "path": "futures.calm.probability", "value": 1 - share},
    ]


def solve(*patches: dict[str, Any]) -> optimizer.Plan:
    return optimizer.solve("golden-toy", patches, gap=0)


def stock_t(plan: optimizer.Plan, period: int) -> float:
    return sum(level.stock_t for level in plan.summary.stocks if level.period == period)


def starts(plan: optimizer.Plan) -> list[tuple[str, str]]:
    """(track, node) of each start, in branches too."""
    table = plan.tables["starts"]
    return list(zip(table["track"], table["node"], strict=True))


def test_the_plan_stores_a_year_of_demand_and_builds_nothing() -> None:
    plan = solve()

    assert plan.summary.termination == "optimal"
    assert plan.summary.objective_kusd == pytest.approx(5172.1574, abs=1e-4)
    assert {future.name: future.cost_kusd for future in plan.summary.futures} == {
        "calm": pytest.approx(5135.228, abs=1e-3),
        "ban": pytest.approx(5319.874, abs=1e-3),
    }
    assert starts(plan) == []
    assert stock_t(plan, 2) == pytest.approx(100, abs=1e-6)


@pytest.mark.parametrize(
    ("track", "objective_kusd", "stored_t", "on_line"),
    [("standard", 5253.0504, 60, 4), ("fast", 5442.3248, 20, 2)],
)
@pytest.mark.proves("project_starts_where_forced")
def test_a_forced_project_replaces_part_of_the_stock(
    track: str, objective_kusd: float, stored_t: float, on_line: int
) -> None:
    plan = solve(forced(track))

    assert plan.summary.objective_kusd == pytest.approx(objective_kusd, abs=1e-4)
    assert [(start.track, start.start, start.on_line) for start in plan.summary.projects] == [(track, 1, on_line)]
    assert stock_t(plan, 2) == pytest.approx(stored_t, abs=1e-6)


@pytest.mark.proves("share_stays_below_cap")
def test_a_cap_on_one_source_makes_the_standard_project_pay() -> None:
    plan = solve(AT_MOST_65_PERCENT)

    assert plan.summary.objective_kusd == pytest.approx(5420.8089, abs=1e-4)
    assert starts(plan) == [("standard", "1")]
    assert stock_t(plan, 2) == pytest.approx(60, abs=1e-6)


@pytest.mark.parametrize(("probability", "objective_kusd", "stored_t"), [(0, 5026.3848, 0), (1, 5306.2682, 150)])
def test_a_ban_that_is_impossible_needs_no_stock_and_a_certain_one_a_full_store(
    probability: float, objective_kusd: float, stored_t: float
) -> None:
    plan = solve(*ban_probability(probability))

    assert plan.summary.objective_kusd == pytest.approx(objective_kusd, abs=1e-4)
    assert starts(plan) == []
    assert stock_t(plan, 2) == pytest.approx(stored_t, abs=1e-6)


@pytest.mark.proves("start_stays_started")
def test_a_start_allowed_in_branches_waits_for_the_ban() -> None:
    plan = solve(*ANY_NODE, AT_MOST_65_PERCENT)

    assert plan.summary.objective_kusd == pytest.approx(5397.1020, abs=1e-4)
    assert starts(plan) == [("fast", "ban@3")]


def test_a_forced_fast_start_with_free_choice_of_year_comes_in_year_2() -> None:
    plan = solve(*ANY_NODE, forced("fast"))

    assert plan.summary.objective_kusd == pytest.approx(5441.3724, abs=1e-4)
    assert starts(plan) == [("fast", "2")]
