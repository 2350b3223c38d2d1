"""Messages to webhooks as their sender sees them: due, claimed, answered. For the service itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import CursorResult, update
from sqlmodel import Session, col, exists, select

from lodeplan.service.storage.columns import database_clock
from lodeplan.service.storage.tables import Delivery, Job, Webhook


def webhook_ids(session: Session, tenant: str) -> list[str]:
    """The webhooks of the tenant."""
    return list(session.exec(select(Webhook.id).where(Webhook.tenant == tenant)).all())


def webhooks_with_due(session: Session) -> list[Webhook]:
    """Webhooks of all tenants for which a message is due."""
    due = exists().where(col(Delivery.webhook_id) == col(Webhook.id), col(Delivery.due_at_s) <= database_clock())
    return list(session.exec(select(Webhook).where(due).order_by(col(Webhook.id))).all())


def next_due(session: Session, webhook_id: str) -> Delivery | None:
    """The message of a webhook that is due for longest."""
    due = select(Delivery).where(Delivery.webhook_id == webhook_id, col(Delivery.due_at_s) <= database_clock())
    return session.exec(due.order_by(col(Delivery.due_at_s), col(Delivery.id)).limit(1)).first()


def give_up_older(session: Session, before: datetime, error: str) -> int:
    """End messages that are older than this and not delivered; how many."""
    old = (col(Delivery.due_at_s).is_not(None), col(Delivery.created_at) < before)
    result = session.execute(update(Delivery).where(*old).values(due_at_s=None, error=error))
    return result.rowcount if isinstance(result, CursorResult) else 0


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
