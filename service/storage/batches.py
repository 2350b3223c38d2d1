"""Queries about batches: a batch is a job, and its jobs name it as their parent."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy
from sqlalchemy import func
from sqlmodel import Session, col

from lodeplan.schemas.jobs import JobState
from lodeplan.service.storage.tables import Job, JobResult

ENDED = tuple(state for state in JobState if state.ended)
OPEN = tuple(state for state in JobState if not state.ended)


def count_children(session: Session, batches: Sequence[Job]) -> dict[str, dict[JobState, int]]:
    """Count the jobs of each batch by state; states without a job are left out."""
    parents = [batch.id for batch in batches]
    found: dict[str, dict[JobState, int]] = {parent: {} for parent in parents}
    if not parents:
        return found
    query = sqlalchemy.select(col(Job.parent_id), col(Job.state), func.count()).where(col(Job.parent_id).in_(parents))
    for parent, state, count in session.execute(query.group_by(col(Job.parent_id), col(Job.state))):
        found[str(parent)][JobState(state)] = count
    return {parent: {state: counts[state] for state in JobState if state in counts} for parent, counts in found.items()}


def results_of_children(session: Session, batch: Job, after: str, limit: int) -> list[tuple[Job, bytes | None]]:
    """At most `limit` jobs of a batch after the job of that id, in order of submission, with their stored plans."""
    query = (
        sqlalchemy.select(Job, col(JobResult.document_gzip))
        .outerjoin(JobResult, col(JobResult.job_id) == col(Job.id))
        .where(col(Job.parent_id) == batch.id, col(Job.id) > after)
        .order_by(col(Job.id))
        .limit(limit)
    )
    return [(job, document) for job, document in session.execute(query)]
