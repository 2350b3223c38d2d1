"""Sending of webhook messages: a loop in every worker. A message is claimed before it is sent, so that two workers do
not send it. Delivery is at least once: if a worker dies between sending and recording it, the message is sent again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
import sqlalchemy
import standardwebhooks
import structlog
from sqlmodel import Session

from lodeplan.schemas.webhooks import WebhookMessage
from lodeplan.service import storage
from lodeplan.service.http.views import job_view
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Delivery, deliveries, open_session
from lodeplan.service.webhooks.addresses import RefusedAddressError, check_url, resolve

LOOK_EVERY_S = 1.0
TRY_TAKES_AT_MOST_S = 15.0
CLAIMED_FOR_S = 60.0
"""Time after which a claimed message may be claimed again; longer than an attempt takes."""
WAITS_S = (5, 60, 300, 1_800, 7_200, 14_400, 28_800, 36_000)
"""Waits before each attempt after the first: nine attempts within about a day."""
_AT_ONCE = 20
_USER_AGENT = "Lodeplan-Webhooks"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Message:
    delivery_id: str
    url: str
    secret: str
    body: str
    tries: int


@dataclass(frozen=True)
class _Answer:
    status: int | None = None
    error: str | None = None


@dataclass
class Deliverer:
    """Sends due messages until it is stopped."""

    database: sqlalchemy.Engine
    settings: Settings
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a thread."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the attempts in progress."""
        self._stopping.set()
        if self._thread:
            self._thread.join(TRY_TAKES_AT_MOST_S)

    def deliver_due(self) -> int:
        """Send the messages that are due now, each once; returns their number."""
        with open_session(self.database) as session:
            messages = _claim(session)
        if messages:
            answers = asyncio.run(_send_all(messages, self.settings.webhook_private_targets))
            with open_session(self.database) as session:
                for message, answer in zip(messages, answers, strict=True):
                    _record(session, message, answer)
                session.commit()
        return len(messages)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                sent = self.deliver_due()
            except Exception:
                # The database may be away for a while; whatever it is, the next look may do better.
                log.exception("webhooks were not sent")
                sent = 0
            if sent < _AT_ONCE:
                self._stopping.wait(LOOK_EVERY_S)


def _claim(session: Session) -> list[_Message]:
    """Claim due messages; those that another worker claimed meanwhile are left out."""
    messages = []
    for delivery in deliveries.due_deliveries(session, _AT_ONCE):
        if deliveries.claim_delivery(session, delivery, CLAIMED_FOR_S):
            messages += _message(session, delivery, delivery.tries + 1)
    session.commit()
    return messages


def _message(session: Session, delivery: Delivery, tries: int) -> list[_Message]:
    found = deliveries.webhook_and_job(session, delivery)
    if found is None:
        deliveries.drop_delivery(session, delivery)
        return []
    webhook, job = found
    message = WebhookMessage.model_construct(
        type=delivery.kind, timestamp=job.ended_at or delivery.created_at, data=job_view(session, job)
    )
    return [_Message(delivery.id, webhook.url, webhook.secret, message.model_dump_json(exclude_none=True), tries)]


async def _send_all(messages: Sequence[_Message], allow_private: bool) -> list[_Answer]:
    # No proxy of the environment: it would connect in our place, to what it likes.
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=TRY_TAKES_AT_MOST_S) as client:
        return await asyncio.gather(*(_send(client, message, allow_private) for message in messages))


async def _send(client: httpx.AsyncClient, message: _Message, allow_private: bool) -> _Answer:
    try:
        async with asyncio.timeout(TRY_TAKES_AT_MOST_S):
            url = check_url(message.url, allow_private)
            request = _request(client, message, url, await resolve(url, allow_private))
            # The body of the answer is not read: it may be as long as it likes.
            response = await client.send(request, stream=True)
            await response.aclose()
            return _Answer(status=response.status_code)
    except TimeoutError:
        return _Answer(error=f"No answer within {TRY_TAKES_AT_MOST_S:g} s.")
    except RefusedAddressError as error:
        return _Answer(error=str(error))
    except httpx.HTTPError as error:
        return _Answer(error=f"{type(error).__name__}: {error}")
    except Exception as error:
        log.exception("a webhook could not be tried", delivery=message.delivery_id)
        return _Answer(error=f"The service had an internal error ({type(error).__name__}).")


def _request(client: httpx.AsyncClient, message: _Message, url: httpx.URL, address: str) -> httpx.Request:
    """Build a request to exactly this address in the name of the host; TLS checks the certificate of the host."""
    moment = storage.now()
    signature = standardwebhooks.Webhook(message.secret).sign(message.delivery_id, moment, message.body)
    headers = {
        "host": url.netloc.decode("ascii"),
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
        "webhook-id": message.delivery_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
    }
    return client.build_request(
        "POST",
        url.copy_with(host=address),
        content=message.body.encode(),
        headers=headers,
        extensions={"sni_hostname": url.raw_host.decode("ascii")},
    )


def _record(session: Session, message: _Message, answer: _Answer) -> None:
    delivered = answer.status is not None and 200 <= answer.status < 300
    # 410 Gone: the receiver wants to hear no more of this.
    gives_up = answer.status == 410 or message.tries > len(WAITS_S)
    error = answer.error
    if answer.status is not None and not delivered:
        error = f"The address answered {answer.status}, not 2xx."
    waits = not delivered and not gives_up
    values = {"status": answer.status, "error": error, "delivered_at": storage.now() if delivered else None}
    again_in_s = WAITS_S[message.tries - 1] if waits else None
    deliveries.record_try(session, message.delivery_id, message.tries, again_in_s, **values)
    if delivered:
        log.info("webhook delivered", delivery=message.delivery_id, tries=message.tries)
    else:
        log.warning("webhook not delivered", delivery=message.delivery_id, error=error, again=waits)
