"""Answering a job with the plan of an identical one: the same work, word for word the same scenario."""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import cache
from importlib.metadata import version

from lodeplan.schemas import Scenario
from lodeplan.schemas.jobs import JobOptions
from lodeplan.schemas.plan import PLAN_VERSION


def work_of(scenario: Scenario, scenario_hash: str, options: JobOptions) -> str:
    """What tells apart work that gives other plans: SHA-256 of the scenario's hash, the gap and the versions.

    The time limit does not count: only optimal plans are used again, and those were found within it. Nor does a
    gap that the scenario asks for itself.
    """
    return _work(scenario.solve.gap, scenario_hash, options)


def work_of_stored(scenario_gzip: bytes, scenario_hash: str, options: JobOptions) -> str:
    """The same, of a scenario as it is stored. A job may have been taken in by another version than solves it."""
    # Where no gap was asked for, that of the scenario does not matter.
    own_gap = None if options.gap is None else json.loads(gzip.decompress(scenario_gzip))["solve"]["gap"]
    return _work(own_gap, scenario_hash, options)


def _work(own_gap: float | None, scenario_hash: str, options: JobOptions) -> str:
    gap = None if options.gap == own_gap else options.gap
    work = [scenario_hash, gap, *_versions()]
    return hashlib.sha256(json.dumps(work).encode()).hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    return (version("lodeplan"), version("highspy"), str(PLAN_VERSION))
