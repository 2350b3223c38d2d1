"""What an event leaves a part of has a volume to take the part of."""

from itertools import product
from typing import Any

import pytest
from tiny_scenario import the_problem_of

from lodeplan import optimizer, scenarios
from lodeplan.scenarios.validation import find_warnings

Patch = dict[str, Any]


def put(path: str, value: Any) -> Patch:
    return {"op": "set", "path": path, "value": value}


def base() -> dict[str, Any]:
    """50 t/y of a metal: from one place at 10 without limit, from another at 12, 20 t/y at most; else short at 100."""
    return {
        "name": "partial",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [1, 1]},
        "economics": {"discount_rate": 0},
        "commodities": {"metal": {"stage": "refined", "mineral_group": "metal"}},
        "places": {"USA": {}, "CHN": {}, "AUS": {}, "Others": {"members": {"CHN": 0.4, "AUS": 0.6}}},
        "facilities": {
            "cheap": {"place": "CHN", "outputs": {"metal": 1}, "cost_kusd_per_t": 10},
            "dear": {"place": "AUS", "outputs": {"metal": 1}, "cost_kusd_per_t": 12, "capacity_t_per_y": 20},
        },
        "routes": {
            "metal CHN": {"commodity": "metal", "origin": "CHN", "destination": "USA"},
            "metal AUS": {"commodity": "metal", "origin": "AUS", "destination": "USA"},
        },
        "demands": {
            "user": {
                "commodity": "metal",
                "tier": "other",
                "quantity_t_per_y": 50,
                "shortage_penalty_kusd_per_t": 100,
            }
        },
        "events": {"ban": {"changes": "exports", "places": ["CHN"], "onset": 2027, "availability_share": 0}},
        "futures": {"ban": {"probability": 1, "events": ["ban"]}},
    }


VOLUME = put("facilities.cheap.capacity_t_per_y", 60)
DRAWN = [
    put("hazards", {"stop": {"changes": "exports", "places": "CHN", "yearly_rate": 0.5, "availability_share": 0,
                             "duration_years": 1}}),
    put("sampling", {"futures": 3, "draws": 20}),
    {"op": "remove", "path": "events"},
    {"op": "remove", "path": "futures"},
]  # fmt: skip
SURVIVAL = {"kind": "survival", "onset": 2027, "tiers": ["other"], "served_share": 0.1}
IN_REGION = [
    put("facilities.cheap.place", "Others"),
    put("routes.'metal CHN'.origin", "Others"),
]

REFUSED: dict[str, tuple[list[Patch], str]] = {
    "exports left in part": ([put("events.ban.availability_share", 0.001)], "events.ban.availability_share"),
    "output left in part": (
        [put("events.ban.changes", "output"), put("events.ban.availability_share", 0.5)],
        "events.ban.availability_share",
    ),
    "output left in part, of a named facility": (
        [put("events.ban", {"changes": "output", "facilities": ["ch*"], "onset": 2027, "availability_share": 0.5})],
        "events.ban.availability_share",
    ),
    "an effect that fades": (
        [put("horizon.period_years", [1, 1, 1]), put("events.ban.until", 2028), put("events.ban.recovery_years", 1)],
        "events.ban.recovery_years",
    ),
    "a region meant in part": (IN_REGION, "events.ban.places"),
    "a destination meant in part": (
        [
            put("routes.'metal CHN'.destination", "Others"),
            put("routes.on", {"commodity": "metal", "origin": "Others", "destination": "USA"}),
            put("events.ban.destinations", ["AUS"]),
        ],
        "events.ban.places",
    ),
    "a hazard that leaves a part": (
        [*DRAWN, put("hazards.stop.availability_share", 0.2)],
        "hazards.stop.availability_share",
    ),
    "a hazard that may leave a part": (
        [*DRAWN, put("hazards.stop.availability_share", {"0": 0.5, "0.4": 0.5})],
        "hazards.stop.availability_share",
    ),
    "a hazard that leaves a part as a triangle has it": (
        [*DRAWN, put("hazards.stop.availability_share", {"low": 0, "mode": 0, "high": 0.3})],
        "hazards.stop.availability_share",
    ),
    "a hazard on output that fades": (
        [*DRAWN, put("hazards.stop.changes", "output"), put("hazards.stop.recovery_years", 2)],
        "hazards.stop.recovery_years",
    ),
    "a place that is lost in part": (
        [put("limits.loss", {**SURVIVAL, "left_share": 0.3}), {"op": "remove", "path": "events"},
         {"op": "remove", "path": "futures"}],
        "limits.loss.left_share",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_part_of_an_unlimited_offer_is_refused_and_both_are_named(case: str) -> None:
    patches, path = REFUSED[case]
    found = the_problem_of(base(), patches)
    assert (found.code, found.path) == ("part_of_unlimited", path)
    assert "`cheap`" in found.message
    assert found.remedy
    assert "capacity_t_per_y" in found.remedy


@pytest.mark.parametrize("case", REFUSED)
def test_with_a_normal_volume_it_is_taken(case: str) -> None:
    scenarios.load(base(), [*REFUSED[case][0], VOLUME])


TAKEN: dict[str, list[Patch]] = {
    "a total ban": [],
    "an event that leaves all": [put("events.ban.availability_share", 1)],
    "a partial event that no future has": [
        put("events.other", {"changes": "output", "onset": 2027, "availability_share": 0.5})
    ],
    "a partial event on what has a volume": [
        put("events.ban.places", ["AUS"]),
        put("events.ban.availability_share", 0.5),
    ],
    "a route with a capacity": [
        put("routes.'metal CHN'.capacity_t_per_y", 40),
        put("events.ban.availability_share", 0.5),
    ],
    "a hazard of which none is drawn": [put("hazards.stop", {**DRAWN[0]["value"]["stop"], "availability_share": 0.4})],
    "a hazard that leaves nothing": DRAWN,
    "a price that rises for a part": [
        put("events.ban", {"changes": "price", "places": ["CHN"], "onset": 2027, "factor": 1.5})
    ],
    "a region meant whole": [*IN_REGION, put("events.ban.places", ["Others"])],
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_there_or_gone_is_taken(case: str) -> None:
    scenarios.load(base(), TAKEN[case])


@pytest.mark.parametrize(
    ("patches", "path"),
    [
        ([put("events.ban.onset", "2027-07-01")], "events.ban.onset"),
        ([put("events.ban.until", "2027-07-01")], "events.ban.until"),
        ([put("events.ban.changes", "output"), put("events.ban.onset", "2027-02-01")], "events.ban.onset"),
        ([put("horizon.period_years", [1, 2]), put("events.ban.onset", 2028)], "events.ban.onset"),
        ([*DRAWN, put("hazards.stop.duration_years", 0.5)], "hazards.stop.duration_years"),
        ([*DRAWN, put("horizon.period_years", [1, 2])], "hazards.stop.duration_years"),
        (
            [*DRAWN, put("hazards.stop.duration_years", {"low": 1, "mode": 1, "high": 2})],
            "hazards.stop.duration_years",
        ),
        ([put("limits.loss", {**SURVIVAL, "onset": "2027-03-01", "violation_price_kusd": 1})], "limits.loss.onset"),
    ],
)
def test_an_unlimited_offer_that_is_closed_for_a_part_of_a_period_is_asked_about(
    patches: list[Patch], path: str
) -> None:
    found = find_warnings(scenarios.load(base(), patches)).open
    assert [(warning.code, warning.path) for warning in found if warning.code == "open_part_of_period"] == [
        ("open_part_of_period", path)
    ]
    assert find_warnings(scenarios.load(base(), [*patches, VOLUME])).open == [
        warning for warning in found if warning.code != "open_part_of_period"
    ]


@pytest.mark.parametrize(
    ("field", "day", "start"), [("onset", "2028-07-01", "2028-01-01"), ("until", "2028-07-01", "2029-01-01")]
)
def test_the_way_out_of_a_part_of_a_period_leaves_an_event_that_lasts(field: str, day: str, start: str) -> None:
    patches = [put("horizon.period_years", [1, 1, 1]), put(f"events.ban.{field}", day)]
    asked = list(find_warnings(scenarios.load(base(), patches)).open)
    assert [found.remedy for found in asked] == [
        f"Let it be {start}. Or give it a `capacity_t_per_y`, its normal volume."
    ]
    assert find_warnings(scenarios.load(base(), [*patches, put(f"events.ban.{field}", start)])).open == []


FED_BY: dict[str, list[Patch]] = {
    "another route": [
        put("facilities.cheap.capacity_t_per_y", 60),
        put("routes.'metal CHN'.destination", "HUB"),
    ],
    "another route, from an offer without limit": [put("routes.'metal CHN'.destination", "HUB")],
    "a project": [
        {"op": "remove", "path": "facilities.cheap"},
        {"op": "remove", "path": "routes.'metal CHN'"},
        put("projects", {"plant": {"place": "HUB", "outputs": {"metal": 1}, "cost_kusd_per_t": 10, "capex_kusd": 1,
                                   "capacity_t_per_y": 60, "committed_start": 2025,
                                   "tracks": {"fast": {"permit_years": 0, "construction_years": 0}}}}),
    ],
    "recycling": [
        put("recycling", {"scrap": {"place": "HUB", "commodity": "metal", "available_t_per_y": 60,
                                    "cost_kusd_per_t": 10}}),
    ],
    "a stock": [
        put("stockpiles", {"store": {"place": "HUB", "commodity": "metal", "kind": "commercial", "opening_t": 100}}),
    ],
    "another route, while all that it makes is sold elsewhere": [
        put("routes.'metal CHN'.destination", "HUB"),
        put("facilities.local", {"place": "HUB", "outputs": {"metal": 1}, "cost_kusd_per_t": 9,
                                 "capacity_t_per_y": 10, "home_share": 0}),
    ],
}  # fmt: skip
"""A hub that gets its metal by something else than facilities of its own."""
AT_HUB = [
    put("places.HUB", {}),
    put("routes.'metal HUB'", {"commodity": "metal", "origin": "HUB", "destination": "USA"}),
    put("events.ban.places", ["HUB"]),
]
HUB_VOLUME = put("routes.'metal HUB'.capacity_t_per_y", 60)
HUB_LOST = [
    {"op": "remove", "path": "events"},
    {"op": "remove", "path": "futures"},
    put("limits.loss", {**SURVIVAL, "places": ["HUB"], "violation_price_kusd": 1}),
]
LEFT_IN_PART: dict[str, tuple[list[Patch], str]] = {
    "an event": ([put("events.ban.availability_share", 0.9)], "events.ban.availability_share"),
    "an effect that fades": (
        [put("horizon.period_years", [1, 1, 1]), put("events.ban.until", 2028), put("events.ban.recovery_years", 1)],
        "events.ban.recovery_years",
    ),
    "a hazard": (
        [*DRAWN, put("hazards.stop.places", "HUB"), put("hazards.stop.availability_share", 0.2)],
        "hazards.stop.availability_share",
    ),
    "a place that is lost": ([*HUB_LOST, put("limits.loss.left_share", 0.3)], "limits.loss.left_share"),
}


@pytest.mark.parametrize(("fed_by", "case"), [*product(FED_BY, LEFT_IN_PART)])
def test_a_part_of_a_route_from_a_hub_is_refused_and_both_are_named(fed_by: str, case: str) -> None:
    patches, path = LEFT_IN_PART[case]
    patches = [*FED_BY[fed_by], *AT_HUB, *patches]
    found = the_problem_of(base(), patches)
    assert (found.code, found.path) == ("part_of_unlimited", path)
    assert "route `metal HUB`" in found.message
    assert "`HUB`" in found.message
    assert found.allowed
    assert found.remedy
    assert "Give the route a `capacity_t_per_y`" in found.remedy
    scenarios.load(base(), [*patches, HUB_VOLUME])


CLOSED_FOR_A_WHILE: dict[str, tuple[list[Patch], str]] = {
    "an event": ([put("events.ban.onset", "2027-07-01")], "events.ban.onset"),
    "a hazard": (
        [*DRAWN, put("hazards.stop.places", "HUB"), put("hazards.stop.duration_years", 0.5)],
        "hazards.stop.duration_years",
    ),
    "a place that is lost": ([*HUB_LOST, put("limits.loss.onset", "2027-07-01")], "limits.loss.onset"),
}


@pytest.mark.parametrize(("fed_by", "case"), [*product(FED_BY, CLOSED_FOR_A_WHILE)])
def test_a_route_from_a_hub_that_is_closed_for_a_part_of_a_period_is_asked_about(fed_by: str, case: str) -> None:
    patches, path = CLOSED_FOR_A_WHILE[case]
    found = _open_codes([*FED_BY[fed_by], *AT_HUB, *patches])
    assert ("open_part_of_period", path) in found
    assert "open_part_of_period" not in dict(_open_codes([*FED_BY[fed_by], *AT_HUB, *patches, HUB_VOLUME]))


@pytest.mark.parametrize("fed_by", FED_BY)
def test_a_hub_that_is_closed_for_whole_periods_is_not_asked_about(fed_by: str) -> None:
    found = dict(_open_codes([*FED_BY[fed_by], *AT_HUB]))
    assert not found.keys() & {"open_part_of_period", "part_of_own_offers"}


def test_a_route_that_nothing_feeds_is_left_alone() -> None:
    scenarios.load(base(), [*AT_HUB, put("events.ban.availability_share", 0.9)])


def test_a_hub_that_is_closed_for_half_a_year_passes_on_what_comes_on_the_other_days() -> None:
    patches = [*FED_BY["another route"], *AT_HUB]
    # 50 of 10 a year; closed for the whole year 20 of 12 and 30 short at 100.
    assert optimizer.solve(base(), patches).summary.objective_kusd == pytest.approx(500 + 240 + 3000)
    half = [*patches, put("events.ban.onset", "2027-07-01")]
    assert optimizer.solve(base(), half).summary.objective_kusd == pytest.approx(500 + 500)


OWN_OFFER = put(
    "facilities.local", {"place": "HUB", "outputs": {"metal": 1}, "cost_kusd_per_t": 9, "capacity_t_per_y": 10}
)


@pytest.mark.parametrize("fed_by", list(FED_BY)[:5])
@pytest.mark.parametrize(
    "patches",
    [
        [put("events.ban.availability_share", 0.9)],
        [put("events.ban.onset", "2027-07-01")],
        [*HUB_LOST, put("limits.loss.left_share", 0.9)],
    ],
)
def test_a_part_of_what_own_offers_and_others_feed_is_asked_about(fed_by: str, patches: list[Patch]) -> None:
    patches = [*FED_BY[fed_by], *AT_HUB, OWN_OFFER, *patches]
    assert "part_of_own_offers" in dict(_open_codes(patches))
    assert "part_of_own_offers" not in dict(_open_codes([*patches, HUB_VOLUME]))


def test_own_offers_alone_or_closed_for_whole_periods_are_not_asked_about() -> None:
    alone = [*AT_HUB, OWN_OFFER, put("events.ban.availability_share", 0.9)]
    closed = [*FED_BY["another route"], *AT_HUB, OWN_OFFER]
    assert "part_of_own_offers" not in {*dict(_open_codes(alone)), *dict(_open_codes(closed))}


def _open_codes(patches: list[Patch]) -> list[tuple[str, str]]:
    return [(warning.code, warning.path) for warning in find_warnings(scenarios.load(base(), patches)).open]


FIRST_HALF = put("events.ban.until", "2027-07-01")
SECOND_HALF = put("events.late", {**base()["events"]["ban"], "onset": "2027-07-01"})


def in_future(*events: str) -> Patch:
    return put("futures.ban.events", list(events))


def test_bans_that_fill_a_period_together_are_not_asked_about() -> None:
    assert _open_codes([FIRST_HALF, SECOND_HALF, in_future("ban", "late")]) == []
    through_another = [put("futures.calm", {"probability": 0.5}), put("futures.ban.probability", 0.5)]
    assert _open_codes([FIRST_HALF, SECOND_HALF, in_future("ban", "late"), *through_another]) == []


@pytest.mark.parametrize(
    "patches",
    [
        [FIRST_HALF, SECOND_HALF, in_future("ban", "late"), put("events.late.onset", "2027-07-02")],
        [FIRST_HALF, SECOND_HALF, in_future("ban", "late"), put("events.late.changes", "output")],
        [
            FIRST_HALF,
            SECOND_HALF,
            in_future("ban", "late"),
            put("futures.alone", {"probability": 0, "events": ["ban"]}),
        ],
    ],
)
def test_bans_that_leave_a_day_of_a_period_or_come_alone_are_asked_about(patches: list[Patch]) -> None:
    assert ("open_part_of_period", "events.ban.until") in _open_codes(patches)


def test_an_event_of_whole_periods_is_not_asked_about() -> None:
    assert find_warnings(scenarios.load(base())).open == []


def test_a_part_of_a_stated_volume_is_what_is_left_of_it() -> None:
    half = [VOLUME, put("events.ban.availability_share", 0.5)]
    # 50 of 10 in the first year; then 30 of 10 and 20 of 12.
    assert optimizer.solve(base(), half).summary.objective_kusd == pytest.approx(500 + 300 + 240)


def test_a_part_of_an_offer_with_steps_and_no_capacity_is_a_part_of_their_widths() -> None:
    steps = [{"width_t_per_y": 40, "cost_kusd_per_t": 10}, {"width_t_per_y": 20, "cost_kusd_per_t": 11}]
    patches = [
        put("facilities.cheap.steps", steps),
        {"op": "remove", "path": "facilities.cheap.cost_kusd_per_t"},
        put("events.ban.availability_share", 0.5),
    ]
    # 40 of 10 and 10 of 11; then half of 60, all of it of 10, and 20 of 12.
    assert optimizer.solve(base(), patches).summary.objective_kusd == pytest.approx(510 + 300 + 240)


def test_a_part_of_an_offer_with_a_supply_curve_and_no_capacity_is_a_part_of_its_length() -> None:
    curve = {"observed_t_per_y": 60, "elasticity": 1, "up_to_t_per_y": 60}
    patches = [put("facilities.cheap.supply_curve", curve), put("events.ban.availability_share", 0.5)]
    assert optimizer.solve(base(), patches).summary.objective_kusd == pytest.approx(500 + 300 + 240)
