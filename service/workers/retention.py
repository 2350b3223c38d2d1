"""Retention: old rows are deleted in small batches, by one worker at a time."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.settings import Settings
from lodeplan.service.storage import open_session, upkeep
from lodeplan.service.telemetry import metrics

EVERY_S = 600.0
FIRST_AFTER_S = (5.0, 60.0)
"""Spreads the rounds of workers that start together."""

_AT_ONCE = 100
_BATCHES = 200
"""Most rows per round and table: a service that was never cleaned catches up over several rounds."""

_USAGE_DAYS = 32.0
"""Age at which the hours of use of tenants are deleted; their quotas look back a day."""

log = structlog.get_logger(__name__)


@dataclass
class Retention:
    """Deletes ended jobs, idempotency keys, webhook deliveries and audit entries at the ages in the settings."""

    database: sqlalchemy.Engine
    engine: JobEngine
    settings: Settings

    def loop(self, ended: threading.Event) -> None:
        """Delete every ten minutes until `ended`; waits for a database that does not answer."""
        wait_s = random.uniform(*FIRST_AFTER_S)
        while not ended.wait(wait_s):
            wait_s = EVERY_S
            try:
                self.round(storage.now(), ended)
            except SQLAlchemyError:
                log.warning("old rows were not deleted: the database does not answer", exc_info=True)

    def round(self, now: datetime, ended: threading.Event | None = None) -> dict[str, int]:
        """Delete rows that are too old now, in bounded batches; returns the number of rows by table. The jobs of a
        batch count with it.
        """
        counts: dict[str, int] = {}
        for name, days, delete in self._rules():
            if not days:
                continue
            before = now - timedelta(days=days)
            for _ in range(_BATCHES):
                deleted = self._in_turn(delete, before)
                counts[name] = counts.get(name, 0) + deleted
                if deleted < _AT_ONCE or (ended and ended.is_set()):
                    break
        counts = {name: count for name, count in counts.items() if count}
        for name, count in counts.items():
            metrics.rows_purged(name, count)
        if counts:
            log.info("deleted for its age", **counts)
        return counts

    def _rules(self) -> list[tuple[str, float, Callable[[Session, datetime, int], int]]]:
        settings = self.settings
        return [
            ("job", settings.keep_days, self._delete_jobs),
            ("idempotency", settings.keep_idempotency_hours / 24, upkeep.delete_old_keys),
            ("webhook_delivery", settings.keep_deliveries_days, upkeep.delete_old_deliveries),
            ("usage", _USAGE_DAYS, upkeep.delete_old_usage),
            ("audit", settings.keep_audit_days, upkeep.delete_old_audit),
        ]

    def _in_turn(self, delete: Callable[[Session, datetime, int], int], before: datetime) -> int:
        """Delete one batch in one transaction, unless another worker is deleting."""
        with open_session(self.database) as session:
            if not upkeep.take_turn_at_retention(session):
                return 0
            deleted = delete(session, before, _AT_ONCE)
            session.commit()
            return deleted

    def _delete_jobs(self, session: Session, before: datetime, most: int) -> int:
        found = upkeep.old_jobs(session, before, most)
        # First, because it is no part of the transaction: what the engine keeps of a job that is gone nobody finds.
        self.engine.forget([Attempt(job.id, number) for job in found for number in range(1, job.attempt + 1)])
        for job in found:
            storage.delete_job(session, job)
        return len(found)
