"""Arrays of templates, held against Pyomo's own standard form of the rows written out."""

import numpy as np
import pyomo.environ as pyo
import pytest
from golden_lps import FOLDER
from hypothesis import given, settings
from hypothesis import strategies as st
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from lodeplan import scenarios
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.model.data import templates
from lodeplan.optimizer.model.registry import registry
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver.arrays import Compiled, compile_arrays, has_all_members


def assert_same(model: pyo.ConcreteModel, compiled: Compiled) -> None:
    """Every array of a compiled model is that of Pyomo's standard form of a model, columns aside by their names."""
    expected = LinearStandardFormCompiler().write(model, mixed_form=True)
    sides = [(row.constraint.name, row.bound_type, side) for row, side in zip(expected.rows, expected.rhs, strict=True)]
    rows = names(compiled.rows)
    assert list(dict.fromkeys(rows)) == list(dict.fromkeys(name for name, _, _ in sides))
    place = {name: j for j, name in enumerate(names(compiled.columns))}
    assert set(place) == {column.name for column in expected.columns}
    order = [place[column.name] for column in expected.columns]
    row = {name: i for i, name in enumerate(rows)}
    wanted = [row[name] for name, _, _ in sides]
    np.testing.assert_array_equal(compiled.matrix.toarray()[wanted][:, order], expected.A.toarray())
    for (_, kind, side), low, high in zip(sides, compiled.row_lower[wanted], compiled.row_upper[wanted], strict=True):
        assert kind > 0 or low == side
        assert kind < 0 or high == side
    assert sum(1 + (kind == 0) for _, kind, _ in sides) == np.isfinite([compiled.row_lower, compiled.row_upper]).sum()
    np.testing.assert_array_equal(compiled.cost[order], expected.c.todense().ravel())
    assert compiled.offset == expected.c_offset[0]
    bounds, integer = [column.bounds for column in expected.columns], compiled.integer[order]
    least, most = compiled.column_lower[order], compiled.column_upper[order]
    np.testing.assert_array_equal(least, [-np.inf if low is None else low for low, _ in bounds])
    np.testing.assert_array_equal(most, [np.inf if high is None else high for _, high in bounds])
    np.testing.assert_array_equal(integer, [not column.is_continuous() for column in expected.columns])


def names(ranges: tuple) -> list[str]:
    found = []
    for part in ranges:
        keys = list(part.component.index_set() if has_all_members(part.component) else part.component.keys())
        found += [part.component[keys[j]].name for j in part.members.tolist()]
    return found


@pytest.mark.parametrize("constraint", registry())
def test_a_family_of_rows_is_expanded_to_the_arrays_that_pyomo_makes_of_it(constraint: str) -> None:
    instance = prepare(scenarios.load(FOLDER / f"{constraint}.yaml"))
    compiled = compile_arrays(build_model(instance, as_arrays=True))

    assert compiled.by_row == {}
    assert constraint in {part.component.name for part in compiled.rows}
    assert_same(build_model(instance), compiled)


@st.composite
def shapes(draw: st.DrawFn) -> dict:
    """Data of a small model: links, coefficients with zeros, bounds, what is fixed, senses."""
    size = draw(st.integers(1, 4))
    keys = [(i, j) for i in range(size) for j in "ab"]
    number = st.sampled_from([0.0, 1.0, -2.5, 0.1, 3.0, 7.0])
    return {
        "size": size,
        "links": {i: draw(st.lists(st.sampled_from(keys), unique=True, max_size=4)) for i in range(size)},
        "a": {key: draw(number) for key in keys},
        "b": {i: draw(number) for i in range(size)},
        "upper": {key: draw(st.sampled_from([None, 1.0, 4.5])) for key in keys},
        "sense": draw(st.sampled_from([pyo.minimize, pyo.maximize])),
        "mutable": draw(st.booleans()),
        "relation": draw(st.sampled_from(["<=", ">=", "==", "between"])),
    }


def model_of(data: dict) -> pyo.ConcreteModel:
    m = pyo.ConcreteModel()
    m.I = pyo.Set(initialize=range(data["size"]))
    m.J = pyo.Set(initialize=["a", "b"])
    m.LINKS = pyo.Set(m.I, dimen=2, initialize=data["links"])
    m.SOME = pyo.Set(initialize=m.I * m.J, filter=lambda _, i, j: data["a"][i, j] != 0)
    m.a = pyo.Param(m.I, m.J, initialize=data["a"], mutable=data["mutable"])
    m.b = pyo.Param(m.I, initialize=data["b"], default=2.0, mutable=data["mutable"])
    m.x = pyo.Var(m.I, m.J, bounds=lambda _, i, j: (-1, data["upper"][i, j]))
    m.y = pyo.Var(m.I, within=pyo.Binary)
    m.z = pyo.Var(within=pyo.NonNegativeReals)

    def linked(m, i):
        body = sum(m.a[k, j] * m.x[k, j] for k, j in m.LINKS[i]) - 2 * (m.y[i] + m.b[i] * m.z) / 4 + m.b[i] * 3 + m.z
        if data["relation"] == "between":
            return (-50, body, 90)
        return {"<=": body <= 5 - m.b[i], ">=": body >= -40, "==": body - m.z == m.b[i]}[data["relation"]]

    def some(m, i, j):
        return m.x[i, j] - m.a[i, j] * m.y[i] <= m.b[i]

    def over_all(m, i):
        return sum(m.b[k] * m.x[k, j] for k in m.I for j in m.J) + m.x[i, "a"] >= -30

    def skipped(m, i):
        return pyo.Constraint.Skip if pyo.value(i) == 0 else m.x[i, "a"] + m.x[0, "b"] <= 8

    def on_a_condition(m, i):
        return m.z <= 9 if pyo.value(m.b[i]) > 1 else m.y[i] <= 1

    m.over_all = pyo.Constraint(m.I, rule=over_all)
    m.linked = pyo.Constraint(m.I, rule=linked)
    m.some = pyo.Constraint(m.SOME, rule=some)
    m.skipped = pyo.Constraint(m.I, rule=skipped)
    m.on_a_condition = pyo.Constraint(m.I, rule=on_a_condition)
    m.own = pyo.Constraint(expr=sum(m.x[key] for key in m.x) + 3 <= 70)
    m.cost = pyo.Objective(expr=sum(m.y[i] for i in m.I) + 4 + 2 * m.x[0, "b"] + m.z, sense=data["sense"])
    return m


@settings(deadline=None)
@given(shapes())
def test_models_of_any_shape_are_the_arrays_that_pyomo_makes_of_them(data: dict) -> None:
    with templates():
        model = model_of(data)

    assert_same(model_of(data), compile_arrays(model))


def test_what_a_fixed_variable_adds_goes_to_the_other_side_of_its_row() -> None:
    with templates():
        m = pyo.ConcreteModel()
        m.x = pyo.Var([1, 2])
        m.rows = pyo.Constraint([1, 2], rule=lambda m, i: 3 * m.x[i] + m.x[1] <= 5)
        m.cost = pyo.Objective(expr=m.x[2] + 4 * m.x[1])
    m.x[1].fix(0.5)

    compiled = compile_arrays(m)

    assert compiled.by_row == {"rows": "variables are fixed"}
    assert names(compiled.columns) == ["x[2]"]
    assert (compiled.matrix.toarray().tolist(), compiled.row_upper.tolist(), compiled.offset) == ([[3.0]], [4.5], 2.0)


def test_a_look_up_of_what_is_not_there_is_an_error_that_names_it() -> None:
    with templates():
        m = pyo.ConcreteModel()
        m.x = pyo.Var(["a"])
        m.rows = pyo.Constraint(["a", "b"], rule=lambda m, i: m.x[i] <= 5)
        m.cost = pyo.Objective(expr=m.x["a"])

    with pytest.raises(KeyError, match="'b'"):
        compile_arrays(m)
