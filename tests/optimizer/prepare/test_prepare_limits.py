"""Rows of share caps, budgets, permit slots and service floors."""

from __future__ import annotations

import pytest
from check_plans import Data, golden_toy, workshop

from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.scenarios import load


def with_limit(limit: Data, **changes: Data) -> Instance:
    data = golden_toy()
    data["horizon"]["period_years"] = [2, 1, 1]
    data["limits"] = {"limit": limit}
    for section, entries in changes.items():
        for name, value in entries.items():
            data[section][name] = {**data[section].get(name, {}), **value}
    return prepare(load(data))


CAP = {"kind": "share_cap", "commodity": "metal", "places": ["CHN"], "cap_share": {2026: 0.5, 2027: 0.7}}


def test_a_share_cap_counts_its_places_against_all_arrivals_and_output_at_home() -> None:
    instance = with_limit(CAP)
    rows = {instance.tree.names[node]: row for (_, node), (row, _) in instance.limits.shares.items()}
    caps = {"2026": 0.6, "2028": 0.7, "2029": 0.7, "ban@2028": 0.7, "ban@2029": 0.7}
    assert rows.keys() == caps.keys()
    for node, cap in caps.items():
        assert rows[node].ship == pytest.approx({("from China", "all"): 1 - cap, ("from ally", "all"): -cap})
        assert rows[node].run == pytest.approx({"Mine": -cap})


def test_a_region_counts_against_a_share_cap_by_its_members() -> None:
    places = {"AUS": {"members": {"CHN": 0.3, "NZL": 0.7}}, "NZL": {}}
    row, _ = with_limit(CAP, places=places).limits.shares["limit", 0]
    assert row.ship["from ally", "all"] == pytest.approx(0.3 - 0.6)


def test_a_limit_on_the_base_path_leaves_branches_alone() -> None:
    instance = with_limit({**CAP, "applies_to": "base_path"})
    assert {instance.tree.names[node] for _, node in instance.limits.shares} == {"2026", "2028", "2029"}


BUDGET = {"kind": "budget", "amount_kusd_per_y": 100}


def test_a_budget_allows_its_amount_for_every_year_of_a_node() -> None:
    instance = with_limit({**BUDGET, "covers": ["capex"]})
    allowed = {instance.tree.names[node]: kusd for (_, node), kusd in instance.limits.allowance.items()}
    assert allowed == {"2026": 200, "2028": 100, "2029": 100, "ban@2028": 100, "ban@2029": 100}


def test_capex_and_extra_cost_fall_due_on_a_budget_and_nothing_that_it_does_not_cover() -> None:
    instance = with_limit({**BUDGET, "covers": ["capex"]})
    due = {(start[1], start[2]): kusd for start, kusd in instance.limits.starts_due["limit", 0].items()}
    assert due == {("standard", 0): 150, ("fast", 0): 420}
    assert instance.limits.purchases_due["limit", 0] == {}
    assert with_limit({**BUDGET, "covers": ["onboarding"]}).limits.starts_due["limit", 0] == {}


@pytest.mark.proves("budget_is_kept")
def test_stock_support_and_onboarding_fall_due_where_covered() -> None:
    data = workshop()
    data["limits"] = {"all": {**BUDGET, "covers": ["capex", "onboarding", "stock", "support"]}}
    limits = prepare(load(data)).limits
    # reference price 12 and premium 1 for two years; support 5 a t for two years
    assert limits.purchases_due["all", 0] == {"reserve": 26}
    assert limits.support_due["all", 0] == {"plant": 10}
    assert limits.onboardings_due["all", 0] == {"AUS-USA": 30}


def test_what_the_state_keeps_above_a_price_floor_does_not_refill_a_budget() -> None:
    data = workshop()
    data["facilities"]["plant"]["price_floor"] |= {"reference_price_kusd_per_t": 30, "kept_above_share": 1.0}
    data["limits"] = {"support": {**BUDGET, "covers": ["support"]}}
    assert prepare(load(data)).limits.support_due["support", 0] == {}


def test_permit_slots_count_the_starts_of_their_node_alone() -> None:
    data = workshop()
    data["limits"] = {"slots": {"kind": "permit_slots", "slots_per_y": 1.5}}
    limits = prepare(load(data)).limits
    assert limits.allowance["slots", 0] == 3
    assert {start[2] for start in limits.starts_due["slots", 0]} == {0}
    assert set(limits.starts_due["slots", 0].values()) == {1}


FLOOR = {"kind": "service_floor", "tiers": ["military"], "served_share": 0.9}


@pytest.mark.proves("shortage_stays_below_floor")
def test_a_service_floor_holds_for_each_demand_of_its_tiers() -> None:
    instance = with_limit(FLOOR)
    allowed = {
        (demand, instance.tree.names[node]): t
        for (_, demand, node), t in instance.limits.allowed_shortage_t_per_y.items()
    }
    assert {demand for demand, _ in allowed} == {"military"}
    assert allowed["military", "ban@2029"] == pytest.approx(2)


def test_exceeding_a_soft_limit_costs_its_price_for_every_year_where_it_is_by_mass() -> None:
    by_mass = with_limit({**FLOOR, "violation_price_kusd": 7})
    by_money = with_limit({**BUDGET, "covers": ["capex"], "violation_price_kusd": 7})
    assert by_mass.limits.soft == (("limit", "military"),)
    # Two years at 5 % count as 1 + 1 / 1.05.
    assert by_mass.limits.violation_kusd[0].tolist() == pytest.approx([7 + 7 / 1.05, 7, 7, 7, 7])
    assert by_money.limits.soft == (("limit", ""),)
    assert by_money.limits.violation_kusd[0].tolist() == pytest.approx([(7 + 7 / 1.05) / 2, 7, 7, 7, 7])


def test_a_soft_limit_is_not_exceeded_where_it_does_not_apply() -> None:
    instance = with_limit({**FLOOR, "violation_price_kusd": 7, "applies_to": "base_path"})
    slack = dict(zip(instance.tree.names, instance.limits.slack_limit[0].tolist(), strict=True))
    endless = float("inf")
    assert slack == {"2026": endless, "2028": endless, "2029": endless, "ban@2028": 0, "ban@2029": 0}


def test_a_hard_limit_has_no_slack() -> None:
    assert with_limit(FLOOR).limits.soft == ()
