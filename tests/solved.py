"""Plans that many tests read: a scenario is solved once a run, also where several processes share the tests.

A test whose subject is the solve itself calls `optimizer.solve`.
"""

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any

from sharing import made_once

import optimizer
import scenarios

TEXTBOOK = sorted(path.stem for path in (Path(scenarios.__file__).parent / "examples").glob("*.yaml"))
"""Names of the shipped scenarios that are small: each is solved in a second or less."""

Patches = list[dict[str, Any]]


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
