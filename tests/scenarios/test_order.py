"""What is written first decides nothing: a scenario is solved in the order of its names."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from check_plans import Data, golden_toy, workshop
from tiny_scenario import tiny

from lodeplan import optimizer, scenarios
from lodeplan.optimizer.expand import expand
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver import Form, standard_form
from lodeplan.schemas import Scenario
from lodeplan.schemas.order import in_order
from lodeplan.service.jobs.prepared import Content
from lodeplan.service.jobs.submissions import canonical_json

TEXTBOOK = sorted(path.stem for path in (Path(scenarios.__file__).parent / "examples").glob("*.yaml"))


def form_of(scenario: Scenario) -> Form:
    instance = prepare(expand(in_order(scenario)).scenario)
    return standard_form(build_model(instance), instance)


def same_arrays(one: Form, other: Form) -> None:
    """Bit by bit, as HiGHS gets them."""
    for name in (
        "cost",
        "row_lower",
        "row_upper",
        "column_lower",
        "column_upper",
        "integer",
        "column_unit",
        "row_unit",
    ):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    for name in ("indptr", "indices", "data"):
        assert getattr(one.matrix, name).tobytes() == getattr(other.matrix, name).tobytes(), name
    assert (one.offset, one.money_unit) == (other.offset, other.money_unit)
    assert (one.columns, one.rows) == (other.columns, other.rows)


def shuffled(value: Any, draw: random.Random, key: str = "") -> Any:
    """The same with every mapping and every list of names in another order, but for the main product."""
    if isinstance(value, dict):
        keys = list(value)
        kept = keys[:1] if key == "outputs" else []
        rest = [name for name in keys if name not in kept]
        draw.shuffle(rest)
        return {name: shuffled(value[name], draw, name) for name in (*kept, *rest)}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return draw.sample(value, len(value))
    return [shuffled(item, draw) for item in value] if isinstance(value, list) else value


def plain(scenario: Scenario) -> Data:
    return scenario.model_dump(mode="json", exclude_defaults=True)


@pytest.mark.parametrize("name", TEXTBOOK)
def test_a_scenario_in_any_order_gives_the_same_arrays(name: str) -> None:
    asked = scenarios.load(name)
    other = Scenario.model_validate(shuffled(plain(asked), random.Random(name)))
    same_arrays(form_of(asked), form_of(other))


@pytest.mark.parametrize("data", [tiny(), workshop(), golden_toy()], ids=["tiny", "workshop", "golden toy"])
def test_a_scenario_with_one_of_everything_in_any_order_gives_the_same_arrays(data: Data) -> None:
    asked = scenarios.load(data)
    for seed in range(3):
        same_arrays(form_of(asked), form_of(Scenario.model_validate(shuffled(plain(asked), random.Random(seed)))))


def test_equal_hashes_give_equal_arrays_and_plans_where_two_offers_cost_the_same() -> None:
    data = golden_toy()
    data["facilities"]["Ally"]["cost_kusd_per_t"] = data["facilities"]["China"]["cost_kusd_per_t"]
    data["routes"]["from China"] |= {"customs_value_kusd_per_t": None, "freight_kusd_per_t": 0}
    other = {**data, "facilities": dict(reversed(data["facilities"].items()))}
    other["routes"] = dict(reversed(data["routes"].items()))
    one, two = scenarios.load(data), scenarios.load(other)

    assert one.content_hash() == two.content_hash()
    plans = [optimizer.solve(scenario, gap=0) for scenario in (one, two)]
    assert plans[0].tables["ship"].equals(plans[1].tables["ship"])
    assert plans[0].tables["marginal_values"].equals(plans[1].tables["marginal_values"])


def test_what_the_hash_leaves_out_cannot_change_the_plan() -> None:
    data = golden_toy()
    told = {**data, "name": "another", "title": "Zinc first", "description": "x", "author": "y", "data_vintage": ""}
    one, two = scenarios.load(data), scenarios.load(told)

    assert one.content_hash() == two.content_hash()
    same_arrays(form_of(one), form_of(two))


def test_the_main_product_is_the_first_and_counts_in_the_hash() -> None:
    data = workshop()
    swapped = workshop()
    swapped["facilities"]["pit"]["outputs"] = dict(reversed(data["facilities"]["pit"]["outputs"].items()))
    one, two = scenarios.load(data), scenarios.load(swapped)

    assert one.content_hash() != two.content_hash()
    for scenario in (one, two):
        stored = Scenario.model_validate_json(canonical_json(scenario))
        assert list(stored.facilities["pit"].outputs) == list(scenario.facilities["pit"].outputs)
        assert stored.content_hash() == scenario.content_hash()


def test_one_scenario_has_one_text_whatever_its_order() -> None:
    asked = scenarios.load(tiny())
    other = Scenario.model_validate(shuffled(plain(asked), random.Random(1)))

    assert canonical_json(in_order(asked)) == canonical_json(in_order(other))


def test_putting_in_order_leaves_alone_what_is_in_order_and_what_has_one() -> None:
    scenario = in_order(scenarios.load(workshop()))
    assert in_order(scenario) is scenario
    steps = [step.width_t_per_y for step in scenario.facilities["Australia"].steps]
    assert steps == [50, 60]
    assert list(scenario.facilities) == sorted(scenario.facilities)


ARRAYS = """
import hashlib, scenarios
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.solver import standard_form
instance = prepare(scenarios.load("content-tariff"))
form = standard_form(build_model(instance), instance)
parts = (form.matrix.indptr, form.matrix.indices, form.matrix.data, form.cost)
print(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
"""


@pytest.mark.slow
def test_the_order_of_sets_in_memory_decides_nothing() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", ARRAYS], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_names_in_a_list_may_be_in_any_order() -> None:
    data = tiny()
    data["limits"]["cap"]["places"] = ["rivals", "AUS"]
    turned = tiny()
    turned["limits"]["cap"]["places"] = ["AUS", "rivals"]
    assert np.array_equal(form_of(scenarios.load(data)).cost, form_of(scenarios.load(turned)).cost)
    same_arrays(form_of(scenarios.load(data)), form_of(scenarios.load(turned)))


@pytest.mark.parametrize("name", [*TEXTBOOK, "us-2026-lite"])
def test_a_scenario_in_any_order_has_one_hash_wherever_it_is_asked_for(name: str) -> None:
    """Loaded, solved, validated, submitted: each may hold it in another order."""
    asked = scenarios.load(name)
    other = Scenario.model_validate(shuffled(plain(asked), random.Random(name)))
    submitted = Content.of(other).sha256
    assert {asked.content_hash(), other.content_hash(), in_order(other).content_hash()} == {submitted}
    assert scenarios.validate(other).scenario_hash == submitted
