"""Databases and backups that earlier versions left, opened by this one."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy
from child_here import run_child_here
from folders import DATA

from lodeplan.service import storage
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.workers import child_solver
from lodeplan.service.workers.child_process import HardLimits, Watch, Work

FOLDER = DATA / "stored_databases"
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


def solve_here(work: Work, watch: Watch) -> Outcome:
    """A real solve, without the seconds that a process takes to start."""
    return child_solver._outcome(run_child_here((), work, watch, HardLimits()), None)
