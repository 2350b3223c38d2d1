"""Problems that this model contains: published instances come out at their published optima, and bounds cut nothing.

The files of facility location are Beasley's OR-Library; `LODEPLAN_BENCHMARKS` names the folder that holds `orlib_cap/`.
"""

import os
from pathlib import Path

import pytest
from folders import ROOT

from benchmarks.published.facility_location import FacilityLocation
from benchmarks.published.lot_sizing import lot_sizing
from benchmarks.published.two_stage_capacity import TwoStageCapacity
from lodeplan.optimizer.model import build_model, routes
from lodeplan.optimizer.planning import solve
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.prepare.bounds import flow_limit_t_per_y
from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver import Control, standard_form
from lodeplan.optimizer.solver.search import search
from lodeplan.schemas import Scenario

FOLDER = ROOT.parent / "shared/data/benchmarks"
FILES = Path(os.environ.get("LODEPLAN_BENCHMARKS", FOLDER)) / "orlib_cap"
SMALL = """
2 3
6 100
5 60
4  40 8
3  30 9
2  20 4
"""
"""Both sites are needed. The second saves 8 a unit on the first and last customer, and has 5: 160 + 90 - 5 * 8."""


def facility_location(name: str) -> Scenario:
    if name == "small":
        return FacilityLocation.parse(SMALL).scenario(name)
    file = FILES / f"{name}.txt"
    if not file.exists():
        pytest.skip(f"{file.name} is not there")
    return FacilityLocation.parse(file.read_text(encoding="ascii")).scenario(name)


@pytest.mark.parametrize(
    ("name", "optimum"),
    [
        ("small", 210),
        ("cap41", 1040444.375),
        ("cap71", 932615.750),
        ("cap91", 796648.438),
        ("cap131", 793439.562),
    ],
)
@pytest.mark.proves("route_flows_after_onboarding", "node_cost_adds_up")
def test_sites_are_opened_at_the_published_cost(name: str, optimum: float) -> None:
    plan = solve(facility_location(name), gap=1e-7)

    assert plan.summary.objective_kusd == pytest.approx(optimum, rel=1e-6)
    assert plan.summary.solution == "optimal"
    assert plan.tables["shortage"].empty


def test_a_file_that_leaves_the_capacity_open_needs_one() -> None:
    text = "1 1\ncapacity 7\n4 8\n"

    assert FacilityLocation.parse(text, capacity=5).capacity == [5]
    with pytest.raises(ValueError, match="capacity"):
        FacilityLocation.parse(text)


@pytest.mark.proves("project_runs_when_on_line")
def test_orders_are_placed_as_wagner_and_whitin_find() -> None:
    plan = solve(lot_sizing("wagner-whitin", demand=[90, 120, 80, 70], order_cost=500, holding_cost=2), gap=0)

    assert plan.summary.objective_kusd == pytest.approx(1380, rel=1e-6)
    orders = plan.tables["run"].set_index("node")["run_t_per_y"].to_dict()
    assert orders == {"2026": pytest.approx(210), "2028": pytest.approx(150)}


@pytest.mark.proves("stock_carries_over", "budget_is_kept")
def test_capacity_is_bought_as_in_louveaux_and_smeers() -> None:
    lands = TwoStageCapacity(
        capacity_cost=[10, 7, 16, 6],
        running_cost=[[40, 24, 4], [45, 27, 4.5], [32, 19.2, 3.2], [55, 33, 5.5]],
        least_capacity=12,
        budget=120,
        demand=[5, 3, 2],
        first_mode_demand={3: 0.3, 5: 0.4, 7: 0.3},
    )

    plan = solve(lands.scenario("lands"), gap=0)

    assert plan.summary.objective_kusd == pytest.approx(28639 / 75, rel=1e-6)
    store = plan.tables["store"]
    bought = store[store["node"] == "2026"].set_index("stockpile")["stock_t"].to_dict()
    assert bought == {f"capacity {i}": pytest.approx(x) for i, x in enumerate((8 / 3, 4, 10 / 3, 2))}


@pytest.mark.parametrize("name", ["small", "cap41"])
@pytest.mark.proves("route_flows_after_onboarding")
def test_a_weaker_bound_on_flows_has_the_same_optimum_and_a_lower_relaxation(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = prepare(facility_location(name))
    strong, strong_relaxation = optima(instance)

    for times in (10, 100):

        def inflated(instance: Instance, route: str, times: int = times) -> Floats:
            return times * flow_limit_t_per_y(instance, route)

        monkeypatch.setattr(routes, "flow_limit_t_per_y", inflated)
        weak, weak_relaxation = optima(instance)

        assert weak == pytest.approx(strong, rel=1e-6)
        assert weak_relaxation < 0.999 * strong_relaxation


def optima(instance: Instance) -> tuple[float, float]:
    """Least cost, and that of the relaxation, in kUSD."""
    form = standard_form(build_model(instance), instance)
    answer, relaxed = (search(each, Control(gap=1e-7)) for each in (form, form.relaxed()))
    return answer.objective_kusd, relaxed.objective_kusd
