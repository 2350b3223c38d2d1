"""What must hold of scenarios of the whole formulation, on random small ones. Every plan here passes the check."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from campaigns import drawn
from hypothesis import HealthCheck, assume, given, settings
from strategies import FIRST_YEAR, Data
from strategies_full import Drawn, full_scenarios
from test_brute_force import solved
from test_model import plain, templates
from test_properties import in_units

from lodeplan import optimizer
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver import standard_form
from lodeplan.scenarios import load

MANY = drawn(ci=3, full=30)
examples = pytest.mark.parametrize("count", [pytest.param(MANY, marks=pytest.mark.slow)])
TRANSFERS = ("duty", "support", "grant")


def for_all(count: int, *wanted: str, others: int = 4) -> Callable[[Callable[[Drawn], None]], None]:
    """Check a property on so many scenarios with these concepts and some others, so many at most."""

    def check(holds: Callable[[Drawn], None]) -> None:
        quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
        profile = settings(max_examples=count, deadline=None, database=None, suppress_health_check=quiet)
        profile(given(full_scenarios(wanted=wanted, most=others))(holds))()

    return check


def plan_of(data: Data) -> optimizer.Plan:
    """The optimum of a scenario; one without is passed over."""
    plan = solved(data)
    assume(plan is not None)
    assert plan is not None
    return plan


def objective_kusd(plan: optimizer.Plan) -> float:
    assert plan.summary.objective_kusd is not None
    return plan.summary.objective_kusd


def close_kusd(plan: optimizer.Plan) -> float:
    """Difference of two optima that is none: the solver's tolerance of what the terms amount to."""
    close = 1e-7 if plan.scenario.risk.objective == "cost" else 1e-6
    return close * float(plan.tables["node_costs"]["cost_kusd"].abs().sum() + abs(objective_kusd(plan)) + 1)


def same_optimum(data: Data, other: Data) -> None:
    plan, plan_of_other = solved(data), solved(other)
    if plan is None or plan_of_other is None:
        assert plan is plan_of_other
    else:
        assert objective_kusd(plan_of_other) == pytest.approx(objective_kusd(plan), rel=0, abs=close_kusd(plan))


def never_dearer(data: Data, better: Data) -> None:
    plan, freer = plan_of(data), solved(better)
    assert freer is not None
    assert objective_kusd(freer) <= objective_kusd(plan) + close_kusd(plan)


def without_regret(data: Data) -> None:
    """Regret may rise as something is relaxed: each future's own best plan gets better too."""
    if data["risk"].get("objective") == "maximum_regret":
        data["risk"] = {}


def without(drawn: Drawn, *concepts: str) -> Data:
    data = deepcopy(drawn.data)
    for concept in concepts:
        if concept in drawn.undo:
            drawn.undo[concept](data)
    return data


# More freedom


def scaled(entry: Data, field: str, change: Callable[[float], float]) -> None:
    stated = entry[field]
    entry[field] = {key: change(t) for key, t in stated.items()} if isinstance(stated, dict) else change(stated)


def makers_with(data: Data, field: str) -> list[Data]:
    return [maker for table in ("facilities", "projects") for maker in data[table].values() if field in maker]


def lower_utilisation(data: Data) -> None:
    for maker in makers_with(data, "minimum_utilisation_share"):
        maker["minimum_utilisation_share"] /= 2


def faster_growth(data: Data) -> None:
    for maker in makers_with(data, "growth"):
        maker["growth"]["share_per_y"] += 0.3
        maker["growth"]["seed_t_per_y"] += 2


def larger_reserves(data: Data) -> None:
    for maker in makers_with(data, "reserves_t"):
        maker["reserves_t"] *= 2


def shorter_ban(data: Data) -> None:
    for demand in data["demands"].values():
        for ban in demand.get("source_bans", {}).values():
            ban.update(onset=ban["onset"] or f"{FIRST_YEAR}-03-01", until=ban["until"] or "2028-11-01")


def no_ban(data: Data) -> None:
    for demand in data["demands"].values():
        demand.pop("source_bans", None)


def larger_cap(data: Data) -> None:
    scaled(data["limits"]["content cap"], "cap_share", lambda share: min(1.0, share + 0.2))


def smaller_minimum(data: Data) -> None:
    data["limits"]["minimum share"]["minimum_share"] /= 2


def more_reliance(data: Data) -> None:
    data["limits"]["reliance"]["cap_share"] += 0.15


def higher_index(data: Data) -> None:
    data["limits"]["index"]["cap_index"] += 0.2


def lower_floor(data: Data) -> None:
    data["limits"]["in futures"]["served_share"] -= 0.3


def lower_test(data: Data) -> None:
    data["limits"]["stand"]["served_share"] -= 0.3


def no_test(data: Data) -> None:
    del data["limits"]["stand"]


def larger_quota(data: Data) -> None:
    quota = data["tariffs"]["by origin"]["quota"]
    quota["volume_t_per_y"] += 10
    quota["volume_by_origin_t_per_y"]["CHN"] *= 2


def less_cover(data: Data) -> None:
    data["stockpiles"]["store"]["cover_days"] /= 2


def later_cover(data: Data) -> None:
    data["stockpiles"]["store"]["replenish_within_years"] += 1


def more_substitution(data: Data) -> None:
    for demand in data["demands"].values():
        for substitute in demand.get("substitutes", {}).values():
            scaled(substitute, "limit_share", lambda share: min(1.0, share + 0.3))
            substitute["delay_years"] /= 2


def more_recovery(data: Data) -> None:
    for rule in data["recycling"].values():
        for field in ("recovered_t_per_t", "past_use_t_per_y", "available_t_per_y"):
            if field in rule:
                scaled(rule, field, lambda amount: 1.5 * amount)


@examples
@pytest.mark.parametrize(
    ("concept", "relax"),
    [
        ("minimum utilisation", lower_utilisation),
        ("growth", faster_growth),
        ("reserves", larger_reserves),
        ("demand ban", shorter_ban),
        ("demand ban", no_ban),
        ("content cap", larger_cap),
        ("minimum share", smaller_minimum),
        ("net import reliance", more_reliance),
        ("concentration cap", higher_index),
        ("limit in futures", lower_floor),
        ("stress", lower_test),
        ("stress", no_test),
        ("quota by origin", larger_quota),
        ("replenished cover", less_cover),
        ("replenished cover", later_cover),
        ("substitute", more_substitution),
        ("recycling", more_recovery),
    ],
)
def test_what_is_relaxed_never_costs_more(count: int, concept: str, relax: Callable[[Data], None]) -> None:
    @for_all(count, concept)
    def holds(drawn: Drawn) -> None:
        assume(concept in drawn.undo)
        data = deepcopy(drawn.data)
        without_regret(data)
        better = deepcopy(data)
        relax(better)
        never_dearer(data, better)


# What changes nothing


@examples
@pytest.mark.parametrize("concept", ["follower", "stress", "worst future", "maximum regret", "recovery"])
def test_a_future_in_two_equal_halves_changes_nothing(count: int, concept: str) -> None:
    @for_all(count, concept)
    def holds(drawn: Drawn) -> None:
        data = drawn.data
        followed = {future.get("after") for future in data["futures"].values()}
        for name in sorted(data["futures"].keys() - followed - {"calm", "test"}):
            split = deepcopy(data)
            half = {**split["futures"][name], "probability": split["futures"][name]["probability"] / 2}
            split["futures"] |= {name: half, f"{name} again": half}
            for limit in split["limits"].values():
                if name in limit.get("futures", []):
                    limit["futures"].append(f"{name} again")
            same_optimum(data, split)
            return


@examples
def test_a_following_future_in_which_nothing_more_happens_changes_nothing(count: int) -> None:
    @for_all(count, "follower")
    def holds(drawn: Drawn) -> None:
        data = without(drawn, "limit in futures")
        for pile in data["stockpiles"].values():
            pile["kind"] = "commercial"  # the event alone would open a reserve
        data["events"]["second blow"]["availability_share"] = 1.0
        left_out = deepcopy(data)
        drawn.undo["follower"](left_out)
        same_optimum(data, left_out)


@examples
def test_a_stress_test_without_a_floor_changes_nothing(count: int) -> None:
    @for_all(count)
    def holds(drawn: Drawn) -> None:
        data = without(drawn, "minimum utilisation")
        tested = deepcopy(data)
        year = FIRST_YEAR + data["horizon"]["period_years"][0]
        tested["events"]["loss"] = {"changes": "exports", "onset": year, "availability_share": 0}
        tested["futures"]["loss"] = {"stress": True, "events": ["loss"]}
        tested["futures"].setdefault("calm", {})
        same_optimum(data, tested)


@examples
def test_a_ban_on_a_place_that_makes_nothing_changes_nothing(count: int) -> None:
    @for_all(count, "chain")
    def holds(drawn: Drawn) -> None:
        data = deepcopy(drawn.data)
        data["places"]["ATA"] = {}
        banned = deepcopy(data)
        # A stockpile without the ban would be taken to hold what is banned.
        for owner in (*banned["demands"].values(), *banned["stockpiles"].values()):
            owner.setdefault("source_bans", {})["nowhere"] = {"places": ["ATA"]}
        same_optimum(data, banned)


@examples
@pytest.mark.parametrize("role", ["any_stage", "mined_in", "refined_in"])
def test_tracing_for_a_tag_that_nothing_asks_about_changes_nothing(count: int, role: str) -> None:
    @for_all(count, "chain")
    def holds(drawn: Drawn) -> None:
        traced = deepcopy(drawn.data)
        traced["limits"]["idle"] = {
            "kind": "share_cap",
            "commodity": "metal",
            "places": ["CHN"],
            "origin_role": role,
            "cap_share": 1.0,
        }
        same_optimum(drawn.data, traced)


@examples
def test_an_event_that_fades_in_no_time_is_one_that_ends(count: int) -> None:
    @for_all(count, "recovery")
    def holds(drawn: Drawn) -> None:
        at_once = deepcopy(drawn.data)
        for event in at_once["events"].values():
            if "recovery_years" in event:
                event["recovery_years"] = 1e-9
        same_optimum(without(drawn, "recovery"), at_once)


def renamed(data: Any, names: dict[str, str]) -> Any:
    if isinstance(data, dict):
        return {names.get(key, key): renamed(value, names) for key, value in data.items()}
    if isinstance(data, list):
        return [renamed(value, names) for value in data]
    return names.get(data, data) if isinstance(data, str) else data


@examples
def test_other_names_change_nothing(count: int) -> None:
    names = {"metal": "z", "alloy": "y", "powder": "a, b", "CHN": "Zz", "CHL": "B", "AUS": "A / B", "USA": "home"}

    @for_all(count, "chain", "demand ban", "content cap", "region")
    def holds(drawn: Drawn) -> None:
        same_optimum(drawn.data, renamed(drawn.data, names))


@examples
def test_other_units_change_nothing_but_units(count: int) -> None:
    @for_all(count)
    def holds(drawn: Drawn) -> None:
        plan = plan_of(drawn.data)
        other = solved(in_units(drawn.data, "", 1000.0, 0.1))
        assert other is not None
        found = objective_kusd(other) / 0.1
        assert found == pytest.approx(objective_kusd(plan), rel=0, abs=10 * close_kusd(plan))


@examples
def test_rules_as_templates_give_the_arrays_of_the_plain_model(count: int) -> None:
    @for_all(count)
    def holds(drawn: Drawn) -> None:
        scenario = load(drawn.data)
        best = dict.fromkeys(scenario.futures, 0.0) if scenario.risk.objective == "maximum_regret" else {}
        instance = prepare(scenario, best)
        written_out = plain(standard_form(build_model(instance), instance))
        with templates():
            compiled = plain(standard_form(build_model(instance), instance))
        for before, after in zip(written_out, compiled, strict=True):
            assert np.array_equal(before, after)


# Objectives


def likely(plan: optimizer.Plan) -> pd.DataFrame:
    futures = plan.tables["futures"].set_index("future")
    return futures[futures["probability"] > 1e-12]


def expected_kusd(plan: optimizer.Plan) -> float:
    futures = plan.tables["futures"]
    return float((futures["probability"] * futures["cost_kusd"]).sum())


def aimed_at(drawn: Drawn, objective: str) -> optimizer.Plan:
    return plan_of({**without(drawn, "stress"), "risk": {"objective": objective}})


@examples
def test_no_plan_has_a_cheaper_worst_future(count: int) -> None:
    @for_all(count, "worst future")
    def holds(drawn: Drawn) -> None:
        worst, cheapest = aimed_at(drawn, "worst_future"), aimed_at(drawn, "cost")

        def aim(plan: optimizer.Plan) -> float:
            return 0.999 * float(likely(plan)["cost_kusd"].max()) + 0.001 * expected_kusd(plan)

        assert objective_kusd(worst) == pytest.approx(aim(worst), rel=0, abs=close_kusd(worst))
        assert aim(worst) <= aim(cheapest) + close_kusd(worst)
        assert expected_kusd(cheapest) <= expected_kusd(worst) + close_kusd(worst)


@examples
def test_no_plan_has_less_regret_and_none_is_negative(count: int) -> None:
    @for_all(count, "maximum regret")
    def holds(drawn: Drawn) -> None:
        least, cheapest = aimed_at(drawn, "maximum_regret"), aimed_at(drawn, "cost")
        best = least.tables["regrets"].set_index("future")["best_kusd"]

        def aim(plan: optimizer.Plan) -> float:
            regret = likely(plan)["cost_kusd"] - best
            assert regret.notna().all()
            assert regret.min() >= -close_kusd(plan)
            return 0.999 * float(regret.max()) + 0.001 * expected_kusd(plan)

        assert objective_kusd(least) == pytest.approx(aim(least), rel=0, abs=close_kusd(least))
        assert aim(least) <= aim(cheapest) + close_kusd(least)


@examples
def test_no_plan_has_less_expected_shortage(count: int) -> None:
    @for_all(count, "expected shortage")
    def holds(drawn: Drawn) -> None:
        least, cheapest = aimed_at(drawn, "expected_shortage"), aimed_at(drawn, "cost")

        def aim(plan: optimizer.Plan) -> float:
            return 0.999 * expected_term_kusd(plan, "shortage_penalty") + 0.001 * expected_kusd(plan)

        assert objective_kusd(least) == pytest.approx(aim(least), rel=0, abs=close_kusd(least))
        assert aim(least) <= aim(cheapest) + close_kusd(least)


def expected_term_kusd(plan: optimizer.Plan, *terms: str) -> float:
    costs = plan.tables["node_costs"].merge(plan.tables["nodes"], on="node")
    costs = costs[costs["term"].isin(terms)]
    return float((costs["cost_kusd"] * costs["probability"] * costs["discount_factor"]).sum())


# Views


def viewed(data: Data, view: str) -> Data:
    return {**deepcopy(data), "economics": {**data["economics"], "view": view}, "risk": {}}


@examples
def test_views_of_a_plan_differ_by_what_is_paid_to_and_by_the_state(count: int) -> None:
    @for_all(count, "grant", "content duty")
    def holds(drawn: Drawn) -> None:
        data = without(drawn, "stress")
        importer, national = plan_of(viewed(data, "importer")), plan_of(viewed(data, "national"))
        for plan, counted in ((importer, True), (national, False)):
            terms = set(plan.tables["node_costs"]["term"]) - (set() if counted else set(TRANSFERS))
            assert objective_kusd(plan) == pytest.approx(expected_term_kusd(plan, *terms), rel=0, abs=close_kusd(plan))
        # Each plan is open to the other view, where it costs what is paid to the state less or more.
        small = close_kusd(importer)
        assert objective_kusd(national) <= objective_kusd(importer) - expected_term_kusd(importer, *TRANSFERS) + small
        assert objective_kusd(importer) <= objective_kusd(national) + expected_term_kusd(national, *TRANSFERS) + small


@examples
def test_a_grant_is_no_cost_and_no_gain_to_the_nation(count: int) -> None:
    @for_all(count, "grant")
    def holds(drawn: Drawn) -> None:
        data = deepcopy(drawn.data)
        data["economics"]["view"] = "national"
        for limit in data["limits"].values():
            if limit["kind"] == "budget":
                limit["covers"] = ["capex", "onboarding", "stock"]  # a grant is paid from a budget for support
        without_grant = deepcopy(data)
        drawn.undo["grant"](without_grant)
        same_optimum(data, without_grant)


# Concentration


@examples
def test_the_index_proper_exceeds_the_cap_by_no_more_than_the_tangents_allow(count: int) -> None:
    @for_all(count, "concentration cap")
    def holds(drawn: Drawn) -> None:
        plan = plan_of(drawn.data)
        entry = drawn.data["limits"]["index"]
        if entry["of"] == "use":
            return  # the whole is no sum of sources; the second model holds it
        slack = plan.tables["slack"]
        slack = slack[slack["limit"] == "index"].groupby("node")["slack"].sum()
        for node, flows in supply_of_metal(plan, drawn.data).groupby("node"):
            sources = flows.groupby("source")["t_per_y"].sum()
            total = sources.sum()
            exceeds = (sources**2).sum() / total - entry["cap_index"] * total - slack.get(node, 0.0)
            assert exceeds <= len(sources) * total / (4 * entry["tangents"] ** 2) + 1e-6 * (1 + total)


def supply_of_metal(plan: optimizer.Plan, data: Data) -> pd.DataFrame:
    """Sources of metal at the nodes of which none is a stress test's, t/y."""
    rows = []
    for flow in plan.tables["ship"].itertuples():
        route = data["routes"][flow.route]
        if route["commodity"] == "metal" and route["destination"] == "USA":
            members = data["places"][route["origin"]].get("members") or {route["origin"]: 1.0}
            rows += [(flow.node, member, share * flow.ship_t_per_y) for member, share in members.items()]
    for run in plan.tables["run"].itertuples():
        maker = {**data["facilities"], **data["projects"]}[run.facility]
        if maker["place"] == "USA" and "metal" in maker["outputs"]:
            rows.append((run.node, "USA", maker["outputs"]["metal"] * run.run_t_per_y))
    rows += [
        (row.node, "USA", row.recovered_t_per_y)
        for row in plan.tables["recover"].itertuples()
        if data["recycling"][row.recycling]["commodity"] == "metal"
    ]
    found = pd.DataFrame(rows, columns=["node", "source", "t_per_y"])
    return found[~found["node"].str.startswith("test@")]
