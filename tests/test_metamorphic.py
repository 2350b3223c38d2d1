"""For each concept of the formulation, how the optimum must move when it is taken out again or changed."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import assume
from strategies import Data
from strategies_full import Drawn, full_scenarios
from test_properties import for_all

import optimizer
from optimizer import Plan
from schemas import Solution

NEVER_CHEAPER = (
    *("concentration cap", "content cap", "demand ban", "derivatives duty", "growth", "limit in futures"),
    *("minimum share", "minimum utilisation", "net import reliance", "quota that fills first", "recovery"),
    *("replenished cover", "reserves", "stock ban", "stress"),
)
"""Concepts that only forbid or cost."""
NEVER_DEARER = ("chain", "elastic", "grant", "recycling", "region", "substitute")
"""Concepts that only offer."""


def solved(data: Data) -> Plan:
    plan = optimizer.solve(data, gap=1e-9)
    assume(plan.summary.solution is not Solution.NONE)
    return plan


def least_kusd(data: Data) -> float:
    objective = solved(data).summary.objective_kusd
    assert objective is not None
    return objective


def slack_kusd(amount: float) -> float:
    return 1e-6 * (abs(amount) + 100.0)


@pytest.mark.parametrize("concept", [*NEVER_CHEAPER, *NEVER_DEARER])
@pytest.mark.parametrize("count", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_what_only_forbids_never_makes_a_plan_cheaper_and_what_only_offers_never_dearer(
    concept: str, count: int
) -> None:
    @for_all(count, full_scenarios(wanted=(concept,), most=0))
    def holds(drawn: Drawn) -> None:
        assume(concept in drawn.undo)
        event_helps = any(event.get("factor", 0) for event in drawn.data["events"].values())
        assume(concept != "recovery" or not event_helps)
        with_it, without = least_kusd(drawn.data), least_kusd(drawn.without(concept))

        change = with_it - without if concept in NEVER_CHEAPER else without - with_it
        assert change >= -slack_kusd(without)


@pytest.mark.parametrize("count", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_a_duty_on_content_at_no_rate_changes_nothing_though_material_is_traced(count: int) -> None:
    @for_all(count, full_scenarios(wanted=("content duty",), most=1))
    def holds(drawn: Drawn) -> None:
        free = deepcopy(drawn.data)
        free["tariffs"]["content"] |= {"rate_share": 0.0, "rate_kusd_per_t_gross": 0.0, "replaces": []}
        without = least_kusd(drawn.without("content duty"))
        assert least_kusd(free) == pytest.approx(without, rel=0, abs=slack_kusd(without))


@pytest.mark.parametrize("count", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_a_club_without_dates_is_a_group(count: int) -> None:
    @for_all(count, full_scenarios(wanted=("membership",), most=1))
    def holds(drawn: Drawn) -> None:
        club, group = drawn.without("membership"), drawn.without("membership")
        del group["places"]["CHN"]["memberships"]
        group["places"]["CHN"]["groups"] = [*group["places"]["CHN"].get("groups", []), "club"]
        expected = least_kusd(group)
        assert least_kusd(club) == pytest.approx(expected, rel=0, abs=slack_kusd(expected))


@pytest.mark.parametrize("count", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_a_larger_volume_of_one_origin_never_costs_more(count: int) -> None:
    @for_all(count, full_scenarios(wanted=("quota by origin",), most=0))
    def holds(drawn: Drawn) -> None:
        assume("quota by origin" in drawn.undo)
        larger = deepcopy(drawn.data)
        volumes = larger["tariffs"]["by origin"]["quota"]["volume_by_origin_t_per_y"]
        volumes["CHN"] *= 2
        before = least_kusd(drawn.data)
        assert least_kusd(larger) <= before + slack_kusd(before)


@pytest.mark.parametrize("count", [5, pytest.param(40, marks=pytest.mark.slow)])
def test_a_future_that_follows_another_can_be_known_from_the_start_at_no_loss(count: int) -> None:
    """The same events in a future of its own, that departs with the first of them, is never worse for the planner."""

    @for_all(count, full_scenarios(wanted=("follower",), most=0))
    def holds(drawn: Drawn) -> None:
        assume("follower" in drawn.undo)
        alone = deepcopy(drawn.data)
        for future in alone["futures"].values():
            if after := future.pop("after", None):
                future["events"] = [*drawn.data["futures"][after].get("events", []), *future["events"]]
        before = least_kusd(drawn.data)
        assert least_kusd(alone) <= before + slack_kusd(before)


@pytest.mark.parametrize("aim", ["worst_future", "maximum_regret", "expected_shortage"])
@pytest.mark.parametrize("count", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_what_is_made_least_is_no_more_than_in_the_plan_of_least_cost(aim: str, count: int) -> None:
    @for_all(count, full_scenarios(wanted=(aim.replace("_", " "),), most=0))
    def holds(drawn: Drawn) -> None:
        assume(drawn.data.get("risk", {}).get("objective") == aim)
        aimed, cheapest = solved(drawn.data), solved({**deepcopy(drawn.data), "risk": {}})
        best = {row["future"]: row["best_kusd"] for row in aimed.tables["regrets"].to_dict("records")}

        def reached(plan: Plan) -> float:
            if aim == "expected_shortage":
                return plan.summary.cost_terms_kusd.get("shortage_penalty", 0.0)
            return max(
                future.cost_kusd - best.get(future.name, 0.0)
                for future in plan.summary.futures
                if future.probability > 0
            )

        expected = cheapest.summary.expected_cost_kusd or 0.0
        tie_breaker = 1e-3 * abs((aimed.summary.expected_cost_kusd or 0.0) - expected) / (1 - 1e-3)
        assert reached(aimed) <= reached(cheapest) + tie_breaker + slack_kusd(expected)
