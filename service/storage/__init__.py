"""All SQL of the service, on SQLite or PostgreSQL, and how documents are kept in its tables.

Whatever is read for a client takes the tenant it is read for, or a row that was found by it. The modules that say
"for the service itself" do not; the rooms that answer requests import none of them but `overview`.
"""

from __future__ import annotations

from lodeplan.schemas.access import LOCAL, Scope
from lodeplan.service.storage.batches import count_children, results_of_children
from lodeplan.service.storage.clock import now
from lodeplan.service.storage.columns import database_clock
from lodeplan.service.storage.committed import once_committed
from lodeplan.service.storage.database import (
    OUTAGES,
    REQUEST_S,
    migrate,
    newest_revision,
    open_beside,
    open_database,
    open_session,
    revision_of,
    revisions,
    sqlite_file_of,
)
from lodeplan.service.storage.ids import ID_PATTERN, is_id, new_id, new_ids
from lodeplan.service.storage.jobs import (
    JobFilter,
    attempts_of,
    delete_job,
    get_job,
    get_origin,
    get_result,
    get_scenario,
    list_jobs,
    read_document,
    read_events,
    read_scenario,
    take_dead_letter,
)
from lodeplan.service.storage.plans import as_of_today, summary_of
from lodeplan.service.storage.tables import (
    ApiKey,
    AuditEntry,
    Delivery,
    Idempotency,
    Job,
    JobEvent,
    JobInput,
    JobOrigin,
    JobResult,
    QueuePause,
    Schedule,
    Webhook,
    WorkerRow,
)

is_job_id = is_id

__all__ = [
    "ID_PATTERN",
    "LOCAL",
    "OUTAGES",
    "REQUEST_S",
    "ApiKey",
    "AuditEntry",
    "Delivery",
    "Idempotency",
    "Job",
    "JobEvent",
    "JobFilter",
    "JobInput",
    "JobOrigin",
    "JobResult",
    "QueuePause",
    "Schedule",
    "Scope",
    "Webhook",
    "WorkerRow",
    "as_of_today",
    "attempts_of",
    "count_children",
    "database_clock",
    "delete_job",
    "get_job",
    "get_origin",
    "get_result",
    "get_scenario",
    "is_id",
    "is_job_id",
    "list_jobs",
    "migrate",
    "new_id",
    "new_ids",
    "newest_revision",
    "now",
    "once_committed",
    "open_beside",
    "open_database",
    "open_session",
    "read_document",
    "read_events",
    "read_scenario",
    "results_of_children",
    "revision_of",
    "revisions",
    "sqlite_file_of",
    "summary_of",
    "take_dead_letter",
]
