"""Webhooks: addresses that are notified when jobs end, and their deliveries."""

from __future__ import annotations

import base64
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlmodel import Session

from lodeplan.schemas.jobs import ProblemError
from lodeplan.schemas.webhooks import (
    DeliveryPage,
    DeliveryView,
    NewWebhook,
    WebhookList,
    WebhookRequest,
    WebhookView,
)
from lodeplan.service import storage
from lodeplan.service.access import audit
from lodeplan.service.api.bodies import errors_in, read_body
from lodeplan.service.api.dependencies import CursorOf, SessionOf, SettingsOf, TenantOf
from lodeplan.service.api.openapi import body_of
from lodeplan.service.api.query_parameters import body_checked_by
from lodeplan.service.http.errors import ApiError
from lodeplan.service.http.views import API
from lodeplan.service.storage import Delivery, Webhook
from lodeplan.service.storage import webhooks as stored
from lodeplan.service.webhooks.addresses import RefusedAddressError, check_url, origin_of
from lodeplan.service.webhooks.announcing import new_delivery

MOST_WEBHOOKS = 20
"""Most webhooks of a tenant: each job that ends writes a message to each of them."""
_SECRET_BYTES = 32

router = APIRouter(prefix="/webhooks", tags=["webhooks"])


async def read_wanted(request: Request) -> WebhookRequest:
    """Read the webhook that the body asks for; raises `ApiError`."""
    return await read_body(request, WebhookRequest)


def find_webhook(session: SessionOf, tenant: TenantOf, webhook_id: str) -> Webhook:
    """Return the tenant's webhook of this id; raises `ApiError` (404), also for one of another tenant."""
    found = stored.get_webhook(session, tenant, webhook_id) if storage.is_id(webhook_id) else None
    if found is None:
        raise ApiError(404, "webhook-not-found", f"No webhook has the id {webhook_id}. It may have been deleted.")
    return found


WantedOf = Annotated[WebhookRequest, Depends(read_wanted)]
WebhookOf = Annotated[Webhook, Depends(find_webhook)]


@router.post("", status_code=201, openapi_extra=body_of(WebhookRequest))
@body_checked_by(errors_in(WebhookRequest))
def add_webhook(
    response: Response, session: SessionOf, settings: SettingsOf, tenant: TenantOf, wanted: WantedOf
) -> NewWebhook:
    """Notify an address of every job that ends; a batch sends one message, not one per job. Messages follow Standard
    Webhooks. The secret that signs them appears only in this answer.
    """
    try:
        url = check_url(wanted.url, settings.webhook_private_targets)
    except RefusedAddressError as error:
        refused = ProblemError(pointer="/url", code="refused_url", detail=str(error), value=wanted.url)
        raise ApiError(422, "invalid-input", "1 thing is wrong with the input.", [refused]) from None
    if len(stored.list_webhooks(session, tenant)) >= MOST_WEBHOOKS:
        raise ApiError(409, "too-many-webhooks", f"There are {MOST_WEBHOOKS} webhooks already. Delete one first.")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    webhook = Webhook(id=storage.new_id(), tenant=tenant, url=str(url), secret=secret, created_at=storage.now())
    session.add(webhook)
    audit.record(session, "webhook.create", webhook.id, origin_of(webhook.url))
    session.commit()
    response.headers["location"] = _path(webhook)
    return NewWebhook(**_view(webhook).model_dump(), secret=secret)


@router.get("")
def list_webhooks(session: SessionOf, tenant: TenantOf) -> WebhookList:
    """List the webhooks, without their secrets."""
    return WebhookList(webhooks=[_view(webhook) for webhook in stored.list_webhooks(session, tenant)])


@router.get("/{webhook_id}")
def show_webhook(webhook: WebhookOf) -> WebhookView:
    """Show a webhook, without its secret."""
    return _view(webhook)


@router.delete("/{webhook_id}", status_code=204)
def delete_webhook(session: SessionOf, webhook: WebhookOf) -> None:
    """Delete a webhook with its pending deliveries and its log."""
    audit.record(session, "webhook.delete", webhook.id, origin_of(webhook.url))
    stored.delete_webhook(session, webhook)
    session.commit()


@router.get("/{webhook_id}/deliveries", response_model_exclude_none=True)
def list_deliveries(
    session: SessionOf, webhook: WebhookOf, cursor: CursorOf = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> DeliveryPage:
    """List the deliveries of a webhook, sent and pending, newest first; follow `next` for older ones."""
    found = stored.list_deliveries(session, webhook, limit + 1, cursor)
    last = found[limit - 1][0].id if len(found) > limit else None
    more = f"{_path(webhook)}/deliveries?limit={limit}&cursor={last}" if last else None
    return DeliveryPage(deliveries=[_delivery_view(*row) for row in found[:limit]], next=more)


@router.post("/{webhook_id}/deliveries/{delivery_id}:resend", status_code=202, response_model_exclude_none=True)
def resend_delivery(session: SessionOf, webhook: WebhookOf, delivery_id: str) -> DeliveryView:
    """Send a message once more, as a new delivery."""
    delivery = _find_delivery(session, webhook, delivery_id)
    again = new_delivery(webhook.id, delivery.job_id, webhook.tenant, delivery.kind)
    session.add(again)
    session.commit()
    return _delivery_view(again, 0.0)


def _find_delivery(session: Session, webhook: Webhook, delivery_id: str) -> Delivery:
    found = stored.get_delivery(session, webhook, delivery_id) if storage.is_id(delivery_id) else None
    if found is None:
        raise ApiError(404, "delivery-not-found", f"The webhook has no delivery {delivery_id}.")
    return found


def _path(webhook: Webhook) -> str:
    return f"{API}/webhooks/{webhook.id}"


def _view(webhook: Webhook) -> WebhookView:
    path = f"{_path(webhook)}/deliveries"
    return WebhookView(id=webhook.id, url=webhook.url, created_at=webhook.created_at, deliveries=path)


def _delivery_view(delivery: Delivery, left_s: float | None) -> DeliveryView:
    return DeliveryView.model_validate(
        {
            "id": delivery.id,
            "job_id": delivery.job_id,
            "type": delivery.kind,
            "created_at": delivery.created_at,
            "tries": delivery.tries,
            "next_try_in_s": None if left_s is None else round(left_s, 1),
            "delivered_at": delivery.delivered_at,
            "status": delivery.status,
            "error": delivery.error,
        }
    )
