"""The best plan of each future by itself, if it were known to come: what regret is held against."""

from __future__ import annotations

from collections.abc import Callable

from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.optimizer.prepare.instance import Instance
from lodeplan.optimizer.prepare.tree import departure_of
from lodeplan.optimizer.results.values import Values
from lodeplan.optimizer.solver import Answer, Control, Form
from lodeplan.schemas.problems import InputProblem, InvalidInput
from lodeplan.schemas.scenario import Risk, Scenario

Search = Callable[[Scenario, Control], tuple[Instance, Form, Answer]]
"""From a scenario that is written out to its answer."""


def best_by_future(scenario: Scenario, control: Control, search: Search) -> dict[str, float]:
    """Compute the lowest cost of each possible future if it were known to come, kUSD. Stress tests that depart before
    it or with it stay: the plan must withstand them in any case.

    Raises `InvalidInput` where a future has no plan.
    """
    best = {}
    for name, future in scenario.futures.items():
        if future.stress or future.probability == 0:
            continue
        instance, form, answer = search(alone(scenario, name), control.under(f"{name} alone"))
        if answer.x is None:
            raise InvalidInput([_no_plan(name, str(answer.termination))])
        costs = Values.of(instance, form, answer.x).future_costs()
        best[name] = float(costs[instance.tree.future_names.index(name)])
    return best


def alone(scenario: Scenario, name: str) -> Scenario:
    """The scenario with one future that is sure to come, and the stress tests that its path still meets."""
    calendar = Calendar.of(scenario.horizon)
    events: list[str] = []
    above: str | None = name
    while above is not None:
        events = [*scenario.futures[above].events, *events]
        above = scenario.futures[above].after
    sure = scenario.futures[name].model_copy(update={"probability": 1.0, "events": events, "after": None})
    departs = departure_of(scenario, events, calendar)
    stress = {
        key: future
        for key, future in scenario.futures.items()
        if future.stress and future.after is None and departure_of(scenario, future.events, calendar) <= departs
    }
    changes = {"futures": {name: sure, **stress}, "risk": Risk(tail_level=scenario.risk.tail_level)}
    return scenario.model_copy(update=changes)


def _no_plan(name: str, termination: str) -> InputProblem:
    return InputProblem(
        code="no_plan_for_regret",
        path=f"futures.{name}",
        message=f"this future has no plan of its own ({termination}), so its regret cannot be computed.",
        remedy="Solve for `cost` first to see which limits conflict, or allow more time.",
    )
