"""Metrics read from the database when Prometheus asks: jobs by state, the queue, live workers."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.storage import open_session, overview

log = structlog.get_logger(__name__)


class DatabaseMetrics(Collector):
    """Collector of cheap, indexed counts. Every process on the database reports the same numbers, so take their
    maximum."""

    def __init__(self, database: sqlalchemy.Engine) -> None:
        self._database = database

    def describe(self) -> Iterator[Metric]:
        """Describe the metrics without a query."""
        yield from _families().values()

    def collect(self) -> Iterator[Metric]:
        """Collect the current numbers; while the database does not answer, only `lodeplan_database_up` with value 0."""
        families = _families()
        up = families.pop("up")
        try:
            self._fill(families)
        except SQLAlchemyError as error:
            log.warning("metrics of the database are missing", error=type(error).__name__)
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from families.values()

    def _fill(self, families: dict[str, GaugeMetricFamily]) -> None:
        with open_session(self._database) as session:
            counts, oldest = overview.count_states(session), overview.oldest_queued(session)
            workers, slots = overview.count_workers(session)
            troubled = overview.count_troubled_workers(session)
            paused, dead = overview.get_pause(session), overview.count_dead_letters(session)
        for state in JobState:
            families["jobs"].add_metric([state], counts.get(state, 0))
        age_s = max(0.0, (storage.now() - oldest).total_seconds()) if oldest else 0.0
        families["oldest"].add_metric([], age_s)
        families["workers"].add_metric([], workers)
        families["troubled"].add_metric([], troubled)
        families["slots"].add_metric([], slots)
        families["paused"].add_metric([], float(paused is not None))
        families["dead"].add_metric([], dead)


def _families() -> dict[str, GaugeMetricFamily]:
    return {
        "up": GaugeMetricFamily("lodeplan_database_up", "1 if the database answered this request, else 0."),
        "jobs": GaugeMetricFamily(
            "lodeplan_jobs", "Jobs in the database by state; `queued` is the depth of the queue.", labels=["state"]
        ),
        "oldest": GaugeMetricFamily("lodeplan_queue_oldest_seconds", "Time since the oldest queued job was submitted."),
        "workers": GaugeMetricFamily("lodeplan_workers", "Workers that hold a live lease."),
        "troubled": GaugeMetricFamily(
            "lodeplan_workers_troubled", "Live workers that take no jobs because their machine is in trouble."
        ),
        "slots": GaugeMetricFamily("lodeplan_workers_slots", "Solves that live workers may run at a time."),
        "paused": GaugeMetricFamily("lodeplan_queue_paused", "1 while an operator has paused the queue, else 0."),
        "dead": GaugeMetricFamily(
            "lodeplan_dead_letters", "Jobs that failed for their machines and were not sent again."
        ),
    }


def database_registry(database: sqlalchemy.Engine) -> CollectorRegistry:
    """A registry of these numbers."""
    registry = CollectorRegistry()
    registry.register(DatabaseMetrics(database))
    return registry
