"""What the service tells about itself: metrics for Prometheus, traces for OpenTelemetry, a line a request."""
