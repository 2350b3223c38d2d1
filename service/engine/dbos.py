"""The job engine on DBOS Transact. The only module that imports it.

DBOS allows one engine per process, so only one instance at a time may be started as a worker.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import sqlalchemy
from dbos import (
    DBOS,
    DBOSClient,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    EnqueueOptions,
    WorkflowStatus,
)
from dbos._dbos import _get_dbos_instance
from sqlalchemy.orm import Session

from lodeplan.service.engine.port import Attempt, Handler, QueuePosition

APPLICATION = "lodeplan"
# Fixed: the default, a hash of the code, would leave queued jobs behind on every upgrade.
APPLICATION_VERSION = "1"
QUEUE = "solve"
WORKFLOW = "attempt"
POLL_S = 0.25
PURGED_AT_ONCE = 500
_WAITING = ["ENQUEUED", "DELAYED"]
_TAKEN = ["PENDING"]
_HANDLED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
# DBOS serves low numbers first, from 1 to the largest integer of 32 bits.
_MIDDLE, _LAST = 2**30, 2**31 - 1

_handlers: list[Handler] = []


@DBOS.workflow(name=WORKFLOW)
def _run_attempt(job_id: str, number: int) -> None:
    _handlers[-1](Attempt(job_id, number))


class DbosEngine:
    """Attempts as workflows `<job>.<attempt>` in the same database as the jobs, on SQLite or PostgreSQL.

    A tenant runs at most `tenant_slots` attempts at a time, over all workers.
    """

    def __init__(self, database: sqlalchemy.Engine, tenant_slots: int | None = None) -> None:
        self._database = database
        self._tenant_slots = tenant_slots
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
            # By default it waits, without end, for a database that is away. A request should be told, and a
            # worker has a lease to look after.
            retry_connection_errors=False,
        )

    def enqueue(self, session: Session, attempt: Attempt, position: QueuePosition = QueuePosition()) -> None:  # noqa: B008
        """Insert the workflow's row on the session's connection."""
        options = EnqueueOptions(
            workflow_name=WORKFLOW,
            queue_name=QUEUE,
            workflow_id=_workflow_id(attempt),
            app_version=APPLICATION_VERSION,
            priority=min(max(_MIDDLE - position.priority, 1), _LAST),
            queue_partition_key=position.tenant,
        )
        self._ready_client().enqueue_in_transaction(session, options, attempt.job_id, attempt.number)

    def forget(self, attempts: Sequence[Attempt]) -> None:
        """Delete their workflows."""
        if attempts:
            self._ready_client().delete_workflows([_workflow_id(attempt) for attempt in attempts])

    def taken(self) -> Mapping[Attempt, str]:
        """Return the workflows that an executor has begun."""
        return {_attempt(found): found.executor_id or "" for found in self._found(_TAKEN)}

    def known(self, attempts: Sequence[Attempt]) -> set[Attempt]:
        """Return the workflows that have not ended."""
        ids = [_workflow_id(attempt) for attempt in attempts]
        return {_attempt(found) for found in self._found([*_WAITING, *_TAKEN], ids=ids)} if ids else set()

    def depth(self) -> int:
        """Count the workflows that no executor has begun."""
        return len(self._found(_WAITING))

    def purge(self) -> int:
        """Delete workflows that have ended, the oldest first."""
        ended = self._found(_HANDLED, limit=PURGED_AT_ONCE)
        self.forget([_attempt(found) for found in ended])
        return len(ended)

    def start_worker(
        self, handler: Handler, slots: int, worker_id: str, may_take: Callable[[], bool] = lambda: True
    ) -> None:
        """Launch DBOS in this process and listen to the queue."""
        _handlers.append(handler)
        self._working = True
        DBOS(config=self._configuration(worker_id))
        DBOS.listen_queues([QUEUE])
        DBOS.launch()
        _ask_before_taking(may_take)
        tenant_slots = self._tenant_slots
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=slots,
            # A limit of some kind is what makes tenants take turns; this one does not bind.
            partition_worker_concurrency=min(slots, tenant_slots or slots),
            partition_concurrency=tenant_slots,
            polling_interval_sec=POLL_S,
            on_conflict="always_update",
        )
        # DBOS does not say how its threads fare. It starts them as functions of these names.
        self._pollers = [thread for thread in threading.enumerate() if "(queue_thread)" in thread.name]

    def is_working(self) -> bool:
        """True if the threads that poll the queue are alive."""
        return self._working and all(thread.is_alive() for thread in self._pollers)

    def stop(self, patience_s: float) -> None:
        """Stop DBOS, if it was started here."""
        if self._working:
            self._working = False
            DBOS.destroy(workflow_completion_timeout_sec=math.ceil(patience_s))
            _handlers.pop()

    def close(self) -> None:
        """Stop immediately and release the client."""
        self.stop(0)
        if self._client:
            self._client.destroy()
            self._client = None

    def _configuration(self, worker_id: str) -> DBOSConfig:
        return DBOSConfig(
            name=APPLICATION,
            system_database_engine=self._database,
            application_version=APPLICATION_VERSION,
            # Unique, or a process would take a running workflow of another for one of its own that died.
            executor_id=worker_id,
            # The default is pickle.
            serializer=DBOSPortableJSONSerializer(),
            # We wait for no message or event of DBOS.
            use_listen_notify=False,
            log_level="WARNING",
        )

    def _found(self, status: list[str], ids: list[str] | None = None, limit: int | None = None) -> list[WorkflowStatus]:
        return self._ready_client().list_workflows(
            name=WORKFLOW, status=status, workflow_ids=ids, limit=limit, load_input=False, load_output=False
        )

    def _ready_client(self) -> DBOSClient:
        if self._client is None:
            self.prepare()
        return cast(DBOSClient, self._client)


def _ask_before_taking(may_take: Callable[[], bool]) -> None:
    """Show the poller a queue that leaves this process no slot while it may take nothing.

    DBOS can pause a queue for all processes alone. Its poller reads the queue anew before each poll.
    """
    tables = _get_dbos_instance()._sys_db
    read = tables.get_queue

    def read_as_far_as_may_be(*arguments: Any, **options: Any) -> Any:
        queue = read(*arguments, **options)
        if queue is not None and queue.name == QUEUE and not may_take():
            queue._worker_concurrency = 0
        return queue

    tables.get_queue = read_as_far_as_may_be  # type: ignore[method-assign]


def _workflow_id(attempt: Attempt) -> str:
    return f"{attempt.job_id}.{attempt.number}"


def _attempt(workflow: WorkflowStatus) -> Attempt:
    job_id, _, number = workflow.workflow_id.rpartition(".")
    return Attempt(job_id, int(number))
