"""One trace from the request that submits a job to the phases of its solve.

Spans use the API of OpenTelemetry. They are sent only if the extra `telemetry` is installed and
OTEL_EXPORTER_OTLP_ENDPOINT is set. The other variables of OpenTelemetry's SDK work too.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import structlog
from opentelemetry import context, trace
from opentelemetry.trace import Span, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

VARIABLE = "TRACEPARENT"
"""Environment variable that passes the parent's span to a child process."""

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_FLUSH_S = 3.0
_propagator = TraceContextTextMapPropagator()
_provider: TracerProvider | None = None

log = structlog.get_logger(__name__)


def configure(environment: Mapping[str, str] = os.environ) -> None:
    """Send spans to the endpoint in the environment, if it is set and the SDK is installed."""
    if not any(environment.get(name) for name in _ENDPOINTS) or environment.get("OTEL_SDK_DISABLED") == "true":
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk import trace as sdk
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning(
            "no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra lodeplan[telemetry] is not installed"
        )
        return
    name = environment.get("OTEL_SERVICE_NAME", "lodeplan")
    resource = Resource.create({"service.name": name, "service.version": version("lodeplan")})
    # Not at the exit of the interpreter: it would wait for a collector that does not answer.
    provider = sdk.TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)


def use(provider: TracerProvider | None) -> None:
    """Use this provider for spans from now on; None: the provider of the process."""
    global _provider
    _provider = provider


def provider() -> TracerProvider | None:
    """Provider of our spans, if not that of the process."""
    return _provider


def flush() -> None:
    """Send pending spans before the process ends; gives up on a collector that does not answer."""
    force_flush = getattr(_provider, "force_flush", None)
    if force_flush:
        sender = threading.Thread(target=force_flush, daemon=True)
        sender.start()
        sender.join(_FLUSH_S)


def start(name: str, **attributes: Any) -> Span:
    """Start a span under the current one; the caller ends it."""
    return trace.get_tracer("lodeplan", tracer_provider=_provider).start_span(name, attributes=attributes)


@contextmanager
def span(name: str, parent: str | None = None, **attributes: Any) -> Iterator[Span]:
    """Open a span for the length of the block; `parent` is a W3C `traceparent` from elsewhere."""
    token = context.attach(_propagator.extract({"traceparent": parent})) if parent else None
    tracer = trace.get_tracer("lodeplan", tracer_provider=_provider)
    try:
        with tracer.start_as_current_span(name, attributes=attributes) as made:
            yield made
    finally:
        if token:
            context.detach(token)


def traceparent() -> str | None:
    """The current span as W3C's `traceparent`; None outside of any."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def child_environment() -> dict[str, str]:
    """The environment of a child process, with the current span in it."""
    parent = traceparent()
    inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}
    return {**inherited, VARIABLE: parent} if parent else inherited


def trace_ids() -> dict[str, str]:
    """The ids of the current span, as logs name them; empty outside of any."""
    current = trace.get_current_span().get_span_context()
    if not current.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(current.trace_id), "span_id": trace.format_span_id(current.span_id)}


class Phases:
    """Spans of a run that names the phase it is in; one ends where the next begins."""

    def __init__(self) -> None:
        self._name = ""
        self._span: Span | None = None

    def enter(self, name: str) -> None:
        """The run is in this phase."""
        if name == self._name:
            return
        self.end()
        self._name, self._span = name, start(name)

    def end(self) -> None:
        """The run is in no phase any more."""
        if self._span:
            self._span.end()
        self._name, self._span = "", None
