"""The parts of the formulation that no constraint tells of itself, and the tests that prove each part.

`where` is a file and a name in it. `proof` is a test (`test_tree.py::test_...`), or a constraint whose golden rows
(`tests/golden/`) show the part. `math_page.py` finds the lines, and fails where a name is gone.
"""

from __future__ import annotations

from typing import NamedTuple


class Part(NamedTuple):
    """One thing of the formulation."""

    name: str
    says: str
    where: tuple[str, ...]
    proof: tuple[str, ...]


CONCEPTS = (
    Part(
        "commodity",
        "A material in one form, at a stage from ore to scrap. If its origin matters, it comes in variants, one for "
        "each set of tags that it may carry.",
        ("schemas/scenario.py:Commodity", "optimizer/prepare/content.py:trace"),
        ("commodity_balances", "modes_add_up"),
    ),
    Part(
        "place",
        "A country or a region; one is home. Groups, dated clubs and shares of members decide which rules apply to it.",
        ("schemas/scenario.py:Place", "scenarios/selections.py:Selections"),
        (
            "test_check_reading.py::test_places_are_selected_by_name_group_and_member",
            "test_duty_scope.py::test_a_measure_on_a_club_meets_its_members_on_the_days_they_belong",
        ),
    ),
    Part(
        "facility",
        "A recipe at a place: any inputs, any outputs, cost steps. Without inputs it is a mine or an offer for sale.",
        ("schemas/scenario.py:Facility", "optimizer/prepare/supply.py:prepare_supply"),
        ("test_prepare_supply.py::test_home_has_its_share_of_the_capacity", "facility_runs_within_capacity"),
    ),
    Part(
        "project",
        "A facility that has yet to be permitted and built, on one of its tracks.",
        ("schemas/scenario.py:Project", "optimizer/prepare/projects.py:prepare_programme"),
        (
            "test_prepare_projects.py::test_a_start_is_offered_on_the_base_path_while_it_can_come_on_line",
            "project_runs_when_on_line",
        ),
    ),
    Part(
        "route",
        "One commodity from one place to another, open to all or after onboarding.",
        ("schemas/scenario.py:Route", "optimizer/prepare/trade.py:prepare_trade"),
        ("test_prepare_bounds.py::test_a_route_carries_no_more_than_its_own_capacity_leaves", "onboarding_stays"),
    ),
    Part(
        "tariff measure",
        "A dated rule on routes into a place; see the duties below.",
        ("schemas/scenario.py:TariffMeasure", "optimizer/prepare/duties.py:TariffBook"),
        ("test_prepare_duties.py::test_a_measure_applies_to_what_it_names_and_not_to_what_it_exempts",),
    ),
    Part(
        "stockpile",
        "Stock of a commodity at a place, commercial or a strategic reserve.",
        ("schemas/scenario.py:Stockpile", "optimizer/prepare/stocks.py:prepare_stocks"),
        ("stock_carries_over", "test_prepare_stocks.py::test_stock_is_lost_every_year_of_a_period"),
    ),
    Part(
        "demand",
        "What a tier needs, with penalties of shortage, substitutes, a price response and bans on sources.",
        ("schemas/scenario.py:Demand", "optimizer/prepare/demands.py:prepare_demands"),
        ("demand_is_served_or_short", "test_prepare_effects.py::test_shortage_steps_move_with_demand"),
    ),
    Part(
        "limit",
        "A share, index, floor, budget, joint capacity, number of slots or survival of a loss that a planner asks for.",
        ("schemas/limits.py:Limit", "optimizer/prepare/limits.py:prepare_limits"),
        ("test_prepare_limits.py::test_a_hard_limit_has_no_slack", "share_stays_below_cap"),
    ),
    Part(
        "event",
        "A dated change of exports, output, prices, demand, projects or tariffs in one possible future.",
        ("schemas/events.py:Event", "optimizer/prepare/effects.py:Effects"),
        ("test_prepare_effects.py::test_output_falls_by_the_days_an_event_is_in_force",),
    ),
    Part(
        "future",
        "A set of events with a probability: listed, drawn from hazards, or a stress test of probability 0.",
        ("schemas/events.py:Future", "optimizer/prepare/tree.py:build_tree"),
        ("test_prepare_tree.py::test_a_future_departs_in_the_first_period_with_an_onset",),
    ),
)

TREE = (
    Part(
        "departure",
        "A future shares the base path's nodes until the period of its first onset. Variables are of nodes, so a "
        "decision before the departure is the same in all futures.",
        ("optimizer/prepare/tree.py:build_tree",),
        ("test_prepare_tree.py::test_a_future_departs_in_the_first_period_with_an_onset", "start_stays_started"),
    ),
    Part(
        "probability",
        "P[n] of a future's node is that of the future. P[n] of a base node is 1 less those of all futures that have "
        "departed by then. The base path ends where that is 0.",
        ("optimizer/prepare/tree.py:build_tree",),
        (
            "test_prepare_tree.py::test_probabilities_of_each_period_add_to_one",
            "test_prepare_tree.py::test_the_base_path_stops_where_all_futures_have_departed",
        ),
    ),
    Part(
        "discount",
        "d[n] = (1 + rate) ^ -(years from the horizon's first day to the node's).",
        ("optimizer/prepare/tree.py:build_tree",),
        (
            "test_prepare_tree.py::test_discount_is_that_of_the_first_day_of_the_period",
            "tail_excess_is_counted",
        ),
    ),
    Part(
        "annuity",
        "a[n] = sum over j < l of (1 + rate) ^ -j is the cost of 1 a year, as of the first day of n. Money that falls "
        "due in the j-th year after the first of n counts at (1 + rate) ^ -j in the cost of n.",
        ("optimizer/prepare/tree.py:Tree.annuity_y", "optimizer/prepare/tree.py:Tree.discounted"),
        (
            "test_cuts.py::test_years_that_are_alike_may_be_cut_in_any_way",
            "test_cuts.py::test_capex_counts_at_the_year_in_which_it_falls_due_and_end_value_at_the_last",
            "node_cost_adds_up",
        ),
    ),
    Part(
        "branching again",
        "A future may follow another one and depart from it later, with the other's events in addition to its own.",
        ("optimizer/prepare/tree.py:build_tree",),
        (
            "test_check_tree.py::test_a_plan_on_a_tree_that_branches_again_holds",
            "test_check_tree.py::test_a_followed_future_stops_where_nobody_is_left",
        ),
    ),
    Part(
        "stress tests",
        "A stress test is a future of probability 0 without decisions of its own, which the plan has to withstand. "
        "Only limits that name it hold there, and it counts in no expectation, tail, worst future or regret.",
        ("optimizer/prepare/tree.py:Tree.counted", "optimizer/prepare/limits.py:limited_nodes"),
        (
            "test_check_tree.py::test_a_stress_test_does_not_count_in_the_tail_nor_as_the_worst_future",
            "test_check_tree.py::test_limits_leave_stress_tests_alone_unless_they_name_them",
        ),
    ),
    Part(
        "fading events",
        "An effect counts by the share of a period's days on which it holds, and while it fades by the mean of what "
        "is left of it.",
        ("optimizer/prepare/calendar.py:Calendar", "optimizer/prepare/effects.py:Effects"),
        (
            "test_check_tree.py::test_an_effect_fades_evenly_after_its_end",
            "test_prepare_calendar.py::test_a_rule_counts_by_days_with_its_first_day_and_without_its_last",
        ),
    ),
    Part(
        "sampled futures",
        "Futures are drawn from yearly hazards with a seed, and hazards of one bloc tend to coincide. The draws are "
        "reduced to a few by what they lose.",
        ("optimizer/expand/draws.py:draw_interruptions", "optimizer/expand/reduction.py:reduce_points"),
        (
            "test_expand_draws.py::test_a_hazard_begins_at_its_yearly_rate_whatever_its_correlation",
            "test_expand_reduction.py::test_those_kept_are_those_that_looking_at_all_would_keep",
        ),
    ),
)

WORKED_OUT = (
    Part(
        "step and capacity",
        "The width of a step, and what a single step or band may carry, are bounds of its variable.",
        ("optimizer/model/variables.py:run", "optimizer/prepare/trade.py:_carrying_capacity"),
        (
            "test_prepare_effects.py::test_an_export_event_leaves_a_share_of_the_route_s_capacity",
            "test_prepare_supply.py::test_a_plain_cost_is_one_step_that_only_the_capacity_limits",
        ),
    ),
    Part(
        "projects",
        "LAG, ramp-up and delays are worked out beforehand, as the starts that count at each node.",
        ("optimizer/prepare/projects.py:moved_on_line", "optimizer/prepare/projects.py:_reached"),
        ("test_prepare_projects.py::test_delays_follow_one_another_in_the_order_of_their_onset",),
    ),
    Part(
        "permit slots and budgets",
        "The money that falls due at each node is computed beforehand.",
        ("optimizer/prepare/limits.py:_starts_due",),
        (
            "test_prepare_limits.py::test_permit_slots_count_the_starts_of_their_node_alone",
            "test_prepare_limits.py::test_capex_and_extra_cost_fall_due_on_a_budget_and_nothing_that_it_does_not_cover",
        ),
    ),
    Part(
        "onboarding",
        "The most that can flow is computed from the data.",
        ("optimizer/prepare/bounds.py:flow_limit_t_per_y",),
        ("test_prepare_bounds.py::test_a_route_carries_no_more_than_its_origin_makes",),
    ),
    Part(
        "stock",
        "Yearly purchases, capacity, and the nodes where a strategic reserve may be opened are bounds.",
        ("optimizer/prepare/stocks.py:_release_limit",),
        ("test_prepare_stocks.py::test_a_commercial_stock_is_released_at_any_time_and_a_strategic_one_in_its_events",),
    ),
    Part(
        "demand",
        "Penalty steps, single substitutes and steps of a price response are bounds.",
        ("optimizer/prepare/demands.py:prepare_demands", "optimizer/prepare/demands.py:reduction_steps"),
        ("test_prepare_effects.py::test_shortage_steps_move_with_demand",),
    ),
    Part(
        "shares",
        "The weight of each flow in a share is computed beforehand.",
        ("optimizer/prepare/shares.py:prepare_shares", "optimizer/prepare/shares.py:prepare_concentration"),
        ("test_prepare_limits.py::test_a_share_cap_counts_its_places_against_all_arrivals_and_output_at_home",),
    ),
    Part(
        "content",
        "Tags, variants, modes and what can be reached at all are computed before the model is built.",
        ("optimizer/prepare/content.py:trace", "optimizer/prepare/tags.py:Tag"),
        (
            "test_check_content.py::test_what_it_is_made_of_is_traced_but_not_for_a_last_origin",
            "test_check_content.py::test_a_route_gives_its_own_last_origin",
        ),
    ),
    Part(
        "quotas",
        "The last two exist only where the duty within the quota is above the duty over it.",
        ("optimizer/prepare/trade.py:_full_first", "optimizer/prepare/duties.py:quota_volumes"),
        ("test_prepare_duties.py::test_a_region_s_flow_counts_against_a_quota_by_the_share_it_applies_to",),
    ),
    Part(
        "recycling",
        "A given volume, and recovery from use before the horizon, are bounds.",
        ("optimizer/prepare/recycling.py:prepare_recovery",),
        ("test_check_operation.py::test_a_plan_with_recycling_holds",),
    ),
    Part(
        "survival",
        "Each lost place makes a future of probability 0, in which service floors hold.",
        ("optimizer/expand/survival.py:with_survival_futures",),
        (
            "test_expand_survival.py::test_each_place_that_may_be_lost_becomes_a_stress_test_with_two_events",
            "test_expand_survival.py::test_a_service_floor_in_the_stress_tests_stands_in_place_of_the_limit",
        ),
    ),
)
"""What is a bound, or worked out before the model is built."""

TERM_PROOFS: dict[str, tuple[str, ...]] = {
    "production": ("test_prepare_supply.py::test_costs_of_yearly_flows_count_every_year_of_a_node",),
    "support": ("test_cases.py::test_a_price_floor_pays_below_and_takes_its_share_above",),
    "duty": (
        "test_cases.py::test_the_dearer_supplier_wins_above_the_break_even_duty",
        "test_check.py::test_in_the_national_view_duty_is_reported_and_not_counted",
    ),
    "calibration": ("test_properties.py::test_a_calibration_term_weighs_as_freight_does",),
    "holding": ("test_prepare_stocks.py::test_holding_counts_every_year_of_a_node",),
    "end_value_stock": ("test_prepare_stocks.py::test_stock_is_worth_something_at_leaves_alone",),
    "limit_violation": (
        "test_prepare_limits.py::test_exceeding_a_soft_limit_costs_its_price_for_every_year_where_it_is_by_mass",
    ),
    "grant": ("test_check_limits.py::test_a_plan_with_a_grant_holds",),
    "demand_reduction": ("test_check_demands.py::test_a_plan_with_substitutes_and_elastic_demand_holds",),
    "capex": (
        "test_prepare_projects.py::test_capex_falls_due_by_its_profile_across_periods_of_different_length_and_a_branch",
    ),
    "fast_track": ("test_prepare_projects.py::test_extra_cost_of_a_track_falls_due_at_the_start",),
    "end_value_projects": ("test_prepare_projects.py::test_end_value_is_the_share_of_life_left_times_capex_paid",),
}
"""Tests of a cost term besides the golden rows of the cost of a node."""

OBJECTIVES = (
    Part(
        "cost",
        "(1 - lambda) * sum over n of P[n] d[n] cost[n] + lambda * (z + sum over w of P[w] excess[w] / (1 - alpha)).",
        ("optimizer/model/risk.py:weighted_cost", "optimizer/results/values.py:tail_mean"),
        (
            "tail_excess_is_counted",
            "test_cases.py::test_cvar_of_a_hundred_equal_chances_is_the_mean_of_the_worst_five",
            "test_results.py::test_the_objective_weighs_expected_cost_and_cvar",
        ),
    ),
    Part(
        "worst_future",
        "0.999 * the cost of the costliest future that may come + 0.001 * expected cost.",
        ("optimizer/model/risk.py:worst_future_is_counted",),
        (
            "worst_future_is_counted",
            "test_objectives.py::test_an_objective_stores_what_it_should",
            "test_check_tree.py::test_a_stress_test_does_not_count_in_the_tail_nor_as_the_worst_future",
        ),
    ),
    Part(
        "maximum_regret",
        "The same with each future's cost less the least it could cost if it were known to come.",
        ("optimizer/perfect_information.py:best_by_future",),
        (
            "worst_future_is_counted",
            "test_objectives.py::test_regret_is_what_a_future_costs_above_its_own_best_plan",
        ),
    ),
    Part(
        "expected_shortage",
        "0.999 * expected, discounted shortage penalties + 0.001 * expected cost.",
        ("optimizer/model/risk.py:_add_shortage_weights",),
        ("test_objectives.py::test_an_objective_stores_what_it_should",),
    ),
)

DUTIES = (
    Part(
        "in force",
        "A measure counts on the days between its dates, or while an event holds that switches it on, unless one "
        "switches it off. Rates take the value of the day's year; a period takes the mean over its days.",
        ("optimizer/prepare/duty_steps.py:idle", "optimizer/prepare/duties.py:TariffBook.over_period"),
        (
            "test_prepare_duties.py::test_a_measure_of_a_part_of_the_year_counts_by_its_days",
            "test_prepare_duties.py::test_an_event_switches_measures_on_and_off_on_its_days_and_in_its_future_alone",
        ),
    ),
    Part(
        "what it applies to",
        "A measure applies to its origins less exceptions, to commodities by name or code less exemptions, and to one "
        "destination; to a region by the shares of its members.",
        ("optimizer/prepare/duty_scope.py:Scope",),
        (
            "test_prepare_duties.py::test_a_measure_applies_to_what_it_names_and_not_to_what_it_exempts",
            "test_prepare_duties.py::test_a_region_pays_each_member_s_duty_by_its_share",
        ),
    ),
    Part(
        "stacking",
        "What remains adds up. A measure of higher precedence takes out those it replaces, even if it is replaced "
        "itself.",
        ("optimizer/prepare/duty_steps.py:stack",),
        (
            "test_prepare_duties.py::test_duties_of_all_programmes_add_up",
            "test_prepare_duties.py::test_a_replaced_measure_still_replaces",
        ),
    ),
    Part(
        "base of a rate",
        "Customs value, or the reference price of the metal; a specific duty is on gross weight. The customs value "
        "carries price events, never a cost step and never calibration.",
        ("optimizer/prepare/duty_steps.py:_plain", "optimizer/prepare/duty_steps.py:Valuation"),
        (
            "test_prepare_duties.py::test_customs_value_is_the_mean_of_the_period_and_carries_the_price_factor",
            "test_prepare_duties.py::test_a_duty_on_metal_value_is_on_the_reference_price",
            "test_prepare_duties.py::test_a_duty_by_weight_is_on_gross_weight",
        ),
    ),
    Part(
        "all-in ceiling",
        "max(0, ceiling * customs value - duty of the programmes it counts).",
        ("optimizer/prepare/duty_steps.py:_all_in",),
        (
            "test_prepare_duties.py::test_an_all_in_ceiling_adds_what_it_leaves_above_its_programmes",
            "test_prepare_duties.py::test_two_ceilings_do_not_count_each_other",
        ),
    ),
    Part(
        "minimum import price",
        "max(0, minimum - customs value), in addition to the rest.",
        ("optimizer/prepare/duty_steps.py:_plain",),
        ("test_prepare_duties.py::test_a_minimum_price_adds_what_the_customs_value_lacks",),
    ),
    Part(
        "tariff-rate quota",
        "A route has two bands, which differ by this measure's rate alone; an origin may have a volume of its own.",
        ("optimizer/prepare/duties.py:TariffBook.bands", "optimizer/prepare/duties.py:quota_volumes"),
        (
            "test_prepare_duties.py::test_a_quota_splits_a_route_into_bands_that_differ_by_its_own_rate_alone",
            "test_duty_scope.py::test_quota_volumes_are_shared_or_by_origin_and_go_by_year",
        ),
    ),
    Part(
        "clubs",
        "Memberships with dates count as groups on the days on which they hold.",
        ("optimizer/prepare/duty_scope.py:Scope.miss_on",),
        ("test_duty_scope.py::test_a_club_is_exempt_on_the_days_its_members_belong",),
    ),
    Part(
        "derivatives",
        "A measure may cover all that recipes make, directly or not, from what it names.",
        ("scenarios/selections.py:Selections.commodities_meant",),
        ("test_duty_scope.py::test_derivatives_are_all_that_recipes_make_directly_or_not",),
    ),
    Part(
        "content",
        "A measure on where material was mined or refined applies to the variants with its tag, wherever they are "
        "shipped from.",
        ("optimizer/prepare/duty_scope.py:Scope.miss",),
        ("test_duty_scope.py::test_a_measure_on_content_meets_what_carries_its_tag_wherever_it_is_shipped_from",),
    ),
    Part(
        "telling",
        "Every duty of a result can be explained measure by measure, with the reasons why other measures add nothing.",
        ("optimizer/prepare/duties.py:explain_duty",),
        (
            "test_prepare_duties.py::test_duty_is_told_by_measure",
            "test_results.py::test_duties_name_their_measure_and_add_up",
        ),
    ),
)

STEPS = (
    Part(
        "rising prices, market",
        "P(x) = P0 + b (x - X0) beyond X0 is cut into steps at the cost of their middle. Each overstates the integral "
        "by b w^2 / 8 at most within a step w wide.",
        ("optimizer/prepare/supply.py:_curve_steps",),
        ("test_prepare_supply.py::test_a_supply_curve_is_cut_into_chords",),
    ),
    Part(
        "rising prices, buyer",
        "Steps follow x P(x), which a buyer pays who moves the price; the error is b w^2 / 4 at most.",
        ("optimizer/prepare/supply.py:_curve_steps",),
        (
            "test_cases.py::test_a_buyer_who_moves_the_price_stops_earlier_than_a_price_taker",
            "test_cases.py::test_five_segments_overstate_the_buyers_cost_by_exactly_the_stated_bound",
        ),
    ),
    Part(
        "elastic demand",
        "What is given up is worth P0 (1 + s / e) at the middle s of each step of the share given up.",
        ("optimizer/prepare/demands.py:reduction_steps",),
        ("node_cost_adds_up", "demand_is_served_or_short"),
    ),
    Part(
        "price floors",
        "The state tops the market price up to the floor, and keeps its share of what lies above.",
        ("optimizer/prepare/supply.py:_payment",),
        ("test_prepare_supply.py::test_a_price_floor_pays_below_and_keeps_a_share_above",),
    ),
    Part(
        "calibration",
        "The market's landed price less the source's own at X0: a column of the data, in no duty and no spend.",
        ("tools/us_2026_build/market.py:Market.calibration_kusd_per_t", "optimizer/prepare/costs.py:calibration"),
        (
            "test_us_data.py::test_calibration_brings_every_source_to_the_landed_price_and_moves_no_money",
            "test_us_data.py::test_the_calibrated_base_year_comes_out_as_observed",
        ),
    ),
)

QUALITY = (
    Part(
        "gap and bound",
        "The distance of the plan from the best possible one, relative to its cost and to its gain over doing nothing.",
        ("optimizer/solver/search.py:Answer", "optimizer/solver/search.py:do_nothing"),
        (
            "test_solve.py::test_a_search_to_the_end_is_optimal_within_the_gap",
            "test_solve.py::test_doing_nothing_starts_onboards_and_stores_nothing",
        ),
    ),
    Part(
        "decisions fixed",
        "Yes-or-no decisions are fixed and the rest solved again to the end, which gives flows and marginal values.",
        ("optimizer/solver/search.py:settled", "optimizer/results/duals.py:marginal_values"),
        ("test_results.py::test_marginal_values_say_what_one_more_tonne_costs_where_it_is_needed",),
    ),
    Part(
        "branches without weight",
        "What weighs nothing in the objective is settled after it, as cheaply as possible, without changing the "
        "objective.",
        ("optimizer/solver/branches.py:settle_branches", "optimizer/check/branches.py:check_branches"),
        (
            "test_branches.py::test_a_ban_that_is_only_tested_is_met_as_well_as_the_plan_can",
            "test_branches.py::test_no_branch_without_weight_can_be_cheaper",
        ),
    ),
    Part(
        "claims",
        "A claim of the solver counts only if its own point supports it; objectives are those of points.",
        ("optimizer/solver/highs.py:run_highs",),
        ("test_solver_claims.py::test_the_locked_solver_is_honest_from_a_start_and_without_one",),
    ),
    Part(
        "gap by mineral group",
        "Each group of minerals that recipes tie together has a bound, so that a small group is not hidden in the "
        "whole.",
        ("optimizer/solver/groups.py:relax_by_group",),
        (
            "test_solve.py::test_each_group_of_minerals_has_its_gap_and_the_bound_holds",
            "test_solve.py::test_a_budget_in_common_does_not_tie_groups_and_the_bound_stays_below_the_plan",
        ),
    ),
    Part(
        "exact scaling",
        "The model is in t and kUSD; the solver gets units that are powers of two, so nothing is rounded.",
        ("optimizer/prepare/units.py:prepare_units", "optimizer/solver/form.py:standard_form"),
        (
            "test_model.py::test_scaling_by_units_is_exact",
            "test_properties.py::test_other_units_of_mass_and_money_change_nothing_but_units",
        ),
    ),
    Part(
        "independent check",
        "Every plan's flows, decisions and costs are computed again from its tables, by code that shares none with "
        "the model.",
        ("optimizer/check/verdict.py:check", "optimizer/problem.py:_judged"),
        (
            "test_check.py::test_the_check_imports_nothing_it_judges",
            "test_properties.py::test_every_plan_is_optimal_and_passes_the_independent_check",
        ),
    ),
    Part(
        "what clashes",
        "If there is no plan, the result says in words which smallest relaxation of limits would allow one.",
        ("optimizer/solver/conflict.py:find_conflict",),
        ("test_solve.py::test_what_cannot_be_is_infeasible_and_the_limit_is_named",),
    ),
    Part(
        "unlimited gains",
        "If cost falls without limit, the result names a direction along which it does: stockpile, offer, route.",
        ("optimizer/solver/ray.py:find_rays",),
        ("test_solve.py::test_whatever_is_gained_without_end_is_named",),
    ),
    Part(
        "published optima",
        "Facility location, lot sizing and two-stage capacity come out as published.",
        (
            "benchmarks/published/facility_location.py:FacilityLocation",
            "benchmarks/published/lot_sizing.py:lot_sizing",
            "benchmarks/published/two_stage_capacity.py:TwoStageCapacity",
        ),
        (
            "test_published.py::test_sites_are_opened_at_the_published_cost",
            "test_published.py::test_orders_are_placed_as_wagner_and_whitin_find",
            "test_published.py::test_capacity_is_bought_as_in_louveaux_and_smeers",
        ),
    ),
)
