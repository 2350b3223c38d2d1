"""One trace from the request that submits to the phases of the solve."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from job_service import DATABASES, database_of, fake_solver, new_database
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from running import answers, free_port, lodeplan, served, wait_until

from lodeplan.service.app import create_app
from lodeplan.service.engine.inline import InlineEngine
from lodeplan.service.jobs import attempts
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, open_session
from lodeplan.service.telemetry import tracing
from lodeplan.service.workers.child_solver import Watch, Work
from lodeplan.service.workers.worker import Worker

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield exporter
    tracing.use(None)


@pytest.mark.parametrize("kind", DATABASES)
def test_the_attempt_is_a_child_of_the_request_that_submitted_and_hands_itself_on(
    kind: str, tmp_path: Path, spans: InMemorySpanExporter
) -> None:
    engine, handed_on = InlineEngine(), []

    def solve(work: Work, watch: Watch) -> attempts.Outcome:
        handed_on.append(tracing.child_environment()[tracing.VARIABLE])
        return fake_solver()(work, watch)

    with database_of(kind, tmp_path) as database:
        worker = Worker(database, engine, solve)
        with served(create_app(Settings(), database=database, engine=engine, worker=worker)) as client:
            request = {"scenario": "golden-toy", "patches": [{"op": "set", "path": "description", "value": "solve"}]}
            job_id = client.post("/api/v1/jobs", json=request, headers={"traceparent": PARENT}).json()["id"]
            client.get("/healthz", headers={"traceparent": PARENT})
            engine.run_pending()
    submit, attempt = spans.get_finished_spans()
    assert (submit.name, attempt.name) == ("POST /api/v1/jobs", "attempt")
    assert attempt.attributes == {"lodeplan.job": job_id, "lodeplan.attempt": 1}
    assert [f"{span.context.trace_id:032x}" for span in (submit, attempt)] == [TRACE, TRACE]
    assert attempt.parent
    assert attempt.parent.span_id == submit.context.span_id
    assert handed_on == [f"00-{TRACE}-{attempt.context.span_id:016x}-01"]


def test_without_a_place_to_send_to_nothing_is_traced_and_no_job_is_the_worse(tmp_path: Path) -> None:
    tracing.configure({})
    assert tracing.provider() is None
    engine, database = InlineEngine(), new_database(tmp_path)
    with served(create_app(Settings(), database=database, engine=engine)) as client:
        job_id = client.post("/api/v1/jobs", json={"scenario": "golden-toy"}).json()["id"]
    with open_session(database) as session:
        job = session.get(Job, job_id)
        assert job
        assert job.traceparent is None
    with tracing.span("attempt", job.traceparent):
        assert tracing.VARIABLE not in tracing.child_environment()


def test_a_log_line_names_the_trace_it_belongs_to(spans: InMemorySpanExporter) -> None:
    assert tracing.trace_ids() == {}
    with tracing.span("anything", PARENT):
        assert tracing.trace_ids()["trace_id"] == TRACE


def test_a_parent_that_is_none_begins_a_trace_of_its_own(spans: InMemorySpanExporter) -> None:
    with tracing.span("anything", "not a traceparent"):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is None


def test_phases_follow_each_other_within_the_solve(spans: InMemorySpanExporter) -> None:
    with tracing.span("solve"):
        phases = tracing.Phases()
        for name in ("build", "highs", "highs", "check"):
            phases.enter(name)
        phases.end()
    *inner, solve = spans.get_finished_spans()
    assert [span.name for span in inner] == ["build", "highs", "check"]
    assert {span.parent.span_id for span in inner if span.parent} == {solve.context.span_id}


@contextmanager
def collector() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The URL of a collector, and the spans it has got."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        keys = ("trace_id", "span_id", "parent_span_id")
                        got.append({"name": span.name} | {key: getattr(span, key).hex() for key in keys})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()


@pytest.mark.slow
def test_a_collector_gets_one_trace_from_the_request_over_the_worker_to_the_phases_of_the_child(
    tmp_path: Path,
) -> None:
    port = free_port()
    api = f"http://127.0.0.1:{port}"
    with collector() as (url, got):
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "LODEPLAN_DATA_DIR": str(tmp_path),
        }
        with lodeplan("serve", "--port", str(port), log=tmp_path / "log", fake=False, **settings):
            wait_until(lambda: answers(f"{api}/readyz"), patience_s=60)
            request = {"scenario": "golden-toy"}
            job_id = httpx.post(f"{api}/api/v1/jobs", json=request, headers={"traceparent": PARENT}).json()["id"]
            view = httpx.get(f"{api}/api/v1/jobs/{job_id}?wait=60", timeout=90).json()
            assert view["state"] == "succeeded"
            wait_until(lambda: {"attempt", "solve"} <= {span["name"] for span in got})
    ours = [span for span in got if span["trace_id"] == TRACE]
    names = {span["span_id"]: span["name"] for span in ours}
    parents = {span["name"]: names.get(span["parent_span_id"]) for span in ours}
    assert parents["attempt"] == "POST /api/v1/jobs"
    assert parents["solve"] == "attempt"
    assert {name for name, parent in parents.items() if parent == "solve"} >= {"build", "highs", "check", "write"}
    assert f'"trace_id": "{TRACE}"' in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_a_collector_that_does_not_answer_loses_traces_and_no_jobs(tmp_path: Path) -> None:
    port = free_port()
    api = f"http://127.0.0.1:{port}"
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}", "LODEPLAN_DATA_DIR": str(tmp_path)}
    with lodeplan("serve", "--port", str(port), log=tmp_path / "log", fake=False, **settings) as process:
        wait_until(lambda: answers(f"{api}/readyz"), patience_s=60)
        job_id = httpx.post(f"{api}/api/v1/jobs", json={"scenario": "golden-toy"}).json()["id"]
        view = httpx.get(f"{api}/api/v1/jobs/{job_id}?wait=60", timeout=90).json()
        assert view["state"] == "succeeded"
        process.terminate()
        assert process.wait(timeout=60) == 0
