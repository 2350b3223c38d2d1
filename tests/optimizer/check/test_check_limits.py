"""The check finds what breaks limits on sources of supply, and grants in the budget of the state."""

from __future__ import annotations

from typing import Any

import pytest
from check_plans import Data, Lists, Mutation, both, cell, more, scenario_with, without
from check_tiny import assert_broken, assert_holds, tiny, tiny_plan

from lodeplan.optimizer.check.supply_limits import square_t_per_y


def supplied() -> Data:
    """Of 100 t/y 50 come from China, 10 from Australia, 20 are made of ore, 12 of scrap, and 8 recovered; 25 leave."""
    data = tiny(1)
    data["facilities"] |= {
        "Australia": {"place": "AUS", "outputs": {"metal": 1}},
        "pit": {"place": "USA", "outputs": {"ore": 1}},
        "heap": {"place": "USA", "outputs": {"scrap": 1}},
        "smelter": {"place": "USA", "inputs": {"ore": 1, "scrap": 0.1}, "outputs": {"metal": 1}},
        "remelter": {"place": "USA", "inputs": {"scrap": 2}, "outputs": {"metal": 1}},
    }
    data["routes"] |= {
        "AUS-USA": {"commodity": "metal", "origin": "AUS", "destination": "USA"},
        "USA-AUS": {"commodity": "metal", "origin": "USA", "destination": "AUS"},
    }
    data["recycling"]["back"] = {"commodity": "metal", "available_t_per_y": 8}
    data["demands"] |= {
        "need": {**data["demands"]["need"], "quantity_t_per_y": 75},
        "abroad": {**data["demands"]["need"], "quantity_t_per_y": 20, "tier": "export"},
        "allies": {**data["demands"]["need"], "quantity_t_per_y": 5, "place": "AUS"},
    }
    metal = {"commodity": "metal"}
    data["limits"] = {
        "cap": {"kind": "share_cap", **metal, "places": ["CHN", "allies"], "cap_share": 0.6},
        "domestic": {"kind": "minimum_share", **metal, "source": "domestic", "minimum_share": 0.4},
        "recycled": {"kind": "minimum_share", **metal, "source": "recycled", "minimum_share": 0.2},
        # 60 arrive, 25 leave: 35 of 75
        "reliance": {"kind": "net_import_reliance", **metal, "cap_share": 0.47},
        # 0.5 ** 2 + 0.1 ** 2 + 0.4 ** 2 = 0.42
        "index": {"kind": "concentration_cap", **metal, "cap_index": 0.42, "tangents": 5},
    }
    return data


def supplied_plan() -> Lists:
    made = {"China": 50.0, "Australia": 10.0, "pit": 20.0, "heap": 26.0, "smelter": 20.0, "remelter": 12.0}
    flows = {"CHN-USA": 50.0, "AUS-USA": 10.0, "USA-AUS": 5.0}
    served = {"need": 75.0, "abroad": 20.0, "allies": 5.0}
    return {
        **tiny_plan(1),
        "run": [[name, 0, "2026", t] for name, t in made.items()],
        "ship": [[name, "all", "2026", t] for name, t in flows.items()],
        "serve": [[name, "itself", "2026", t] for name, t in served.items()],
        "recover": [["back", "2026", 8.0]],
    }


@pytest.mark.proves("minimum_share_is_kept", "reliance_stays_below_cap", "supply_adds_up", "index_stays_below_cap")
def test_a_plan_within_limits_on_supply_holds() -> None:
    assert_holds(supplied(), supplied_plan())


BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "what is recovered counts in the total of a cap",
        scenario_with("limits/cap/cap_share", 0.55),
        "flow into home under limit cap at 2026 is 60 t/y, at most 55 t/y",
    ),
    (
        "too little is domestic",
        scenario_with("limits/domestic/minimum_share", 0.45),
        "domestic supply under limit domestic at 2026 is 40 t/y, at least 45 t/y",
    ),
    (
        "too little is recycled",
        scenario_with("limits/recycled/minimum_share", 0.25),
        "recycled supply under limit recycled at 2026 is 20 t/y, at least 25 t/y",
    ),
    (
        "home relies on imports",
        scenario_with("limits/reliance/cap_share", 0.4),
        "net imports under limit reliance at 2026 is 35 t/y, at most 30 t/y",
    ),
    (
        "supply is concentrated",
        scenario_with("limits/index/cap_index", 0.36),
        # tangents at 0.1, 0.3, 0.5, ...: 25 and 1 are met, of the 16 at 0.4 there are 15
        "sum of squares (by tangents) under limit index at 2026 is 41 t/y, at most 36 t/y",
    ),
    (
        "supply is concentrated beyond the error of the tangents",
        scenario_with("limits/index/cap_index", 0.36),
        # 0.36 + 3 / (4 * 5 ** 2)
        "sum of squares under limit index at 2026 is 42 t/y, at most 39 t/y",
    ),
    (
        "a hard limit is exceeded with slack",
        more("slack", ["domestic", "", "2026", 5.0]),
        "slack of domestic at 2026, which is hard, is 5 t/y, at most 0 t/y",
    ),
    (
        "a limit is exceeded by less than nothing",
        both(scenario_with("limits/reliance/violation_price_kusd", 1), more("slack", ["reliance", "", "2026", -1.0])),
        "slack of reliance at 2026 is -1, at least 0",
    ),
]


@pytest.mark.parametrize(("mutate", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
@pytest.mark.proves("minimum_share_is_kept", "reliance_stays_below_cap", "supply_adds_up", "index_stays_below_cap")
def test_a_broken_limit_on_supply_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(supplied(), supplied_plan(), mutate, words)


@pytest.mark.parametrize(
    ("limit", "field", "value", "slack"),
    [
        ("cap", "cap_share", 0.5, 10.0),
        ("domestic", "minimum_share", 0.5, 10.0),
        ("recycled", "minimum_share", 0.25, 5.0),
        ("reliance", "cap_share", 0.4, 5.0),
        ("index", "cap_index", 0.36, 5.0),
    ],
)
def test_a_soft_limit_on_supply_costs_by_the_year(limit: str, field: str, value: float, slack: float) -> None:
    data, lists = supplied(), supplied_plan()
    data["horizon"]["period_years"] = [3]
    data["limits"][limit] |= {field: value, "violation_price_kusd": 2}
    lists |= tiny_plan(3, cost_kusd=3 * 2 * slack)
    lists["slack"] = [[limit, "", "2026", slack]]
    lists["node_costs"] = [["2026", "limit_violation", 3 * 2 * slack]]
    assert_holds(data, lists)
    lists["slack"][0][3] = slack * 0.9
    assert_broken(data, lists, cell("node_costs", ["2026"], "cost_kusd", 5.4 * slack), _begins(limit))


def _begins(limit: str) -> str:
    words = {
        "cap": "flow into home",
        "domestic": "domestic supply",
        "recycled": "recycled supply",
        "reliance": "net imports",
        "index": "sum of squares (by tangents)",
    }
    return f"{words[limit]} under limit {limit} at 2026"


@pytest.mark.proves("square_lies_above_tangent")
def test_a_square_is_never_below_nothing_and_its_error_within_its_bound() -> None:
    assert square_t_per_y(0.0, 100.0, 5) == 0.0
    assert square_t_per_y(50.0, 100.0, 5) == pytest.approx(25.0)
    for percent in range(5, 101):
        share = percent / 100
        assert share**2 - 1 / (4 * 20**2) <= square_t_per_y(share, 1.0, 20) + 1e-12 <= share**2 + 2e-12


# Share caps by another role


def by_role() -> Data:
    """Home smelts Chinese ore and imports metal; half of its supply may be mined in China."""
    data = tiny(1)
    data["facilities"] |= {
        "pit": {"place": "CHN", "outputs": {"ore": 1}},
        "mine": {"place": "AUS", "outputs": {"ore": 1}},
        "smelter": {"place": "USA", "inputs": {"ore": 1}, "outputs": {"metal": 1}},
        "ally": {"place": "AUS", "outputs": {"metal": 1}, "mined_in": "CHN"},
    }
    data["routes"] = {
        "ore CHN": {"commodity": "ore", "origin": "CHN", "destination": "USA"},
        "ore AUS": {"commodity": "ore", "origin": "AUS", "destination": "USA"},
        "AUS-USA": {"commodity": "metal", "origin": "AUS", "destination": "USA"},
    }
    data["recycling"]["back"] = {"commodity": "metal", "available_t_per_y": 20}
    data["limits"]["mined"] = {
        "kind": "share_cap",
        "commodity": "metal",
        "places": ["CHN"],
        "origin_role": "mined_in",
        "cap_share": 0.5,
    }
    return data


def role_plan() -> Lists:
    made = {"pit": 30.0, "mine": 30.0, "smelter": 60.0, "ally": 20.0}
    return {
        **tiny_plan(1),
        "run": [[name, 0, "2026", t] for name, t in made.items()],
        "activity": [["smelter", "clean", "2026", 30.0], ["smelter", "CHN mined_in", "2026", 30.0]],
        "ship": [
            ["ore CHN", "all/CHN mined_in", "2026", 30.0],
            ["ore AUS", "all/clean", "2026", 30.0],
            ["AUS-USA", "all/CHN mined_in", "2026", 20.0],
        ],
        "recover": [["back", "2026", 20.0]],
        "serve": [["need", "itself/clean", "2026", 50.0], ["need", "itself/CHN mined_in", "2026", 50.0]],
    }


@pytest.mark.proves("share_stays_below_cap")
def test_a_cap_by_where_it_was_mined_counts_arrivals_and_home_output() -> None:
    assert_holds(by_role(), role_plan())
    cut = scenario_with("limits/mined/cap_share", 0.4)
    words = "supply mined_in of the places under limit mined at 2026 is 50 t/y, at most 40 t/y"
    assert_broken(by_role(), role_plan(), cut, words)


def test_a_cap_by_where_it_was_mined_counts_recovery_at_home_for_home() -> None:
    data, lists = by_role(), role_plan()
    data["limits"]["mined"]["places"] = ["USA"]
    for row in (*lists["activity"], *lists["ship"], *lists["serve"]):
        row[1] = row[1].replace("CHN mined_in", "clean")
    lists["activity"] = [["smelter", "clean", "2026", 60.0]]
    lists["serve"] = [["need", "itself/clean", "2026", 80.0], ["need", "itself/USA mined_in", "2026", 20.0]]
    assert_holds(data, lists)
    cut = scenario_with("limits/mined/cap_share", 0.1)
    words = "supply mined_in of the places under limit mined at 2026 is 20 t/y, at most 10 t/y"
    assert_broken(data, lists, cut, words)


# Grants


def granted() -> Data:
    """Of 100 kUSD of capex, due by halves, the state pays 40 %."""
    data = tiny(1, 1)
    data["projects"]["mine"] = {
        "place": "USA",
        "outputs": {"metal": 1},
        "capacity_t_per_y": 10,
        "capex_kusd": 100,
        "capex_spending_share": [0.5, 0.5],
        "end_value_share": 0,
        "grant_share": 0.4,
        "tracks": {"standard": {"permit_years": 0, "construction_years": 1}},
    }
    data["limits"]["support"] = {"kind": "budget", "covers": ["support"], "amount_kusd_per_y": 20}
    data["limits"]["capex"] = {"kind": "budget", "covers": ["capex"], "amount_kusd_per_y": 50}
    return data


def granted_plan(cost_kusd: float = 60.0) -> Lists:
    nodes = ("2026", "2027")
    flows = {"run": "China", "ship": "CHN-USA", "serve": "need"}
    keys: dict[str, Any] = {"run": 0, "ship": "all", "serve": "itself"}
    costs = [[node, term, cost] for node in nodes for term, cost in (("capex", 50.0), ("grant", -20.0))]
    return {
        **tiny_plan(1, 1, cost_kusd=cost_kusd),
        **{table: [[name, keys[table], node, 100.0] for node in nodes] for table, name in flows.items()},
        "starts": [["mine", "standard", "2026"]],
        "node_costs": costs,
    }


def test_a_plan_with_a_grant_holds() -> None:
    assert_holds(granted(), granted_plan(), 60.0)
    national = granted()
    national["economics"]["view"] = "national"
    assert_holds(national, granted_plan(100.0), 100.0)


GRANTS_BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "grants break the budget of the state",
        scenario_with("limits/support/amount_kusd_per_y", 15),
        "money falling due under limit support at 2026 is 20 kUSD, at most 15 kUSD",
    ),
    (
        "grants do not relieve the capex budget",
        scenario_with("limits/capex/amount_kusd_per_y", 40),
        "money falling due under limit capex at 2027 is 50 kUSD, at most 40 kUSD",
    ),
    (
        "a grant is smaller",
        scenario_with("projects/mine/grant_share", 0.2),
        "cost grant at 2026 is reported as -20 kUSD, recomputed -10 kUSD",
    ),
    ("a grant is not reported", without("node_costs", ["2027", "grant"]), "cost grant at 2027 is reported as 0 kUSD"),
]


@pytest.mark.parametrize(
    ("mutate", "words"), [case[1:] for case in GRANTS_BROKEN], ids=[case[0] for case in GRANTS_BROKEN]
)
def test_a_broken_rule_of_grants_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(granted(), granted_plan(), mutate, words)
