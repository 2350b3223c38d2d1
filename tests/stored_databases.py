"""Databases and backups that earlier versions left, opened by this one."""

import argparse
import gzip
import queue
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy

from schemas.jobs import JobOptions
from service import child, solving, storage
from service.children import ChildEnd, Watch, Work
from service.jobs import Outcome
from service.lines import ChildLine, FailedLine, FinishedLine

FOLDER = Path(__file__).with_name("data") / "stored_databases"
_NAMES = sorted(path.name.removesuffix(".db.gz") for path in FOLDER.glob("*.db.gz"))
DATABASES = [name for name in _NAMES if not name.startswith("backup")]
BACKUPS = [name for name in _NAMES if name.startswith("backup")]


def unpacked(name: str, folder: Path) -> Path:
    """The file of a stored database or backup."""
    file = folder / f"{name}.db"
    file.write_bytes(gzip.decompress((FOLDER / f"{name}.db.gz").read_bytes()))
    return file


@contextmanager
def opened(name: str, folder: Path) -> Iterator[sqlalchemy.Engine]:
    """A stored database with the tables of today."""
    database = storage.open_database(f"sqlite:///{unpacked(name, folder)}")
    storage.migrate(database)
    yield database
    database.dispose()


def solve_here(work: Work, _watch: Watch) -> Outcome:
    """What a child does, without the seconds that a process takes to start."""
    lines: queue.SimpleQueue[ChildLine] = queue.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        scenario, result = Path(folder) / "scenario", Path(folder) / "result"
        scenario.write_bytes(gzip.decompress(work.scenario_gzip))
        options: JobOptions = work.options
        arguments = argparse.Namespace(
            scenario=scenario, result=result, gap=options.gap, time_limit_s=options.time_limit_s
        )
        child._answer(arguments, lines.put, threading.Event())
        document = result.read_bytes() if result.exists() else b""
    last = None
    while not lines.empty():
        last = lines.get()
    assert isinstance(last, FinishedLine | FailedLine)
    return solving._outcome(ChildEnd(last, None, 0, None, document, ""), None)
