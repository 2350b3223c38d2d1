"""The check finds what breaks the rules on facilities over time, on recovery and on replenishing stock."""

from __future__ import annotations

import pytest
from check_plans import Data, Lists, Mutation, both, cell, more, scenario_with, without
from check_tiny import assert_broken, assert_holds, bought, tiny, tiny_plan

CHINA = "facilities/China"


def growing() -> Data:
    """China runs 20 t/y for two years, then 40, then 50; three limits on that bind."""
    data = tiny(2, 1, 1)
    data["demands"]["need"]["quantity_t_per_y"] = {2026: 20, 2028: 40, 2029: 50}
    data["facilities"]["China"] |= {
        "capacity_t_per_y": 100,
        "steps": [{"width_t_per_y": 80, "cost_kusd_per_t": 0}],
        "minimum_utilisation_share": 0.25,
        # 20 t/y before 2026; 1.1 ** 2 * 20 + 2 * 8 = 40.2, 1.1 * 40 + 8 = 52
        "growth": {"share_per_y": 0.1, "seed_t_per_y": 8, "before_t_per_y": 20},
        "reserves_t": 130,
    }
    return data


def growing_plan() -> Lists:
    return {**tiny_plan(2, 1, 1), **bought({"2026": 20.0, "2028": 40.0, "2029": 50.0})}


def test_a_plan_within_the_limits_of_a_facility_holds() -> None:
    assert_holds(growing(), growing_plan())


MINE = {
    "place": "USA",
    "outputs": {"metal": 1},
    "capacity_t_per_y": 60,
    "capex_kusd": 0,
    "ramp_up_share": [0.5, 1],
    "tracks": {"standard": {"permit_years": 0, "construction_years": 2}},
    "minimum_utilisation_share": 0.5,
}
GROWTH_BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "a facility stands too still, by the width of its steps",
        scenario_with(f"{CHINA}/minimum_utilisation_share", 0.3),
        "activity of China against its minimum utilisation at 2026 is 20 t/y, at least 24 t/y",
    ),
    (
        "a facility stands too still, by its capacity",
        both(scenario_with(f"{CHINA}/minimum_utilisation_share", 0.5), scenario_with(f"{CHINA}/capacity_t_per_y", 70)),
        "activity of China against its minimum utilisation at 2026 is 20 t/y, at least 35 t/y",
    ),
    (
        "a project on line stands still",
        both(scenario_with("projects/mine", MINE), more("starts", ["mine", "standard", "2026"])),
        "activity of mine against its minimum utilisation at 2028 is 0 t/y, at least 15 t/y",
    ),
    (
        "activity grows too fast from the year before",
        scenario_with(f"{CHINA}/growth/before_t_per_y", 10),
        "activity of China against its growth at 2026 is 20 t/y, at most 19 t/y",
    ),
    (
        "activity grows too fast over two years",
        scenario_with(f"{CHINA}/growth/share_per_y", 0.08),
        # 1.08 ** 2 * 20 + 2 * 8
        "activity of China against its growth at 2028 is 40 t/y, at most 39.328 t/y",
    ),
    (
        "activity grows from too small a seed",
        scenario_with(f"{CHINA}/growth/seed_t_per_y", 0),
        "activity of China against its growth at 2029 is 50 t/y, at most 44 t/y",
    ),
    (
        "reserves run out",
        scenario_with(f"{CHINA}/reserves_t", 120),
        "use of the reserves of China up to 2029 is 130 t, at most 120 t",
    ),
]


@pytest.mark.parametrize(
    ("mutate", "words"), [case[1:] for case in GROWTH_BROKEN], ids=[case[0] for case in GROWTH_BROKEN]
)
@pytest.mark.proves("facility_keeps_running")
def test_a_broken_limit_of_a_facility_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(growing(), growing_plan(), mutate, words)


@pytest.mark.proves("activity_grows_within_limit")
def test_the_first_period_is_free_where_nothing_ran_before() -> None:
    data = growing()
    data["facilities"]["China"]["growth"] = {"share_per_y": 0.1, "seed_t_per_y": 8}
    assert_holds(data, growing_plan())


# Recycling


def recycling() -> Data:
    """Half of the metal used two years before comes back; magnets count as the metal that stands in for them."""
    data = tiny(1, 2, 1)
    data["commodities"]["magnet"] = {"stage": "product", "mineral_group": "metal"}
    data["recycling"]["back"] = {
        "commodity": "metal",
        "from_commodity": "metal",
        "recovered_t_per_t": 0.5,
        "lag_years": 2.5,
        "past_use_t_per_y": {2022: 30, 2024: 40},
        "cost_kusd_per_t": {2026: 2, 2029: 3},
    }
    data["demands"] |= {
        "magnets": {
            "commodity": "magnet",
            "tier": "other",
            "quantity_t_per_y": 10,
            "shortage_penalty_kusd_per_t": 0,
            "substitutes": {"metal": {"commodity": "metal", "ratio_t_per_t": 2}},
        },
        "sale": {
            "commodity": "metal",
            "tier": "export",
            "quantity_t_per_y": 10,
            "shortage_penalty_kusd_per_t": 0,
        },
    }
    return data


def recycling_plan() -> Lists:
    # 130 t/y are wanted, of them 120 at home. Half of the 30 used in 2023 comes back in 2026 (2023.5 rounded down),
    # half of the 40 used in 2024 in 2027 and 2028 (a period of its own first year), half of 120 in 2029.
    back = {"2026": 15.0, "2027": 20.0, "2029": 60.0}
    flows = bought({node: 130.0 - t for node, t in back.items()})
    flows["serve"] = [
        [demand, option, node, t]
        for node in back
        for demand, option, t in (("need", "itself", 100.0), ("magnets", "metal", 10.0), ("sale", "itself", 10.0))
    ]
    costs = [["2026", "recovery", 30.0], ["2027", "recovery", 80.0], ["2029", "recovery", 180.0]]
    recovered = [["back", node, t] for node, t in back.items()]
    return {**tiny_plan(1, 2, 1, cost_kusd=290.0), **flows, "recover": recovered, "node_costs": costs}


def test_a_plan_with_recycling_holds() -> None:
    assert_holds(recycling(), recycling_plan(), 290.0)


RECYCLING_BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "more is recovered than was used before the horizon",
        scenario_with("recycling/back/past_use_t_per_y", {2022: 20, 2024: 40}),
        "recovery of back at 2026 is 15 t/y, at most 10 t/y",
    ),
    (
        "more is recovered than was used in the plan",
        scenario_with("demands/magnets/substitutes/metal/ratio_t_per_t", 1),
        "recovery of back at 2029 is 60 t/y, at most 55 t/y",
    ),
    (
        "buyers abroad keep what they buy",
        scenario_with("demands/need/tier", "export"),
        "recovery of back at 2029 is 60 t/y, at most 10 t/y",
    ),
    (
        "the share that is recovered falls",
        scenario_with("recycling/back/recovered_t_per_t", {2026: 0.5, 2029: 0.25}),
        "recovery of back at 2029 is 60 t/y, at most 30 t/y",
    ),
    (
        "the lag is longer",
        scenario_with("recycling/back/lag_years", 4),
        "recovery of back at 2029 is 60 t/y, at most 20 t/y",
    ),
    (
        "a path of its own",
        scenario_with("recycling/back/available_t_per_y", 50),
        "recovery of back at 2029 is 60 t/y, at most 50 t/y",
    ),
    (
        "what is recovered joins the balance",
        cell("recover", ["back", "2026"], "recovered_t_per_y", 14.0),
        "balance of metal at USA in 2026 is off by 1 t/y",
    ),
    (
        "recovery costs",
        scenario_with("recycling/back/cost_kusd_per_t", 2),
        "cost recovery at 2029 is reported as 180 kUSD, recomputed 120 kUSD",
    ),
    (
        "recovery from nowhere",
        more("recover", ["moon", "2026", 1.0]),
        "recover of moon at 2026 does not exist in the scenario",
    ),
]


@pytest.mark.parametrize(
    ("mutate", "words"), [case[1:] for case in RECYCLING_BROKEN], ids=[case[0] for case in RECYCLING_BROKEN]
)
def test_a_broken_rule_of_recycling_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(recycling(), recycling_plan(), mutate, words)


# Replenishing


def replenishing() -> Data:
    """50 t cover half a year; a war from 2027 on takes 30 t, which may be lacking for two years."""
    data = tiny(1, 1, 1, 1)
    data["stockpiles"]["store"] = {
        "commodity": "metal",
        "opening_t": 50,
        "cover_days": 182.5,
        "replenish_within_years": 2,
    }
    data["events"]["war"] = {"changes": "price", "onset": 2027, "factor": 1}
    data["futures"] = {"calm": {}, "war": {"probability": 0.25, "events": ["war"]}}
    return data


def replenishing_plan() -> Lists:
    nodes = ["2026", "2027", "2028", "2029", "war@2027", "war@2028", "war@2029"]
    flows = bought(dict.fromkeys(nodes, 100.0))
    made = {"war@2027": 70.0, "war@2029": 130.0}
    return {
        "nodes": [
            [
                name,
                {"2026": "", "war@2027": "2026"}.get(name, name[:-4] + str(int(name[-4:]) - 1)),
                int(name[-4:]),
                int(name[-4:]) - 2026,
                1,
                1.0 if name == "2026" else 0.25 if "war" in name else 0.75,
                1.0,
                name[:-5],
            ]
            for name in nodes
        ],
        "run": [["China", 0, node, made.get(node, 100.0)] for node in nodes],
        "ship": [["CHN-USA", "all", node, made.get(node, 100.0)] for node in nodes],
        "serve": flows["serve"],
        "store": [
            *(["store", node, 0.0, 0.0, 50.0] for node in nodes if "@" not in node),
            ["store", "war@2027", 0.0, 30.0, 20.0],
            ["store", "war@2028", 0.0, 0.0, 20.0],
            ["store", "war@2029", 30.0, 0.0, 50.0],
        ],
        "futures": [["calm", 0.75, 0.0], ["war", 0.25, 0.0]],
    }


@pytest.mark.proves("stock_meets_target_if_said")
def test_a_plan_that_replenishes_in_time_holds() -> None:
    assert_holds(replenishing(), replenishing_plan())


SHORTFALL = "the smallest shortfall of stock of store to its days of cover in the time allowed before"
REPLENISHING_BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "stock is replenished too late",
        scenario_with("stockpiles/store/replenish_within_years", 1),
        f"{SHORTFALL} war@2028, in war@2027, is 30 t, at most 0 t",
    ),
    (
        "stock is not replenished",
        both(without("store", ["store", "war@2029"]), more("store", ["store", "war@2029", 0.0, 0.0, 20.0])),
        f"{SHORTFALL} war@2029, in war@2027, is 30 t, at most 0 t",
    ),
    (
        "cover is too low from the start",
        scenario_with("stockpiles/store/cover_days", 200.75),
        f"{SHORTFALL} 2028, in 2026, is 5 t, at most 0 t",
    ),
]


@pytest.mark.parametrize(
    ("mutate", "words"), [case[1:] for case in REPLENISHING_BROKEN], ids=[case[0] for case in REPLENISHING_BROKEN]
)
@pytest.mark.proves("stock_is_replenished")
def test_stock_that_is_not_replenished_is_found(mutate: Mutation, words: str) -> None:
    assert_broken(replenishing(), replenishing_plan(), mutate, words)


def test_cover_is_not_asked_of_a_stress_test() -> None:
    data, lists = replenishing(), replenishing_plan()
    scenario_with("stockpiles/store/replenish_within_years", 1)(data, lists)
    data["futures"]["war"] = {"stress": True, "events": ["war"]}
    for row in lists["nodes"]:
        row[5] = 0.0 if "war" in row[0] else 1.0
    lists["futures"] = [["calm", 1.0, 0.0], ["war", 0.0, 0.0]]
    assert_holds(data, lists)
