"""Every limit hard, soft at a price, and in the sentence that names it where it cannot hold: exact cases."""

from typing import Any

import pytest
import yaml
from families import DEFAULTS, FLOOR, conflict, cost_kusd, limited, optimum, put, shipped, worth
from pydantic import ValidationError

from lodeplan import scenarios
from lodeplan.schemas.limits import JointCapacity

SOURCES = """
places: {USA: {}, A: {}, B: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 10}
  offer B: {place: B, outputs: {metal: 1}, capacity_t_per_y: 60, cost_kusd_per_t: 14}
  home mine: {place: USA, outputs: {metal: 1}, capacity_t_per_y: 40, cost_kusd_per_t: 30}
routes:
  from A: {commodity: metal, origin: A, destination: USA}
  from B: {commodity: metal, origin: B, destination: USA}
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 100, shortage_penalty_kusd_per_t: 200}
"""
"""A at 10, B at 14 up to 60 t, home at 30 up to 40 t; 100 t are wanted."""


def only(*names: str) -> list[dict[str, Any]]:
    """Nothing is to be had of these."""
    return [patch for name in names for patch in put(f"facilities.'{name}'.capacity_t_per_y", 0)]


# Share cap

CAP = {"kind": "share_cap", "commodity": "metal", "places": ["A"], "cap_share": 0.6}


@pytest.mark.parametrize(
    ("price", "objective_kusd"),
    [
        (None, 60 * 10 + 40 * 14),
        (5, 1160),  # a t of A's instead of B's saves 4: not worth 5
        (3, 1000 + 40 * 3),  # worth 3: all 100 t from A, 40 beyond the cap
    ],
)
def test_a_share_cap_is_exceeded_only_where_that_is_worth_its_price(price: float | None, objective_kusd: float) -> None:
    plan = optimum(SOURCES, *limited(cap={**CAP, "violation_price_kusd": price}))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert worth(plan, "share_stays_below_cap", "cap") == pytest.approx(-3 if price == 3 else -4)


def test_a_share_cap_that_cannot_hold_is_named() -> None:
    # Only A sells and all 100 t must be served: 100 - 0.6 * 100.
    said = conflict(SOURCES, *only("offer B", "home mine"), *limited(cap=CAP, floor=FLOOR))

    assert said == ["Share cap 'cap' would have to be exceeded by 40 t/y in 1."]


# Minimum domestic and recycled share

DOMESTIC = {"kind": "minimum_share", "commodity": "metal", "source": "domestic", "minimum_share": 0.3}


@pytest.mark.parametrize(("price", "objective_kusd"), [(None, 30 * 30 + 70 * 10), (25, 1600), (15, 100 * 10 + 30 * 15)])
def test_a_minimum_domestic_share_is_missed_only_where_its_price_is_less_than_what_home_costs_more(
    price: float | None, objective_kusd: float
) -> None:
    # A t from home instead of from A costs 20 more.
    plan = optimum(SOURCES, *limited(home={**DOMESTIC, "violation_price_kusd": price}))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert worth(plan, "minimum_share_is_kept", "home") == pytest.approx(-15 if price == 15 else -20)


def test_a_minimum_domestic_share_that_cannot_hold_is_named() -> None:
    # Home makes 20 of the 30 t.
    less = put("facilities.'home mine'.capacity_t_per_y", 20)

    said = conflict(SOURCES, *less, *limited(home=DOMESTIC, floor=FLOOR))
    assert said == ["Minimum share 'home' would fall short by 10 t/y in 1."]


RECYCLED = {"kind": "minimum_share", "commodity": "metal", "source": "recycled", "minimum_share": 0.2}


def scrap(available: float) -> list[dict[str, Any]]:
    rule = {"commodity": "metal", "available_t_per_y": available, "cost_kusd_per_t": 25}
    return put("recycling", {"old metal": rule})


@pytest.mark.parametrize(("price", "objective_kusd"), [(None, 20 * 25 + 80 * 10), (20, 1300), (10, 1000 + 20 * 10)])
def test_a_minimum_recycled_share_is_met_by_recovery(price: float | None, objective_kusd: float) -> None:
    # A t recovered costs 15 more than one from A.
    plan = optimum(SOURCES, *scrap(30), *limited(old={**RECYCLED, "violation_price_kusd": price}))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)


def test_what_a_plant_makes_of_scrap_alone_counts_as_recycled() -> None:
    # 1 t of scrap at 4 and 21 to melt, also 25 a t: 1,300. A plant that takes ore with it does not count, so that all
    # 100 t come from A and 20 t lack at 100: 1,000 + 2,000.
    melted = {"place": "USA", "inputs": {"scrap": 1}, "outputs": {"metal": 1}, "cost_kusd_per_t": 21}
    patches = [
        *put("commodities.scrap", {"stage": "scrap", "mineral_group": "metal"}),
        *put("commodities.ore", {"stage": "ore", "mineral_group": "metal"}),
        *put("facilities.'scrap yard'", {"place": "USA", "outputs": {"scrap": 1}, "cost_kusd_per_t": 4}),
        *put("facilities.'ore mine'", {"place": "USA", "outputs": {"ore": 1}, "cost_kusd_per_t": 0}),
        *put("facilities.melter", melted),
        *limited(old={**RECYCLED, "violation_price_kusd": 100}),
    ]
    mixed = put("facilities.melter.inputs", {"scrap": 0.5, "ore": 0.5})

    assert cost_kusd(optimum(SOURCES, *patches)) == pytest.approx(1300)
    assert cost_kusd(optimum(SOURCES, *patches, *mixed)) == pytest.approx(3000)


def test_a_minimum_recycled_share_that_cannot_hold_is_named() -> None:
    said = conflict(SOURCES, *scrap(12), *limited(old=RECYCLED, floor=FLOOR))
    assert said == ["Minimum share 'old' would fall short by 8 t/y in 1."]


# Net import reliance

RELIANCE = {"kind": "net_import_reliance", "commodity": "metal", "cap_share": 0.7}
EXPORTS = put(
    "demands.abroad",
    {"commodity": "metal", "tier": "export", "quantity_t_per_y": 10, "shortage_penalty_kusd_per_t": 200},
)


@pytest.mark.parametrize(("price", "objective_kusd"), [(None, 80 * 10 + 30 * 30), (25, 1700), (15, 1100 + 30 * 15)])
def test_net_import_reliance_counts_imports_less_exports(price: float | None, objective_kusd: float) -> None:
    # 110 t in all, 10 of them exported. Imports less 10 are at most 0.7 * 100: 80 from A, 30 from home at 20 more.
    plan = optimum(SOURCES, *EXPORTS, *limited(reliance={**RELIANCE, "violation_price_kusd": price}))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    (row,) = plan.tables["concentration"].to_dict("records")
    assert row["net_import_reliance"] == pytest.approx(1.0 if price == 15 else 0.7)


def test_a_net_import_reliance_that_cannot_hold_is_named() -> None:
    # Home makes 20: 90 less 10 is 10 beyond 70.
    floor = {**FLOOR, "tiers": ["other", "export"]}
    less = put("facilities.'home mine'.capacity_t_per_y", 20)

    said = conflict(SOURCES, *EXPORTS, *less, *limited(reliance=RELIANCE, floor=floor))
    assert said == ["Net import reliance 'reliance' would have to be exceeded by 10 t/y in 1."]


# Concentration cap

INDEX = {"kind": "concentration_cap", "commodity": "metal", "cap_index": 0.58, "tangents": 5}


def test_a_concentration_cap_holds_exactly_where_its_tangents_touch() -> None:
    # 0.7^2 + 0.3^2 = 0.58, and with 5 tangents both shares are points of touch: 70 * 10 + 30 * 14.
    plan = optimum(SOURCES, *only("home mine"), *limited(index=INDEX))

    assert cost_kusd(plan) == pytest.approx(1120)
    assert shipped(plan) == {"from A": 70, "from B": 30}


def test_between_its_tangents_a_concentration_cap_gives_way_by_no_more_than_its_bound() -> None:
    # With 20, the tangents about 0.7 and 0.3 touch at 0.725 and 0.275. For a share x from 0.7 on
    # 1.45 x - 0.725^2 + 0.55 (1 - x) - 0.275^2 = 0.9 x - 0.05125 is at most 0.58: x = 0.63125 / 0.9 = 0.70139.
    plan = optimum(SOURCES, *only("home mine"), *limited(index={**INDEX, "tangents": 20}))

    share = 0.63125 / 0.9
    assert cost_kusd(plan) == pytest.approx(1400 - 400 * share)
    (row,) = plan.tables["concentration"].to_dict("records")
    assert row["concentration_index"] == pytest.approx(share**2 + (1 - share) ** 2)
    # two sources, each within 1 / (4 * 20^2)
    assert 0.58 < row["concentration_index"] <= 0.58 + 2 / (4 * 20**2)


@pytest.mark.parametrize(
    ("price", "objective_kusd"),
    [
        # From 70 to 80 t from A each adds 2 * 0.7 - 2 * 0.3 = 0.8 t/y of slack and saves 4; from 80 on it adds 1.6.
        (6, 1120),
        (4, 80 * 10 + 20 * 14 + 8 * 4),
        # From 95 on B's square is 0, and a t adds 2 * 0.9. To 100 t: 8 + 15 * 1.6 + 5 * 1.8 = 41 t/y of slack.
        (2, 1000 + 41 * 2),
    ],
)
def test_a_concentration_cap_is_exceeded_where_that_is_worth_its_price(price: float, objective_kusd: float) -> None:
    plan = optimum(SOURCES, *only("home mine"), *limited(index={**INDEX, "violation_price_kusd": price}))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)


def test_a_concentration_cap_that_cannot_hold_is_named() -> None:
    # B sells 20: tangents at 0.7 and 0.3 (or 0.9 and 0.1) give 1.4 * 80 - 49 + 0.2 * 20 - 1 = 66, 8 beyond 58.
    less = put("facilities.'offer B'.capacity_t_per_y", 20)

    said = conflict(SOURCES, *only("home mine"), *less, *limited(index=INDEX, floor=FLOOR))
    assert said == ["Concentration cap 'index' would have to be exceeded by 8 t/y in 1."]


# Service floor

CHEAP_SHORTAGE = put("demands.user.shortage_penalty_kusd_per_t", 5)


@pytest.mark.parametrize(("price", "objective_kusd"), [(None, 90 * 10 + 10 * 5), (6, 950), (3, 100 * 5 + 90 * 3)])
def test_a_service_floor_serves_what_would_not_pay(price: float | None, objective_kusd: float) -> None:
    # A t from A costs 5 more than going short.
    floor = {**FLOOR, "served_share": 0.9, "violation_price_kusd": price}
    plan = optimum(SOURCES, *CHEAP_SHORTAGE, *limited(floor=floor))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert worth(plan, "shortage_stays_below_floor", "floor user") == pytest.approx(-3 if price == 3 else -5)


def test_a_service_floor_that_cannot_hold_is_named() -> None:
    # 60 t from B, 90 asked for.
    said = conflict(SOURCES, *only("offer A", "home mine"), *limited(floor={**FLOOR, "served_share": 0.9}))
    assert said == ["Service floor 'floor' falls short by 30 t/y for 'user' in 1."]


# Joint capacity

SHARED_TANKS = """
horizon: {first_year: 1, period_years: [1, 1]}
commodities: {oxide: {stage: refined, mineral_group: metal}, metal: {stage: refined, mineral_group: metal}}
places: {USA: {}}
facilities:
  oxide line: {place: USA, outputs: {oxide: 1}, capacity_t_per_y: 50, cost_kusd_per_t: 0}
  metal line:
    place: USA
    outputs: {metal: 1}
    steps: [{width_t_per_y: 20, cost_kusd_per_t: 1}, {width_t_per_y: 20, cost_kusd_per_t: 2}]
demands:
  oxide user: {commodity: oxide, tier: other, quantity_t_per_y: 40, shortage_penalty_kusd_per_t: 10}
  metal user: {commodity: metal, tier: other, quantity_t_per_y: 40, shortage_penalty_kusd_per_t: 30}
"""
"""40 t/y of each are wanted. A t of tank room saves 10 with oxide, and (30 - 2) / 1.5 or more with metal."""
TANKS = {"kind": "joint_capacity", "facilities": {"oxide line": 1, "metal line": 1.5}, "capacity_t_per_y": "1=60; 2=90"}


@pytest.mark.parametrize(
    ("price", "objective_kusd"),
    [
        # Metal takes 1.5 * 40 = 60 t of room each year and costs 20 * 1 + 20 * 2; oxide has 0 t, then 30 t.
        (None, 2 * 60 + 40 * 10 + 10 * 10),
        (12, 620),
        (5, 2 * 60 + 40 * 5 + 10 * 5),  # cheaper than going short: room for 100 t/y
    ],
)
@pytest.mark.proves("joint_capacity_is_kept")
def test_recipes_that_share_tanks_run_where_a_tonne_of_room_saves_most(
    price: float | None, objective_kusd: float
) -> None:
    plan = optimum(SHARED_TANKS, *limited(tanks={**TANKS, "violation_price_kusd": price}))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    for node in ("1", "2"):
        assert worth(plan, "joint_capacity_is_kept", "tanks", node) == pytest.approx(-5 if price == 5 else -10)
    rows = plan.tables["limits"]
    missed = [0, 0] if price != 5 else [40, 10]
    assert rows["asked"].tolist() == [60, 90]
    assert rows["reached"].tolist() == pytest.approx([60 + missed[0], 90 + missed[1]])
    assert rows["missed"].tolist() == pytest.approx(missed)
    assert set(rows["unit"]) == set(rows["missed_unit"]) == {"t/y"}


@pytest.mark.proves("joint_capacity_is_kept")
def test_in_a_list_each_tonne_takes_as_much_of_a_joint_capacity() -> None:
    # 60 t: 40 of metal for 60 kUSD, 20 of oxide, 20 short.
    listed = {**TANKS, "facilities": ["oxide line", "metal line"], "capacity_t_per_y": 60}
    assert cost_kusd(optimum(SHARED_TANKS, *limited(tanks=listed))) == pytest.approx(2 * (60 + 20 * 10))


def test_what_shares_a_joint_capacity_may_be_listed_in_one_cell_each_once() -> None:
    def facilities(value: Any) -> dict[str, float]:
        return JointCapacity(kind="joint_capacity", facilities=value, capacity_t_per_y=60).facilities

    assert facilities("oxide line; metal line") == facilities(["oxide line", "metal line"])
    assert facilities("oxide line") == {"oxide line": 1.0}
    assert facilities("oxide line=0.5") == {"oxide line": 0.5}
    for twice in ("oxide line; oxide line", ["oxide line", "oxide line"]):
        with pytest.raises(ValidationError, match="one key is given twice"):
            facilities(twice)


@pytest.mark.proves("joint_capacity_is_kept")
def test_a_joint_capacity_that_cannot_hold_is_named() -> None:
    # All 80 t of both take 40 t/y; 20 t fewer served would do too, but 10 t/y of room are less.
    half = {"facilities": {"oxide line": 0.5, "metal line": 0.5}, "capacity_t_per_y": {1: 30, 2: 40}}
    said = conflict(SHARED_TANKS, *limited(tanks={**TANKS, **half}, floor=FLOOR))
    assert said == ["Joint capacity 'tanks' would have to be exceeded by 10 t/y in 1."]


def test_a_joint_capacity_of_what_is_left_out_keeps_the_rest() -> None:
    data = DEFAULTS | yaml.safe_load(SHARED_TANKS) | {"limits": {"tanks": TANKS}}
    apart = put("commodities.oxide.mineral_group", "oxide")
    keep = {"op": "keep", "path": "mineral_groups", "value": ["metal"]}
    scenario = scenarios.load(data, [*apart, keep])
    tanks = scenario.limits["tanks"]
    assert isinstance(tanks, JointCapacity)
    assert tanks.facilities == {"metal line": 1.5}


# Budgets and permit slots

TWO_MINES = """
horizon: {first_year: 1, period_years: [1, 1, 1]}
places: {USA: {}, A: {}}
facilities:
  offer A: {place: A, outputs: {metal: 1}, cost_kusd_per_t: 20}
routes:
  from A:
    commodity: metal
    origin: A
    destination: USA
projects:
  north: &mine
    place: USA
    outputs: {metal: 1}
    capacity_t_per_y: 10
    cost_kusd_per_t: 10
    capex_kusd: 60
    end_value_share: 0
    tracks: {standard: {permit_years: 0, construction_years: 1, permit_slots: 1}}
  south: *mine
demands:
  user: {commodity: metal, tier: other, quantity_t_per_y: 20, shortage_penalty_kusd_per_t: 500}
"""
CAPEX = {"kind": "budget", "covers": ["capex"], "amount_kusd_per_y": 60}
SLOTS = {"kind": "permit_slots", "slots_per_y": 1}
BOTH_FORCED = [
    patch
    for name in ("north", "south")
    for patch in (*put(f"projects.{name}.forced_track", "standard"), *put(f"projects.{name}.latest_start", 1))
]


@pytest.mark.parametrize(
    ("limit", "price", "objective_kusd"),
    [
        # A mine saves 100 a year from the year after its start. Both at once: 1,200 + 120 - 400. One after the other
        # saves 100 less.
        ({**CAPEX, "amount_kusd_per_y": 120}, None, 920),
        (CAPEX, None, 1020),
        (CAPEX, 2, 1020),  # 60 kUSD beyond the budget for 2 each are not worth the 100
        (CAPEX, 1, 920 + 60),
        (SLOTS, None, 1020),
        (SLOTS, 150, 1020),
        (SLOTS, 50, 920 + 50),
    ],
)
def test_a_budget_or_permit_slots_spread_the_starts_over_the_years(
    limit: dict[str, Any], price: float | None, objective_kusd: float
) -> None:
    plan = optimum(TWO_MINES, *limited(limit={**limit, "violation_price_kusd": price}))

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
    assert sorted(start.start for start in plan.summary.projects) == ([1, 2] if objective_kusd == 1020 else [1, 1])


def one_may_be_given_up(said: list[str]) -> bool:
    """Whether the other side of the conflict is named: either of the two forced starts."""
    ways = [
        f"Or do without the forced start of project '{name}' on track 'standard', asked for by 1."
        for name in ("north", "south")
    ]
    return len(said) == 1 and said[0] in ways


def test_a_budget_that_forced_starts_exceed_is_named() -> None:
    said = conflict(TWO_MINES, *BOTH_FORCED, *limited(money={**CAPEX, "amount_kusd_per_y": 80}))
    assert said[0] == "Limit 'money' would have to be exceeded by 40 kUSD in 1."
    assert one_may_be_given_up(said[1:])


def test_permit_slots_that_forced_starts_exceed_are_named() -> None:
    said = conflict(TWO_MINES, *BOTH_FORCED, *limited(permits=SLOTS))
    assert said[0] == "Limit 'permits' would have to be exceeded by 1 slot in 1."
    assert one_may_be_given_up(said[1:])


ONBOARDED = {"cost_kusd": 30, "earliest": 1, "latest": 1, "minimum_t_per_y": 0}


@pytest.mark.parametrize(
    ("price", "objective_kusd"),
    [
        # Without the mines A serves all, for 30 and 3 * 400; a budget of 20 forbids it: 60 t short at 500.
        (None, 60 * 500),
        (2, 30 + 1200 + 10 * 2),
    ],
)
def test_a_budget_of_onboarding_is_kept(price: float | None, objective_kusd: float) -> None:
    budget = {"kind": "budget", "covers": ["onboarding"], "amount_kusd_per_y": 20, "violation_price_kusd": price}
    plan = optimum(
        TWO_MINES,
        *put("projects", {}),
        *put("routes.'from A'.onboarding", ONBOARDED),
        *limited(money=budget),
    )

    assert cost_kusd(plan) == pytest.approx(objective_kusd)
