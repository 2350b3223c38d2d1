"""Projects, support and what they break even at: exact cases, the arithmetic above each."""

from typing import Any

import pytest
from families import amounts, conflict, cost_kusd, optimum, put, worth

ONE_PROJECT = """
horizon: {first_year: 1, period_years: [1, 1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 20}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
projects:
  mine:
    place: USA
    outputs: {metal: 1}
    capacity_t_per_y: 50
    cost_kusd_per_t: 10
    capex_kusd: 1100
    end_value_share: 0
    tracks: {standard: {permit_years: 0, construction_years: 1}}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 50, shortage_penalty_kusd_per_t: 500}
"""
GRANT = put("projects.mine.grant_share", 0.4)


def support_budget(amount: float) -> list[dict[str, Any]]:
    return put("limits", {"support": {"kind": "budget", "covers": ["support"], "amount_kusd_per_y": amount}})


def test_a_grant_makes_a_mine_that_would_not_pay() -> None:
    # It saves 10 on 50 t in years 2 and 3: 1,000, less than its 1,100. With 440 granted it costs 660.
    without, granted = optimum(ONE_PROJECT), optimum(ONE_PROJECT, *GRANT)

    assert cost_kusd(without) == pytest.approx(3000)
    assert without.summary.projects == []
    assert cost_kusd(granted) == pytest.approx(1000 + 660 + 2 * 500)
    assert granted.summary.cost_terms_kusd["capex"] == pytest.approx(1100)
    assert granted.summary.cost_terms_kusd["grant"] == pytest.approx(-440)


def test_a_grant_beyond_the_budget_of_support_is_not_paid() -> None:
    assert cost_kusd(optimum(ONE_PROJECT, *GRANT, *support_budget(430))) == pytest.approx(3000)
    assert cost_kusd(optimum(ONE_PROJECT, *GRANT, *support_budget(441))) == pytest.approx(2660)


def test_to_the_nation_a_grant_is_no_gain() -> None:
    assert cost_kusd(optimum(ONE_PROJECT, *GRANT, *put("economics.view", "national"))) == pytest.approx(3000)


PRICE_FLOOR = """
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
  home mine:
    place: USA
    outputs: {metal: 1}
    capacity_t_per_y: 50
    cost_kusd_per_t: 12
    price_floor: {floor_kusd_per_t: 15, reference_price_kusd_per_t: 8}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 50, shortage_penalty_kusd_per_t: 500}
"""


def test_a_contract_for_difference_makes_the_dearer_mine_run() -> None:
    # The state pays 15 - 8 = 7 a t: 12 - 7 = 5 against 10. To the nation it costs 12: all is imported.
    plan = optimum(PRICE_FLOOR)

    assert cost_kusd(plan) == pytest.approx(50 * 5)
    assert plan.summary.cost_terms_kusd["support"] == pytest.approx(-350)
    nation = optimum(PRICE_FLOOR, *put("economics.view", "national"))
    assert (cost_kusd(nation), amounts(nation, "run", "facility")) == (pytest.approx(500), {"offer A": 50})


def test_a_budget_of_support_holds_the_mine_to_what_it_pays_for() -> None:
    # 210 at 7 a t: 30 t at 5, 20 t at 10. One more kUSD runs 1/7 t, which saves 5.
    plan = optimum(PRICE_FLOOR, *support_budget(210))

    assert cost_kusd(plan) == pytest.approx(30 * 5 + 20 * 10)
    assert worth(plan, "budget_is_kept", "support") == pytest.approx(-5 / 7)


FAILURE = [
    *put("horizon.period_years", [1, 1, 1, 1]),
    *put("projects.mine.capex_kusd", 400),
    *put("projects.mine.latest_start", 1),
    *put("projects.mine.tracks.standard.construction_years", 2),
]


def failing(probability: float, **event: float) -> list[dict[str, Any]]:
    return [
        *FAILURE,
        *put("events", {"trouble": {"changes": "projects", "onset": 2, **event}}),
        *put("futures", {"as hoped": {}, "trouble": {"probability": probability, "events": ["trouble"]}}),
    ]


@pytest.mark.parametrize(
    ("probability", "started", "objective_kusd"),
    [(0.59, ["mine"], 4000 + 400 - 0.41 * 1000), (0.61, [], 4000)],
)
def test_a_project_that_may_fail_is_started_below_its_break_even_chance(
    probability: float, started: list[str], objective_kusd: float
) -> None:
    # 400 are spent in year 1; 500 a year are saved in years 3 and 4 if it does not fail in year 2: worth it below 60 %.
    plan = optimum(ONE_PROJECT, *failing(probability))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert [start.name for start in plan.summary.projects] == started
    assert ("mine", "trouble@3") not in amounts(plan, "run", "facility", "node")


def test_a_project_that_may_be_late_saves_one_year_less_there() -> None:
    # 4,000 + 400 - 0.39 * 1,000 - 0.61 * 500
    plan = optimum(ONE_PROJECT, *failing(0.61, delay_years=1))

    assert cost_kusd(plan) == pytest.approx(3705)
    runs = amounts(plan, "run", "facility", "node")
    assert ("mine", "trouble@3") not in runs
    assert runs["mine", "trouble@4"] == 50


@pytest.mark.parametrize(("in_branches", "objective_kusd", "starts"), [(False, 744, []), (True, 604, ["ban@2"])])
def test_a_start_can_wait_for_the_shock(in_branches: bool, objective_kusd: float, starts: list[str]) -> None:
    # 10 t at 12 from A; under the ban (10 %) at 100. Never: 120 + 0.9 * 360 + 0.1 * 3,000 = 744. Started in year 1
    # for 400 it would save 0.9 * 60 + 0.1 * 2,700 = 324. Started under the ban it saves 900 in years 3 and 4.
    plan = optimum(
        """
horizon: {first_year: 1, period_years: [1, 1, 1, 1]}
places: {USA: {}, A: {}, B: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 12}
  offer B: {place: B, outputs: {metal: 1}, cost_kusd_per_t: 100}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
  from B: {commodity: metal, origin: B, destination: USA}
projects:
  mine:
    place: USA
    outputs: {metal: 1}
    capacity_t_per_y: 10
    cost_kusd_per_t: 10
    capex_kusd: 400
    end_value_share: 0
    tracks: {standard: {permit_years: 0, construction_years: 1}}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 10, shortage_penalty_kusd_per_t: 500}
events:
  ban: {changes: exports, places: [A], onset: 2, availability_share: 0}
futures:
  calm: {}
  ban: {probability: 0.1, events: [ban]}
""",
        *put("projects.mine.start_in_branches", in_branches),
    )

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert list(plan.tables["starts"]["node"]) == starts


def two_projects(first: dict[str, Any], second: dict[str, Any]) -> list[dict[str, Any]]:
    common = {
        "place": "USA",
        "outputs": {"metal": 1},
        "cost_kusd_per_t": 10,
        "end_value_share": 0,
        "tracks": {"standard": {"permit_years": 0, "construction_years": 1}},
    }
    return put("projects", {"first": common | first, "second": common | second})


@pytest.mark.parametrize(
    ("first_capex", "requires", "objective_kusd", "started"),
    [
        # Over two years the first (10 t) saves 200, the second (40 t) 800 for 500.
        (300, [], 2700, ["second"]),
        (300, ["first"], 3000 - 1000 + 800, ["first", "second"]),
        (600, ["first"], 3000, []),
    ],
)
def test_what_a_project_requires_has_to_pay_with_it(
    first_capex: float, requires: list[str], objective_kusd: float, started: list[str]
) -> None:
    first = {"capacity_t_per_y": 10, "capex_kusd": first_capex}
    second = {"capacity_t_per_y": 40, "capex_kusd": 500, "requires": requires}
    plan = optimum(ONE_PROJECT, *two_projects(first, second))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert [start.name for start in plan.summary.projects] == started


@pytest.mark.parametrize(
    ("excludes", "objective_kusd", "started"),
    [([], 3000 - 300 - 50, ["first", "second"]), (["second"], 3000 - 300, ["first"])],
)
def test_of_projects_that_exclude_each_other_the_better_is_started(
    excludes: list[str], objective_kusd: float, started: list[str]
) -> None:
    first = {"capacity_t_per_y": 40, "capex_kusd": 500, "excludes": excludes}
    plan = optimum(ONE_PROJECT, *two_projects(first, {"capacity_t_per_y": 10, "capex_kusd": 150}))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert [start.name for start in plan.summary.projects] == started


SPREAD = [
    *put("horizon.period_years", [1, 1]),
    *put("economics.discount_rate", 0.1),
    *put("projects.mine.capex_kusd", 100),
    *put("projects.mine.capex_spending_share", [0.5, 0.3, 0.2]),
    *put("projects.mine.forced_track", "standard"),
]


def test_capex_falls_due_over_the_years_and_not_after_the_horizon() -> None:
    # Year 1: 50 * 20 + 50. Year 2: 50 * 10 + 30, over 1.1. The last 20 fall due in year 3.
    plan = optimum(ONE_PROJECT, *SPREAD)

    assert cost_kusd(plan) == pytest.approx(1050 + 530 / 1.1)
    assert plan.summary.cost_terms_kusd["capex"] == pytest.approx(50 + 30 / 1.1)


def test_a_project_is_worth_the_life_it_has_left_of_what_was_paid() -> None:
    # On line in year 2, 19 of 20 years are left at the end: 0.95 * 80 = 76.
    plan = optimum(ONE_PROJECT, *SPREAD, {"op": "remove", "path": "projects.mine.end_value_share"})

    assert cost_kusd(plan) == pytest.approx(1050 + (530 - 76) / 1.1)


def break_even(plan: Any) -> float:
    projects = plan.tables["projects"]
    return float(projects.loc[projects["project"] == "mine", "break_even_kusd_per_t"].iloc[0])


CHEAP = [*put("projects.mine.capex_kusd", 300), *put("economics.discount_rate", 0.1)]
ANNUITY = 300 / (1 / 1.1 + 1 / 1.21)
"""What 300 in year 1 are as a payment in each of years 2 and 3, kUSD/y."""


def test_a_project_breaks_even_at_its_running_cost_and_capital_as_an_annuity() -> None:
    # 50 t in years 2 and 3: 10 + 172.86 / 50 = 13.457.
    plan = optimum(ONE_PROJECT, *CHEAP)

    assert break_even(plan) == pytest.approx(10 + ANNUITY / 50)


def test_the_end_value_lowers_the_price_a_project_breaks_even_at() -> None:
    # 18 of 20 years are left at the end of year 3: 270, discounted as what falls due in that year.
    plan = optimum(ONE_PROJECT, *CHEAP, {"op": "remove", "path": "projects.mine.end_value_share"})

    assert break_even(plan) == pytest.approx(10 + (300 - 270 / 1.21) / (50 / 1.1 + 50 / 1.21))


@pytest.mark.parametrize(("price", "started"), [(13.45, False), (13.47, True)])
def test_a_project_is_started_exactly_where_imports_cost_more_than_its_break_even_price(
    price: float, started: bool
) -> None:
    plan = optimum(ONE_PROJECT, *CHEAP, *put("facilities.'offer A'.cost_kusd_per_t", price))

    assert bool(plan.summary.projects) == started


# A forced start, and futures that depart before its time is up

BAN_IN_YEAR_2 = [
    *put("economics.discount_rate", 0.1),
    *put("horizon.period_years", [1, 1, 1, 1, 1]),
    *put("events", {"ban": {"changes": "exports", "places": ["A"], "onset": 2, "availability_share": 0}}),
    *put("futures", {"calm": {}, "ban": {"probability": 0.2, "events": ["ban"]}}),
]
LATE = [
    *put("projects.mine.forced_track", "standard"),
    *put("projects.mine.capex_kusd", 1e6),
    *put("projects.mine.latest_start", 3),
]
NO_PERMITS_YET = put("limits", {"slots": {"kind": "permit_slots", "slots_per_y": {1: 0, 2: 5}}})


def test_a_forced_start_may_wait_for_its_last_year_though_a_future_departs_before() -> None:
    slots = put("projects.mine.tracks.standard.permit_slots", 1)
    plan = optimum(ONE_PROJECT, *BAN_IN_YEAR_2, *LATE, *slots, *NO_PERMITS_YET)

    # It costs far more than it is worth, so it comes as late and as seldom as it may.
    assert plan.tables["starts"]["node"].tolist() == ["3"]


def test_a_forced_start_is_asked_of_a_future_that_may_start_it_itself() -> None:
    plan = optimum(ONE_PROJECT, *BAN_IN_YEAR_2, *LATE, *put("projects.mine.start_in_branches", True))

    assert plan.tables["starts"]["node"].tolist() == ["3", "ban@3"]


def test_a_forced_start_whose_window_ends_before_any_departure_comes_on_the_base_path_for_all() -> None:
    plan = optimum(ONE_PROJECT, *BAN_IN_YEAR_2, *LATE, *put("projects.mine.latest_start", 1))

    assert plan.tables["starts"]["node"].tolist() == ["1"]


def test_a_forced_start_that_no_permit_allows_is_named_beside_the_limit() -> None:
    slots = put("projects.mine.tracks.standard.permit_slots", 1)
    never = put("limits", {"slots": {"kind": "permit_slots", "slots_per_y": 0}})

    assert conflict(ONE_PROJECT, *BAN_IN_YEAR_2, *LATE, *slots, *never) == [
        "Limit 'slots' would have to be exceeded by 1 slot in 3.",
        "Or do without the forced start of project 'mine' on track 'standard', asked for by 3.",
    ]
