"""Origins of scenarios that requests ask for, and what their patches changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from lodeplan import scenarios
from lodeplan.scenarios.changes import find_changes
from lodeplan.schemas import InvalidInput, Scenario
from lodeplan.schemas.jobs import ScenarioRequest
from lodeplan.schemas.origin import Origin
from lodeplan.schemas.patches import Patch

SHIPPED_KEPT = 64
"""All shipped scenarios: the three large ones take up to a second to read from their files, and some tens of MB."""

_one_reads = threading.Lock()


def origin_of(wanted: ScenarioRequest, scenario: Scenario) -> Origin:
    """The origin of the scenario that a valid request led to: what differs from the shipped scenario that it is based
    on, or else from the scenario in the request."""
    source = wanted.scenario
    name = source if isinstance(source, str) else source.get("base")
    told = source if name else None
    if isinstance(source, str) and not wanted.patches:
        return Origin(scenario=source)
    if not name and not wanted.patches:
        return Origin()
    try:
        base = shipped_scenario(name) if name else scenarios.load(source)
    except InvalidInput:
        # Only its patches make it a scenario.
        return Origin(scenario=told, patches=wanted.patches, base_is_valid=False)
    return changed_from(dumped(base), scenario, wanted.patches).model_copy(update={"scenario": told})


def changed_from(base: dict[str, Any], scenario: Scenario, patches: Sequence[Patch]) -> Origin:
    """The origin of a scenario that these patches made of a base, which is dumped."""
    changes, count = find_changes(base, dumped(scenario))
    return Origin(patches=list(patches), changes=changes, count=count)


def dumped(scenario: Scenario) -> dict[str, Any]:
    """A scenario as plain data with all its defaults."""
    return scenario.model_dump(mode="json")


def shipped_scenario(name: str) -> Scenario:
    """Load a shipped scenario and keep it for later requests; raises `InvalidInput` if none has that name.

    One thread reads at a time: several that read the same one at once would each take its time from all other requests.
    """
    with _one_reads:
        return _loaded(name)


@lru_cache(maxsize=SHIPPED_KEPT)
def _loaded(name: str) -> Scenario:
    return scenarios.load(scenarios.find_shipped(name))
