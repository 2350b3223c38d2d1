"""Reuse of plans: a job is answered with the plan of an identical one, with the same work and a scenario equal word for
word."""

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
    """Return the fingerprint of a job's work: SHA-256 of the scenario's hash, the gap and the versions. The time limit
    does not count: only optimal plans are reused, and they were found within it. Nor does a gap that the scenario sets
    itself.
    """
    return _work(scenario.solve.gap, scenario_hash, options)


def work_of_stored(scenario_gzip: bytes, scenario_hash: str, options: JobOptions) -> str:
    """Return the fingerprint for a stored scenario. The version that accepted a job may differ from the one that solves
    it."""
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
