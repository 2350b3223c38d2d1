"""Messages to webhooks as their sender sees them: due, claimed, answered. For the service itself."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy import CursorResult, update
from sqlmodel import Session, col, select

from lodeplan.service.storage.columns import database_clock
from lodeplan.service.storage.tables import Delivery, Job, Webhook


def webhook_ids(session: Session, tenant: str) -> list[str]:
    """The webhooks of the tenant."""
    return list(session.exec(select(Webhook.id).where(Webhook.tenant == tenant)).all())


def due_deliveries(session: Session, most: int) -> list[Delivery]:
    """Messages that are due, the longest due first."""
    due = select(Delivery).where(col(Delivery.due_at_s) <= database_clock())
    return list(session.exec(due.order_by(col(Delivery.due_at_s)).limit(most)).all())


def claim_delivery(session: Session, seen: Delivery, for_s: float) -> bool:
    """Count a try at a message, due again in so many seconds; False if it is not as it was seen: the number of tries
    is the fence, and whoever raises it sends."""
    mine = (col(Delivery.id) == seen.id, col(Delivery.tries) == seen.tries)
    taken = update(Delivery).where(*mine, col(Delivery.due_at_s).is_not(None))
    claim = taken.values(tries=seen.tries + 1, due_at_s=database_clock() + for_s)
    result = session.execute(claim, execution_options={"synchronize_session": False})
    return isinstance(result, CursorResult) and result.rowcount == 1


def webhook_and_job(session: Session, delivery: Delivery) -> tuple[Webhook, Job] | None:
    """To whom a message goes and what it is about, or None if either is gone."""
    webhook, job = session.get(Webhook, delivery.webhook_id), session.get(Job, delivery.job_id)
    return None if webhook is None or job is None else (webhook, job)


def drop_delivery(session: Session, delivery: Delivery) -> None:
    """Delete a message."""
    session.execute(sqlalchemy.delete(Delivery).where(col(Delivery.id) == delivery.id))


def record_try(session: Session, delivery_id: str, tries: int, again_in_s: float | None, **values: Any) -> None:
    """Record how a try at a message went, unless another try has begun since."""
    due_at_s = None if again_in_s is None else database_clock() + again_in_s
    mine = (col(Delivery.id) == delivery_id, col(Delivery.tries) == tries)
    session.execute(update(Delivery).where(*mine).values(**values, due_at_s=due_at_s))
