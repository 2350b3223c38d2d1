"""A problem solved again after a change, held against one that is new."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from hypothesis import strategies as st
from strategies import Data, scenarios
from strategies_full import full_scenarios
from test_properties import MANY, for_all

from lodeplan import InvalidInput, Plan, Problem, read_plan
from lodeplan.optimizer.solver import Form, checked_options, highs
from lodeplan.optimizer.solver.starts import completed, decisions_in
from lodeplan.schemas import Solution

CHEAP_PROJECTS = {"op": "scale", "path": "projects.*.capex_kusd", "value": 0.01}
MORE_DEMAND = {"op": "scale", "path": "demands.*.quantity_t_per_y", "value": 1.1}
FLOW = ("metal CHN", "all", "1")
examples = pytest.mark.parametrize("count", [3, pytest.param(MANY, marks=pytest.mark.slow)])


@st.composite
def patches(draw: st.DrawFn, data: Data) -> dict[str, Any]:
    """A change of prices, quantities or probabilities, or of what there is."""
    factor = draw(st.sampled_from([0.5, 0.9, 1.25, 2.0]))
    changes = [
        MORE_DEMAND | {"value": factor},
        {"op": "set", "path": "economics.discount_rate", "value": 0.1},
        {"op": "set", "path": "risk.tail_weight", "value": 0.3},
        {"op": "set", "path": "title", "value": "another"},
    ]
    changes += [{"op": "scale", "path": f"projects.'{name}'.capex_kusd", "value": factor} for name in data["projects"]]
    changes += [{"op": "remove", "path": f"projects.'{name}'"} for name in data["projects"]]
    coming = [name for name, future in data.get("futures", {}).items() if future.get("probability")]
    changes += [
        {"op": "scale", "path": f"futures.'{name}'.probability", "value": draw(st.sampled_from([0.5, 0.0]))}
        for name in coming
    ]
    return draw(st.sampled_from(changes))


@examples
def test_a_changed_problem_solves_like_a_new_one(count: int) -> None:
    def holds(data: st.DataObject) -> None:
        scenario = data.draw(
            scenarios() if data.draw(st.booleans()) else full_scenarios().map(lambda drawn: drawn.data)
        )
        change = data.draw(patches(scenario))
        try:
            new = Problem(scenario, [change])
        except InvalidInput:
            return  # what is left after the change is no scenario
        problem = Problem(scenario)
        problem.solve()
        problem.change([change])
        assert_same_form(problem.form, new.form)
        warm, cold, fresh = problem.solve(), problem.solve(start=None), new.solve()
        assert_same_plan(cold, fresh)
        assert warm.summary.solution == fresh.summary.solution
        if fresh.summary.solution is Solution.OPTIMAL:
            assert warm.summary.objective_kusd == pytest.approx(fresh.summary.objective_kusd, rel=2e-6, abs=1e-3)

    for_all(count, st.data())(holds)


def assert_same_form(one: Form, other: Form) -> None:
    for field in fields(Form):
        mine, others = getattr(one, field.name), getattr(other, field.name)
        if field.name == "matrix":
            assert (mine != others).nnz == 0
        elif isinstance(mine, np.ndarray):
            assert np.array_equal(mine, others), field.name
        else:
            assert mine == others, field.name


def assert_same_plan(one: Plan, other: Plan) -> None:
    assert one.summary.objective_kusd == other.summary.objective_kusd
    assert one.summary.bound_kusd == other.summary.bound_kusd
    assert one.summary.scenario_hash == other.summary.scenario_hash
    assert list(one.tables) == list(other.tables)
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)


def test_regret_is_held_against_the_best_plans_of_the_changed_scenario() -> None:
    problem = Problem("golden-toy", [{"op": "set", "path": "risk.objective", "value": "maximum_regret"}])
    problem.solve()
    problem.change([MORE_DEMAND])
    new = Problem(problem.scenario)
    assert_same_plan(problem.solve(start=None), new.solve())
    assert problem.instance.best_kusd == new.instance.best_kusd


def test_every_plan_tells_the_same_steps_and_those_that_were_held_took_no_time() -> None:
    problem = Problem("golden-toy")
    first, second = problem.solve(), problem.solve()
    steps = ["read", "expand", "alone", "prepare", "build", "handoff", "highs", "extract", "check", "total"]
    assert list(first.summary.timings_s) == list(second.summary.timings_s) == steps
    assert first.summary.timings_s["read"] > 0
    assert {step for step, seconds in second.summary.timings_s.items() if seconds} <= {
        "highs", "extract", "check", "total"
    }  # fmt: skip
    for plan in (first, second):
        assert sum(plan.summary.timings_s.values()) - plan.summary.timings_s["total"] <= plan.summary.timings_s["total"]


def test_a_change_of_no_number_keeps_all_steps() -> None:
    problem = Problem("golden-toy")
    problem.solve()
    form, answer = problem.form, problem.answer
    change = problem.change([{"op": "set", "path": "title", "value": "Another"}])
    assert (change.fields, change.kept, change.differences) == (("title",), ("instance", "form", "answer"), ())
    assert problem.form is form
    assert problem.answer is answer
    plan = problem.plan_of(answer)
    assert plan.scenario is not None
    assert plan.scenario.title == "Another"


def test_a_change_of_numbers_keeps_the_index_sets() -> None:
    problem = Problem("golden-toy")
    problem.solve()
    change = problem.change([MORE_DEMAND])
    assert (change.fields, change.kept, change.only_numbers) == (("demands",), (), True)


def test_a_change_of_what_there_is_says_which_index_sets_are_others() -> None:
    problem = Problem("golden-toy")
    problem.solve()
    gone = next(iter(problem.scenario.projects))
    change = problem.change([{"op": "remove", "path": f"projects.'{gone}'"}])
    differences = {difference.name: difference for difference in change.differences}
    assert not change.only_numbers
    assert all(start[0] == gone for start in differences["starts"].gone)
    assert differences["starts"].added == ()


def test_a_change_that_does_not_fit_changes_nothing() -> None:
    problem = Problem("golden-toy")
    before = problem.solve()
    with pytest.raises(InvalidInput):
        problem.change([{"op": "set", "path": "home", "value": "Atlantis"}])
    assert_same_plan(problem.solve(start=None), before)


def first_start(problem: Problem) -> tuple[str, str, str]:
    return next(label.key for label in problem.form.columns if label.component == "start")  # type: ignore[return-value]


def started(plan: Plan) -> set[tuple[str, str, str]]:
    projects = plan.tables["projects"].query("status == 'started'")[["project", "track", "node"]]
    return set(projects.itertuples(index=False, name=None))


@pytest.mark.parametrize("patches", [[], [CHEAP_PROJECTS]], ids=["not worth it", "worth it"])
def test_a_fixed_decision_is_taken_whatever_it_costs_until_it_is_free_again(patches: list[dict[str, Any]]) -> None:
    problem = Problem("golden-toy", patches)
    free = problem.solve()
    start = min(started(free), default=first_start(problem))
    other = 0 if started(free) else 1
    problem.fix("start", start, other)
    held = problem.solve()
    assert (start in started(held)) == bool(other)
    assert held.summary.objective_kusd > free.summary.objective_kusd
    problem.change([MORE_DEMAND])
    assert (start in started(problem.solve())) == bool(other)
    problem.change([MORE_DEMAND | {"value": 1 / 1.1}])
    problem.free("start", start)
    assert problem.solve().summary.objective_kusd == pytest.approx(free.summary.objective_kusd, rel=2e-6)


def test_a_bound_holds_a_flow_in_its_own_unit() -> None:
    problem = Problem("golden-toy")
    ship = problem.solve().tables["ship"].set_index(["route", "band", "node"])["ship_t_per_y"]
    index = ship.idxmax()
    problem.bound("ship", index, upper=ship[index] / 2)
    held = problem.solve().tables["ship"].set_index(["route", "band", "node"])["ship_t_per_y"]
    assert held[index] == pytest.approx(ship[index] / 2)


def test_bounds_that_cannot_be_are_refused() -> None:
    problem = Problem("golden-toy")
    start = first_start(problem)
    with pytest.raises(InvalidInput, match="lower bound lies above"):
        problem.bound("start", start, 1, 0)
    with pytest.raises(InvalidInput, match="Did you mean `start`"):
        problem.fix("strat", start, 1)
    with pytest.raises(InvalidInput, match="An index of `start` in the model is"):
        problem.fix("start", "nothing", 1)
    assert problem.solve().summary.objective_kusd == pytest.approx(5172.157434402332)


@pytest.mark.parametrize("variable", ["ship", "nosuch"])
@pytest.mark.parametrize("index", [(), {}, [[]], ({},), ["metal CHN", "all", []], None, float("nan")])
@pytest.mark.parametrize("method", ["fix", "bound", "free"])
def test_a_place_that_no_variable_has_is_refused_in_words(method: str, variable: str, index: Any) -> None:
    problem = Problem("golden-toy")
    if method == "free" and variable == "ship" and index is None:
        return  # all of its indices
    with pytest.raises(InvalidInput, match=rf"model\.{variable}: (this is no index|the model has no such variable)"):
        getattr(problem, method)(variable, index, *([] if method == "free" else [1]))


@pytest.mark.parametrize("variable", [3, [], None])
def test_a_variable_is_held_by_its_name_only(variable: Any) -> None:
    with pytest.raises(InvalidInput, match="this is no name of a variable"):
        Problem("golden-toy").fix(variable, None, 1)


def test_bounds_replace_those_before_and_none_at_all_is_no_bound() -> None:
    problem = Problem("golden-toy")
    problem.bound("ship", FLOW, lower=5)
    problem.bound("ship", FLOW, upper=70)
    assert list(problem._bounds.values()) == [(-math.inf, 70)]
    with pytest.raises(InvalidInput, match=r"model\.ship: no bound is given.*`lower`, `upper` or both.*use `free`"):
        problem.bound("ship", FLOW)
    assert list(problem._bounds.values()) == [(-math.inf, 70)]


@pytest.mark.parametrize("answer", [None, "x", Problem])
def test_a_plan_is_made_of_an_answer_only(answer: Any) -> None:
    with pytest.raises(InvalidInput, match=r"no plan is made from this.*`problem\.answer`"):
        Problem("golden-toy").plan_of(answer)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "50", None, 10**400, 10**5000, 1 + 2j], ids=range(7))
def test_a_variable_is_held_at_a_number_only(value: Any) -> None:
    problem = Problem("golden-toy")
    with pytest.raises(InvalidInput, match="not a finite number"):
        problem.fix("ship", ("metal CHN", "all", "1"), value)
    if value is not None:
        with pytest.raises(InvalidInput, match="not a finite number"):
            problem.bound("ship", ("metal CHN", "all", "1"), lower=value)
    assert not problem._bounds


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [("start", 2, "whole numbers from 0 to 1"), ("start", 0.5, "whole numbers from 0 to 1"), ("ship", -5, "from 0 on")],
)
def test_a_variable_is_not_held_where_it_can_never_be(variable: str, value: float, allowed: str) -> None:
    problem = Problem("golden-toy")
    index = first_start(problem) if variable == "start" else ["metal CHN", "all", "1"]
    with pytest.raises(InvalidInput, match=f"cannot keep these bounds.*{allowed}"):
        problem.fix(variable, index, value)
    assert problem.solve().summary.objective_kusd == pytest.approx(5172.157434402332)


def test_a_variable_is_free_at_all_its_indices_or_at_one() -> None:
    problem = Problem("golden-toy")
    for node in "12":
        problem.bound("ship", ("metal CHN", "all", node), upper=1)
    problem.fix("start", first_start(problem), 0)
    problem.free("ship", ("metal CHN", "all", "1"))
    assert [label.key for label in problem._bounds] == [("metal CHN", "all", "2"), first_start(problem)]
    problem.free("ship")
    assert [label.component for label in problem._bounds] == ["start"]
    problem.free("ship")
    with pytest.raises(InvalidInput, match="Did you mean `ship`"):
        problem.free("shipp")
    with pytest.raises(InvalidInput, match="An index of `ship`"):
        problem.free("ship", ("metal CHN", "all", 1))


def test_what_is_held_is_named_where_no_plan_is_left() -> None:
    problem = Problem("golden-toy")
    start = first_start(problem)
    problem.add("mine", lambda model: pyo.Constraint(expr=model.start[start] <= 0))
    problem.fix("start", start, 1)
    summary = problem.solve().summary
    assert summary.termination == "infeasible"
    assert summary.conflict[-1] == f"These also apply, besides the scenario: `start` of {', '.join(start)}, `mine`."


@pytest.mark.parametrize("start", ["first", {}, True])
def test_a_start_that_is_none_is_refused(start: Any) -> None:
    with pytest.raises(InvalidInput, match="start: nothing can be started from this"):
        Problem("golden-toy").solve(start=start)


def test_a_plan_and_an_answer_are_starts_as_good_as_they_are() -> None:
    problem = Problem("golden-toy")
    plan = problem.solve()
    for decisions in (decisions_in(plan, problem.form), problem._last):
        known = completed(problem.form, decisions, problem._control())
        assert known is not None
        assert known.objective_kusd == pytest.approx(plan.summary.objective_kusd)
    for start in (plan, problem.answer):
        again = problem.solve(start=start)
        assert again.summary.objective_kusd == pytest.approx(plan.summary.objective_kusd)
        assert again.summary.solution is Solution.OPTIMAL


def test_a_start_that_does_not_fit_the_bounds_gives_way() -> None:
    problem = Problem("golden-toy", [CHEAP_PROJECTS])
    (start,) = started(problem.solve())
    problem.fix("start", start, 0)
    assert completed(problem.form, problem._last, problem._control()) is not None
    held = problem.solve()
    assert start not in started(held)
    assert held.summary.objective_kusd == pytest.approx(problem.solve(start=None).summary.objective_kusd)


def test_an_answer_to_another_problem_is_refused() -> None:
    problem = Problem("golden-toy")
    answer = problem.answer
    problem.change([{"op": "remove", "path": f"projects.'{next(iter(problem.scenario.projects))}'"}])
    with pytest.raises(ValueError, match="another problem"):
        problem.plan_of(answer)
    with pytest.raises(ValueError, match="another problem"):
        problem.solve(start=answer)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"mip_max_node": 1}, "Did you mean `mip_max_nodes`"),
        ({"mip_max_nodes": "many"}, "does not take this value"),
        ({"simplex_strategy": 99}, "does not take this value"),
        ({"time_limit": 1}, "Give `time_limit_s`"),
        ({"read_solution_file": "plan.sol"}, "read and write no file but its log"),
        ({"write_model_to_file": True}, "read and write no file but its log"),
    ],
)
def test_an_option_that_the_solver_does_not_take_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        Problem("golden-toy").solve(solver_options=options)


def test_no_option_takes_any_text_but_a_name_of_the_solver() -> None:
    options = highspy.Highs().getOptions()
    texts = [name for name in dir(options) if not name.startswith("_") and isinstance(getattr(options, name), str)]
    for name in texts:
        with pytest.raises(InvalidInput, match=f"solver_options.{name}"):
            checked_options({name: "plan.sol"})


@pytest.mark.parametrize("options", [["random_seed"], "random_seed", {7: 1}])
def test_options_without_names_are_refused(options: Any) -> None:
    with pytest.raises(InvalidInput, match="options are given by name"):
        Problem("golden-toy").solve(solver_options=options)


def test_a_limit_of_nodes_stops_the_search_and_is_no_failure() -> None:
    summary = Problem("golden-toy").solve(solver_options={"mip_max_nodes": 0}).summary
    assert summary.termination in ("search_limit", "optimal")


def test_all_options_that_the_solver_does_not_take_are_said_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Problem("golden-toy").solve(solver_options={"nonsense": 1, "presolve": "off"})
    assert [problem.path for problem in caught.value.problems] == ["solver_options.nonsense", "solver_options.presolve"]
    assert capfd.readouterr() == ("", "")


def test_options_reach_every_run_and_its_log_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[highspy.Highs] = []

    def noted(form: Form, settings: highs.Settings) -> highspy.Highs:
        runs.append(make(form, settings))
        return runs[-1]

    make = highs.new_solver
    monkeypatch.setattr(highs, "new_solver", noted)
    log = tmp_path / "solver.log"
    log.write_text("before\n", encoding="utf-8")
    Problem("golden-toy", [CHEAP_PROJECTS]).solve(solver_options={"random_seed": 7}, log=log)
    assert len(runs) >= 3
    assert {run.getOptionValue("random_seed")[1] for run in runs} == {7}
    text = log.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.count("Coefficient ranges") >= len(runs)


@pytest.mark.parametrize("suffix", ["lp", "mps", "LP", "Mps"])
def test_a_written_model_has_the_same_optimum_in_any_solver(suffix: str, tmp_path: Path) -> None:
    problem = Problem("golden-toy")
    problem.fix("start", first_start(problem), 1)
    path = tmp_path / f"model.{suffix}"
    problem.write(path)
    solver = highspy.Highs()
    solver.silent()
    path = path.rename(path.with_suffix(f".{suffix.lower()}"))  # HiGHS reads the ending in lower case only
    assert solver.readModel(str(path)) == highspy.HighsStatus.kOk
    solver.run()
    assert solver.getInfo().objective_function_value == pytest.approx(problem.solve().summary.objective_kusd, rel=1e-6)


def test_a_model_is_written_in_a_known_format_only(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"`\.lp` or `\.mps`"):
        Problem("golden-toy").write(tmp_path / "model.txt")


def from_china(most_t_per_y: float) -> Callable[[pyo.ConcreteModel], pyo.Constraint]:
    """A limit on what the metal's route from China carries over all nodes; kept anew in each model."""

    def make(model: pyo.ConcreteModel) -> pyo.Constraint:
        return pyo.Constraint(expr=sum(model.ship[key] for key in model.ship if key[0] == "metal CHN") <= most_t_per_y)

    return make


def with_own(most_t_per_y: float) -> Problem:
    problem = Problem("golden-toy")
    problem.add("from_china", from_china(most_t_per_y))
    return problem


def marginal_values(plan: Plan, what: str) -> list[tuple[str, str, float]]:
    table = plan.tables["marginal_values"]
    rows: list[tuple[str, str, float]] = table[table["what"] == what][["name", "unit", "value"]].values.tolist()
    return rows


def test_a_constraint_of_ones_own_holds_and_its_dual_is_what_one_more_unit_saves() -> None:
    plan, wider = with_own(200).solve(), with_own(201).solve()
    shipped = plan.tables["ship"].query("route == 'metal CHN'")["ship_t_per_y"].sum()
    assert shipped == pytest.approx(200)
    ((name, unit, value),) = marginal_values(plan, "from_china")
    assert (name, unit) == ("", "kUSD per unit")
    assert value == pytest.approx(wider.summary.objective_kusd - plan.summary.objective_kusd)
    assert value < 0


def test_a_constraint_of_ones_own_stays_when_the_scenario_changes() -> None:
    problem = with_own(200)
    problem.solve()
    problem.change([MORE_DEMAND])
    flows = problem.solve().tables["ship"]
    assert flows.query("route == 'metal CHN'")["ship_t_per_y"].sum() == pytest.approx(200)
    assert "from_china" in {row.component for row in problem.form.rows}


def test_a_name_that_the_model_has_is_not_taken_for_a_constraint_of_ones_own() -> None:
    with pytest.raises(ValueError, match="'ship'"):
        Problem("golden-toy").add("ship", from_china(200))


def test_only_what_a_model_can_hold_beside_its_objective_is_added() -> None:
    problem = Problem("golden-toy")
    start = first_start(problem)
    with pytest.raises(InvalidInput, match=r"must return a Pyomo component.*NoneType"):
        problem.add("mine", lambda model: None)
    problem.add("mine", lambda model: pyo.Constraint(expr=model.start[start] <= 0))
    problem.change([{"op": "remove", "path": f"projects.'{start[0]}'"}])
    with pytest.raises(KeyError) as caught:
        problem.solve()
    assert caught.value.__notes__ == ["This comes from 'mine', which `Problem.add` puts into the model."]


def in_a_block(make: Callable[[pyo.ConcreteModel], Any]) -> Callable[[pyo.ConcreteModel], pyo.Block]:
    def block(model: pyo.ConcreteModel) -> pyo.Block:
        made = pyo.Block(concrete=True)
        made.part = make(model)
        return made

    return block


def listed(model: pyo.ConcreteModel) -> pyo.ConstraintList:
    made = pyo.ConstraintList()
    made.add(model.ship[FLOW] <= 3)
    return made


NOT_TO_BE_HELD: list[tuple[str, Any, str]] = [
    ("a constraint, and no maker of one", pyo.Constraint(), "nothing makes 'mine'"),
    ("nothing", None, "nothing makes 'mine'.*NoneType.*a function that takes the model"),
    ("an inequality", lambda model: model.ship[FLOW] <= 3, "must return a Pyomo component.*InequalityExpression"),
    ("a class", lambda model: pyo.Constraint, "must return a Pyomo component"),
    ("a variable of the model", lambda model: model.ship, "in a model already.*'ship'"),
    ("the model", lambda model: model, "in a model already"),
    ("a list used early", listed, r"before it is constructed.*`construct\(\)`"),
    ("an objective", lambda model: pyo.Objective(expr=model.ship[FLOW]), "has an objective already"),
    ("logic", lambda model: pyo.LogicalConstraint(expr=True), "of this kind.*'LogicalConstraint'.*Allowed: Constraint"),
    ("not a number", lambda model: pyo.Constraint(expr=model.ship[FLOW] <= float("nan")), "not finite"),
    ("no coefficient", lambda model: pyo.Constraint(expr=model.ship[FLOW] * float("nan") <= 1), "not finite"),
    ("below all", lambda model: pyo.Constraint(expr=model.ship[FLOW] <= float("-inf")), "not finite"),
    ("Infeasible", lambda model: pyo.Constraint(rule=lambda _: pyo.Constraint.Infeasible), "never hold"),
    ("an empty sum", lambda model: pyo.Constraint(expr=sum([]) >= 1), "cannot construct.*trivial Boolean"),
    ("another's variable", lambda _: pyo.Constraint(expr=Problem("golden-toy").model.ship[FLOW] <= 1), "not in this"),
    ("a variable of none", lambda _: pyo.Constraint(expr=pyo.Var() <= 1), "not in this model"),
    ("a bound that is none", lambda model: pyo.Var(bounds=(0, float("nan"))), "a bound that is not a number"),
    ("some numbers", lambda model: pyo.Var(domain=pyo.Set(initialize=[0, 5, 7])), "a domain that the arrays cannot"),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("make", "sentence"), [case[1:] for case in NOT_TO_BE_HELD], ids=[c[0] for c in NOT_TO_BE_HELD]
)
def test_what_the_solver_cannot_be_given_is_refused_when_it_is_added(make: Any, sentence: str) -> None:
    problem = Problem("golden-toy")
    with pytest.raises(InvalidInput, match=sentence):
        problem.add("mine", make)
    problem.add("mine", from_china(200))
    assert problem.solve().summary.termination == "optimal"


@pytest.mark.parametrize("kind", ["an objective", "logic", "not a number", "Infeasible", "some numbers"])
def test_what_the_solver_cannot_be_given_is_refused_within_a_block(kind: str) -> None:
    make, sentence = next(case[1:] for case in NOT_TO_BE_HELD if case[0] == kind)
    with pytest.raises(InvalidInput, match=sentence):
        Problem("golden-toy").add("mine", in_a_block(make))


@pytest.mark.parametrize("kind", ["not a number", "no coefficient", "Infeasible", "another's variable"])
def test_what_the_solver_cannot_be_given_is_refused_when_it_is_put_in_by_hand(kind: str) -> None:
    make, sentence = next(case[1:] for case in NOT_TO_BE_HELD if case[0] == kind)
    problem = Problem("golden-toy")
    problem.model.mine = make(problem.model)
    with pytest.raises(InvalidInput, match=sentence):
        problem.solve()


def test_a_list_of_constraints_that_is_constructed_is_added() -> None:
    def make(model: pyo.ConcreteModel) -> pyo.ConstraintList:
        made = pyo.ConstraintList()
        made.construct()
        made.add(model.ship[FLOW] <= 3)
        return made

    problem = Problem("golden-toy")
    problem.add("mine", make)
    flows = problem.solve().tables["ship"].set_index(["route", "band", "node"])["ship_t_per_y"]
    assert flows.get(FLOW, 0.0) <= 3.0 + 1e-6


@pytest.mark.parametrize("name", ["", "ünï\n", "two words", "1st", "a.b", "a-b", None, 3])
def test_a_component_is_named_by_an_identifier_only(name: Any) -> None:
    with pytest.raises(InvalidInput, match="this cannot name a component"):
        Problem("golden-toy").add(name, from_china(200))


def test_what_another_component_is_made_from_is_taken_out_after_it() -> None:
    problem = Problem("golden-toy")
    problem.add("mine", lambda model: pyo.Var(bounds=(0, 1)))
    problem.add("other", from_china(200))
    problem.add("uses_mine", lambda model: pyo.Constraint(expr=model.mine >= 0.5))
    before = problem.solve().summary.objective_kusd
    with pytest.raises(InvalidInput, match=r"'uses_mine' cannot be made without 'mine'.*Take out 'uses_mine' first"):
        problem.remove("mine")
    assert problem.solve(start=None).summary.objective_kusd == pytest.approx(before)
    problem.remove("uses_mine")
    problem.remove("mine")
    assert problem.solve(start=None).summary.objective_kusd == pytest.approx(before)


def test_what_can_no_longer_be_made_is_taken_out() -> None:
    problem = Problem("golden-toy")
    start = first_start(problem)
    problem.add("mine", lambda model: pyo.Constraint(expr=model.start[start] <= 0))
    problem.change([{"op": "remove", "path": f"projects.'{start[0]}'"}])
    problem.remove("mine")
    assert problem.solve().summary.termination == "optimal"


def test_the_dual_of_a_bound_that_a_modeler_holds_is_told_of_the_variable() -> None:
    problem = Problem("golden-toy")
    free = problem.solve()
    ship = free.tables["ship"].set_index(["route", "band", "node"])["ship_t_per_y"]
    index = ship.idxmax()
    problem.bound("ship", index, upper=ship[index] - 20)
    held = problem.solve()
    problem.bound("ship", index, upper=ship[index] - 19)
    ((name, _, value),) = marginal_values(held, "ship")
    assert name == " ".join(index)
    assert value == pytest.approx(problem.solve().summary.objective_kusd - held.summary.objective_kusd)
    stated = held.tables["marginal_values"].query("node == @index[2] and name == @index[0]")
    assert "route_flows_within_capacity" not in set(stated["what"])


def test_what_was_added_to_the_model_by_hand_is_not_lost_silently() -> None:
    problem = Problem("golden-toy")
    problem.model.mine = pyo.Param(initialize=1.0)
    with pytest.raises(ValueError, match="mine"):
        problem.change([MORE_DEMAND])


def widen(model: pyo.ConcreteModel) -> None:
    model.ship[FLOW].setub(4)


def deactivate(model: pyo.ConcreteModel) -> None:
    next(model.component_objects(pyo.Constraint)).deactivate()


def take_out(model: pyo.ConcreteModel) -> None:
    model.del_component(next(model.component_objects(pyo.Constraint)))


@pytest.mark.parametrize("by_hand", [widen, deactivate, take_out])
def test_what_was_changed_in_the_model_by_hand_is_not_lost_silently(by_hand: Any, tmp_path: Path) -> None:
    problem = Problem("golden-toy")
    problem.add("mine", from_china(200))
    problem.change([MORE_DEMAND])
    by_hand(problem.model)
    steps: list[Callable[[], Any]] = [
        lambda: problem.change([MORE_DEMAND]),
        lambda: problem.remove("mine"),
        lambda: problem.write(tmp_path / "model.lp"),
    ]
    for step in steps:
        with pytest.raises(InvalidInput, match=r"changed in it by hand.*`Problem\.add`.*`Problem\.bound`"):
            step()


def test_a_variable_that_was_fixed_by_hand_is_refused_and_fix_is_named() -> None:
    problem = Problem("golden-toy")
    problem.model.ship[FLOW].fix(4)
    with pytest.raises(InvalidInput, match=r"model\.ship.*fixed by hand.*found: 4.*`Problem\.fix`"):
        problem.solve()
    problem.model.ship[FLOW].unfix()
    problem.fix("ship", FLOW, 4)
    assert problem.solve().tables["ship"].set_index(["route", "band", "node"])["ship_t_per_y"][FLOW] == pytest.approx(4)


def test_a_variable_of_ones_own_may_be_fixed() -> None:
    def make(model: pyo.ConcreteModel) -> pyo.Block:
        made = pyo.Block(concrete=True)
        made.most = pyo.Var()
        made.most.fix(3)
        made.row = pyo.Constraint(expr=model.ship[FLOW] <= made.most)
        return made

    problem = Problem("golden-toy")
    problem.add("mine", make)
    problem.solve()
    assert problem.change([MORE_DEMAND]).only_numbers


def test_a_model_that_nobody_asked_for_is_not_held() -> None:
    problem = Problem("golden-toy")
    problem.solve()
    assert problem._model is None
    assert problem.model is problem.model


def test_what_was_added_is_taken_out_again() -> None:
    problem = with_own(200)
    held = problem.solve().summary.objective_kusd
    problem.remove("from_china")
    free = problem.solve(start=None).summary.objective_kusd
    assert free < held
    assert free == pytest.approx(Problem("golden-toy").solve().summary.objective_kusd)
    with pytest.raises(ValueError, match="has put no 'from_china' into the model; it has put in nothing"):
        problem.remove("from_china")
    problem.add("from_china", from_china(200))
    assert problem.solve().summary.objective_kusd == pytest.approx(held)


def test_bounds_of_a_variable_go_with_what_it_was_added_with() -> None:
    problem = Problem("golden-toy")
    problem.add("mine", lambda model: pyo.Var(bounds=(0, 1)))
    problem.add("uses_mine", lambda model: pyo.Constraint(expr=model.mine >= 0.5))
    problem.fix("mine", None, 0.75)
    problem.remove("uses_mine")
    problem.remove("mine")
    assert problem.solve().summary.termination == "optimal"


def not_linear(model: pyo.ConcreteModel) -> pyo.Constraint:
    first, second, *_ = model.ship
    return pyo.Constraint(["a", "b"], rule=lambda _, name: model.ship[first] * model.ship[second] <= ord(name))


def test_constraints_that_are_not_linear_are_refused_by_name_and_leave_nothing() -> None:
    problem = Problem("golden-toy")
    with pytest.raises(InvalidInput) as caught:
        problem.add("product", not_linear)
    assert [found.path for found in caught.value.problems] == ["model.product[a]", "model.product[b]"]
    assert "not linear" in str(caught.value)
    assert problem.solve().summary.termination == "optimal"
    problem.model.by_hand = not_linear(problem.model)
    with pytest.raises(InvalidInput, match=r"model.by_hand\[a\]: the constraint is not linear"):
        problem.solve()


def test_a_block_is_held_to_be_linear_too() -> None:
    def block(model: pyo.ConcreteModel) -> pyo.Block:
        made = pyo.Block(concrete=True)
        first = next(iter(model.ship))
        made.square = pyo.Constraint(expr=model.ship[first] ** 2 <= 4)
        return made

    with pytest.raises(InvalidInput, match=r"model.mine.square: the constraint is not linear"):
        Problem("golden-toy").add("mine", block)


def test_a_limit_of_iterations_stops_the_search_and_is_no_failure() -> None:
    plan = Problem("sampled-futures").solve(solver_options={"simplex_iteration_limit": 0})
    assert plan.summary.termination == "search_limit"


@pytest.mark.parametrize("source", [None, 3, ["golden-toy"], b"golden-toy"])
def test_what_no_scenario_is_read_from_is_refused_in_words(source: Any) -> None:
    with pytest.raises(InvalidInput, match=r"no scenario is read from this.*a shipped name, the path") as caught:
        Problem(source)
    assert type(source).__name__ in str(caught.value)


def test_a_saved_plan_is_read_again(tmp_path: Path) -> None:
    plan = Problem("golden-toy").solve()
    plan.save(tmp_path / "plan.json")
    again = read_plan(tmp_path / "plan.json", "golden-toy")
    assert again.document() == plan.document()
    assert again.scenario == plan.scenario
    assert read_plan(str(tmp_path / "plan.json")).scenario is None
    for name, table in plan.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table, check_dtype=False)


def test_a_plan_is_not_read_with_another_scenario(tmp_path: Path) -> None:
    plan = Problem("golden-toy").solve()
    plan.save(tmp_path / "plan.json")
    other = Problem("golden-toy", [MORE_DEMAND]).scenario
    with pytest.raises(InvalidInput, match="not the scenario of the plan, 'golden-toy'") as caught:
        read_plan(tmp_path / "plan.json", other)
    assert other.content_hash() in str(caught.value)
    assert plan.summary.scenario_hash in str(caught.value)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"summary": 1}', "name: toy", '{"plan_version": "x"}', "\x00\xff"])
def test_a_file_without_a_plan_is_refused_in_words(text: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"this file holds no plan"):
        read_plan(path)
