"""Webhooks, their deliveries and messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from lodeplan.schemas.jobs import JobView
from lodeplan.schemas.types import Strict

EventType = Literal["job.succeeded", "job.failed", "job.cancelled", "job.timed_out"]


class WebhookRequest(Strict):
    """Request to notify an address when jobs end."""

    url: Annotated[str, Field(min_length=1, max_length=2_000)] = Field(
        description="Address to notify: https, on a public host."
    )


class WebhookView(Strict):
    """A webhook as its owner sees it."""

    id: str
    url: str
    created_at: datetime
    deliveries: str = Field(description="Path of its deliveries.")


class NewWebhook(WebhookView):
    """A new webhook with its secret, which is shown only once."""

    secret: str = Field(description="Secret that signs every message (Standard Webhooks).")


class WebhookList(Strict):
    """All webhooks of the caller."""

    webhooks: list[WebhookView]


class DeliveryView(Strict):
    """One message to a webhook."""

    id: str = Field(description="Id of the message, in the header `webhook-id` of every attempt.")
    job_id: str
    type: EventType
    created_at: datetime
    tries: int = Field(description="Number of attempts so far.")
    next_try_in_s: float | None = Field(
        default=None, description="Seconds until the next attempt; absent once delivered or given up."
    )
    delivered_at: datetime | None = None
    status: int | None = Field(default=None, description="HTTP status of the latest answer.")
    error: str | None = Field(default=None, description="Error of the latest attempt.")


class DeliveryPage(Strict):
    """Deliveries, newest first."""

    deliveries: list[DeliveryView]
    next: str | None = Field(default=None, description="Path of the next page; absent on the last.")


class WebhookMessage(Strict):
    """Message sent to a webhook."""

    type: EventType
    timestamp: datetime = Field(description="Time at which the job ended.")
    data: JobView
