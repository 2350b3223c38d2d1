"""Metrics for Prometheus: counts of this process, and numbers from the database. The functions here are called where
something happens. Their counts belong to the process and start at 0 with it; Prometheus adds up processes.
`DatabaseMetrics` reads the numbers that all processes share.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from lodeplan.schemas.jobs import JobState

PROCESS = CollectorRegistry()
ProcessCollector(registry=PROCESS)

_SOLVE_BUCKETS_S = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
_MEMORY_BUCKETS = tuple(mib * 1024 * 1024 for mib in (128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768))
_REQUEST_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_MIB = 1024 * 1024

REQUESTS = Counter("lodeplan_http_requests", "Requests answered.", ["method", "route", "status"], registry=PROCESS)
REQUEST_SECONDS = Histogram(
    "lodeplan_http_request_seconds",
    "Time to the end of an answer, including the wait of a long poll.",
    ["method", "route"],
    registry=PROCESS,
    buckets=_REQUEST_BUCKETS_S,
)
REQUESTS_OPEN = Gauge("lodeplan_http_requests_open", "Requests being answered.", registry=PROCESS)
CONNECTIONS_OPEN = Gauge("lodeplan_http_connections_open", "Connections of clients.", registry=PROCESS)
CONNECTIONS_ENDED = Counter(
    "lodeplan_http_connections_ended",
    "Connections that the service ended or refused, by reason: `head`, `body` or `reader` took too long, `limit`, "
    "`room-address` or `room-all` were too many, `accept` failed.",
    ["reason"],
    registry=PROCESS,
)
CHECKS_GIVEN_UP = Counter(
    "lodeplan_checks_given_up",
    "Checks of requests whose process was ended: the caller left, it said nothing, or it died.",
    registry=PROCESS,
)
LOG_LINES_LEFT_OUT = Counter(
    "lodeplan_log_lines_left_out", "Log lines left out because too many of their kind came.", registry=PROCESS
)
SUBMITTED = Counter("lodeplan_jobs_submitted", "Jobs queued for the first time.", registry=PROCESS)
ENDED = Counter("lodeplan_jobs_ended", "Jobs ended, by final state.", ["state"], registry=PROCESS)
SCHEDULED = Counter(
    "lodeplan_schedules_fired",
    "Times of schedules that this process has seen to, by what came of them: `job` or `refused`.",
    ["outcome"],
    registry=PROCESS,
)
SOLVE_SECONDS = Histogram(
    "lodeplan_solve_seconds",
    "Wall time of solving processes, including killed ones.",
    registry=PROCESS,
    buckets=_SOLVE_BUCKETS_S,
)
SOLVE_MEMORY = Histogram(
    "lodeplan_solve_peak_memory_bytes",
    "Peak memory of solving processes.",
    registry=PROCESS,
    buckets=_MEMORY_BUCKETS,
)
SLOTS = Gauge("lodeplan_worker_slots", "Solves that this worker may run at a time.", registry=PROCESS)
SLOTS_BUSY = Gauge("lodeplan_worker_slots_busy", "Solves that this worker is running.", registry=PROCESS)
GIVEN_BACK = Counter(
    "lodeplan_attempts_given_back", "Attempts queued again by workers that shut down.", registry=PROCESS
)
LOST = Counter("lodeplan_attempts_lost", "Attempts whose worker was found dead.", registry=PROCESS)
MACHINE = Counter(
    "lodeplan_machine_troubles", "Attempts that failed for their machine and were given back.", registry=PROCESS
)
PAUSED = Gauge(
    "lodeplan_worker_paused", "1 while the worker takes no jobs because its machine is in trouble.", registry=PROCESS
)
LATE = Counter("lodeplan_late_results", "Results dropped because their attempt had been given up.", registry=PROCESS)
REAPED = Counter("lodeplan_reaper_actions", "Actions of the reaper, by kind.", ["action"], registry=PROCESS)
PURGED = Counter("lodeplan_rows_purged", "Rows deleted because of their age, by table.", ["table"], registry=PROCESS)
DRAINING = Gauge("lodeplan_draining", "1 while the process is shutting down, else 0.", registry=PROCESS)

for _state in JobState:
    if _state.ended:
        ENDED.labels(_state)


def request_ended(method: str, route: str, status: int, seconds: float) -> None:
    """A request was answered; `route` is a template, so that ids make no new series."""
    REQUESTS.labels(method, route, str(status)).inc()
    REQUEST_SECONDS.labels(method, route).observe(seconds)


def connections_open(count: int) -> None:
    """So many connections of clients are open."""
    CONNECTIONS_OPEN.set(count)


def connection_ended(reason: str) -> None:
    """The service ended or refused a connection for this reason."""
    CONNECTIONS_ENDED.labels(reason).inc()


def check_given_up() -> None:
    """The process that checked a request was ended, or ended."""
    CHECKS_GIVEN_UP.inc()


def job_submitted() -> None:
    """A job was committed."""
    SUBMITTED.inc()


def schedule_fired(outcome: str) -> None:
    """A time of a schedule came to a job, or was refused one."""
    SCHEDULED.labels(outcome).inc()


def job_ended(state: JobState) -> None:
    """The end of a job was committed."""
    ENDED.labels(state).inc()


@contextmanager
def slot_taken() -> Iterator[None]:
    """Count a slot of this worker as busy within the block."""
    with SLOTS_BUSY.track_inprogress():
        yield


def slots_offered(slots: int) -> None:
    """Record how many solves this process runs at a time."""
    SLOTS.set(slots)


def solve_ended(seconds: float, peak_memory_mib: float | None) -> None:
    """A solving process has ended."""
    SOLVE_SECONDS.observe(seconds)
    if peak_memory_mib:
        SOLVE_MEMORY.observe(peak_memory_mib * _MIB)


def attempt_given_back() -> None:
    """A worker that ends has queued its attempt again."""
    GIVEN_BACK.inc()


def attempt_lost() -> None:
    """The worker of an attempt was found dead."""
    LOST.inc()


def log_line_left_out() -> None:
    """A line was not written, as too many like it were."""
    LOG_LINES_LEFT_OUT.inc()


def machine_troubled() -> None:
    """An attempt of this worker failed for its machine."""
    MACHINE.inc()


def worker_paused(paused: bool) -> None:
    """This worker takes no jobs, or takes them again."""
    PAUSED.set(paused)


def late_result_dropped() -> None:
    """A result came for an attempt that had been given up."""
    LATE.inc()


def reaper_acted(action: str) -> None:
    """The reaper did something; `action` is one of a few words, such as `requeued`."""
    REAPED.labels(action).inc()


def rows_purged(table: str, count: int) -> None:
    """Rows were deleted for their age."""
    PURGED.labels(table).inc(count)


def draining() -> None:
    """This process was told to end."""
    DRAINING.set(1)


def exposition(*registries: CollectorRegistry) -> bytes:
    """The text format of Prometheus: this process's numbers, and those of the registries."""
    return b"".join(generate_latest(registry) for registry in (PROCESS, *registries))
