"""Events of one future that meet within a period: they multiply on days they share, and add up over others."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
from reference_reading import Reading
from test_partial_events import VOLUME, base, put

from lodeplan import optimizer, scenarios
from lodeplan.optimizer.check.availability import Events
from lodeplan.optimizer.check.tree import build_tree
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.prepare.effects import Effects
from lodeplan.scenarios.selections import Selections
from lodeplan.schemas import Scenario

Happening = dict[str, Any]
CHANGES = ("exports", "output", "price", "demand")


def under(*events: Happening, period_years: list[int] | None = None) -> Scenario:
    """The metal of `base`, all offers with a volume, with these events in its only future."""
    data = base()
    data["facilities"]["cheap"]["capacity_t_per_y"] = 60
    data["horizon"]["period_years"] = period_years or [1, 1]
    data["events"] = {f"e{number}": event for number, event in enumerate(events)}
    data["futures"] = {"ban": {"probability": 1, "events": list(data["events"])}}
    return scenarios.load(data)


def factors(scenario: Scenario) -> list[tuple[float, float, float]]:
    """What events do to the cheap offer, its route, its price and the demand at each node, each as the optimizer, the
    check and the second model have it."""
    offer, route, demand = scenario.facilities["cheap"], scenario.routes["metal CHN"], scenario.demands["user"]
    instance = prepare(scenario)
    effects = Effects.of(scenario, instance.tree, Selections(scenario))
    planned = [
        effects.output_availability("cheap", offer),
        effects.export_availability(route),
        effects.price_factor("CHN", ["metal"]),
        effects.demand_factor(demand),
    ]
    tree, events, reading = build_tree(scenario), Events(scenario), Reading(scenario)
    found = []
    for number, name in enumerate(instance.tree.names):
        conditions, node = events.conditions(tree.nodes[name]), reading.tree.nodes[name]
        checked = [
            conditions.facility_availability.get("cheap", 1.0),
            conditions.route_availability.get("metal CHN", 1.0),
            conditions.price_factor.get("cheap", 1.0),
            conditions.demand_factor.get("user", 1.0),
        ]
        read = [
            reading.facility_availability("cheap", node),
            reading.route_availability("metal CHN", node),
            reading.price_factor("CHN", ["metal"], node),
            reading.wanted_t_per_y("user", node) / node.period.mean(demand.quantity_t_per_y),
        ]
        found += zip([float(factor[number]) for factor in planned], checked, read, strict=True)
    return found


def a_random_event(draw: random.Random) -> Happening:
    onset = date(2027, 1, 1) + timedelta(days=draw.choice([0, 181, 365, draw.randint(0, 700)]))
    event: Happening = {"changes": draw.choice(CHANGES), "onset": str(onset)}
    if draw.random() < 0.8:
        event["until"] = str(onset + timedelta(days=draw.choice([184, 365, draw.randint(1, 900)])))
        event["recovery_years"] = draw.choice([0, 0, 0.3, 2.7])
    if event["changes"] in ("exports", "output"):
        return {**event, "availability_share": draw.choice([0, 0, 0.3, 1]), "places": [draw.choice(["CHN", "*"])]}
    return {**event, "factor": draw.choice([0, 0.5, 3])}


def test_the_plan_the_check_and_the_second_model_read_events_that_meet_alike() -> None:
    draw = random.Random(7)
    for _ in range(40):
        first = {"changes": "demand", "factor": 1.1, "onset": 2027}
        events = [first, *(a_random_event(draw) for _ in range(draw.randint(2, 6)))]
        for planned, checked, read in factors(under(*events, period_years=draw.choice([[1, 1, 1], [1, 2, 3]]))):
            assert checked == pytest.approx(planned, abs=1e-9)
            assert read == pytest.approx(planned, abs=1e-9)
            # To be closed, or open, is another thing than to be nearly so.
            assert [checked == 0, checked == 1] == [read == 0, read == 1] == [planned == 0, planned == 1]


H1 = {"onset": "2027-01-01", "until": "2027-07-01"}
H2 = {"onset": "2027-07-01", "until": "2028-01-01"}
BAN = {"changes": "exports", "places": ["CHN"]}
LATE = 184 / 365
"""Share of 2027 from July on."""


def in_2027(*events: Happening) -> tuple[float, ...]:
    """What is left of the offer and its route, what its price and the demand become, in the only year of the future."""
    return tuple(planned for planned, _, _ in factors(under(*events))[-4:])


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ({**H1, "availability_share": 0}, {**H2, "availability_share": 0}, 0),
        ({**H1, "availability_share": 0}, {**H2, "availability_share": 0.5}, 0.5 * LATE),
        ({**H2, "availability_share": 0.5}, {**H2, "availability_share": 0.5}, 1 - LATE * 0.75),
        ({**H2, "availability_share": 0}, {**H2, "availability_share": 0}, 1 - LATE),
        ({**H2, "availability_share": 0.5}, {"onset": 2027, "availability_share": 0.4}, 0.4 * (1 - LATE * 0.5)),
    ],
)
def test_interruptions_multiply_on_the_days_they_share_and_add_up_over_others(
    first: Happening, second: Happening, left: float
) -> None:
    assert in_2027({**BAN, **first}, {**BAN, **second})[1] == pytest.approx(left, abs=1e-12)
    output = {"changes": "output", "places": ["CHN"]}
    assert in_2027({**output, **first}, {**output, **second})[0] == pytest.approx(left, abs=1e-12)


def test_two_effects_that_fade_together_leave_the_mean_of_their_product() -> None:
    # Of each, t is left after the part t of 2028, a year of 366 days: the mean of t squared is a third.
    ban = {**BAN, "onset": 2027, "until": 2028, "recovery_years": 366 / 365.25, "availability_share": 0}
    assert factors(under(ban, ban, period_years=[1, 1, 1]))[-3][0] == pytest.approx(1 / 3)


@pytest.mark.parametrize(("changes", "at"), [("price", 2), ("demand", 3)])
def test_prices_and_demand_that_double_in_one_half_and_then_in_the_other_are_double(changes: str, at: int) -> None:
    halves = ({"changes": changes, "factor": 2, **half} for half in (H1, H2))
    assert in_2027(*halves)[at] == pytest.approx(2)


def test_a_ban_in_two_halves_costs_what_one_of_the_whole_year_does() -> None:
    whole = base()
    for volume in ([], [VOLUME]):
        halves = [
            *volume,
            put("events.ban.until", "2027-07-01"),
            put("events.again", {**BAN, **H2, "availability_share": 0}),
            put("futures.ban.events", ["ban", "again"]),
        ]
        once = optimizer.solve(whole, volume).summary.objective_kusd
        assert optimizer.solve(whole, halves).summary.objective_kusd == pytest.approx(once)
