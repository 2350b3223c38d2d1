"""Queries for clients about their jobs, and their deletion: every query takes the tenant, or a job that was found by
it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy
from sqlalchemy import CursorResult, func
from sqlmodel import Session, col, select

from lodeplan.scenarios import read_as_stored
from lodeplan.schemas import PlanDocument, Scenario, Solution
from lodeplan.schemas.jobs import JobState
from lodeplan.schemas.plan import TablesDocument
from lodeplan.service.kinds import kind_named
from lodeplan.service.storage.tables import Delivery, Idempotency, Job, JobEvent, JobInput, JobOrigin, JobResult

_AT_ONCE = 500


@dataclass(frozen=True)
class JobFilter:
    """Filter of a list of jobs; without a parent it holds jobs outside batches."""

    parent_id: str | None = None
    state: JobState | None = None
    scenario: str | None = None
    label: str | None = None
    """A label, or the parts of one with `*` between them."""
    hash_begins: str | None = None
    """Beginning of the hash of the scenario, in small letters."""
    kind: str | None = None
    schedule_id: str | None = None
    everywhere: bool = False
    """Whether jobs of batches are in the list as well."""
    dead: bool = False
    """Whether only jobs are wanted that failed for their machines and were not sent again."""


def get_job(session: Session, tenant: str, job_id: str) -> Job | None:
    """The tenant's job of this id."""
    return session.exec(select(Job).where(Job.id == job_id, Job.tenant == tenant)).first()


def list_jobs(
    session: Session, tenant: str, limit: int, before: str | None = None, wanted: JobFilter | None = None
) -> list[Job]:
    """At most `limit` jobs of the tenant, newest first, older than the job `before`."""
    query = select(Job).where(Job.tenant == tenant, *_fits(wanted or JobFilter()))
    if before:
        query = query.where(col(Job.id) < before)
    return list(session.exec(query.order_by(col(Job.id).desc()).limit(limit)))


def _fits(wanted: JobFilter) -> Iterator[sqlalchemy.ColumnElement[bool]]:
    if not wanted.everywhere:
        yield col(Job.parent_id) == wanted.parent_id
    exact = ((Job.state, wanted.state), (Job.scenario, wanted.scenario), (Job.kind, wanted.kind))
    for column, value in (*exact, (Job.schedule_id, wanted.schedule_id)):
        if value is not None:
            yield col(column) == value
    if wanted.dead:
        yield col(Job.dead_since).is_not(None)
    if wanted.label is not None:
        parts = [re.sub(r"([%_\\])", r"\\\1", part) for part in wanted.label.split("*")]
        yield func.lower(col(Job.label)).like("%".join(parts).lower(), escape="\\")
    if wanted.hash_begins is not None:
        yield col(Job.scenario_hash).between(wanted.hash_begins, wanted.hash_begins + "g")


def read_scenario(session: Session, job: Job) -> Scenario | None:
    """Read the scenario of a job with its patches applied, even if it is no longer valid."""
    row = session.get(JobInput, job.id)
    return read_as_stored(gzip.decompress(row.scenario_gzip)) if row else None


def get_scenario(session: Session, job: Job) -> bytes | None:
    """The scenario of a job as it is stored, compressed; None of a job that is made of others."""
    row = session.get(JobInput, job.id)
    return row.scenario_gzip if row else None


def get_origin(session: Session, job: Job) -> bytes | None:
    """The origin of the scenario of a job as it is stored, compressed; None where it was not noted."""
    row = session.get(JobOrigin, job.id)
    return row.origin_gzip if row else None


def get_result(session: Session, job: Job) -> JobResult | None:
    """The stored result of a job, or None while there is none."""
    return session.get(JobResult, job.id)


def read_document(session: Session, job: Job) -> PlanDocument | TablesDocument | None:
    """The result of a job in the form of its kind, or None while there is none."""
    row = get_result(session, job)
    return kind_named(job.kind).result.read(gzip.decompress(row.document_gzip)) if row else None


def read_events(session: Session, job: Job, after: int = 0, limit: int | None = None) -> list[JobEvent]:
    """Read the events of a job after the event of that number, oldest first; at most `limit`."""
    query = select(JobEvent).where(JobEvent.job_id == job.id, col(JobEvent.number) > after)
    return list(session.exec(query.order_by(col(JobEvent.number)).limit(limit)))


def take_dead_letter(session: Session, job: Job) -> bool:
    """Note that a job that failed for its machines is sent again; False if it was, or is no dead letter."""
    taken = sqlalchemy.update(Job).where(col(Job.id) == job.id, col(Job.dead_since).is_not(None))
    return cast("CursorResult[Any]", session.execute(taken.values(dead_since=None))).rowcount == 1


def attempts_of(session: Session, job: Job) -> list[tuple[str, int]]:
    """Return the ids of a job and, for a batch, of its jobs, each with the number of its last attempt."""
    family = sqlalchemy.or_(col(Job.id) == job.id, col(Job.parent_id) == job.id)
    return list(session.exec(select(Job.id, Job.attempt).where(family)).all())


def delete_job(session: Session, job: Job) -> None:
    """Delete a job and all its data; for a batch also its jobs."""
    family = sqlalchemy.or_(col(Job.id) == job.id, col(Job.parent_id) == job.id)
    members = sqlalchemy.select(col(Job.id)).where(family)
    for table in (JobInput, JobOrigin, JobResult, JobEvent, Idempotency, Delivery):
        session.execute(sqlalchemy.delete(table).where(col(table.job_id).in_(members)))
    session.execute(sqlalchemy.delete(Job).where(family))


def find_solved(session: Session, tenant: str, works: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """Find, for pairs of work and stored scenario, the latest job of the tenant that solved it to optimality; returns
    jobs by work. The stored scenarios are compared too: names and texts are not part of the hash, but appear in the
    plan.
    """
    wanted = dict(works)
    found: dict[str, str] = {}
    hashes = list(wanted)
    for begin in range(0, len(hashes), _AT_ONCE):
        latest = select(col(Job.work_sha256), func.max(col(Job.id))).where(
            Job.tenant == tenant,
            col(Job.work_sha256).in_(hashes[begin : begin + _AT_ONCE]),
            Job.state == JobState.SUCCEEDED,
            Job.solution == Solution.OPTIMAL,
            col(Job.result_sha256).is_not(None),
        )
        for work, job_id in session.exec(latest.group_by(col(Job.work_sha256))).all():
            kept = session.get(JobInput, job_id)
            if kept and kept.scenario_gzip == wanted[work]:
                found[work] = job_id
    return found
