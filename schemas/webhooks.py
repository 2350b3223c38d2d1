"""What a client and the job service say to each other about webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from lodeplan.schemas.jobs import JobView
from lodeplan.schemas.types import Strict

EventType = Literal["job.succeeded", "job.failed", "job.cancelled", "job.timed_out"]


class WebhookRequest(Strict):
    """An address that wants to hear of jobs that end."""

    url: Annotated[str, Field(min_length=1, max_length=2_000)] = Field(description="https, on a public host.")


class WebhookView(Strict):
    """A webhook as its owner sees it."""

    id: str
    url: str
    created_at: datetime
    deliveries: str = Field(description="Path of its deliveries.")


class NewWebhook(WebhookView):
    """A webhook that was just made, with its secret, which is never shown again."""

    secret: str = Field(description="Signs every message (Standard Webhooks).")


class WebhookList(Strict):
    """All webhooks of the caller."""

    webhooks: list[WebhookView]


class DeliveryView(Strict):
    """One message to a webhook."""

    id: str = Field(description="The same in the header `webhook-id` of every try.")
    job_id: str
    type: EventType
    created_at: datetime
    tries: int = Field(description="How often it was sent.")
    next_try_in_s: float | None = Field(default=None, description="Seconds; absent once delivered or given up.")
    delivered_at: datetime | None = None
    status: int | None = Field(default=None, description="HTTP status of the latest answer.")
    error: str | None = Field(default=None, description="What went wrong at the latest try.")


class DeliveryPage(Strict):
    """Deliveries, newest first."""

    deliveries: list[DeliveryView]
    next: str | None = Field(default=None, description="Path of the next page; absent on the last.")


class WebhookMessage(Strict):
    """What a webhook is sent."""

    type: EventType
    timestamp: datetime = Field(description="When the job ended.")
    data: JobView
