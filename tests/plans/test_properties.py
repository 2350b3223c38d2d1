"""What must hold of every scenario, on random small ones."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import pytest
import reference_model
from campaigns import drawn
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import FIRST_YEAR, Data, scenarios

from lodeplan import optimizer
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.results.values import Values, tail_mean
from lodeplan.optimizer.solver import Control, standard_form
from lodeplan.optimizer.solver.search import search
from lodeplan.scenarios import load
from lodeplan.schemas import Solution

FEW, MANY = 2, drawn(ci=12, full=300)
examples = pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])


def for_all(count: int, *strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
    """Check a property on this many examples: always the same few, ever new ones where there are many."""

    def check(holds: Callable[..., None]) -> None:
        quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
        profile = settings(
            max_examples=count, deadline=None, database=None, derandomize=count < MANY, suppress_health_check=quiet
        )
        profile(given(*strategies)(holds))()

    return check


def values_of(data: Data) -> Values:
    """The optimum of a scenario, which must have one, without reports."""
    instance = prepare(load(data))
    form = standard_form(build_model(instance), instance)
    answer = search(form, Control(gap=0))
    assert answer.x is not None
    assert answer.termination == "optimal"
    return Values.of(instance, form, answer.x)


def objective_kusd(values: Values) -> float:
    risk = values.instance.scenario.risk
    expected = values.expected(values.counted_costs())
    return (1 - risk.tail_weight) * expected + risk.tail_weight * cvar_kusd(values)


def cvar_kusd(values: Values) -> float:
    tree, risk = values.instance.tree, values.instance.scenario.risk
    return tail_mean(values.future_costs(), tree.future_probability, risk.tail_level)


def optimum_kusd(data: Data) -> float:
    return objective_kusd(values_of(data))


def size_kusd(values: Values) -> float:
    """What the terms of a plan amount to, so that small differences of large terms are not taken for faults."""
    return sum(abs(values.expected(cost)) for cost in values.node_costs().values()) + abs(objective_kusd(values)) + 1.0


def changed(data: Data, **parts: Any) -> Data:
    """A copy with some sections put in their place."""
    return {**deepcopy(data), **parts}


def never_dearer(data: Data, better: Data) -> None:
    before = values_of(data)
    assert optimum_kusd(better) <= objective_kusd(before) + 1e-7 * size_kusd(before)


# Against the second model, and against the check


@pytest.mark.parametrize("count", [5, pytest.param(drawn(ci=25, full=500), marks=pytest.mark.slow)])
@pytest.mark.proves("project_starts_once")
def test_no_other_combination_of_decisions_is_better(count: int) -> None:
    @for_all(count, scenarios())
    def holds(data: Data) -> None:
        scenario = load(data)
        assume(len(reference_model.combinations(scenario)) <= 40)
        values = values_of(data)

        best = reference_model.optimum_kusd(scenario)
        assert objective_kusd(values) == pytest.approx(best, rel=0, abs=1e-7 * size_kusd(values))


@examples
def test_every_plan_is_optimal_and_passes_the_independent_check(count: int) -> None:
    @for_all(count, scenarios())
    def holds(data: Data) -> None:
        plan = optimizer.solve(data, gap=1e-9)  # raises PlanError where the check refuses the plan

        assert plan.summary.solution == Solution.OPTIMAL
        assert plan.summary.check is not None
        assert plan.summary.check.max_violation <= 1e-6
        assert plan.summary.check.cost_difference_rel <= 1e-6


@examples
def test_the_best_of_forcing_each_start_and_forbidding_all_is_the_optimum(count: int) -> None:
    @for_all(count // 2, scenarios(most_projects=1, most_periods=3, branches=False))
    def holds(data: Data) -> None:
        assume(data["projects"])
        data["limits"].pop("slots", None)
        data["limits"].pop("budget", None)
        years = np.cumsum([FIRST_YEAR, *data["horizon"]["period_years"]]).tolist()
        end = years.pop()
        [(name, project)] = data["projects"].items()
        ways = [without_projects(data)]
        for track, rule in project["tracks"].items():
            for year in years:
                if year + rule["permit_years"] + rule["construction_years"] < end:
                    forced = {**project, "forced_track": track, "earliest_start": year, "latest_start": year}
                    ways.append(changed(data, projects={name: forced}))
        best = min(optimum_kusd(way) for way in ways if is_reachable(way))

        values = values_of(data)
        assert objective_kusd(values) == pytest.approx(best, rel=0, abs=1e-7 * size_kusd(values))


def without_projects(data: Data) -> Data:
    """No project; an event that would meet none changes nothing, and its future still departs when it did."""
    nothing = {"changes": "demand", "factor": 1.0}
    events = {
        name: event if event["changes"] != "projects" else {**nothing, "onset": event["onset"]}
        for name, event in data["events"].items()
    }
    return changed(data, projects={}, events=events)


def is_reachable(data: Data) -> bool:
    """A start in a year without its node (all futures have departed) is no way at all."""
    years = {project.get("earliest_start") for project in data["projects"].values()} - {None}
    tree = prepare(load(data)).tree
    return years <= {tree.start[node] for node in tree.base_path}


# More freedom


@examples
def test_a_looser_limit_never_costs_more(count: int) -> None:
    looser = {
        "share_cap": ("cap_share", lambda share: min(1.0, share + 0.2)),
        "budget": ("amount_kusd_per_y", lambda amount: 1.5 * amount),
        "permit_slots": ("slots_per_y", lambda slots: slots + 0.5),
        "service_floor": ("served_share", lambda share: share - 0.3),
    }

    @for_all(count, scenarios(), st.data())
    def holds(data: Data, choice: st.DataObject) -> None:
        assume(data["limits"])
        name = choice.draw(st.sampled_from(sorted(data["limits"])))
        field, loosen = looser[data["limits"][name]["kind"]]
        better = deepcopy(data)
        better["limits"][name][field] = loosen(better["limits"][name][field])
        never_dearer(data, better)
        never_dearer(better, changed(data, limits={k: v for k, v in data["limits"].items() if k != name}))


@examples
def test_a_larger_quota_route_or_project_never_costs_more(count: int) -> None:
    def larger(entry: Data, field: str) -> None:
        stated = entry[field]
        entry[field] = {year: 2 * t for year, t in stated.items()} if isinstance(stated, dict) else 2 * stated

    @for_all(count, scenarios())
    def holds(data: Data) -> None:
        better = deepcopy(data)
        for route in better["routes"].values():
            if "capacity_t_per_y" in route:
                larger(route, "capacity_t_per_y")
        for project in better["projects"].values():
            larger(project, "capacity_t_per_y")
        for measure in better["tariffs"].values():
            if "quota" in measure:
                larger(measure["quota"], "volume_t_per_y")
        never_dearer(data, better)


@examples
def test_one_more_way_to_be_supplied_never_costs_more(count: int) -> None:
    project = {
        "place": "USA",
        "outputs": {"metal": 1},
        "capacity_t_per_y": 25,
        "cost_kusd_per_t": 4,
        "capex_kusd": 300,
        "tracks": {"standard": {"permit_years": 0.5, "construction_years": 0.5, "permit_slots": 1}},
    }
    offer = {"place": "CAN", "outputs": {"metal": 1}, "cost_kusd_per_t": 9, "capacity_t_per_y": 30}
    route = {"commodity": "metal", "origin": "CAN", "destination": "USA", "onboarding": {"cost_kusd": 20}}
    pile = {"commodity": "metal", "capacity_t": 40, "holding_kusd_per_t_y": 0.1}

    @for_all(count, scenarios(), st.sampled_from(["project", "route", "stockpile"]))
    def holds(data: Data, kind: str) -> None:
        better = deepcopy(data)
        if kind == "project":
            better["projects"]["one more"] = project
        elif kind == "stockpile":
            better["stockpiles"]["one more"] = pile
        else:
            better["places"]["CAN"] = {}
            better["facilities"]["one more"] = offer
            better["routes"]["one more"] = route
        never_dearer(data, better)


# Duties, risk, futures


@examples
def test_a_higher_flat_duty_never_brings_more_dutiable_value_in(count: int) -> None:
    def dutiable(data: Data, rate_share: float) -> float:
        measure = {"programme": "extra", "origins": ["CHN"], "commodities": ["*"], "rate_share": rate_share}
        values = values_of(changed(data, tariffs={**data["tariffs"], "extra": measure}))
        trade, total = values.instance.trade, np.zeros(len(values.instance.tree))
        for row, by_node in enumerate(trade.duty_by_measure):
            rate = np.array([duty.get("extra", 0.0) for duty in by_node]) / rate_share
            total += rate * values.flows["ship"][row] * values.instance.tree.length
        return values.expected(total)

    @for_all(count, scenarios(), st.sampled_from([0.05, 0.2, 0.6]))
    def holds(data: Data, rate_share: float) -> None:
        data["risk"]["tail_weight"], data["economics"]["view"] = 0.0, "importer"
        low, high = dutiable(data, rate_share), dutiable(data, 2 * rate_share)
        assert high <= low + 1e-5 * (1 + low)


@examples
def test_a_higher_weight_of_the_tail_never_raises_cvar(count: int) -> None:
    @for_all(count, scenarios(), st.sampled_from([(0.0, 0.4), (0.3, 0.7), (0.5, 0.9)]))
    def holds(data: Data, weights: tuple[float, float]) -> None:
        assume(data["futures"])
        low, high = (
            values_of(changed(data, risk={**data["risk"], "tail_weight": weight, "tail_level": 0.8}))
            for weight in weights
        )
        assert cvar_kusd(high) <= cvar_kusd(low) + 1e-5 * size_kusd(low)


@examples
def test_a_future_split_into_two_equal_halves_changes_nothing(count: int) -> None:
    @for_all(count, scenarios())
    def holds(data: Data) -> None:
        assume("future 0" in data["futures"])
        half = {**data["futures"]["future 0"], "probability": data["futures"]["future 0"]["probability"] / 2}
        split = changed(data, futures={**data["futures"], "future 0": half, "other half": half})
        values = values_of(data)
        assert optimum_kusd(split) == pytest.approx(objective_kusd(values), rel=0, abs=1e-7 * size_kusd(values))


@examples
def test_knowing_the_future_is_never_dearer_than_not_knowing_it(count: int) -> None:
    @for_all(count, scenarios())
    def holds(data: Data) -> None:
        assume(data["futures"])
        data["risk"]["tail_weight"] = 0.0
        for limit in data["limits"].values():
            if "applies_to" in limit:
                # A future that is sure to come is the planned path, on which other limits hold.
                limit["applies_to"] = "all"
        values = values_of(data)
        tree = values.instance.tree
        known = 0.0
        for name, probability in zip(tree.future_names, tree.future_probability, strict=True):
            events = data["futures"][name].get("events", [])
            alone = {"events": {event: data["events"][event] for event in events}}
            alone["futures"] = {name: {"events": events}}
            known += probability * optimum_kusd(changed(data, **alone))
        assert known <= objective_kusd(values) + 1e-7 * size_kusd(values)


@examples
def test_an_unlimited_risk_neutral_supply_comes_from_one_source_at_a_time(count: int) -> None:
    prices = st.lists(st.integers(100, 400), min_size=2, max_size=5, unique=True)

    @for_all(count, prices, st.sampled_from([0.0, 0.1, 0.5]))
    def holds(tenths: list[int], probability: float) -> None:
        places = [f"P{number}" for number in range(len(tenths))]
        data: Data = {
            "name": "unlimited",
            "home": "USA",
            "horizon": {"first_year": FIRST_YEAR, "period_years": [1, 1, 2]},
            "commodities": {"metal": {"stage": "refined", "mineral_group": "light"}},
            "places": {"USA": {}, **{place: {} for place in places}},
            "facilities": {
                place: {"place": place, "outputs": {"metal": 1}, "cost_kusd_per_t": price / 10}
                for place, price in zip(places, tenths, strict=True)
            },
            "routes": {
                place: {
                    "commodity": "metal",
                    "origin": place,
                    "destination": "USA",
                    "onboarding": {"cost_kusd": 10 * number},
                }
                for number, place in enumerate(places)
            },
            "demands": {
                "user": {
                    "commodity": "metal",
                    "tier": "other",
                    "quantity_t_per_y": 30,
                    "shortage_penalty_kusd_per_t": 100,
                }
            },
            "events": {"ban": {"changes": "exports", "places": ["P0"], "onset": 2027, "availability_share": 0}},
            "futures": {"calm": {}, "ban": {"probability": probability, "events": ["ban"]}},
        }
        used = values_of(data).flows["ship"] > 1e-6
        assert (used.sum(axis=0) <= 1).all()


# Views and units


@examples
def test_views_of_one_plan_differ_by_the_duty_collected(count: int) -> None:
    def viewed(data: Data, view: str) -> Data:
        economics = {**data["economics"], "view": view}
        risk = {**data["risk"], "tail_weight": 0.0}
        facilities = {
            name: {key: value for key, value in facility.items() if key != "price_floor"}
            for name, facility in data["facilities"].items()
        }
        return changed(data, economics=economics, risk=risk, facilities=facilities)

    def duty_kusd(values: Values) -> float:
        return values.expected(values.node_costs()["duty"])

    @for_all(count, scenarios())
    def holds(data: Data) -> None:
        importer, national = (values_of(viewed(data, view)) for view in ("importer", "national"))
        small = 1e-7 * size_kusd(importer)
        # Each plan is open to the other view, where it costs its duty less or more.
        assert objective_kusd(national) <= objective_kusd(importer) - duty_kusd(importer) + small
        assert objective_kusd(importer) <= objective_kusd(national) + duty_kusd(national) + small


@examples
def test_a_calibration_term_weighs_as_freight_does(count: int) -> None:
    @for_all(count, scenarios(), st.sampled_from([0.7, 2.0]))
    def holds(data: Data, shift: float) -> None:
        def shifted(field: str) -> float:
            moved = deepcopy(data)
            for route in moved["routes"].values():
                route[field] = route.get(field, 0.0) + shift
            return optimum_kusd(moved)

        assert shifted("calibration_kusd_per_t") == pytest.approx(shifted("freight_kusd_per_t"), rel=1e-7, abs=1e-5)


def in_units(data: Any, key: str, mass: float, money: float) -> Any:
    """A scenario with masses multiplied by `mass` and money by `money`; prices by both, fields told by their names."""
    if isinstance(data, dict) and "violation_price_kusd" in data:
        by = {"budget": 1.0, "permit_slots": money}
        price = data["violation_price_kusd"]
        rest = {name: value for name, value in data.items() if name != "violation_price_kusd"}
        scaled = None if price is None else price * by.get(data["kind"], money / mass)
        return {**in_units(rest, key, mass, money), "violation_price_kusd": scaled}
    if isinstance(data, dict):
        named = not any(isinstance(name, int | float) for name in data) and key != "volume_by_origin_t_per_y"
        return {name: in_units(value, name if named else key, mass, money) for name, value in data.items()}
    if isinstance(data, list):
        return [in_units(value, key, mass, money) for value in data]
    if not isinstance(data, int | float) or isinstance(data, bool):
        return data
    if key.endswith("_t_per_t"):
        return data
    if key == "slope_kusd_per_t2_y":
        return data * money / mass**2
    if "_kusd_per_t" in key:
        return data * money / mass
    if key.endswith(("_kusd", "_kusd_per_y")):
        return data * money
    return data * mass if key.endswith(("_t", "_t_per_y")) else data


@examples
def test_other_units_of_mass_and_money_change_nothing_but_units(count: int) -> None:
    @for_all(count, scenarios(), st.sampled_from([(1000.0, 1.0), (1.0, 1000.0), (0.001, 1000.0), (100.0, 0.01)]))
    def holds(data: Data, units: tuple[float, float]) -> None:
        values = values_of(data)
        money = units[1]
        found = optimum_kusd(in_units(data, "", *units)) / money
        assert found == pytest.approx(objective_kusd(values), rel=0, abs=1e-6 * size_kusd(values))


def test_the_change_of_units_reaches_every_number_that_has_one() -> None:
    """So that the property above means what it says."""
    named = partial(in_units, mass=1000.0, money=7.0)
    assert named({"capacity_t_per_y": {2026: 2.0}}, "") == {"capacity_t_per_y": {2026: 2000.0}}
    assert named({"shortage_penalty_kusd_per_t": {0.5: 10.0}}, "") == {"shortage_penalty_kusd_per_t": {0.5: 0.07}}
    assert named({"capex_kusd": 3.0, "life_years": 5}, "") == {"capex_kusd": 21.0, "life_years": 5}
    budget = {"kind": "budget", "amount_kusd_per_y": 2.0, "violation_price_kusd": 3.0}
    assert named(budget, "") == {"kind": "budget", "amount_kusd_per_y": 14.0, "violation_price_kusd": 3.0}
    cap = {"kind": "share_cap", "cap_share": 0.5, "violation_price_kusd": 3.0}
    assert named(cap, "")["violation_price_kusd"] == 0.021
    assert named({"ratio_t_per_t": 2.0, "reserves_t": 3.0}, "") == {"ratio_t_per_t": 2.0, "reserves_t": 3000.0}
    quota = {"volume_by_origin_t_per_y": {"CHN": {2026: 2.0}}}
    assert named(quota, "") == {"volume_by_origin_t_per_y": {"CHN": {2026: 2000.0}}}
