"""The job engine on DBOS Transact. The only module that imports it.

DBOS keeps one engine a process; so this class may be started as a worker once at a time.
"""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Sequence
from typing import cast

import sqlalchemy
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions
from sqlalchemy.orm import Session

from service.engine.port import Attempt, Handler

APPLICATION = "lodeplan"
# Fixed: the default, a hash of the code, would leave queued jobs behind on every upgrade.
APPLICATION_VERSION = "1"
QUEUE = "solve"
WORKFLOW = "attempt"
POLL_S = 0.25

_handlers: list[Handler] = []


@DBOS.workflow(name=WORKFLOW)
def _run_attempt(job_id: str, number: int) -> None:
    _handlers[-1](Attempt(job_id, number))


class DbosEngine:
    """Attempts as workflows `<job>.<attempt>` in the same database as the jobs, on SQLite or PostgreSQL."""

    def __init__(self, database: sqlalchemy.Engine) -> None:
        self._database = database
        self._client: DBOSClient | None = None
        self._working = False
        self._pollers: list[threading.Thread] = []

    def prepare(self) -> None:
        """Make or migrate DBOS's tables."""
        DBOS.migrate(self._database.url.render_as_string(hide_password=False))
        self._client = DBOSClient(
            system_database_engine=self._database,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
        )

    def enqueue(self, session: Session, attempt: Attempt) -> None:
        """Insert the workflow's row on the session's connection."""
        options = EnqueueOptions(
            workflow_name=WORKFLOW,
            queue_name=QUEUE,
            workflow_id=_workflow_id(attempt),
            app_version=APPLICATION_VERSION,
        )
        self._ready_client().enqueue_in_transaction(session, options, attempt.job_id, attempt.number)

    def forget(self, attempts: Sequence[Attempt]) -> None:
        """Delete their workflows."""
        self._ready_client().delete_workflows([_workflow_id(attempt) for attempt in attempts])

    def start_worker(self, handler: Handler, slots: int) -> None:
        """Launch DBOS in this process and listen to the queue."""
        _handlers.append(handler)
        self._working = True
        DBOS(config=self._configuration())
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=slots, polling_interval_sec=POLL_S, on_conflict="always_update")
        # DBOS does not say how its threads fare. It starts them as functions of these names.
        self._pollers = [thread for thread in threading.enumerate() if "(queue_thread)" in thread.name]

    def is_working(self) -> bool:
        """Whether the threads that look at the queue live."""
        return self._working and all(thread.is_alive() for thread in self._pollers)

    def stop(self, patience_s: float) -> None:
        """Stop DBOS, if it was started here."""
        if self._working:
            self._working = False
            DBOS.destroy(workflow_completion_timeout_sec=math.ceil(patience_s))
            _handlers.pop()

    def close(self) -> None:
        """Stop at once, and let go of the client."""
        self.stop(0)
        if self._client:
            self._client.destroy()
            self._client = None

    def _configuration(self) -> DBOSConfig:
        return DBOSConfig(
            name=APPLICATION,
            system_database_engine=self._database,
            application_version=APPLICATION_VERSION,
            # Unique, or a process would take a running workflow of another for one of its own that died.
            executor_id=uuid.uuid4().hex,
            # The default is pickle.
            serializer=DBOSPortableJSONSerializer(),
            # We wait for no message or event of DBOS.
            use_listen_notify=False,
            log_level="WARNING",
        )

    def _ready_client(self) -> DBOSClient:
        if self._client is None:
            self.prepare()
        return cast(DBOSClient, self._client)


def _workflow_id(attempt: Attempt) -> str:
    return f"{attempt.job_id}.{attempt.number}"
