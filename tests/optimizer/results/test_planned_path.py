"""What is said for the base path holds on what is left of it when some future is sure to come."""

from __future__ import annotations

from typing import Any

import pytest
from check_plans import golden_toy

from lodeplan import optimizer, scenarios
from lodeplan.optimizer.check.tree import build_tree as checked_tree
from lodeplan.optimizer.figures.flows import group_flows
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.report import flows
from lodeplan.service.cli.report import print_plan

Data = dict[str, Any]
BOOM = {"changes": "demand", "onset": 2029, "factor": 1.0}


def with_futures(**futures: Data) -> Data:
    data = golden_toy()
    data["events"]["boom"] = BOOM
    data["events"]["late boom"] = BOOM
    data["futures"] = futures
    return data


def instance_of(data: Data) -> Instance:
    return prepare(scenarios.load(data))


SURE = {"ban": {"probability": 1, "events": ["ban"]}}
TWO_LEFT = {"ban": {"probability": 0.25, "events": ["ban"]}, "boom": {"probability": 0.75, "events": ["boom"]}}
FORK = {"boom": {"probability": 0.25, "events": ["boom"]}, "late": {"probability": 0.75, "events": ["late boom"]}}
IN_TURN = {
    "ban": {"probability": 0, "events": ["ban"]},
    "after": {"probability": 1, "after": "ban", "events": ["boom"]},
}
NEVER = {**SURE, "never": {"probability": 0, "events": ["ban"]}}
TEST = {**SURE, "test": {"stress": True, "events": ["ban"]}}

PATHS = {
    "nothing is sure": ({"calm": {}, "ban": SURE["ban"] | {"probability": 0.2}}, ["2028", "2029"], {}),
    "one is sure": (SURE, ["ban@2028", "ban@2029"], {}),
    "the last of two is sure": (TWO_LEFT, ["2028", "boom@2029"], {}),
    "one of two comes": (FORK, ["2028", "boom@2029", "late@2029"], {"boom@2029": 0.25, "late@2029": 0.75}),
    "one is sure to follow a sure one": (IN_TURN, ["ban@2028", "after@2029"], {}),
    "what never comes is not of it": (NEVER, ["ban@2028", "ban@2029"], {}),
    "a stress test is not of it": (TEST, ["ban@2028", "ban@2029"], {}),
}


@pytest.mark.parametrize("case", PATHS)
def test_the_planned_path_goes_on_in_the_futures_that_are_left(case: str) -> None:
    futures, later, shares = PATHS[case]
    data = with_futures(**futures)
    tree = instance_of(data).tree
    expected = ["2026", "2027", *later]
    assert [tree.names[node] for node in tree.planned_path] == sorted(expected, key=tree.names.index)
    assert {tree.names[node] for node in tree.planned_ends} == {name for name in expected if name.endswith("2029")}
    assert {tree.names[node]: tree.planned_share[node] for node in tree.planned_path} == pytest.approx(
        dict.fromkeys(expected, 1.0) | shares
    )
    checked = checked_tree(scenarios.load(data))
    assert checked.planned == set(expected)
    assert checked.planned_ends == {name for name in expected if name.endswith("2029")}


ON_BASE = {"applies_to": "base_path"}
LIMITS: dict[str, Data] = {
    "cap": {"kind": "share_cap", "commodity": "metal", "places": ["CHN"], "cap_share": 0.5},
    "home": {"kind": "minimum_share", "commodity": "metal", "source": "domestic", "minimum_share": 0},
    "imports": {"kind": "net_import_reliance", "commodity": "metal", "cap_share": 1},
    "mix": {"kind": "concentration_cap", "commodity": "metal", "cap_index": 1},
    "money": {"kind": "budget", "covers": ["stock"], "amount_kusd_per_y": 1e6},
    "slots": {"kind": "permit_slots", "slots_per_y": 3},
    "floor": {"kind": "service_floor", "tiers": ["military"], "served_share": 0},
}


@pytest.mark.parametrize("futures", [SURE, FORK], ids=["one left", "two left"])
def test_every_kind_of_limit_for_the_base_path_holds_to_the_end_of_the_horizon(futures: Data) -> None:
    data = with_futures(**futures)
    data["limits"] = {name: limit | ON_BASE for name, limit in LIMITS.items()}
    instance = instance_of(data)
    limits, planned = instance.limits, set(instance.tree.planned_path)
    rows = [*limits.shares, *limits.concentrated, *limits.budgets, *((c, n) for c, _, n in limits.service_floors)]
    assert {name for name, _ in rows} == set(LIMITS)
    for limit in LIMITS:
        assert {node for name, node in rows if name == limit} == planned


def test_a_share_cap_for_the_base_path_holds_in_a_future_that_is_sure() -> None:
    # In 2029 metal from China costs 13.5 again and demand is 100 t: the ally may bring 50 at 15, so China has 50.
    data = with_futures(boom={"probability": 1, "events": ["boom"]})
    data["limits"] = {"cap": LIMITS["cap"] | ON_BASE}
    data["stockpiles"], data["projects"] = {}, {}
    plan = optimizer.solve(data, gap=0)
    shipped = plan.tables["ship"].set_index(["route", "node"])["ship_t_per_y"]
    assert shipped["from China", "boom@2029"] == pytest.approx(50)
    expected = sum((50 * 13.5 + 50 * 15) / 1.05**year for year in range(4))
    assert plan.summary.objective_kusd == pytest.approx(expected)


def test_cover_and_end_minimum_hold_where_the_planned_path_goes_on() -> None:
    data = with_futures(boom={"probability": 1, "events": ["boom"]})
    data["stockpiles"]["store"] |= {"cover_days": 36.5, "end_minimum_t": 30, "end_value_kusd_per_t": 0}
    instance = instance_of(data)
    floor = dict(zip(instance.tree.names, instance.stocks.stock_floor_t[0].tolist(), strict=True))
    assert floor == pytest.approx({"2026": 10, "2027": 10, "2028": 10, "boom@2029": 30})
    plan = optimizer.solve(data, gap=0)
    stock = plan.tables["store"].set_index("node")["stock_t"]
    assert stock["boom@2029"] == pytest.approx(30)


def test_tables_on_the_planned_path_go_on_in_the_future_that_is_sure() -> None:
    data = with_futures(**SURE)
    plan = optimizer.solve(data, gap=0)
    supply = plan.tables["supply"].groupby("year")[["base_t_per_y", "expected_t_per_y"]].sum()
    assert list(supply.index) == [2026, 2027, 2028, 2029]
    assert supply["base_t_per_y"].to_dict() == pytest.approx(supply["expected_t_per_y"].to_dict())
    assert max(flow.period for flow in plan.summary.imports) == 2029
    assert {level.period for level in plan.summary.stocks} == {2026, 2027, 2028, 2029}
    assert plan.tables["concentration"]["year"].max() == 2029


def test_pages_and_the_terminal_show_the_planned_path_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The ban departs in 2028, the boom in 2029 is then sure: what the ban leaves is no part of the planned path."""
    plan = optimizer.solve(with_futures(**TWO_LEFT), gap=0)
    assert plan.scenario
    supply = plan.tables["supply"]
    late = supply[supply["year"] == 2029]
    assert late["base_t_per_y"].tolist() != pytest.approx(late["expected_t_per_y"].tolist())
    grid = flows.supply(plan, "metal")
    shown = sum(row[-1].value or 0.0 for row in grid.rows)
    assert shown == pytest.approx(late["base_t_per_y"].sum())
    assert grid.note.startswith("On the planned path: ")
    assert "From 2029 on" in grid.note
    print_plan(plan)
    said = capsys.readouterr().out
    assert "t a year on the planned path" in said
    assert "From 2029 on some future is certain to have come: the numbers are means over the futures left." in " ".join(
        said.split()
    )
    drawn = sum(flow.t_per_y for flow in group_flows(dict(plan.tables), "metal", 2029) if flow.target.column == 1)
    assert drawn == pytest.approx(shown)
