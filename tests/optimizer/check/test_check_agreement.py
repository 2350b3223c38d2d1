"""The independent check finds nothing in the plans the optimizer makes."""

from __future__ import annotations

import pytest
from check_plans import Data, Lists, Mutation, both, scenario_with, with_event, workshop
from solved import TEXTBOOK, solved

from lodeplan import optimizer
from lodeplan.optimizer.check import check


@pytest.mark.parametrize("name", TEXTBOOK)
def test_the_optimizer_s_plan_of_an_example_holds(name: str) -> None:
    plan = solved(name)
    verdict = check(plan.scenario, plan.tables, objective_kusd=plan.summary.objective_kusd)
    assert verdict.worst == []
    assert verdict.max_violation < 1e-6
    assert verdict.cost_difference_rel < 1e-6


def with_region(data: Data, _: Lists) -> None:
    """An offer from a region of both suppliers, on a rising price, under stacked and dated measures."""
    data["places"]["REG"] = {"members": {"CHN": 0.5, "AUS": 0.5}}
    data["facilities"]["region"] = {
        "place": "REG",
        "outputs": {"metal": 1},
        "cost_kusd_per_t": 9,
        "supply_curve": {"observed_t_per_y": 5, "elasticity": 0.7, "up_to_t_per_y": 40, "basis": "buyer"},
    }
    customs = {2026: 9, 2029: 11}
    data["routes"]["REG-USA"] = {
        "commodity": "metal",
        "origin": "REG",
        "destination": "USA",
        "customs_value_kusd_per_t": customs,
    }
    measure = {"programme": "mfn", "origins": ["allies"], "commodities": ["*"], "onset": "2026-05-05"}
    ceiling = {"programme": "232", "commodities": ["*"], "all_in_ceiling_share": 0.3, "active": False}
    data["tariffs"] |= {"mfn": {**measure, "rate_share": {2026: 0.1, 2030: 0.3}}, "ceiling": ceiling}


LATER_IN_2028 = {"onset": "2028-08-01"}
SLOWER = both(
    scenario_with("projects/P/forced_track", "standard"), scenario_with("projects/P/tracks/standard/permit_years", 1.5)
)
SOLVED: dict[str, Mutation] = {
    "as it stands": lambda data, lists: None,
    "a region": with_region,
    "a region half closed": both(
        with_region,
        with_event({"changes": "exports", "places": ["allies"], "availability_share": 0.3, **LATER_IN_2028}),
    ),
    "a region under a ceiling": both(
        with_region,
        with_event({"changes": "tariffs", "switch_on": ["ceiling"], "switch_off": ["quota"], **LATER_IN_2028}),
    ),
    "dearer abroad": both(with_region, with_event({"changes": "price", "factor": 1.3, **LATER_IN_2028})),
    "the national view": both(with_region, scenario_with("economics/view", "national")),
    "a late project delayed": both(SLOWER, with_event({"changes": "projects", "delay_years": 1})),
    "a late project failing": both(SLOWER, with_event({"changes": "projects"})),
    "a committed project": both(
        scenario_with("projects/R/committed_start", 2025), scenario_with("projects/R/capacity_t_per_y", 10)
    ),
    "no slots for projects": scenario_with("limits/slots/slots_per_y", 0.5),
    "a crisis that is sure": scenario_with("futures/crisis/probability", 1.0),
    "a soft floor": both(
        scenario_with("limits/military floor/violation_price_kusd", 7),
        scenario_with("limits/military floor/served_share", 1.0),
    ),
    "a price floor that pays back": scenario_with(
        "facilities/plant/price_floor",
        {"floor_kusd_per_t": 10, "reference_price_kusd_per_t": {2026: 8, 2028: 30}, "kept_above_share": 0.3},
    ),
}


@pytest.mark.parametrize("mutate", SOLVED.values(), ids=SOLVED)
def test_the_optimizer_s_plan_of_the_workshop_holds(mutate: Mutation) -> None:
    data = workshop()
    mutate(data, {})
    plan = optimizer.solve(data)
    verdict = check(plan.scenario, plan.tables, objective_kusd=plan.summary.objective_kusd)
    assert verdict.worst == []
    assert verdict.max_violation < 1e-6
    assert verdict.cost_difference_rel < 1e-6


@pytest.mark.proves("project_starts_where_forced")
def test_a_forced_start_asks_nothing_of_a_future_that_departs_before_it() -> None:
    forced = {"earliest_start": 3, "forced_track": "fast"}
    patches = [{"op": "set", "path": "projects.*.latest_start", "value": 4}]
    patches += [{"op": "set", "path": f"projects.*.{key}", "value": value} for key, value in forced.items()]
    plan = optimizer.solve("golden-toy", patches)

    assert [(start.track, start.start) for start in plan.summary.projects] == [("fast", 3)]
    assert list(plan.tables["starts"]["node"]) == ["3"]
