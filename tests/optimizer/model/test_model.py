"""The Pyomo model: rules that are templates, constraints that explain themselves, an exact hand-off."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyomo.core.base.constraint as pyomo_constraint
import pyomo.core.base.objective as pyomo_objective
import pyomo.environ as pyo
import pytest
from check_plans import workshop
from folders import TESTS

from lodeplan import optimizer, scenarios
from lodeplan.optimizer.model import build_model, data
from lodeplan.optimizer.model.registry import registry
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.solver import Form, standard_form
from lodeplan.schemas import Scenario

GOLDEN = {path.stem: path for path in sorted((TESTS / "golden").glob("*.yaml"))}
"""A scenario for each constraint."""
FEASIBLE = [name for name in GOLDEN if name != "stock_covers_target"]
"""Those with a plan: one shows a target that nothing can fill."""


@contextmanager
def templates() -> Iterator[None]:
    pyomo_constraint.TEMPLATIZE_CONSTRAINTS = pyomo_objective.TEMPLATIZE_OBJECTIVES = True
    try:
        yield
    finally:
        pyomo_constraint.TEMPLATIZE_CONSTRAINTS = pyomo_objective.TEMPLATIZE_OBJECTIVES = False


def instance_of(name: str) -> Instance:
    if name in GOLDEN:
        return prepare(scenarios.load(GOLDEN[name]))
    return prepare(Scenario.model_validate(workshop()) if name == "workshop" else scenarios.load(name))


def plain(form: Form) -> list[np.ndarray]:
    """The arrays of a form with columns in the order of their names."""
    order = np.argsort([f"{column.component}{column.key}" for column in form.columns])
    return [
        form.matrix.toarray()[:, order],
        form.cost[order],
        form.column_lower[order],
        form.column_upper[order],
        form.row_lower,
        form.row_upper,
    ]


@pytest.mark.parametrize("name", ["golden-toy", "by-product", "workshop", *GOLDEN])
def test_rules_as_templates_give_exactly_the_arrays_of_the_plain_model(name: str) -> None:
    instance = instance_of(name)
    written_out = plain(standard_form(build_model(instance), instance))
    with templates():
        model = build_model(instance)
        for constraint in model.component_objects(pyo.Constraint):
            row = next(iter(constraint.values()))
            assert type(row).__name__ == "TemplateConstraintData", f"{constraint.name} is no template"
        compiled = plain(standard_form(model, instance))

    for before, after in zip(written_out, compiled, strict=True):
        assert np.array_equal(before, after)


def test_other_threads_add_up_as_ever_while_a_template_is_made() -> None:
    added = []

    def add_up() -> tuple[int, int]:
        return sum(number for number in ()), sum((number for number in (1, 2)), start=4)

    def rule(m: Any, i: int) -> Any:
        with ThreadPoolExecutor(1) as other:
            added.append(other.submit(add_up).result())
        return sum(m.x[j] for j in m.I) <= i

    m = pyo.ConcreteModel()
    m.I = pyo.Set(initialize=[1, 2])
    m.x = pyo.Var(m.I)
    with data.templates():
        m.row = pyo.Constraint(m.I, rule=rule)
    assert added == [(0, 7)]
    assert type(m.row[1]).__name__ == "TemplateConstraintData"


@pytest.mark.parametrize("name", ["golden-toy", "tariff-rate-quota", "workshop"])
def test_every_constraint_of_a_model_has_its_entry_in_words(name: str) -> None:
    entries = registry()
    for constraint in build_model(instance_of(name)).component_objects(pyo.Constraint):
        entry = entries[constraint.name]
        assert all((entry.sentence, entry.equation, entry.unit, entry.dual, entry.source))
        assert entry.kind.startswith(("hard", "soft"))


@pytest.mark.parametrize("name", ["golden-toy", "tariff-escalation", "rising-import-price", "workshop", *FEASIBLE])
def test_pyomos_own_interface_to_highs_finds_the_same_optimum(name: str) -> None:

    instance = instance_of(name)
    model = build_model(instance)
    pyo.SolverFactory("highs").solve(model, options={"mip_rel_gap": 0.0})

    plan = optimizer.solve(instance.scenario, gap=0)
    assert pyo.value(model.weighted_cost) == pytest.approx(plan.summary.objective_kusd, rel=1e-7, abs=1e-6)


def test_scaling_by_units_is_exact() -> None:
    instance = instance_of("workshop")
    form = standard_form(build_model(instance), instance)

    for unit in (form.column_unit, form.row_unit):
        mantissa, _ = np.frexp(unit)
        assert (mantissa == 0.5).all(), "units are powers of two"
