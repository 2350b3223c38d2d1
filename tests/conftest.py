"""How a run of tests goes: processes, order, what they share, logs."""

import gc
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

# What was compiled is kept, also where Python is told not to: each process that tests start would compile all again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A service under test logs here, and not to what a command in the same process prints, or a test captures.
# Tracebacks are plain: one with the values of all variables takes seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ],
    logger_factory=structlog.PrintLoggerFactory(sys.stderr),
)

FOLDER = "LODEPLAN_TEST_SHARED_FOLDER"
"""The environment variable that tells all processes of a run the folder they share; see `sharing.py`."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process more than cores, as tests of the service wait a good part of their time; only one where files are
    named: for these, starting more takes longer."""
    named = [Path(argument.partition("::")[0]).suffix == ".py" for argument in config.args]
    return 0 if named and all(named) else (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """The first process of a run makes the folder that all share; those that it starts inherit the variable."""
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="lodeplan-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected stays to the end: to look through it for garbage, again and again, takes a
    third of the time of collecting and a good part of that of the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that say how long they take, `slow(about_s=...)`, come first, the longest before all others: a process
    that begins one last would keep the run waiting."""

    def about_s(item: pytest.Item) -> float:
        return max((mark.kwargs.get("about_s", 0.0) for mark in item.iter_markers("slow")), default=0.0)

    items.sort(key=about_s, reverse=True)


def pytest_collection_finish() -> None:
    """Tests of random cases may take their time, as all others may: the machine may have other work."""
    if hypothesis := sys.modules.get("hypothesis"):
        hypothesis.settings.register_profile("patient", deadline=None)
        hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command that sends logs to the standard error of its test leaves no log that writes there afterwards."""
    kept = [(log, [*log.handlers], log.level, log.propagate) for log in map(logging.getLogger, ("", "dbos"))]
    configured = structlog.get_config()
    yield
    structlog.configure(**configured)
    for log, handlers, level, propagate in kept:
        log.handlers, log.level, log.propagate = handlers, level, propagate
