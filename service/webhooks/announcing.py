"""Messages to webhooks, written in the transaction in which a job ends."""

from __future__ import annotations

from sqlmodel import Session

from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.storage import Delivery
from lodeplan.service.storage.deliveries import webhook_ids

AT_ONCE_S = 0.0
"""A time in the past by any clock."""


def announce(session: Session, job_id: str, tenant: str, state: JobState) -> None:
    """Add a message to each webhook of the tenant: the job has ended in this state."""
    for webhook_id in webhook_ids(session, tenant):
        session.add(new_delivery(webhook_id, job_id, tenant, f"job.{state}"))
    session.flush()


def new_delivery(webhook_id: str, job_id: str, tenant: str, kind: str) -> Delivery:
    """A message that is due immediately."""
    return Delivery(
        id=storage.new_id(),
        webhook_id=webhook_id,
        job_id=job_id,
        tenant=tenant,
        kind=kind,
        due_at_s=AT_ONCE_S,
        created_at=storage.now(),
    )
