"""Webhooks of a tenant, and what they were sent; `deliveries` is what their sender sees."""

from __future__ import annotations

import sqlalchemy
from sqlmodel import Session, col, select

from lodeplan.service.storage.columns import database_clock
from lodeplan.service.storage.tables import Delivery, Webhook


def list_webhooks(session: Session, tenant: str) -> list[Webhook]:
    """The webhooks of the tenant, oldest first."""
    return list(session.exec(select(Webhook).where(Webhook.tenant == tenant).order_by(col(Webhook.id))))


def get_webhook(session: Session, tenant: str, webhook_id: str) -> Webhook | None:
    """The tenant's webhook of this id."""
    return session.exec(select(Webhook).where(Webhook.id == webhook_id, Webhook.tenant == tenant)).first()


def delete_webhook(session: Session, webhook: Webhook) -> None:
    """Delete a webhook and its deliveries."""
    session.execute(sqlalchemy.delete(Delivery).where(col(Delivery.webhook_id) == webhook.id))
    session.execute(sqlalchemy.delete(Webhook).where(col(Webhook.id) == webhook.id))


def list_deliveries(
    session: Session, webhook: Webhook, limit: int, before: str | None = None
) -> list[tuple[Delivery, float | None]]:
    """At most `limit` deliveries to a webhook, newest first, older than the one of that id, with the seconds until
    the next try."""
    query = sqlalchemy.select(Delivery, col(Delivery.due_at_s) - database_clock())
    query = query.where(col(Delivery.webhook_id) == webhook.id)
    if before:
        query = query.where(col(Delivery.id) < before)
    found = session.execute(query.order_by(col(Delivery.id).desc()).limit(limit))
    return [(delivery, None if left_s is None else max(0.0, float(left_s))) for delivery, left_s in found]


def get_delivery(session: Session, webhook: Webhook, delivery_id: str) -> Delivery | None:
    """The webhook's delivery of this id."""
    query = select(Delivery).where(Delivery.id == delivery_id, Delivery.webhook_id == webhook.id)
    return session.exec(query).first()
