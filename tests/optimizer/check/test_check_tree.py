"""The check reads trees that branch again, stress tests and fading events, and finds what breaks their rules."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from check_plans import Data, Lists, Mutation, both, cell, more, scenario_with, verdict_of, without
from check_tiny import assert_broken, assert_holds, bought, tiny, tiny_plan

from lodeplan.optimizer.check.periods import Period, share_in_force
from lodeplan.optimizer.check.tree import Tree, build_tree
from lodeplan.schemas import Scenario


def demand_event(year: int, factor: float) -> Data:
    return {"changes": "demand", "onset": year, "factor": factor}


def branching() -> Data:
    """A war from 2027 on that may grow long in 2028; a fire in 2027, and one in the war's third year, as tests."""
    data = tiny(1, 1, 1, 1)
    data["facilities"]["China"]["cost_kusd_per_t"] = 1
    data["events"] = {
        "war": demand_event(2027, 1.5),
        "siege": demand_event(2028, 2),
        "fire": demand_event(2027, 3),
        "late fire": demand_event(2029, 4),
    }
    data["futures"] = {
        "long war": {"probability": 0.2, "events": ["siege"], "after": "war"},
        "calm": {},
        "war": {"probability": 0.3, "events": ["war"]},
        "test": {"stress": True, "events": ["fire"]},
        "test in war": {"stress": True, "events": ["late fire"], "after": "war"},
    }
    return data


WANTED = {
    **dict.fromkeys(("2026", "2027", "2028", "2029"), 100.0),
    **dict.fromkeys(("war@2027", "war@2028", "war@2029"), 150.0),
    **dict.fromkeys(("long war@2028", "long war@2029"), 300.0),
    **dict.fromkeys(("test@2027", "test@2028", "test@2029"), 300.0),
    "test in war@2029": 600.0,
}
CALM, WAR, LONG = 400.0, 100.0 + 3 * 150, 100.0 + 150 + 2 * 300
EXPECTED_KUSD = 0.5 * CALM + 0.3 * WAR + 0.2 * LONG


def branching_plan() -> Lists:
    def node(name: str, parent: str, probability: float) -> list[Any]:
        year = int(name[-4:])
        return [name, parent, year, year - 2026, 1, probability, 1.0, name[:-5]]

    return {
        **bought(WANTED),
        "nodes": [
            node("2026", "", 1.0),
            node("2027", "2026", 0.5),
            node("2028", "2027", 0.5),
            node("2029", "2028", 0.5),
            node("war@2027", "2026", 0.5),
            node("war@2028", "war@2027", 0.3),
            node("war@2029", "war@2028", 0.3),
            node("long war@2028", "war@2027", 0.2),
            node("long war@2029", "long war@2028", 0.2),
            node("test@2027", "2026", 0.0),
            node("test@2028", "test@2027", 0.0),
            node("test@2029", "test@2028", 0.0),
            node("test in war@2029", "war@2028", 0.0),
        ],
        "node_costs": [[node, "production", t] for node, t in WANTED.items()],
        "futures": [
            ["calm", 0.5, CALM],
            ["war", 0.3, WAR],
            ["long war", 0.2, LONG],
            ["test", 0.0, 100.0 + 3 * 300],
            ["test in war", 0.0, 100.0 + 2 * 150 + 600],
        ],
    }


def test_a_plan_on_a_tree_that_branches_again_holds() -> None:
    assert_holds(branching(), branching_plan(), EXPECTED_KUSD)


@pytest.mark.proves("worst_future_is_counted")
def test_a_stress_test_does_not_count_in_the_tail_nor_as_the_worst_future() -> None:
    data = branching()
    data["risk"] = {"tail_weight": 0.5, "tail_level": 0.8}
    assert_holds(data, branching_plan(), 0.5 * EXPECTED_KUSD + 0.5 * LONG)
    data["risk"] = {"objective": "worst_future"}
    assert_holds(data, branching_plan(), 0.999 * LONG + 0.001 * EXPECTED_KUSD)


MINE = {
    "place": "USA",
    "outputs": {"metal": 1},
    "capacity_t_per_y": 10,
    "capex_kusd": 0,
    "tracks": {"standard": {"permit_years": 0, "construction_years": 1}},
    "start_in_branches": True,
}
FLOOR = {"kind": "share_cap", "commodity": "metal", "places": ["CHN"], "cap_share": 0.5}
TREE_BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "a shared node counts all that share it",
        cell("nodes", ["war@2027"], "probability", 0.3),
        "probability of node war@2027 is 0.3, should be 0.5",
    ),
    (
        "a future departs from the one it follows",
        cell("nodes", ["long war@2028"], "parent", "2027"),
        "parent of node long war@2028 is '2027', should be 'war@2027'",
    ),
    (
        "a future has the events of the one it follows",
        cell("serve", ["need", "itself", "long war@2028"], "served_t_per_y", 200.0),
        "served and short of demand need at long war@2028 is 200 t/y, should be 300 t/y",
    ),
    (
        "a future follows another until it departs",
        more("nodes", ["long war@2027", "2026", 2027, 1, 1, 0.2, 1.0, "long war"]),
        "node long war@2027 does not exist in the scenario",
    ),
    (
        "a stress test has no probability",
        cell("nodes", ["test@2027"], "probability", 0.1),
        "probability of node test@2027 is 0.1, should be 0",
    ),
    ("a stress test is a future", without("futures", ["test"]), "future test is missing"),
    (
        "nothing starts in a stress test",
        both(scenario_with("projects/mine", MINE), more("starts", ["mine", "standard", "test@2027"])),
        "start of mine on track standard at test@2027 is in a stress test",
    ),
    (
        "nothing is onboarded in a stress test",
        both(
            scenario_with("routes/more", {"commodity": "metal", "origin": "AUS", "destination": "USA"}),
            scenario_with("routes/more/onboarding", {"in_branches": True}),
            more("onboardings", ["more", "test@2027"]),
        ),
        "onboarding of more at test@2027 is in a stress test",
    ),
    (
        "a limit counts in the futures it names",
        scenario_with("limits/cap", {**FLOOR, "futures": ["long*"]}),
        "flow into home under limit cap at long war@2028 is 300 t/y, at most 150 t/y",
    ),
    (
        "a limit counts in the stress tests it names",
        scenario_with("limits/cap", {**FLOOR, "futures": ["test"]}),
        "flow into home under limit cap at test@2029 is 300 t/y, at most 150 t/y",
    ),
    (
        "a limit that names futures has no slack elsewhere",
        both(
            scenario_with("limits/cap", {**FLOOR, "futures": ["calm"], "violation_price_kusd": 1}),
            more("slack", ["cap", "", "2027", 5.0]),
        ),
        "slack of cap at 2027, which does not apply there, is 5 t/y, at most 0 t/y",
    ),
]


@pytest.mark.parametrize(("mutate", "words"), [case[1:] for case in TREE_BROKEN], ids=[case[0] for case in TREE_BROKEN])
def test_a_broken_rule_of_the_tree_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(branching(), branching_plan(), mutate, words)


def test_limits_leave_stress_tests_alone_unless_they_name_them() -> None:
    data, lists = branching(), branching_plan()
    data["limits"]["cap"] = {**FLOOR, "violation_price_kusd": 1}
    lists["slack"] = [["cap", "", node, t / 2] for node, t in WANTED.items() if "test" not in node]
    sentences = verdict_of(data, lists).worst
    assert sentences
    assert all(sentence.startswith("cost ") for sentence in sentences)  # the slack is paid for, no rule is broken


def test_what_exceeds_a_limit_in_a_stress_test_adds_to_the_objective_as_if_the_test_came() -> None:
    data, lists = branching(), branching_plan()
    data["economics"]["discount_rate"] = 0.25
    data["facilities"]["China"]["cost_kusd_per_t"] = 0
    data["limits"]["cap"] = {**FLOOR, "futures": ["test"], "violation_price_kusd": 2}
    lists["slack"] = [["cap", "", f"test@{year}", 150.0] for year in (2027, 2028, 2029)]
    lists["node_costs"] = [[node, "limit_violation", 300.0] for _, _, node, _ in lists["slack"]]
    discounted = 300 * (0.8 + 0.8**2 + 0.8**3)
    lists["futures"] = [[name, p, discounted if name == "test" else 0.0] for name, p, _ in lists["futures"]]
    for row in lists["nodes"]:
        row[6] = 0.8 ** row[3]
    for objective in ("cost", "worst_future", "expected_shortage"):
        data["risk"] = {"objective": objective}
        assert_holds(data, lists, discounted)


def test_a_project_forced_on_every_path_is_not_asked_of_a_stress_test_that_departs_before() -> None:
    data, lists = branching(), branching_plan()
    data["projects"]["mine"] = {**MINE, "earliest_start": 2028, "forced_track": "standard"}
    lists["starts"] = [["mine", "standard", node] for node in ("2028", "war@2028", "long war@2028")]
    assert_holds(data, lists)


def tree(futures: Data) -> Tree:
    return build_tree(Scenario.model_validate({**branching(), "futures": futures}))


def test_a_followed_future_stops_where_nobody_is_left() -> None:
    found = tree(
        {
            "calm": {},
            "war": {"probability": 0, "events": ["war"]},
            "long war": {"probability": 0.2, "events": ["siege"], "after": "war"},
        }
    )
    assert [name for name in found.nodes if "@" in name] == ["war@2027", "long war@2028", "long war@2029"]
    assert found.last_node == {"calm": "2029", "war": "war@2027", "long war": "long war@2029"}
    assert found.nodes["war@2027"].probability == pytest.approx(0.2)


def test_a_followed_stress_test_goes_on() -> None:
    found = tree(
        {
            "calm": {},
            "trial": {"stress": True, "events": ["war"]},
            "worse": {"stress": True, "events": ["siege"], "after": "trial"},
        }
    )
    assert found.last_node["trial"] == "trial@2029"
    assert found.nodes["worse@2028"].parent == "trial@2027"
    assert found.nodes["worse@2028"].departed_year == 2027
    assert set(found.nodes["worse@2029"].in_force) == {"war", "siege"}


def test_a_future_that_follows_and_never_departs_ends_with_the_other() -> None:
    found = tree(
        {"calm": {}, "war": {"probability": 0.3, "events": ["war"]}, "same": {"probability": 0.2, "after": "war"}}
    )
    assert found.last_node["same"] == "war@2029"
    assert found.nodes["war@2029"].probability == pytest.approx(0.5)


def test_a_scenario_of_stress_tests_alone_goes_as_planned_besides() -> None:
    found = tree({"test": {"stress": True, "events": ["fire"]}})
    assert found.probabilities == {"": 1.0, "test": 0.0}
    assert found.nodes["2029"].probability == 1.0


# Recovery


def test_an_effect_fades_evenly_after_its_end() -> None:
    onset, until = date(2027, 1, 1), date(2028, 1, 1)
    years = [Period(index=0, year=year, length_y=1, start_y=0) for year in (2027, 2028, 2029, 2030)]
    # over 730.5 days from 2028 on: from 1 to 1/2 in 366 of them, then to nothing but for half a day
    left = 1 - 366 / 730.5
    exactly = [1, (1 + left) / 2, left / 2 * 364.5 / 365, 0]
    assert [share_in_force(onset, until, 2, year) for year in years] == pytest.approx(exactly)
    assert [share_in_force(onset, until, 0, year) for year in years] == [1, 0, 0, 0]
    # over a quarter of a year, within a period of two years (366 and 365 days)
    both_years = Period(index=0, year=2028, length_y=2, start_y=0)
    assert share_in_force(onset, until, 0.25, both_years) == pytest.approx(91.3125 / 2 / 731)
    assert share_in_force(onset, None, 2, years[3]) == 1


def recovering() -> Data:
    data = tiny(1, 1, 1)
    data["facilities"]["China"]["capacity_t_per_y"] = 100
    data["events"]["strike"] = {
        "changes": "output",
        "onset": 2027,
        "until": 2028,
        "recovery_years": 1,
        "availability_share": 0.5,
    }
    data["futures"] = {"strike": {"probability": 1, "events": ["strike"]}}
    return data


def recovering_plan() -> Lists:
    # half of it in 2027; in 2028 half of that is left on the average: a quarter is away
    served = {"2026": 100.0, "strike@2027": 50.0, "strike@2028": 75.0}
    return {
        **bought(served),
        "shortage": [["need", 0, "strike@2027", 50.0], ["need", 0, "strike@2028", 25.0]],
        "nodes": [
            ["2026", "", 2026, 0, 1, 1.0, 1.0, ""],
            ["strike@2027", "2026", 2027, 1, 1, 1.0, 1.0, "strike"],
            ["strike@2028", "strike@2027", 2028, 2, 1, 1.0, 1.0, "strike"],
        ],
        "node_costs": [["strike@2027", "shortage_penalty", 2500.0], ["strike@2028", "shortage_penalty", 1250.0]],
        "futures": [["strike", 1.0, 3750.0]],
    }


def test_a_plan_through_a_recovery_holds() -> None:
    assert_holds(recovering(), recovering_plan())


def test_a_recovery_that_takes_longer_is_found() -> None:
    slower = scenario_with("events/strike/recovery_years", 2)
    words = "run against capacity of China at strike@2028 is 75 t/y, at most 62.5257 t/y"
    assert_broken(recovering(), recovering_plan(), slower, words)


def test_what_stands_for_others_has_to_be_written_out() -> None:
    data = tiny()
    data["limits"]["loss"] = {"kind": "survival", "onset": 2027, "tiers": ["other"], "served_share": 1}
    with pytest.raises(ValueError, match="limit loss is of kind survival"):
        verdict_of(data, tiny_plan())
    data = tiny()
    data["sampling"] = {"futures": 2}
    with pytest.raises(ValueError, match="sampling"):
        verdict_of(data, tiny_plan())
