"""Sending of webhook messages: a loop in every worker. Tenants and hosts take turns, and a host that hangs holds up
nobody else. A message is claimed before it is sent, so that two workers do not send it; what could not be tried is not
claimed. Delivery is at least once: if a worker dies between sending and recording it, the message is sent again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import httpx
import sqlalchemy
import standardwebhooks
import structlog
from sqlmodel import Session

from lodeplan.schemas.webhooks import WebhookMessage
from lodeplan.service import storage
from lodeplan.service.http.views import job_view
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Delivery, Webhook, deliveries, open_session
from lodeplan.service.webhooks.addresses import RefusedAddressError, check_url, choose_address
from lodeplan.service.webhooks.lookups import LookUps, NoThread
from lodeplan.service.webhooks.turns import Line, Turns

T = TypeVar("T")

LOOK_EVERY_S = 1.0
TRY_TAKES_AT_MOST_S = 15.0
CLAIMED_FOR_S = 60.0
"""Time after which a claimed message may be claimed again; longer than an attempt takes."""
WAITS_S = (5, 60, 300, 1_800, 7_200, 14_400, 28_800, 36_000)
"""Waits before each attempt after the first: nine attempts within about a day."""
GIVEN_UP_AFTER = timedelta(days=2)
"""Age at which a message ends whose host has been left alone; longer than all waits together."""
_GIVE_UP_EVERY_S = 600.0
_LITTLE_S = 0.2
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
    timed_out: bool = False


@dataclass
class Deliverer:
    """Sends due messages until it is stopped."""

    database: sqlalchemy.Engine
    settings: Settings
    turns: Turns = field(default_factory=Turns)
    look_ups: LookUps = field(default_factory=LookUps)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _gave_up_at: float = float("-inf")

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
        return asyncio.run(_Round(self).send_all())

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                asyncio.run(_Round(self).send_until(self._stopping))
            except Exception:
                # The database may be away for a while; whatever it is, the next look may do better.
                log.exception("webhooks were not sent")
                self._stopping.wait(LOOK_EVERY_S)

    def give_up_old(self, session: Session) -> None:
        """End messages that have waited too long for their host, every now and then."""
        if time.monotonic() < self._gave_up_at + _GIVE_UP_EVERY_S:
            return
        self._gave_up_at = time.monotonic()
        error = "The host did not answer for two days."
        count = deliveries.give_up_older(session, storage.now() - GIVEN_UP_AFTER, error)
        session.commit()
        if count:
            log.warning("webhook messages given up", count=count)


class _Round:
    """Sending in one event loop. Statements run in a thread of their own: a database that hangs holds up no message
    under way."""

    def __init__(self, deliverer: Deliverer) -> None:
        self.deliverer = deliverer
        self.allow_private = deliverer.settings.webhook_private_targets
        self.sending: set[asyncio.Task[bool]] = set()
        self.sent = 0

    async def send_all(self) -> int:
        """Send until no line may send and none is under way; returns the number of messages."""
        async with self._tools():
            while await self._begin() or self.sending:
                await self._wait(None)
        return self.sent

    async def send_until(self, stopping: threading.Event) -> None:
        """Send until the event is set; looks for messages every second, and whenever one was sent."""
        async with self._tools():
            try:
                while not stopping.is_set():
                    await self._begin()
                    await self._wait(LOOK_EVERY_S)
            finally:
                if self.sending:
                    await asyncio.wait(self.sending, timeout=TRY_TAKES_AT_MOST_S)

    @asynccontextmanager
    async def _tools(self) -> AsyncIterator[None]:
        # No proxy of the environment: it would connect in our place, to what it likes.
        client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=TRY_TAKES_AT_MOST_S,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )
        with ThreadPoolExecutor(1, "webhooks") as self._rows:
            async with client as self.client:
                yield

    async def _wait(self, timeout_s: float | None) -> None:
        if not self.sending:
            await asyncio.sleep(timeout_s or 0)
            return
        done, self.sending = await asyncio.wait(self.sending, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        self.sent += sum(task.result() for task in done)
        if done and not any(task.result() for task in done):
            # All that could be tried was not; it may be in a while.
            await asyncio.sleep(_LITTLE_S)

    async def _begin(self) -> bool:
        """Begin to send what may be sent now; False if that is nothing."""
        by_line: dict[Line, list[Webhook]] = {}
        for webhook in await self._in_session(self._waiting):
            by_line.setdefault(Line(webhook.tenant, httpx.URL(webhook.url).host), []).append(webhook)
        begun = False
        while line := self.deliverer.turns.next_line(by_line):
            webhook = by_line[line].pop(0)
            if not by_line[line]:
                del by_line[line]
            self.sending.add(asyncio.create_task(self._send_next(line, webhook)))
            begun = True
        return begun

    def _waiting(self, session: Session) -> list[Webhook]:
        self.deliverer.give_up_old(session)
        return deliveries.webhooks_with_due(session)

    async def _send_next(self, line: Line, webhook: Webhook) -> bool:
        """Send the message of a webhook that is due for longest; False if none was tried."""
        timed_out = None
        try:
            url, address, answer = await self._find(line, webhook)
            if url is None and answer is None:
                return False
            message = await self._in_session(lambda session: _claim(session, webhook.id))
            if message is None:
                return False
            if answer is None and url is not None:
                answer = await _send(self.client, message, url, address)
            answer = answer or _Answer()
            timed_out = answer.timed_out
            final = answer
            await self._in_session(lambda session: _record(session, message, final))
            return True
        finally:
            self.deliverer.turns.end(line, timed_out)

    async def _find(self, line: Line, webhook: Webhook) -> tuple[httpx.URL | None, str, _Answer | None]:
        """Find the address to send to, or the answer if there is none; neither if nothing could be tried."""
        try:
            url = check_url(webhook.url, self.allow_private)
            addresses = await self.deliverer.look_ups.addresses(line.tenant, url.host, url.port or 443)
            return url, choose_address(url, addresses, self.allow_private), None
        except NoThread:
            return None, "", None
        except RefusedAddressError as error:
            return None, "", _Answer(error=str(error))
        except TimeoutError:
            late = f"The address of the host {line.host} was not found in time."
            return None, "", _Answer(error=late, timed_out=True)

    async def _in_session(self, act: Callable[[Session], T]) -> T:
        def acted() -> T:
            with open_session(self.deliverer.database) as session:
                found = act(session)
                session.commit()
                return found

        return await asyncio.get_running_loop().run_in_executor(self._rows, acted)


def _claim(session: Session, webhook_id: str) -> _Message | None:
    """Claim the next due message of a webhook; None if there is none, or another worker has claimed it meanwhile."""
    delivery = deliveries.next_due(session, webhook_id)
    if delivery is None or not deliveries.claim_delivery(session, delivery, CLAIMED_FOR_S):
        return None
    return _message(session, delivery, delivery.tries + 1)


def _message(session: Session, delivery: Delivery, tries: int) -> _Message | None:
    found = deliveries.webhook_and_job(session, delivery)
    if found is None:
        deliveries.drop_delivery(session, delivery)
        return None
    webhook, job = found
    message = WebhookMessage.model_construct(
        type=delivery.kind, timestamp=job.ended_at or delivery.created_at, data=job_view(session, job)
    )
    return _Message(delivery.id, webhook.url, webhook.secret, message.model_dump_json(exclude_none=True), tries)


async def _send(client: httpx.AsyncClient, message: _Message, url: httpx.URL, address: str) -> _Answer:
    try:
        async with asyncio.timeout(TRY_TAKES_AT_MOST_S):
            # The body of the answer is not read: it may be as long as it likes.
            response = await client.send(_request(client, message, url, address), stream=True)
            await response.aclose()
            return _Answer(status=response.status_code)
    except (TimeoutError, httpx.TimeoutException):
        return _Answer(error=f"No answer within {TRY_TAKES_AT_MOST_S:g} s.", timed_out=True)
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
