"""Structured logs: one JSON object a line on standard error."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from lodeplan.service.telemetry import metrics
from lodeplan.service.telemetry.tracing import trace_ids

_BURST_S = 10.0
"""Time whose lines may all come at once."""
_KINDS = 1000
"""Kinds of lines that are told apart."""


def _add_trace(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Name the trace that a line belongs to."""
    return {**trace_ids(), **event}


_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    _add_trace,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


@dataclass
class _Kind:
    """What may still be written of one kind of line."""

    lines: float
    at_s: float
    left_out: int = 0


class Thinning(logging.Filter):
    """Filter that lets pass `per_s` lines a second of each kind: those with the same logger, level and event.

    So nobody fills the disk by what he sends, and no kind drives out the others. The next line that passes says how
    many like it were left out before.
    """

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._per_s, self._clock = per_s, clock
        self._kinds: dict[tuple[object, ...], _Kind] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write the line."""
        fields = record.msg if isinstance(record.msg, dict) else {}
        with self._lock:
            kind = self._kind_of((record.name, record.levelno, str(fields.get("event", record.msg))))
            if kind.lines < 1:
                kind.left_out += 1
                metrics.log_line_left_out()
                return False
            kind.lines -= 1
            left_out, kind.left_out = kind.left_out, 0
        if left_out:
            record.msg = {**fields, "left_out": left_out} if fields else f"{record.msg} [{left_out} left out]"
        return True

    def _kind_of(self, key: tuple[object, ...]) -> _Kind:
        now, most = self._clock(), self._per_s * _BURST_S
        if key not in self._kinds and len(self._kinds) >= _KINDS:
            key = ()
        kind = self._kinds.setdefault(key, _Kind(most, now))
        kind.lines = min(most, kind.lines + (now - kind.at_s) * self._per_s)
        kind.at_s = now
        return kind


def configure(level: str = "INFO", lines_per_s: float = 0) -> None:
    """Send our logs, and those of the libraries below us, to standard error as JSON; at most so many lines of a kind a
    second, if that is not 0.
    """
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    if lines_per_s:
        handler.addFilter(Thinning(lines_per_s))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # It would add a handler of its own, in its own format, to a logger without one.
    engine = logging.getLogger("dbos")
    engine.handlers = [handler]
    engine.propagate = False
    engine.setLevel(logging.WARNING)
    # It tells the URL of every request, and those of webhooks hold secrets.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # Of each start it tells what kind of database it found.
    logging.getLogger("alembic").setLevel(logging.WARNING)
