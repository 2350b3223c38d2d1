"""What the service tells about itself: a line and a number for each request, numbers of jobs, readiness."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy
from job_service import DATABASES, database_of, fake_solver, new_database, toy, wait_until
from prometheus_client.parser import text_string_to_metric_families
from running import served
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.app import create_app
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts, reruns, states
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, WorkerRow, open_session
from lodeplan.service.telemetry import logs, metrics
from lodeplan.service.telemetry.database_metrics import database_registry
from lodeplan.service.telemetry.logs import Thinning
from lodeplan.service.workers.worker import Worker, _serve_metrics

JOB = "/api/v1/jobs/" + "0" * 31

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(of: Samples, name: str, **labels: str) -> float:
    return of.get((name, tuple(sorted(labels.items()))), 0.0)


def process_samples() -> Samples:
    return samples(metrics.exposition().decode())


@pytest.fixture(scope="module", params=DATABASES)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.Engine]:
    with database_of(request.param, tmp_path_factory.mktemp("telemetry")) as database:
        yield database


@pytest.fixture(scope="module")
def api(database: sqlalchemy.Engine) -> Iterator[httpx.Client]:
    with served(create_app(Settings(), database=database, engine=InlineEngine())) as client:
        yield client


def submit(session: Any, engine: InlineEngine, task: str = "solve") -> Job:
    return Submission(toy(task), JobOptions()).submit(session, engine)


# Requests


@pytest.mark.parametrize("sent", ["abc-123", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
def test_an_answer_carries_the_request_id_that_was_sent(api: httpx.Client, sent: str) -> None:
    assert api.get("/healthz", headers={"x-request-id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", 'a"b', "a" * 129, "ü".encode("latin-1")])
def test_a_request_id_that_a_log_should_not_hold_is_replaced(api: httpx.Client, sent: str | bytes) -> None:
    found = api.get("/healthz", headers={"x-request-id": sent}).headers["x-request-id"]
    assert len(found) == 32
    assert found.isalnum()


def test_every_request_has_a_line_with_its_route_and_job_and_without_its_query(api: httpx.Client) -> None:
    job_id = "0" * 31
    with capture_logs(processors=[merge_contextvars]) as lines:
        api.get(f"/api/v1/jobs/{job_id}?wait=0", headers={"x-request-id": "me"})
        api.get("/api/v1/secret?token=hush", headers={"x-request-id": "you"})
        # An answer is on its way before its line is written.
        found = wait_until(
            lambda: (by_id := {line["request_id"]: line for line in lines}).keys() >= {"me", "you"} and by_id
        )
    known, unknown = found["me"], found["you"]
    assert {key: known[key] for key in ("method", "route", "status", "request_id", "job")} == {
        "method": "GET",
        "route": "/api/v1/jobs/{job_id}",
        "status": 404,
        "request_id": "me",
        "job": job_id,
    }
    assert known["ms"] >= 0
    assert unknown["route"] == "unmatched"
    assert "hush" not in json.dumps(lines, default=str)


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", JOB, "/api/v1/jobs/{job_id}", 404),
        ("GET", JOB + "/result/tables/a.csv", "/api/v1/jobs/{job_id}/result/tables/{name}.{suffix}", 404),
        ("GET", "/nowhere/at/all", "unmatched", 404),
        ("DELETE", "/api/v1/jobs", "/api/v1/jobs", 405),
        ("GET", "/docs", "/docs", 200),
    ],
)  # fmt: skip
def test_requests_are_counted_by_the_template_of_their_route(
    api: httpx.Client, method: str, path: str, route: str, status: int
) -> None:
    def count() -> tuple[float, float]:
        now = samples(api.get("/metrics").text)
        return (
            value(now, "lodeplan_http_requests_total", method=method, route=route, status=str(status)),
            value(now, "lodeplan_http_request_seconds_count", method=method, route=route),
        )

    before = count()
    assert api.request(method, path).status_code == status
    wait_until(lambda: count() == (before[0] + 1, before[1] + 1))


def test_methods_that_clients_invent_make_no_new_series(api: httpx.Client) -> None:
    api.request("BREW", "/healthz")
    assert "BREW" not in api.get("/metrics").text


def test_an_error_of_our_own_is_counted_and_its_answer_has_the_request_id(tmp_path: Path) -> None:
    app = create_app(Settings(), database=new_database(tmp_path), engine=InlineEngine())

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("broken")

    with served(app) as client:
        answer = client.get("/broken", headers={"x-request-id": "me", "connection": "close"})
        name, labels = "lodeplan_http_requests_total", {"method": "GET", "route": "/broken", "status": "500"}
        wait_until(lambda: value(samples(client.get("/metrics").text), name, **labels) == 1)
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "me")


# Jobs


def test_jobs_of_the_database_are_counted_by_state_and_the_oldest_in_the_queue_has_its_age(
    database: sqlalchemy.Engine, api: httpx.Client
) -> None:
    engine = InlineEngine()
    with open_session(database) as session:
        waiting, started = submit(session, engine), submit(session, engine)
        waiting.created_at -= timedelta(seconds=100)
        attempts.start(session, Attempt(started.id, 1), "alive")
        worker = {"host": "here", "pid": 1, "version": "1", "started_at": storage.now(), "lease_s": 15.0}
        session.add(WorkerRow(id="alive", slots=3, lease_until_s=time.time() + 10, **worker))
        session.add(WorkerRow(id="dead", slots=5, lease_until_s=0, **worker))
        session.add(WorkerRow(id="dead since the clock was set back", slots=7, lease_until_s=2e10, **worker))
        session.commit()
        now = samples(api.get("/metrics").text)
        assert value(now, "lodeplan_jobs", state="queued") == 1
        assert value(now, "lodeplan_jobs", state="running") == 1
        assert ("lodeplan_jobs", (("state", "failed"),)) in now
        assert 100 <= value(now, "lodeplan_queue_oldest_seconds") < 160
        assert (value(now, "lodeplan_workers"), value(now, "lodeplan_workers_slots")) == (1, 3)
        states.request_cancel(session, waiting.id)
        session.commit()
    assert value(samples(api.get("/metrics").text), "lodeplan_queue_oldest_seconds") == 0


def test_a_database_that_does_not_answer_leaves_the_numbers_of_the_process() -> None:
    away = sqlalchemy.create_engine("postgresql+psycopg://nobody@127.0.0.1:1/x")
    now = samples(metrics.exposition(database_registry(away)).decode())
    assert now["lodeplan_database_up", ()] == 0
    assert not any(name == "lodeplan_jobs" for name, _ in now)
    assert ("lodeplan_jobs_submitted_total", ()) in now


def test_submits_and_ends_count_when_they_are_committed_and_not_before(database: sqlalchemy.Engine) -> None:
    def count() -> tuple[float, float]:
        now = process_samples()
        return value(now, "lodeplan_jobs_submitted_total"), value(now, "lodeplan_jobs_ended_total", state="cancelled")

    submitted, cancelled = count()
    with open_session(database) as session:
        submit(session, InlineEngine())
        session.rollback()
        job = submit(session, InlineEngine())
        assert count() == (submitted, cancelled)
        session.commit()
        assert count() == (submitted + 1, cancelled)
        states.request_cancel(session, job.id)
        session.commit()
        session.commit()
    assert count() == (submitted + 1, cancelled + 1)


def test_a_solve_leaves_its_time_and_memory_and_frees_its_slot(database: sqlalchemy.Engine) -> None:
    before = process_samples()
    engine = InlineEngine()
    worker = Worker(database, engine, fake_solver())
    worker.start(slots=7)
    with open_session(database) as session:
        submit(session, engine)
        session.commit()
    engine.run_pending()
    worker.stop()
    now = process_samples()
    for name in ("lodeplan_solve_seconds_count", "lodeplan_solve_peak_memory_bytes_count"):
        assert value(now, name) == value(before, name) + 1
    done = [value(at, "lodeplan_jobs_ended_total", state="succeeded") for at in (before, now)]
    assert done[1] == done[0] + 1
    assert (value(now, "lodeplan_worker_slots"), value(now, "lodeplan_worker_slots_busy")) == (7, 0)


def test_an_attempt_given_back_and_one_whose_result_came_late_are_counted(database: sqlalchemy.Engine) -> None:
    before = process_samples()
    engine = InlineEngine()

    def steal(work: Any, watch: Any) -> attempts.Outcome:
        with open_session(database) as session:
            assert reruns.requeue(session, InlineEngine(), Attempt(job.id, 1))
            session.commit()
        return attempts.Outcome()

    worker = Worker(database, engine, steal)
    worker.start(slots=1)
    with open_session(database) as session:
        job = submit(session, engine)
        session.commit()
    worker.handle(Attempt(job.id, 1))
    worker.solve = lambda work, watch: attempts.Outcome()
    worker.stopping.set()
    worker.handle(Attempt(job.id, 2))
    worker.stop()
    now = process_samples()
    for name in ("lodeplan_late_results_total", "lodeplan_attempts_given_back_total"):
        assert value(now, name) == value(before, name) + 1


def test_what_others_report_is_counted() -> None:
    before = process_samples()
    metrics.attempt_lost()
    metrics.reaper_acted("requeued")
    now = process_samples()
    assert value(now, "lodeplan_attempts_lost_total") == value(before, "lodeplan_attempts_lost_total") + 1
    assert value(now, "lodeplan_reaper_actions_total", action="requeued") >= 1


# Readiness


def ready(client: httpx.Client) -> tuple[int, str]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json().get("detail", "")


@pytest.mark.parametrize("kind", DATABASES)
def test_a_service_whose_tables_are_not_current_is_not_ready(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(database_of(kind, tmp_path))
        client = stack.enter_context(served(create_app(Settings(), database=database, engine=InlineEngine())))
        assert ready(client) == (200, "")
        with database.begin() as connection:
            connection.execute(sqlalchemy.text("update alembic_version set version_num = '0001'"))
        status, detail = ready(client)
        assert (status, "lodeplan migrate" in detail) == (503, True)
        with database.begin() as connection:
            connection.execute(sqlalchemy.text("update alembic_version set version_num = '9999'"))
        assert ready(client) == (200, ""), "a rolling upgrade would take every old process away at once"
        with database.begin() as connection:
            connection.execute(sqlalchemy.text("drop table alembic_version"))
        assert ready(client)[0] == 503
        assert client.get("/healthz").status_code == 200


def test_a_service_whose_worker_takes_no_jobs_is_not_ready(tmp_path: Path) -> None:
    database, engine = new_database(tmp_path), InlineEngine()
    worker = Worker(database, engine, fake_solver())
    with served(create_app(Settings(), database=database, engine=engine, worker=worker)) as client:
        assert ready(client)[0] == 200
        engine.stop(0)
        status, detail = ready(client)
        assert (status, "worker" in detail) == (503, True)


def test_states_that_have_ended_are_told_from_the_start() -> None:
    now = process_samples()
    assert {state for state in JobState if state.ended} == {
        dict(labels)["state"] for name, labels in now if name == "lodeplan_jobs_ended_total"
    }


def test_the_queue_of_the_real_engine_says_whether_it_is_looked_at(tmp_path: Path) -> None:
    engine = DbosEngine(new_database(tmp_path))
    engine.prepare()
    assert not engine.is_working()
    engine.start_worker(lambda _attempt: None, 1, "a-worker")
    assert engine._pollers, "DBOS names its threads otherwise: nothing is watched"
    assert engine.is_working()
    engine.stop(0)
    assert not engine.is_working()
    engine.close()


def test_a_worker_whose_metrics_have_no_port_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(metrics_port=taken.getsockname()[1])
        with pytest.raises(OSError, match="LODEPLAN_METRICS_PORT"):
            _serve_metrics(settings)


def thinned(*records: tuple[float, object], per_s: float) -> list[object]:
    """What passes of messages that come at these times."""
    now = [0.0]
    thinning, passed = Thinning(per_s, lambda: now[0]), []
    for at, message in records:
        now[0] = at
        record = logging.LogRecord("lodeplan", logging.INFO, "file", 1, message, (), None)
        if thinning.filter(record):
            passed.append(record.msg)
    return passed


def test_lines_of_a_kind_are_thinned_and_told_of_and_others_are_not() -> None:
    before = value(process_samples(), "lodeplan_log_lines_left_out_total")
    many = [(0.0, {"event": "request", "status": status}) for status in range(100)]
    passed = thinned(*many, (0.0, {"event": "worker ready"}), (1.0, {"event": "request", "status": 100}), per_s=2)
    assert passed == [
        *({"event": "request", "status": status} for status in range(20)),
        {"event": "worker ready"},
        {"event": "request", "status": 100, "left_out": 80},
    ]
    assert value(process_samples(), "lodeplan_log_lines_left_out_total") == before + 80


def test_lines_of_libraries_are_thinned_and_their_kinds_are_bounded() -> None:
    assert thinned(*[(0.0, "broken: %s")] * 12, (1.0, "broken: %s"), per_s=1) == [
        *["broken: %s"] * 10,
        "broken: %s [2 left out]",
    ]
    assert len(thinned(*[(0.0, f"kind {number}") for number in range(5000)], per_s=1)) == 1010


def test_a_service_that_is_asked_too_much_does_not_log_every_answer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)
    logs.configure("INFO", lines_per_s=1)
    with served(create_app(Settings(), database=new_database(tmp_path), engine=InlineEngine())) as client:
        for _ in range(30):
            client.get(JOB)
    said = [line for line in capfd.readouterr().err.splitlines() if '"event": "request"' in line]
    assert 10 <= len(said) <= 20
