"""Tests see `benchmarks`, and the modules in `scripts`, which are no part of the package."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

ROOT = Path(__file__).parent.parent
sys.path += [str(ROOT), str(ROOT / "scripts")]

# To where pytest keeps what is logged, and not to the terminal.
structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command that sends logs to the standard error of its test leaves no log that writes there afterwards."""
    kept = [(log, [*log.handlers], log.level, log.propagate) for log in map(logging.getLogger, ("", "dbos"))]
    yield
    for log, handlers, level, propagate in kept:
        log.handlers, log.level, log.propagate = handlers, level, propagate
