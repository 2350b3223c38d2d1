"""Examples in the description of the API: bodies of requests, and a problem of each type with the operations that
answer it. Tests send the bodies, and compare the problems with real answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lodeplan.service.http.errors import PREFIX, TITLES

_RATE = {"op": "set", "path": "economics.discount_rate", "value": 0.07}
_SOLVE = {"kind": "solve", "label": "higher interest", "scenario": "golden-toy", "patches": [_RATE]}
_JOB = "1a22cb41565a2fea031df26364f57e0"

REQUESTS: dict[str, dict[str, Any]] = {
    "submit_job": {
        "one plan": {**_SOLVE, "options": {"gap": 0.01, "time_limit_s": 600}},
        "several plans": {
            "kind": "batch",
            "scenario": "golden-toy",
            "jobs": [{"label": "as it is"}, {"label": "7 %", "patches": [_RATE]}],
        },
    },
    "rerun_job": {"other options": {"label": "closer", "options": {"gap": 0.001}}, "newest base": {"newest": True}},
    "create_schedule": {
        "each night": {"name": "each night", "cron": "30 2 * * *", "zone": "America/New_York", "request": _SOLVE}
    },
    "add_webhook": {"an address": {"url": "https://example.org/lodeplan"}},
    "create_key": {"for a program": {"name": "dashboard", "scope": "read", "expires_days": 90}},
    "pause_queue": {"for an upgrade": {"reason": "upgrade of the database"}},
}
"""Bodies by operation, each with a name."""


@dataclass(frozen=True)
class Example:
    """A problem as it is answered; `of` names its operations, none: all below the path of the API."""

    status: int
    detail: str
    of: tuple[str, ...] = ()
    errors: tuple[dict[str, Any], ...] = ()

    def problem(self, kind: str) -> dict[str, Any]:
        """The body of the answer."""
        found = {"type": PREFIX + kind, "title": TITLES[kind], "status": self.status, "detail": self.detail}
        return found | ({"errors": list(self.errors)} if self.errors else {})


_BODIES = tuple(REQUESTS)
_CHECKED = ("submit_job", "create_schedule", "rerun_job")
_QUEUED = ("submit_job", "rerun_job", "resend_dead_letter", "resend_all")
_OF_JOBS = (
    *("show_job", "delete_job", "show_log", "stop_job", "cancel_job", "show_job_scenario", "show_changes", "rerun_job"),
    *("resend_dead_letter", "stream_events", "show_result", "list_tables", "show_table", "show_batch_results"),
    "show_comparison",
)
_RESULTS = ("show_result", "list_tables", "show_table", "show_batch_results", "show_comparison")
_OF_SCHEDULES = ("show_schedule", "delete_schedule", "show_request", "pause_schedule", "resume_schedule")
_OF_WEBHOOKS = ("show_webhook", "delete_webhook", "list_deliveries", "resend_delivery")

PROBLEMS: dict[str, Example] = {
    "broken-body": Example(400, "a `,` or `}` is missing (line 3)", _BODIES),
    "invalid-input": Example(
        422, "1 thing is wrong with the input.", _BODIES,
        ({
            "pointer": "/optons", "code": "unknown_field", "detail": "`optons` is not a field here.",
            "remedy": "Did you mean `options`?",
        },),
    ),
    "invalid-request": Example(
        422, "1 thing is wrong with the request.", (),
        ({
            "pointer": "/query/stat", "code": "unknown_parameter", "detail": "This path has no parameter `stat`.",
            "value": "running", "allowed": "cursor, limit, parent, state", "remedy": "Did you mean `state`?",
        },),
    ),
    "unsupported-media-type": Example(415, "The body must be JSON or YAML. Its media type is text/plain.", _BODIES),
    "body-too-large": Example(413, "The body is larger than 32 MB. LODEPLAN_MAX_BODY_MB sets the limit.", _BODIES),
    "job-not-found": Example(404, f"No job has the id {_JOB}. It may have been deleted.", _OF_JOBS),
    "scenario-not-found": Example(404, "No shipped scenario has the name golden-tay.", ("show_scenario", "show_duty")),
    "table-not-found": Example(404, "The plan has no table flow.", ("show_table",)),
    "no-result": Example(404, "The job is cancelled and has no result.", _RESULTS),
    "no-scenario": Example(404, "The job is a batch. Its jobs have scenarios.", ("show_job_scenario", "rerun_job")),
    "no-base": Example(409, "The job has no shipped base that could be newer.", ("rerun_job",)),
    "not-dead": Example(
        409, "The job did not fail for its machines, or was sent again already.", ("resend_dead_letter",)
    ),
    "queue-not-paused": Example(409, "The queue is not paused.", ("resume_queue",)),
    "queue-paused": Example(
        409, "The queue is paused already. GET /api/v1/queue says since when.", ("pause_queue",)
    ),
    "job-not-ended": Example(409, "The job is running.", ("delete_job", *_RESULTS)),
    "job-ended": Example(409, "The job has already ended; its state is succeeded.", ("stop_job", "cancel_job")),
    "part-of-batch": Example(409, f"The job is part of the batch {_JOB}.", ("delete_job",)),
    "idempotency-key-reused": Example(
        422, "This Idempotency-Key was used with another body before. A new request needs a new key.",
        ("submit_job", "rerun_job"),
    ),
    "queue-full": Example(
        503, "The queue is full: at most 20000 jobs may wait for a worker (LODEPLAN_MAX_QUEUED).",
        ("submit_job", "rerun_job"),
    ),
    "webhook-not-found": Example(404, "No webhook has this id. It may have been deleted.", _OF_WEBHOOKS),
    "delivery-not-found": Example(404, "The webhook has no such delivery.", ("resend_delivery",)),
    "too-many-webhooks": Example(409, "There are 20 webhooks already. Delete one first.", ("add_webhook",)),
    "schedule-not-found": Example(404, "No schedule has this id. It may have been deleted.", _OF_SCHEDULES),
    "too-many-schedules": Example(
        409, "A tenant may have at most 20 schedules. Delete one first.", ("create_schedule",)
    ),
    "too-many-keys": Example(409, "The tenant has 100 valid keys. Revoke one first.", ("create_key", "rotate_key")),
    "key-not-found": Example(404, "No key has this id.", ("show_key", "revoke_key", "rotate_key")),
    "key-ended": Example(409, "The key was revoked or has expired. Create a new one.", ("rotate_key",)),
    "not-ready": Example(503, "The service is shutting down.", ("ready",)),
    "database-unavailable": Example(
        503, "The database does not answer or is full. No accepted job is lost; try again soon."
    ),
    "not-authenticated": Example(401, "Send a key or token as `Authorization: Bearer KEY`."),
    "not-allowed": Example(403, "This needs the scope submit."),
    "log-in-not-set-up": Example(403, "The request came through a proxy, but log-in is not required here."),
    "log-in-unavailable": Example(503, "The identity provider does not answer."),
    "cross-site": Example(403, "The request comes from another site."),
    "unknown-host": Example(421, "The host name plans.example is not accepted."),
    "busy": Example(503, "The service is processing other large requests. Send this one again in a while.", _CHECKED),
    "too-many-requests": Example(429, "At most 60 requests per minute are allowed. Try again in 5 s."),
    "quota-reached": Example(
        429, "At most 100 jobs may be submitted in 24 hours. Jobs that were deleted count too.",
        (*_QUEUED, "create_schedule"),
    ),
    "internal-error": Example(
        500, "The service had an internal error; its log has the details. It continues to run."
    ),
}  # fmt: skip
"""By the last part of the type."""


def answers_of(operation: str, in_api: bool) -> dict[str, list[str]]:
    """The types of problems that an operation answers, by `4XX` and `5XX`."""
    kinds = [kind for kind, example in PROBLEMS.items() if operation in example.of or (in_api and not example.of)]
    return {
        "4XX": [kind for kind in kinds if PROBLEMS[kind].status < 500],
        "5XX": [kind for kind in kinds if PROBLEMS[kind].status >= 500],
    }
