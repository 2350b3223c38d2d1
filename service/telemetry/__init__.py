"""Observability: metrics for Prometheus, traces for OpenTelemetry, and a log line per request."""
