"""The tree of futures: names, parents, probabilities, discount."""

from __future__ import annotations

import pytest
from check_plans import Data, golden_toy

from lodeplan.optimizer.prepare.calendar import Calendar
from lodeplan.optimizer.prepare.tree import Tree, build_tree
from lodeplan.schemas import Scenario


def tree_of(futures: Data, onsets: Data, lengths: list[int] | None = None) -> Tree:
    data = golden_toy()
    data["horizon"]["period_years"] = lengths or [1, 1, 1, 1]
    data["events"] = {name: {**golden_toy()["events"]["ban"], "onset": onset} for name, onset in onsets.items()}
    data["futures"] = futures
    scenario = Scenario.model_validate(data)
    return build_tree(scenario, Calendar.of(scenario.horizon))


def test_a_scenario_without_futures_is_its_base_path() -> None:
    tree = tree_of({}, {})
    assert tree.names == ("2026", "2027", "2028", "2029")
    assert tree.parent == (-1, 0, 1, 2)
    assert tree.future_names == ("as_planned",)
    assert tree.leaf == (3,)


def test_a_future_departs_in_the_first_period_with_an_onset() -> None:
    futures = {
        "calm": {},
        "early": {"probability": 0.1, "events": ["later", "first"]},
        "late": {"probability": 0.2, "events": ["later"]},
    }
    tree = tree_of(futures, {"first": "2028-12-31", "later": "2029-06-01"}, [2, 1, 3])
    parents = {name: tree.names[up] if up >= 0 else None for name, up in zip(tree.names, tree.parent, strict=True)}
    assert parents == {
        "2026": None,
        "2028": "2026",
        "2029": "2028",
        "early@2028": "2026",
        "early@2029": "early@2028",
        "late@2029": "2028",
    }
    probability = dict(zip(tree.names, tree.probability.tolist(), strict=True))
    assert probability == pytest.approx(
        {"2026": 1, "2028": 0.9, "2029": 0.7, "early@2028": 0.1, "early@2029": 0.1, "late@2029": 0.2}
    )
    assert [tree.names[leaf] for leaf in tree.leaf] == ["2029", "early@2029", "late@2029"]
    assert tree.start == (2026, 2028, 2029, 2028, 2029, 2029)
    assert tree.length.tolist() == [2, 1, 3, 1, 3, 3]


def test_discount_is_that_of_the_first_day_of_the_period() -> None:
    tree = tree_of({}, {}, [2, 1, 1])
    assert tree.discount.tolist() == pytest.approx([1, 1.05**-2, 1.05**-3])


def test_the_base_path_stops_where_all_futures_have_departed() -> None:
    tree = tree_of({"a": {"probability": 1.0, "events": ["e"]}}, {"e": 2028})
    assert tree.names == ("2026", "2027", "a@2028", "a@2029")
    assert tree.leaves == (3,)
    assert tree.base_path == (0, 1)


def test_probability_of_the_future_left_open_is_what_the_others_leave() -> None:
    tree = tree_of({"calm": {}, "a": {"probability": 0.3, "events": ["e"]}}, {"e": 2027})
    assert tree.future_probability.tolist() == pytest.approx([0.7, 0.3])


def test_probabilities_of_each_period_add_to_one() -> None:
    futures = {name: {"probability": 0.25, "events": [name]} for name in ("a", "b", "c")}
    tree = tree_of({**futures, "calm": {}}, {"a": 2027, "b": "2028-05-05", "c": 2029})
    for period in range(4):
        nodes = [node for node in range(len(tree)) if tree.period[node] == period]
        assert tree.probability[nodes].sum() == pytest.approx(1)


def test_ancestors_lead_from_a_node_to_the_root() -> None:
    tree = tree_of({"calm": {}, "a": {"probability": 0.3, "events": ["e"]}}, {"e": 2028})
    leaf = tree.names.index("a@2029")
    assert [tree.names[node] for node in tree.path(leaf)] == ["2026", "2027", "a@2028", "a@2029"]
    assert tree.ancestors[leaf] == frozenset(tree.path(leaf))
