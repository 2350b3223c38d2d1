"""The independent check finds nothing in right plans, and every rule that a plan breaks."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from check_plans import (
    OBJECTIVE_KUSD,
    Mutation,
    both,
    cell,
    golden_plan,
    golden_toy,
    more,
    scenario_with,
    verdict_of,
    with_event,
    without,
    workshop,
    workshop_plan,
)

from lodeplan.optimizer import check


def test_the_golden_toy_plan_worked_out_by_hand_holds() -> None:
    plan = golden_plan()
    calm, ban = (row[2] for row in plan["futures"])
    assert (round(calm, 3), round(ban, 3)) == (5135.228, 5319.874)
    objective = 0.8 * calm + 0.2 * ban
    assert round(objective, 4) == 5172.1574
    verdict = verdict_of(golden_toy(), plan, objective)
    assert verdict.max_violation < 1e-9
    assert verdict.cost_difference_rel < 1e-12
    assert verdict.worst == []


def test_an_objective_reported_too_low_is_said_so() -> None:
    verdict = verdict_of(golden_toy(), golden_plan(), 5172.1574 * 0.99)
    assert verdict.max_violation < 1e-9
    assert verdict.cost_difference_rel == pytest.approx(0.01, rel=1e-6)
    assert verdict.worst == ["objective is reported as 5120.44 kUSD, recomputed 5172.16 kUSD"]


def test_in_the_national_view_duty_is_reported_and_not_counted() -> None:
    data, plan = golden_toy(), golden_plan()
    data["economics"]["view"] = "national"
    plan["futures"] = [
        ["calm", 0.8, 1100 + 2250 / 1.05 + 1100 / 1.05**3],
        ["ban", 0.2, 1100 + 2250 / 1.05 + 775 / 1.05**2 + 750 / 1.05**3],
    ]
    verdict = verdict_of(data, plan)
    assert verdict.cost_difference_rel < 1e-12
    assert verdict.max_violation < 1e-9


def test_a_plan_that_uses_every_rule_holds() -> None:
    verdict = verdict_of(workshop(), workshop_plan(), OBJECTIVE_KUSD)
    assert verdict.worst == []
    assert verdict.max_violation < 1e-9
    assert verdict.cost_difference_rel < 1e-12


AUS = "routes/AUS-USA"
P = "projects/P"
BROKEN: list[tuple[str, Mutation, str]] = [
    (
        "production is missing",
        cell("run", ["China", 0, "2026"], "run_t_per_y", 59.5),
        "balance of metal at CHN in 2026 is off by 0.5 t/y: 59.5 t/y in, 60 t/y out",
    ),
    (
        "arrivals are missing",
        cell("ship", ["AUS-USA", "all", "2029"], "ship_t_per_y", 19.0),
        "balance of metal at USA in 2029 is off by 1 t/y: 99 t/y in, 100 t/y out",
    ),
    (
        "inputs are missing",
        cell("run", ["pit", 0, "2028"], "run_t_per_y", 29.0),
        "balance of ore at USA in 2028 is off by 1 t/y",
    ),
    (
        "a by-product vanishes",
        without("dispose", ["slag", "USA", "2028"]),
        "balance of slag at USA in 2028 is off by 3 t/y",
    ),
    (
        "served without supply",
        cell("serve", ["civilian", "itself", "2026"], "served_t_per_y", 31.0),
        "balance of metal at USA in 2026 is off by 1 t/y",
    ),
    (
        "disposal is not allowed",
        scenario_with("commodities/slag/disposable", False),
        "disposal of slag, not disposable, at USA in 2026 is 3 t/y, at most 0 t/y",
    ),
    (
        "a step is too narrow",
        scenario_with("facilities/Australia/steps/0/width_t_per_y", 44),
        "step 0 of Australia at crisis@2028 is 45 t/y, at most 44 t/y",
    ),
    (
        "the capacity is too small",
        scenario_with("facilities/Australia/capacity_t_per_y", 40),
        "run against capacity of Australia at crisis@2028 is 45 t/y, at most 40 t/y",
    ),
    (
        "home's share is too small",
        scenario_with("facilities/China/home_share", 0.055),
        "run against capacity of China at 2026 is 60 t/y, at most 55 t/y",
    ),
    (
        "an event takes output",
        scenario_with("events/strike/availability_share", 0.5),
        "run against capacity of pit at crisis@2028 is 30 t/y, at most 25 t/y",
    ),
    (
        "the route is full",
        scenario_with(f"{AUS}/capacity_t_per_y", 42),
        "flow on route AUS-USA (availability 1) at crisis@2028 is 45 t/y, at most 42 t/y",
    ),
    (
        "the route leaves a share of the offers",
        scenario_with("events/ban/availability_share", 0.03),
        "flow on route CHN-USA (availability 0.03) at crisis@2028 is 20 t/y, at most 15 t/y",
    ),
    (
        "the route is closed",
        scenario_with("events/ban/availability_share", 0),
        "flow on route CHN-USA (availability 0) at crisis@2029 is 20 t/y, at most 0 t/y",
    ),
    (
        "half a year of a ban halves",
        both(
            scenario_with("facilities/China/capacity_t_per_y", 200),
            with_event({"changes": "exports", "places": ["allies"], "onset": "2029-07-02", "availability_share": 0.0}),
        ),
        # 2029-07-02 to the end of 2030 are 548 of 730 days
        "flow on route AUS-USA (availability 0.2493) at crisis@2029 is 40 t/y, at most 22.4384 t/y",
    ),
    (
        "flow before qualification",
        scenario_with(f"{AUS}/onboarding/lead_years", 2.5),
        "flow on route AUS-USA, not onboarded, at 2028 is 20 t/y, at most 0 t/y",
    ),
    (
        "flow without a decision",
        without("onboardings", ["AUS-USA"]),
        "flow on route AUS-USA, not onboarded, at crisis@2029 is 40 t/y, at most 0 t/y",
    ),
    (
        "flow below the minimum",
        scenario_with(f"{AUS}/onboarding/minimum_t_per_y", 25),
        "flow on onboarded route AUS-USA at 2028 is 20 t/y, at least 25 t/y",
    ),
    (
        "onboarding too late",
        scenario_with(f"{AUS}/onboarding/latest", 2025),
        "onboarding of AUS-USA at 2026 is after its latest year 2025",
    ),
    (
        "onboarding too early",
        scenario_with(f"{AUS}/onboarding/earliest", 2027),
        "onboarding of AUS-USA at 2026 is before its earliest year 2027",
    ),
    (
        "onboarding in a branch",
        more("onboardings", ["AUS-USA", "crisis@2028"]),
        "onboarding of AUS-USA at crisis@2028 is in a branch",
    ),
    (
        "onboarding twice",
        more("onboardings", ["AUS-USA", "2029"]),
        "route AUS-USA is onboarded 2 times on the path to 2029",
    ),
    (
        "the quota is too small",
        scenario_with("tariffs/quota/quota/volume_t_per_y", 25),
        "in-quota flow under quota at 2026 is 30 t/y, at most 25 t/y",
    ),
    (
        "a band that a quota splits",
        both(without("ship", ["CHN-USA", "over_quota", "2026"]), more("ship", ["CHN-USA", "all", "2026", 30.0])),
        "route CHN-USA has no band all at 2026: a quota is in force",
    ),
    (
        "a project runs before it is on line",
        scenario_with(f"{P}/tracks/standard/permit_years", 1.5),
        "run against capacity on line of project P at 2028 is 15 t/y, at most 0 t/y",
    ),
    (
        "a project ramps up more slowly",
        scenario_with(f"{P}/ramp_up_share", [0.25, 1]),
        "run against capacity on line of project P at 2028 is 15 t/y, at most 10 t/y",
    ),
    (
        "a project is delayed",
        both(
            scenario_with(f"{P}/tracks/standard/permit_years", 1.5),
            with_event({"changes": "projects", "delay_years": 1}),
        ),
        # on line in the middle of 2028, in the crisis in that of 2029
        "run against capacity on line of project P at crisis@2029 is 30 t/y, at most 0 t/y",
    ),
    (
        "a project fails",
        both(scenario_with(f"{P}/tracks/standard/permit_years", 1.5), with_event({"changes": "projects"})),
        "run against capacity on line of project P at crisis@2029 is 30 t/y, at most 0 t/y",
    ),
    (
        "a project runs without a start",
        without("starts", ["P"]),
        "run against capacity on line of project P at 2029 is 40 t/y, at most 0 t/y",
    ),
    (
        "a start too early",
        scenario_with(f"{P}/earliest_start", 2027),
        "start of P on track standard at 2026 is before its earliest start 2027",
    ),
    (
        "a start too late",
        scenario_with(f"{P}/latest_start", 2025),
        "start of P on track standard at 2026 is after its latest start 2025",
    ),
    (
        "a start in a branch",
        more("starts", ["Q", "standard", "crisis@2028"]),
        "start of Q on track standard at crisis@2028 is in a branch",
    ),
    (
        "a start in vain",
        more("starts", ["Q", "standard", "2029"]),
        "start of Q on track standard at 2029 cannot come on line within the horizon",
    ),
    ("two starts", more("starts", ["R", "standard", "2028"]), "project R is started 2 times on the path to 2029"),
    (
        "a start of what is committed",
        scenario_with("projects/R/committed_start", 2025),
        "project R is started 2 times on the path to 2029",
    ),
    (
        "a required project is not started",
        without("starts", ["R"]),
        "project P is started by 2026, but R, which it requires, is not",
    ),
    (
        "an excluded project is started",
        more("starts", ["Q", "standard", "2028"]),
        "project P is started by 2028 together with Q, which it excludes",
    ),
    (
        "another track is forced",
        scenario_with(f"{P}/forced_track", "late"),
        "project P is not started on its forced track late by 2028",
    ),
    (
        "stock does not carry over",
        cell("store", ["reserve", "2028"], "stock_t", 31.0),
        "stock of reserve at 2028 is off by 1 t: 30 t in, 31 t out",
    ),
    (
        "stock appears",
        scenario_with("stockpiles/reserve/opening_t", 18),
        "stock of reserve at 2026 is off by 2 t: 28 t in, 30 t out",
    ),
    (
        "stock is lost",
        scenario_with("stockpiles/reserve/loss_share_per_y", 0.1),
        # 0.9 ** 2 of the opening 20 t, and 2 years of buying 5 t
        "stock of reserve at 2026 is off by 3.8 t: 26.2 t in, 30 t out",
    ),
    (
        "the store is too small",
        scenario_with("stockpiles/reserve/capacity_t", 25),
        "stock of reserve at 2026 against its capacity is 30 t, at most 25 t",
    ),
    (
        "stock is filled too fast",
        scenario_with("stockpiles/reserve/fill_t_per_y", 4),
        "purchase for reserve at 2026 is 5 t/y, at most 4 t/y",
    ),
    (
        "a reserve is opened by nothing",
        scenario_with("stockpiles/reserve/release_events", ["war*"]),
        "release from strategic reserve at crisis@2028, with no release event in force, is 10 t/y, at most 0 t/y",
    ),
    (
        "cover is too low",
        scenario_with("stockpiles/reserve/cover_days", 146),
        "stock of reserve at 2028 against its days of cover is 30 t, at least 40 t",
    ),
    (
        "too little is left",
        scenario_with("stockpiles/reserve/end_minimum_t", 35),
        "stock of reserve at 2029 against its end minimum is 30 t, at least 35 t",
    ),
    (
        "demand is neither served nor short",
        cell("shortage", ["civilian", 0, "2026"], "shortage_t_per_y", 28.0),
        "served and short of demand civilian at 2026 is 58 t/y, should be 60 t/y",
    ),
    (
        "demand rises",
        with_event({"changes": "demand", "tiers": ["military"], "factor": 1.5}),
        "served and short of demand military at crisis@2028 is 40 t/y, should be 60 t/y",
    ),
    (
        "a shortage step is too narrow",
        scenario_with("demands/military/shortage_penalty_kusd_per_t", {0.025: 100, 1: 200}),
        "shortage step 0 of demand military at crisis@2029 is 2 t/y, at most 1 t/y",
    ),
    (
        "a share is over its cap",
        scenario_with("limits/CHN cap/cap_share", 0.5),
        "flow into home under limit CHN cap at 2026 is 60 t/y, at most 37.5 t/y",
    ),
    (
        "slack falls short",
        cell("slack", ["allies cap", "", "crisis@2028"], "slack", 5.0),
        "flow into home under limit allies cap at crisis@2028 is 45 t/y, at most 41 t/y",
    ),
    (
        "a hard limit takes slack",
        more("slack", ["CHN cap", "", "2026", 4.0]),
        "slack of CHN cap at 2026, which is hard, is 4 t/y, at most 0 t/y",
    ),
    (
        "slack where the limit does not apply",
        scenario_with("limits/allies cap/applies_to", "base_path"),
        "slack of allies cap at crisis@2028, which does not apply there, is 9 t/y, at most 0 t/y",
    ),
    (
        "capex breaks the budget",
        scenario_with("limits/capex budget/amount_kusd_per_y", 215),
        "money falling due under limit capex budget at 2026 is 440 kUSD, at most 430 kUSD",
    ),
    (
        "stock and support break the budget",
        scenario_with("limits/state budget/amount_kusd_per_y", 135),
        # 2 * (12 + 1) * 5 for stock and 2 * 5 * 15 of support
        "money falling due under limit state budget at 2026 is 280 kUSD, at most 270 kUSD",
    ),
    (
        "slots run out",
        scenario_with("limits/slots/slots_per_y", 0.5),
        "permit slots used under limit slots at 2026 is 2 slots, at most 1 slots",
    ),
    (
        "service falls below its floor",
        scenario_with("limits/military floor/served_share", 0.975),
        "shortage of demand military under limit military floor at crisis@2029 is 2 t/y, at most 1 t/y",
    ),
    (
        "a negative flow",
        more("run", ["Australia", 1, "2026", -1.0]),
        "run_t_per_y of Australia 1 at 2026 is -1 t/y, at least 0 t/y",
    ),
    (
        "not a number",
        cell("run", ["P", 0, "2029"], "run_t_per_y", float("nan")),
        "run of P 0 at 2029: run_t_per_y is nan, not a number",
    ),
    ("an unknown facility", more("run", ["Mars", 0, "2026", 1.0]), "run of Mars 0 at 2026 does not exist"),
    ("an unknown step", more("run", ["China", 7, "2026", 1.0]), "run of China 7 at 2026 does not exist"),
    (
        "an unknown band",
        more("ship", ["AUS-USA", "in_quota", "2028", 1.0]),
        "ship of AUS-USA in_quota at 2028 does not exist",
    ),
    (
        "an unknown node",
        more("serve", ["military", "itself", "2027", 1.0]),
        "serve of military itself at 2027 does not exist",
    ),
    ("an unknown track", more("starts", ["R", "fast", "2026"]), "starts of R fast at 2026 does not exist"),
    (
        "a floor's slack without its demand",
        more("slack", ["military floor", "", "2026", 1.0]),
        "slack of military floor at 2026 does not exist",
    ),
    (
        "a row twice",
        more("serve", ["military", "itself", "2026", 40.0]),
        "serve of military itself at 2026 is listed twice",
    ),
    ("a node is missing", without("nodes", ["2029"]), "node 2029 is missing"),
    (
        "a node too many",
        more("nodes", ["2031", "2029", 2031, 5, 1, 1.0, 1.0, ""]),
        "node 2031 does not exist in the scenario",
    ),
    (
        "a wrong parent",
        cell("nodes", ["crisis@2028"], "parent", "2028"),
        "parent of node crisis@2028 is '2028', should be '2026'",
    ),
    (
        "a wrong probability",
        cell("nodes", ["crisis@2028"], "probability", 0.3),
        "probability of node crisis@2028 is 0.3, should be 0.25",
    ),
    (
        "a wrong discount factor",
        cell("nodes", ["2029"], "discount_factor", 0.8),
        "discount_factor of node 2029 is 0.8, should be 0.751315",
    ),
    ("a wrong length", cell("nodes", ["2029"], "length_y", 1), "length_y of node 2029 is 1, should be 2"),
    (
        "a wrong future's probability",
        cell("futures", ["calm"], "probability", 0.7),
        "probability of future calm is 0.7, should be 0.75",
    ),
    ("a future is missing", without("futures", ["crisis"]), "future crisis is missing"),
]


@pytest.mark.parametrize(("mutate", "words"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
@pytest.mark.proves("project_waits_for_required", "project_excludes_other")
def test_a_broken_rule_is_found_and_said(mutate: Mutation, words: str) -> None:
    data, lists = workshop(), workshop_plan()
    mutate(data, lists)
    verdict = verdict_of(data, lists)
    assert verdict.max_violation > 1e-3
    assert any(sentence.startswith(words) for sentence in verdict.worst), verdict.worst


COSTS: list[tuple[Mutation, str]] = [
    (scenario_with("facilities/China/cost_kusd_per_t", 11), "cost production at 2026"),
    (scenario_with("facilities/Australia/steps/0/cost_kusd_per_t", 15), "cost production at crisis@2028"),
    (with_event({"changes": "price", "places": ["AUS"], "factor": 1.5}), "cost production at crisis@2028"),
    (with_event({"changes": "price", "places": ["CHN"], "factor": 1.5}), "cost duty at crisis@2029"),
    (scenario_with(f"{AUS}/freight_kusd_per_t", 3), "cost freight at 2028"),
    (scenario_with(f"{AUS}/hub_markup_kusd_per_t", 1), "cost hub_markup at 2028"),
    (scenario_with(f"{AUS}/calibration_kusd_per_t", 1), "cost calibration at 2028"),
    (scenario_with("routes/CHN-USA/customs_value_kusd_per_t", 12), "cost duty at 2026"),
    (scenario_with("tariffs/quota/quota/in_quota_rate_share", 0.1), "cost duty at crisis@2028"),
    (with_event({"changes": "tariffs", "switch_off": ["quota"]}), "cost duty at crisis@2028"),
    (scenario_with("facilities/plant/price_floor/floor_kusd_per_t", 21), "cost support at 2026"),
    (scenario_with("commodities/slag/disposal_cost_kusd_per_t", 1), "cost disposal at 2028"),
    (scenario_with("stockpiles/reserve/holding_kusd_per_t_y", 1), "cost holding at 2028"),
    (scenario_with("stockpiles/reserve/buying_premium_kusd_per_t", 2), "cost buying_premium at 2026"),
    (scenario_with("stockpiles/reserve/end_value_kusd_per_t", 5), "cost end_value_stock at 2029"),
    (
        scenario_with("demands/military/shortage_penalty_kusd_per_t", {0.5: 150, 1: 200}),
        "cost shortage_penalty at crisis",
    ),
    (scenario_with("limits/allies cap/violation_price_kusd", 6), "cost limit_violation at crisis@2029"),
    (scenario_with(f"{P}/capex_kusd", 410), "cost capex at 2026"),
    (scenario_with(f"{P}/capex_spending_share", [0.5, 0.25, 0.25]), "cost capex at 2028"),
    (scenario_with(f"{P}/tracks/standard/extra_cost_kusd", 20), "cost fast_track at 2026"),
    (scenario_with(f"{AUS}/onboarding/cost_kusd", 40), "cost onboarding at 2026"),
    (scenario_with(f"{P}/life_years", 20), "cost end_value_projects at 2029"),
    (scenario_with(f"{P}/end_value_share", 0.5), "cost end_value_projects at crisis@2029"),
    (scenario_with("economics/discount_rate", 0.11), "cost of future calm"),
    (scenario_with("economics/view", "national"), "cost of future crisis"),
    (scenario_with("risk/tail_weight", 0.6), "objective is reported"),
    (scenario_with("risk/tail_level", 0.6), "objective is reported"),
    (cell("node_costs", ["2029", "freight"], "cost_kusd", 100.0), "cost freight at 2029 is reported as 100 kUSD"),
    (without("node_costs", ["2028", "duty"]), "cost duty at 2028 is reported as 0 kUSD, recomputed 65 kUSD"),
    (cell("futures", ["calm"], "cost_kusd", 7000.0), "cost of future calm is reported as 7000 kUSD"),
]


@pytest.mark.parametrize(("mutate", "words"), COSTS, ids=[words for _, words in COSTS])
@pytest.mark.proves("node_cost_adds_up")
def test_a_wrong_cost_is_found_and_said(mutate: Mutation, words: str) -> None:
    data, lists = workshop(), workshop_plan()
    mutate(data, lists)
    verdict = verdict_of(data, lists, OBJECTIVE_KUSD)
    assert verdict.cost_difference_rel > 1e-4
    assert any(sentence.startswith(words) for sentence in verdict.worst), verdict.worst


def test_a_project_on_line_on_the_day_of_an_event_is_not_moved_by_it() -> None:
    data, lists = workshop(), workshop_plan()
    with_event({"changes": "projects"})(data, lists)
    assert verdict_of(data, lists).worst == []


def test_an_unknown_cost_term_is_found() -> None:
    data, lists = workshop(), workshop_plan()
    lists["node_costs"].append(["2026", "bribes", 5.0])
    assert verdict_of(data, lists).worst == ["cost bribes at 2026 does not exist"]


def test_the_largest_violation_comes_first() -> None:
    data, lists = workshop(), workshop_plan()
    scenario_with("limits/slots/slots_per_y", 0.8)(data, lists)
    scenario_with("stockpiles/reserve/capacity_t", 20)(data, lists)
    scenario_with("limits/capex budget/amount_kusd_per_y", 215)(data, lists)
    found = verdict_of(data, lists)
    # stock 30 against 20 (three nodes), slots 2 against 1.6, money 440 against 430
    assert found.max_violation == 0.5
    assert [sentence.split()[0] for sentence in found.worst] == ["stock"] * 3 + ["permit", "money"]


def test_at_most_ten_sentences_are_said() -> None:
    verdict = verdict_of(workshop(), {**workshop_plan(), "run": [], "serve": []})
    assert len(verdict.worst) == 10


# Independence


def test_the_check_imports_nothing_it_judges() -> None:
    folder = Path(check.__file__).parent
    imported = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name} imports relatively"
                imported.add(node.module or "")
    ours = {name for name in imported if name.split(".")[0] == "lodeplan"}
    assert ours
    assert all(name.startswith(("lodeplan.schemas", "lodeplan.optimizer.check.")) for name in ours)
    assert {name.split(".")[0] for name in imported - ours} <= {*sys.stdlib_module_names, "pandas"}
