"""What the tests of who may do what share."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import sqlalchemy
import uvicorn
from fastapi import FastAPI
from job_service import wait_until

from lodeplan import optimizer, scenarios
from lodeplan.schemas.access import KeyRequest, Scope
from lodeplan.service import storage
from lodeplan.service.access import keys
from lodeplan.service.jobs import submissions
from lodeplan.service.storage import Delivery, Job, Schedule, Webhook

SUBMIT_BODY = {"scenario": "golden-toy"}
ADMIN_ONLY = ("/api/v1/keys", "/api/v1/webhooks", "/api/v1/audit", "/api/v1/queue", "/metrics")


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the app, served as `lodeplan serve` does, in a thread."""
    config = uvicorn.Config(app, port=0, log_config=None, server_header=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        # Also after a test that failed, or the process would never end.
        server.should_exit = True
        thread.join()


def bearer(key: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def made_key(database: sqlalchemy.Engine, tenant: str, scope: Scope, days: int = 1) -> str:
    with storage.open_session(database) as session:
        _, shown = keys.create_key(session, tenant, KeyRequest(name="a test", scope=scope, expires_days=days))
        session.commit()
        return shown


def add_everything(database: sqlalchemy.Engine, tenant: str) -> dict[str, str]:
    """A job with a result, a key, a webhook and a delivery of the tenant: their ids, as paths call them."""
    document = optimizer.solve("golden-toy").document()
    with storage.open_session(database) as session:
        job = submissions.record_finished(session, scenarios.load("golden-toy"), document)
        session.execute(sqlalchemy.update(Job).where(Job.id == job.id).values(tenant=tenant))
        key, _ = keys.create_key(session, tenant, KeyRequest(name="another"))
        now = storage.now()
        webhook = Webhook(id="a" * 31, tenant=tenant, url="https://example.com", secret="hush", created_at=now)
        delivery = Delivery(
            id="b" * 31, webhook_id=webhook.id, job_id=job.id, tenant=tenant, kind="job.succeeded", created_at=now
        )
        schedule = Schedule(
            id="c" * 31, tenant=tenant, name="nightly", cron="@daily", zone="UTC", request_gzip=b"", created_at=now,
            created_by="a test", due_at_s=4e9,
        )  # fmt: skip
        session.add_all([webhook, delivery, schedule])
        session.commit()
        return {
            "job_id": job.id,
            "key_id": key.id,
            "webhook_id": webhook.id,
            "delivery_id": delivery.id,
            "schedule_id": schedule.id,
        }
