"""Scenarios and plans that many tests read: each is loaded and solved once a run, also where several processes
share the tests.

A test whose subject is the loading or the solve itself calls `scenarios.load` or `optimizer.solve`.
"""

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

from sharing import made_once

from lodeplan import optimizer, scenarios
from lodeplan.schemas import Scenario

TEXTBOOK = sorted(path.stem for path in (Path(scenarios.__file__).parent / "examples").glob("*.yaml"))
"""Names of the shipped scenarios that are small: each is solved in a second or less."""

Patches = list[dict[str, Any]]


def shipped(name: str) -> Scenario:
    """A shipped scenario."""
    file = made_once(f"scenario-{name}", lambda path: path.write_bytes(pickle.dumps(scenarios.load(name))))
    scenario: Scenario = pickle.loads(file.read_bytes())
    return scenario


def solved(name: str, patches: Patches | None = None, **options: Any) -> optimizer.Plan:
    """The plan of a scenario changed by patches; `options` are those of `optimizer.solve`.

    Each caller gets a copy of its own, with tables that it may change.
    """
    scenario = scenarios.load(name, patches or [])
    asked = [scenario.model_dump(mode="json"), options]
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    file = made_once(f"plan-{key}", lambda path: path.write_bytes(pickle.dumps(optimizer.solve(scenario, **options))))
    plan: optimizer.Plan = pickle.loads(file.read_bytes())
    return plan
