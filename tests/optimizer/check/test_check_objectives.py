"""The check recomputes every objective, and regret from the least costs a plan reports."""

from __future__ import annotations

import pytest
from check_plans import Data, Lists, Mutation, cell, golden_plan, golden_toy, more, without
from check_tiny import assert_broken, assert_holds, assert_said, tiny, tiny_plan

GOLDEN = golden_plan()
CALM, BAN = (row[2] for row in GOLDEN["futures"])
EXPECTED = 0.8 * CALM + 0.2 * BAN
BEST = {"calm": CALM - 300, "ban": BAN - 200}
REGRET_KUSD = 0.999 * 300 + 0.001 * EXPECTED


def regretting() -> tuple[Data, Lists]:
    data, lists = golden_toy(), golden_plan()
    data["risk"] = {"objective": "maximum_regret"}
    lists["regrets"] = [["calm", BEST["calm"], 300.0], ["ban", BEST["ban"], 200.0]]
    return data, lists


def test_the_worst_future_counts_with_expected_cost_behind_it() -> None:
    data = golden_toy()
    data["risk"] = {"objective": "worst_future", "tail_weight": 0.9}
    assert_holds(data, golden_plan(), 0.999 * BAN + 0.001 * EXPECTED)
    assert_said(data, golden_plan(), "objective is reported as", EXPECTED)


def test_a_future_that_cannot_come_is_not_the_worst() -> None:
    data, lists = golden_toy(), golden_plan()
    data["risk"] = {"objective": "worst_future"}
    data["futures"]["ban"]["probability"] = 0
    for row in lists["nodes"]:
        row[5] = 0.0 if "@" in row[0] else 1.0
    lists["futures"] = [["calm", 1.0, CALM], ["ban", 0.0, BAN]]
    assert_holds(data, lists, CALM)


def test_the_largest_regret_counts_with_expected_cost_behind_it() -> None:
    data, lists = regretting()
    assert_holds(data, lists, REGRET_KUSD)


REGRETS_BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "a regret that is not cost less least cost",
        cell("regrets", ["ban"], "regret_kusd", 100.0),
        "regret of future ban is reported as 100 kUSD, recomputed 200 kUSD",
    ),
    ("a least cost that gives another objective", cell("regrets", ["calm"], "best_kusd", CALM - 400), "objective is"),
    ("a regret is missing", without("regrets", ["ban"]), "regret of future ban is missing"),
    ("a regret twice", more("regrets", ["ban", BEST["ban"], 200.0]), "regret of future ban is listed twice"),
    ("an unknown future", more("regrets", ["war", 0.0, 0.0]), "regret of future war does not count"),
    ("no number", cell("regrets", ["ban"], "best_kusd", None), "least cost of future ban is not a number"),
]


@pytest.mark.parametrize(
    ("mutate", "words"), [case[1:] for case in REGRETS_BROKEN], ids=[case[0] for case in REGRETS_BROKEN]
)
def test_a_wrong_regret_is_found(mutate: Mutation, words: str) -> None:
    data, lists = regretting()
    assert_broken(data, lists, mutate, words, REGRET_KUSD)


def test_a_stress_test_has_no_regret() -> None:
    data, lists = regretting()
    data["futures"]["ban"] = {"stress": True, "events": ["ban"]}
    for row in lists["nodes"]:
        row[5] = 0.0 if "@" in row[0] else 1.0
    lists["futures"] = [["calm", 1.0, CALM], ["ban", 0.0, BAN]]
    assert_said(data, lists, "regret of future ban does not count")
    without("regrets", ["ban"])(data, lists)
    assert_holds(data, lists, 0.999 * 300 + 0.001 * CALM)


def test_the_only_future_of_a_plan_without_any_may_have_any_name() -> None:
    data, lists = tiny(1), tiny_plan(1, cost_kusd=5000.0)
    data["risk"] = {"objective": "maximum_regret"}
    lists |= {"shortage": [["need", 0, "2026", 100.0]], "node_costs": [["2026", "shortage_penalty", 5000.0]]}
    lists["futures"] = [["the one", 1.0, 5000.0]]
    lists["regrets"] = [["the one", 4000.0, 1000.0]]
    assert_holds(data, lists, 0.999 * 1000 + 0.001 * 5000)


def test_expected_shortage_counts_with_expected_cost_behind_it() -> None:
    data, lists = tiny(1, 1), tiny_plan(1, 1)
    data["economics"]["discount_rate"] = 0.25
    data["risk"] = {"objective": "expected_shortage"}
    data["stockpiles"]["store"] = {"commodity": "metal", "opening_t": 10, "holding_kusd_per_t_y": 3}
    lists["shortage"] = [["need", 0, node, 100.0] for node in ("2026", "2027")]
    lists["store"] = [["store", node, 0.0, 0.0, 10.0] for node in ("2026", "2027")]
    lists["nodes"][1][6] = 0.8
    costs = {"shortage_penalty": 5000.0, "holding": 30.0}
    lists["node_costs"] = [[node, term, cost] for node in ("2026", "2027") for term, cost in costs.items()]
    lists["futures"] = [["as planned", 1.0, 1.8 * 5030]]
    assert_holds(data, lists, 0.999 * 1.8 * 5000 + 0.001 * 1.8 * 5030)
    assert_said(data, lists, "objective is reported as", 1.8 * 5030)
