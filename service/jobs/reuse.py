"""Answering a job with the plan of an identical one: the same work, word for word the same scenario."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import version

from sqlalchemy import func
from sqlmodel import Session, col, select

from lodeplan.schemas import Scenario, Solution
from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.schemas.plan import PLAN_VERSION
from lodeplan.service.storage import Job, JobInput

_AT_ONCE = 500


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


def find_identical(session: Session, tenant: str, jobs: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """By work, the latest job of the tenant that has solved it to optimality, for pairs of work and stored scenario.

    The stored scenarios are compared too: names and texts do not count in the hash, but they stand in the plan.
    """
    wanted = dict(jobs)
    found: dict[str, str] = {}
    works = list(wanted)
    for begin in range(0, len(works), _AT_ONCE):
        latest = _latest(session, tenant, works[begin : begin + _AT_ONCE])
        for work, job_id in latest:
            kept = session.get(JobInput, job_id)
            if kept and kept.scenario_gzip == wanted[work]:
                found[work] = job_id
    return found


def _latest(session: Session, tenant: str, works: Sequence[str]) -> Iterable[tuple[str, str]]:
    query = select(col(Job.work_sha256), func.max(col(Job.id))).where(
        Job.tenant == tenant,
        col(Job.work_sha256).in_(works),
        Job.state == JobState.SUCCEEDED,
        Job.solution == Solution.OPTIMAL,
        col(Job.result_sha256).is_not(None),
    )
    return session.exec(query.group_by(col(Job.work_sha256))).all()


@cache
def _versions() -> tuple[str, ...]:
    return (version("lodeplan"), version("highspy"), str(PLAN_VERSION))
