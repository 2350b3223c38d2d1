"""The check finds what breaks the rules on substitutes and elastic demand."""

from __future__ import annotations

import pytest
from check_plans import Data, Lists, Mutation, both, cell, more, scenario_with, verdict_of, without
from check_tiny import assert_broken, assert_holds, tiny, tiny_plan

NEED = "demands/need"


def yielding() -> Data:
    """Home wants 100 t/y: of metal, of alloy (half as much does) from 2027 on, or with thrift, or less at a price."""
    data = tiny(1, 2)
    data["commodities"]["alloy"] = {"stage": "refined", "mineral_group": "metal"}
    data["facilities"]["smith"] = {"place": "USA", "outputs": {"alloy": 1}}
    data["demands"]["need"] |= {
        "substitutes": {
            "alloy": {
                "commodity": "alloy",
                "ratio_t_per_t": 0.5,
                "limit_share": {2026: 0.2, 2028: 0.4},
                "cost_kusd_per_t": 3,
                "delay_years": 1,
            },
            "thrift": {"limit_share": 0.1, "cost_kusd_per_t": 7},
        },
        "elastic": {"price_kusd_per_t": 12, "elasticity": 0.5, "down_to_share": 0.7, "steps": 3},
    }
    return data


# Steps of 10 % each: at their middles 12 * (1 + 0.05 / 0.5) = 13.2, 12 * (1 + 0.15 / 0.5) = 15.6
TERMS_KUSD = {
    "2026": {"substitution": 7 * 10, "demand_reduction": 13.2 * 10 + 15.6 * 5},
    "2027": {"substitution": 2 * (3 * 30 + 7 * 10), "demand_reduction": 2 * 13.2 * 8},
}
COST_KUSD = sum(cost for of_node in TERMS_KUSD.values() for cost in of_node.values())


def yielding_plan() -> Lists:
    itself = {"2026": 75.0, "2027": 52.0}
    return {
        **tiny_plan(1, 2, cost_kusd=COST_KUSD),
        "run": [*(["China", 0, node, t] for node, t in itself.items()), ["smith", 0, "2027", 15.0]],
        "ship": [["CHN-USA", "all", node, t] for node, t in itself.items()],
        "serve": [
            *(["need", "itself", node, t] for node, t in itself.items()),
            ["need", "thrift", "2026", 10.0],
            ["need", "given up 0", "2026", 10.0],
            ["need", "given up 1", "2026", 5.0],
            ["need", "alloy", "2027", 30.0],
            ["need", "thrift", "2027", 10.0],
            ["need", "given up 0", "2027", 8.0],
        ],
        "node_costs": [[node, term, cost] for node, terms in TERMS_KUSD.items() for term, cost in terms.items()],
    }


@pytest.mark.proves("demand_is_served_or_short")
def test_a_plan_with_substitutes_and_elastic_demand_holds() -> None:
    assert_holds(yielding(), yielding_plan(), COST_KUSD)


BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "the options do not add up",
        cell("serve", ["need", "thrift", "2026"], "served_t_per_y", 8.0),
        "served and short of demand need at 2026 is 98 t/y, should be 100 t/y",
    ),
    (
        "a substitute takes too little of its commodity",
        scenario_with(f"{NEED}/substitutes/alloy/ratio_t_per_t", 0.6),
        "balance of alloy at USA in 2027 is off by 3 t/y: 15 t/y in, 18 t/y out",
    ),
    (
        "a substitute meets more than its share",
        scenario_with(f"{NEED}/substitutes/alloy/limit_share", 0.25),
        "demand need met by substitute alloy at 2027 is 30 t/y, at most 25 t/y",
    ),
    (
        "so does a reduction",
        scenario_with(f"{NEED}/substitutes/thrift/limit_share", 0.05),
        "demand need met by substitute thrift at 2026 is 10 t/y, at most 5 t/y",
    ),
    (
        "a substitute is not yet to be had",
        scenario_with(f"{NEED}/substitutes/alloy/delay_years", 1.5),
        "demand need met by substitute alloy, usable from 2027.5 on, at 2027 is 30 t/y, at most 0 t/y",
    ),
    (
        "a substitute is for futures that depart",
        scenario_with(f"{NEED}/substitutes/thrift/after_departure", True),
        "demand need met by substitute thrift, before a departure, at 2026 is 10 t/y, at most 0 t/y",
    ),
    (
        "too much is given up on a step",
        scenario_with(f"{NEED}/elastic/down_to_share", 0.79),
        "step 0 given up of demand need at 2026 is 10 t/y, at most 7 t/y",
    ),
    (
        "a step that does not exist",
        more("serve", ["need", "given up 3", "2026", 1.0]),
        "serve of need given up 3 at 2026 does not exist in the scenario",
    ),
    (
        "a substitute that does not exist",
        more("serve", ["need", "hope", "2026", 1.0]),
        "serve of need hope at 2026 does not exist in the scenario",
    ),
    (
        "a negative option",
        both(
            without("serve", ["need", "given up 1", "2026"]),
            more("serve", ["need", "given up 1", "2026", -5.0]),
        ),
        "served_t_per_y of need given up 1 at 2026 is -5 t/y, at least 0 t/y",
    ),
    (
        "a substitute costs more",
        scenario_with(f"{NEED}/substitutes/alloy/cost_kusd_per_t", 4),
        "cost substitution at 2027 is reported as 320 kUSD, recomputed 380 kUSD",
    ),
    (
        "what is given up is worth more where demand is less elastic",
        scenario_with(f"{NEED}/elastic/elasticity", 0.25),
        "cost demand_reduction at 2027 is reported as 211.2 kUSD, recomputed 230.4 kUSD",
    ),
]


@pytest.mark.parametrize(("mutate", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
@pytest.mark.proves("demand_is_served_or_short", "substitute_stays_within_limit")
def test_a_broken_rule_of_demand_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(yielding(), yielding_plan(), mutate, words)


def departing() -> Data:
    """Thrift a year after a war has broken out, which grows worse in 2028."""
    data = tiny(1, 1, 1)
    data["demands"]["need"]["substitutes"] = {"thrift": {"after_departure": True, "delay_years": 1}}
    none = {"changes": "price", "factor": 1}
    data["events"] = {"war": {"onset": 2027, **none}, "siege": {"onset": 2028, **none}}
    data["futures"] = {
        "war": {"probability": 0.5, "events": ["war"]},
        "siege": {"probability": 0.5, "events": ["siege"], "after": "war"},
    }
    return data


def departing_plan(thrift_from: int) -> Lists:
    nodes = {"2026": "", "war@2027": "2026", "war@2028": "war@2027", "siege@2028": "war@2027"}
    option = {node: "thrift" if "@" in node and int(node[-4:]) >= thrift_from else "itself" for node in nodes}
    bought = [node for node in nodes if option[node] == "itself"]
    return {
        "nodes": [
            [node, parent, int(node[-4:]), int(node[-4:]) - 2026, 1, 0.5 if "2028" in node else 1.0, 1.0, node[:-5]]
            for node, parent in nodes.items()
        ],
        "run": [["China", 0, node, 100.0] for node in bought],
        "ship": [["CHN-USA", "all", node, 100.0] for node in bought],
        "serve": [["need", option[node], node, 100.0] for node in nodes],
        "futures": [["war", 0.5, 0.0], ["siege", 0.5, 0.0]],
    }


@pytest.mark.proves("substitute_stays_within_limit")
def test_a_delay_after_departure_counts_from_the_first_of_the_line() -> None:
    assert_holds(departing(), departing_plan(thrift_from=2028))
    found = verdict_of(departing(), departing_plan(thrift_from=2027)).worst
    assert found == ["demand need met by substitute thrift, usable from 2028 on, at war@2027 is 100 t/y, at most 0 t/y"]
