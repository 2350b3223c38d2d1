"""Labels are ranges; what a large model would have millions of is made only where somebody asks for it."""

from itertools import product

import numpy as np
import pyomo.core as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lodeplan import scenarios
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.problem import Problem
from lodeplan.optimizer.solver import labels as module
from lodeplan.optimizer.solver.labels import Label, LabelRange, Labels


@st.composite
def ranges(draw: st.DrawFn) -> LabelRange:
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    factors = tuple(
        [(f"{place}{key}", key)[: 1 + place % 2] for key in range(size)] for place, size in enumerate(sizes)
    )
    members = draw(st.sets(st.integers(0, int(np.prod(sizes)) - 1), min_size=1))
    return LabelRange(draw(st.sampled_from("xyz")), factors, np.array(sorted(members)))


def written_out(part: LabelRange) -> list[Label]:
    keys = [sum(combination, ()) for combination in product(*part.factors)]
    return [Label(part.component, keys[member]) for member in part.members.tolist()]


@given(st.lists(ranges(), max_size=4), st.data())
def test_labels_are_those_that_a_list_of_them_would_hold(parts: list[LabelRange], data: st.DataObject) -> None:
    labels, listed = Labels(parts), [label for part in parts for label in written_out(part)]

    assert (len(labels), list(labels), labels[:]) == (len(listed), listed, listed)
    assert [labels[place] for place in range(-len(listed), len(listed))] == [*listed, *listed]
    assert labels.places_of("x", "z").tolist() == [j for j, label in enumerate(listed) if label.component in "xz"]
    last = {label.key[-1]: number for number, label in enumerate(listed[::2])}
    assert labels.last_in(last).tolist() == [last.get(label.key[-1], -1) for label in listed]
    picked = sorted(data.draw(st.sets(st.sampled_from(range(len(listed)))))) if listed else []
    assert list(labels.picked(np.array(picked, np.int64))) == [listed[place] for place in picked]
    assert labels == Labels(parts)
    assert (labels == labels.picked(np.array(picked, np.int64))) == (len(picked) == len(listed))


def test_a_number_of_keys_that_differ_in_the_last_part_alone_is_asked_for_once() -> None:
    part = LabelRange("run", ([("a", 1), ("b", 2)], [("now",), ("later",)]), np.array([0, 1, 3]))
    asked = []

    def number(key: tuple) -> float:
        asked.append(key)
        return {"a": 10.0, "b": 20.0}[key[0]]

    assert part.numbers(number).tolist() == [10.0, 10.0, 20.0]
    assert asked == [("a", 1, "now"), ("b", 2, "now")]


def test_an_index_beyond_the_labels_is_an_error() -> None:
    with pytest.raises(IndexError):
        Labels.numbered("row", np.arange(3))[3]


def test_a_model_that_is_handed_off_has_next_to_no_object_for_each_column_row_or_link() -> None:
    model = build_model(prepare(scenarios.load("us-2026-lite")), as_arrays=True)

    columns, rows, links = (
        {part.local_name: len(part) for part in model.component_objects(kind) if part.is_indexed()}
        for kind in (pyo.Var, pyo.Constraint, pyo.Set)
    )

    assert sum(columns.values()) < 1_500  # of 67,600: decisions, and one of some
    assert sum(rows.values()) == 0  # of 28,282
    assert sum(links.values()) < 200  # of 11,564


def test_a_solve_makes_a_label_only_for_what_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    class Counted(Label):
        def __new__(cls, *args: object) -> Label:  # type: ignore[misc]
            nonlocal made
            made += 1
            return Label(*args)  # type: ignore[arg-type]

    problem = Problem("us-2026-lite")
    monkeypatch.setattr(module, "Label", Counted)

    assert len(problem.form.columns) + len(problem.form.rows) > 90_000
    assert made < 200
