"""The most a route that must be onboarded can ever carry: from the data, valid, finite, or refused."""

from __future__ import annotations

import pytest
from check_plans import Data, golden_toy
from hypothesis import HealthCheck, given, settings
from strategies import scenarios

from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.prepare.bounds import flow_limit_t_per_y
from lodeplan.optimizer.results.values import Values
from lodeplan.optimizer.solver import Control, standard_form
from lodeplan.optimizer.solver.search import search
from lodeplan.scenarios import load
from lodeplan.schemas import InvalidInput


def limit(**sections: Data) -> dict[str, float]:
    """By node: the limit of the golden toy's route from the ally, onboarded; capacities 50 at the ally, demand 100."""
    data = golden_toy()
    data["stockpiles"] = {}
    data["routes"]["from ally"]["onboarding"] = {}
    for section, entries in sections.items():
        for name, value in entries.items():
            data[section][name] = {**data[section].get(name, {}), **value}
    instance = prepare(load(data))
    return dict(zip(instance.tree.names, flow_limit_t_per_y(instance, "from ally").tolist(), strict=True))


def test_a_route_carries_no_more_than_its_origin_makes() -> None:
    assert limit()["2026"] == 50
    assert (
        limit(
            facilities={
                "second": {"place": "AUS", "outputs": {"metal": 0.5}, "capacity_t_per_y": 20, "cost_kusd_per_t": 9}
            }
        )["2026"]
        == 60
    )


def test_a_route_carries_no_more_than_its_own_capacity_leaves() -> None:
    found = limit(
        routes={"from ally": {"capacity_t_per_y": 40}}, events={"ban": {"places": ["AUS"], "availability_share": 0.25}}
    )
    assert (found["2026"], found["ban@2028"]) == (40, 10)


UNLIMITED = {"Ally": {"capacity_t_per_y": None}}


def test_a_route_from_an_unlimited_offer_carries_no_more_than_its_end_takes() -> None:
    assert limit(facilities=UNLIMITED)["2026"] == 100


def test_its_end_takes_inputs_of_plants_and_purchases_too() -> None:
    plant = {"place": "USA", "inputs": {"metal": 2}, "outputs": {"alloy": 1}, "capacity_t_per_y": 15}
    found = limit(
        facilities={**UNLIMITED, "plant": plant},
        commodities={"alloy": {"stage": "product", "mineral_group": "metal"}},
        stockpiles={"store": {"commodity": "metal", "capacity_t": 60, "fill_t_per_y": 25}},
    )
    assert found["2026"] == 100 + 2 * 15 + 25


@pytest.mark.parametrize(
    "sections",
    [
        {"stockpiles": {"store": {"commodity": "metal"}}},
        {"commodities": {"metal": {"disposable": True}}},
        {"routes": {"onwards": {"commodity": "metal", "origin": "USA", "destination": "CHN"}}},
    ],
    ids=["endless storage", "disposal", "shipping on"],
)
def test_a_route_that_nothing_limits_is_refused_with_its_path(sections: Data) -> None:
    with pytest.raises(InvalidInput) as caught:
        limit(facilities=UNLIMITED, **sections)

    [problem] = caught.value.problems
    assert problem.path == "routes.'from ally'.capacity_t_per_y"
    assert problem.remedy


@pytest.mark.proves("route_flows_after_onboarding")
def test_the_limit_never_cuts_a_plan_off() -> None:
    """Onboarded for nothing, at once and everywhere, the route does as well as one without onboarding."""

    @settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(scenarios(most_projects=1))
    def holds(data: Data) -> None:
        for name, route in data["routes"].items():
            if not name.endswith("AUS"):
                route["onboarding"] = {"in_branches": True}
                route.setdefault("capacity_t_per_y", 1e4)
        asked = _optimum_kusd(data)
        for route in data["routes"].values():
            route.pop("onboarding", None)
        assert asked == pytest.approx(_optimum_kusd(data), rel=1e-7, abs=1e-5)

    holds()


def _optimum_kusd(data: Data) -> float:
    instance = prepare(load(data))
    form = standard_form(build_model(instance), instance)
    answer = search(form, Control(gap=0))
    assert answer.x is not None
    assert Values.of(instance, form, answer.x).flows
    return answer.objective_kusd
