"""Work outside the solver grows in proportion: it is counted in steps of the interpreter, never in seconds."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from lodeplan.optimizer.check import check
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.problem import Problem
from lodeplan.optimizer.results.extraction import make_plan

AT_MOST = 2.12
"""Growth of the extra work where the extra size doubles: 2 where it is linear, 4 where it is quadratic."""


def scenario_of(minerals: int, demands: int, futures: int) -> dict[str, Any]:
    """Minerals alike, each with so many demands, a project, a stockpile and an exporter; a duty, limits, futures."""
    found: dict[str, Any] = {
        "name": "growth",
        "home": "USA",
        "horizon": {"first_year": 2026, "period_years": [1, 1, 2]},
        "economics": {"discount_rate": 0.05},
        "commodities": {}, "facilities": {}, "projects": {}, "routes": {}, "stockpiles": {}, "demands": {},
        "places": {"USA": {"title": "United States"}, "CHN": {"title": "China"}},
        "tariffs": {"duty": {"programme": "mfn", "origins": ["CHN"], "commodities": ["*"], "rate_share": 0.25}},
        "limits": {
            "money": {"kind": "budget", "covers": ["capex", "stock"], "amount_kusd_per_y": 1e6},
            "floor": {"kind": "service_floor", "tiers": ["military"], "commodities": ["*"], "served_share": 0.1},
        },
        "events": {}, "futures": {"calm": {}},
    }  # fmt: skip
    for number in range(minerals):
        metal, name = f"m{number}/refined", f"m{number}"
        found["commodities"][metal] = {"stage": "refined", "mineral_group": name}
        made = {"outputs": {metal: 1}, "cost_kusd_per_t": 10}
        found["facilities"][f"offer {name}"] = {"place": "CHN", **made}
        found["projects"][f"plant {name}"] = {
            "place": "USA", **made, "capacity_t_per_y": 20, "capex_kusd": 15, "start_in_branches": True,
            "tracks": {"standard": {"permit_years": 0, "construction_years": 1}},
        }  # fmt: skip
        found["routes"][f"from China {name}"] = {
            "commodity": metal, "origin": "CHN", "destination": "USA", "customs_value_kusd_per_t": 10,
        }  # fmt: skip
        found["routes"][f"to China {name}"] = {"commodity": metal, "origin": "USA", "destination": "CHN"}
        found["stockpiles"][f"store {name}"] = {"commodity": metal, "holding_kusd_per_t_y": 0.5}
        for buyer in range(demands):
            found["demands"][f"buyer {buyer} of {name}"] = {
                "commodity": metal, "tier": "military", "quantity_t_per_y": 10, "shortage_penalty_kusd_per_t": 60,
            }  # fmt: skip
    for number in range(futures):
        change = {"changes": "exports", "places": ["CHN"], "onset": 2027, "availability_share": 0}
        found["events"][f"loss {number}"] = change
        found["futures"][f"future {number}"] = {"probability": 0.5 / futures, "events": [f"loss {number}"]}
    return found


def steps_of(work: Callable[[], object]) -> int:
    """Steps of the interpreter in our own code, and calls out of it."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if "lodeplan" not in frame.f_code.co_filename:
            return None
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def counted(**size: int) -> dict[str, int]:
    problem = Problem(scenario_of(**size))
    answer, form, instance = problem.answer, problem.form, problem.instance
    plan = make_plan(instance, form, answer)
    objective = answer.objective_kusd
    return {
        "prepare": steps_of(lambda: prepare(problem.scenario)),
        "results": steps_of(lambda: make_plan(instance, form, answer)),
        "check": steps_of(lambda: check(problem.scenario, plan.tables, objective_kusd=objective)),
    }


@pytest.mark.slow
@pytest.mark.parametrize("of", ["minerals", "demands", "futures"])
def test_work_outside_the_solver_grows_in_proportion_to_the_number(of: str) -> None:
    """Futures bring nodes: two each, beside the three of the base path."""
    fewest = {"minerals": 2, "demands": 4, "futures": 4}[of]
    size = {"minerals": 1, "demands": 1, "futures": 1}
    few, some, many = (counted(**{**size, of: fewest * times}) for times in (1, 2, 4))
    growth = {step: (many[step] - some[step]) / (some[step] - few[step]) for step in few}
    assert all(ratio <= AT_MOST for ratio in growth.values()), growth
