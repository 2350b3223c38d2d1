"""Recipes that make metal from nothing, alone or in a loop, are asked about."""

from typing import Any

import pytest
from test_warnings import Patch, put, small

from lodeplan import scenarios
from lodeplan.scenarios.validation import find_warnings


def recipe(inputs: dict[str, float], outputs: dict[str, float], **change: Any) -> dict[str, Any]:
    return {"place": "USA", "inputs": inputs, "outputs": outputs, "cost_kusd_per_t": 1, **change}


def with_recipes(*recipes: dict[str, Any]) -> list[Patch]:
    swarf = put("commodities.swarf", {"stage": "scrap", "mineral_group": "metal"})
    chips = put("commodities.chips", {"stage": "scrap", "mineral_group": "metal"})
    return [swarf, chips, *(put(f"facilities.plant {number}", item) for number, item in enumerate(recipes))]


def gains(patches: list[Patch]) -> list[tuple[str, Any]]:
    found = find_warnings(scenarios.load(small(), patches)).open
    return [(warning.path, warning.value) for warning in found if warning.code == "recipe_gains"]


@pytest.mark.parametrize("gain", [1.0001, 2])
def test_a_recipe_that_makes_more_of_its_input_is_asked_about(gain: float) -> None:
    found = gains(with_recipes(recipe({"metal": 1}, {"metal": gain})))
    assert found == [("facilities.'plant 0'.outputs.metal", gain)]


def test_a_recipe_is_read_per_t_of_its_input() -> None:
    found = gains(with_recipes(recipe({"metal": 0.5}, {"metal": 0.75}), recipe({"metal": 2}, {"metal": 1.5})))
    assert found == [("facilities.'plant 0'.outputs.metal", 1.5)]


def test_a_loop_that_gains_is_asked_about_once_with_its_gain() -> None:
    cut, melt = recipe({"metal": 1}, {"chips": 0.5, "swarf": 1.2}), recipe({"swarf": 1}, {"metal": 1})
    [(path, gain)] = gains(with_recipes(cut, melt))
    assert path in {"facilities.'plant 0'.outputs.swarf", "facilities.'plant 1'.outputs.metal"}
    assert gain == pytest.approx(1.2)


def test_a_loop_of_three_that_gains_is_found_whatever_leads_to_it_and_from_it() -> None:
    cut, sort = recipe({"metal": 1}, {"swarf": 0.9}), recipe({"swarf": 1}, {"chips": 1.5})
    melt = recipe({"chips": 1}, {"metal": 0.8})
    [(_, gain)] = gains(with_recipes(cut, sort, melt))
    assert gain == pytest.approx(0.9 * 1.5 * 0.8)


def test_a_project_that_gains_is_asked_about() -> None:
    found = gains([put("projects.first.inputs", {"metal": 0.9})])
    assert [path for path, _ in found] == ["projects.first.outputs.metal"]


@pytest.mark.parametrize(
    "recipes",
    [
        [recipe({"metal": 1}, {"swarf": 1.2}), recipe({"swarf": 1}, {"metal": 0.8})],
        [recipe({"metal": 0.3}, {"swarf": 0.1}), recipe({"swarf": 0.1}, {"metal": 0.3})],
        [recipe({"metal": 0.38}, {"swarf": 1})],
        [recipe({"metal": 1, "swarf": 1}, {"metal": 1.9})],
        [recipe({"metal": 1}, {"metal": 2}, capacity_t_per_y=0)],
    ],
)
def test_a_recipe_that_only_gives_back_or_adds_what_is_not_counted_is_not_asked_about(
    recipes: list[dict[str, Any]],
) -> None:
    assert gains(with_recipes(*recipes)) == []
