"""Parts of an instance that are kept after a change: they are made of the fields that they are said to hang on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from solved import TEXTBOOK, shipped

from lodeplan.optimizer.expand import expand
from lodeplan.optimizer.prepare import prepare
from lodeplan.optimizer.prepare.effects import Effects
from lodeplan.optimizer.prepare.projects import PROGRAMME_HANGS_ON, prepare_programme
from lodeplan.optimizer.prepare.trade import ALL_DUTIES_HANG_ON, prepare_trade
from lodeplan.scenarios import load
from lodeplan.scenarios.selections import Selections

SUPPLY = {"facilities", "projects"}
"""Read for what a route can carry, not for its duty."""


class Read:
    """A scenario that notes which of its fields are read."""

    def __init__(self, scenario: Any) -> None:
        self._scenario = scenario
        self.fields: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.fields.add(name)
        return getattr(self._scenario, name)


@pytest.mark.parametrize("name", TEXTBOOK)
def test_kept_parts_read_no_other_fields(name: str) -> None:
    instance = prepare(expand(shipped(name)).scenario)
    read: Any = Read(instance.scenario)
    prepare_programme(read, instance.tree)
    assert read.fields <= {*PROGRAMME_HANGS_ON}

    read = Read(instance.scenario)
    effects = replace(Effects.of(instance.scenario, instance.tree, Selections(read)), scenario=read)
    read.fields.clear()
    prepare_trade(effects, instance.supply, instance.content)
    assert read.fields - SUPPLY <= {*ALL_DUTIES_HANG_ON, "tariffs", "routes"}


def test_a_change_of_one_duty_keeps_those_of_all_routes_that_it_does_not_mean() -> None:
    before = prepare(load("golden-toy"))
    dearer = load("golden-toy", [{"op": "set", "path": "tariffs.'duty on CHN'.rate_share", "value": 0.3}])
    after = prepare(dearer, before=before)
    kept = [was is now for was, now in zip(before.trade.duty_by_measure, after.trade.duty_by_measure, strict=True)]
    assert kept == [band.route != "metal CHN" for band in before.trade.bands.values()]
    assert after.programme is before.programme
    assert after.trade.duty_by_measure == prepare(dearer).trade.duty_by_measure
