"""Backups: a SQLite database of the same tables, whatever kind of database the service uses.

It is taken while the service runs, as of one moment. It can be restored into SQLite or PostgreSQL, which is also how
to move from one to the other, and opened as it is. Not in it: leases of workers, and the job engine's own tables,
which are made anew from the jobs.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.jobs import attempts, reruns, states
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.storage import copying, open_session, overview
from lodeplan.service.storage.going_back import refuse_live_workers

_FORGOTTEN_AT_ONCE = 200
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class Restored:
    """Result of a restore."""

    rows: dict[str, int]
    requeued: int
    cancelled: int


def backup(database: sqlalchemy.Engine, file: Path) -> dict[str, int]:
    """Write all data of the service, as of one moment, to a new file; returns the number of rows by table. Only its
    owner can read the file, because it holds the secrets of webhooks. Raises `InvalidInput` if the file exists or the
    database is not current, and `OSError`.
    """
    if file.exists():
        raise _refused("file_exists", file, "this file exists already.", "Choose another name, or remove it.")
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        target = storage.open_database(f"sqlite:///{partial}")
        storage.migrate(target)
        with copying.as_of_one_moment(database) as source, target.begin() as sink:
            _require_current(source, database)
            rows = copying.copy_rows(source, sink)
        copying.close_as_one_file(target)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        # What stands under the name of a backup is whole.
        partial.rename(file)
        return rows
    finally:
        for leftover in file.parent.glob(partial.name + "*"):
            leftover.unlink()


def restore(file: Path, database: sqlalchemy.Engine, engine: JobEngine, *, replace: bool = False) -> Restored:
    """Restore a backup into a database, in one transaction; `replace` discards the current contents.

    Jobs that were queued or running are queued again, as their next attempts. Raises `InvalidInput` if the file is no
    backup or a newer version's, if workers are alive, or if there are jobs and `replace` is not given.
    """
    with _opened(file) as backup_database:
        storage.migrate(database)
        engine.prepare()
        with open_session(database) as session:
            refuse_live_workers(session)
            held = copying.tables_with_rows(session)
        if held and not replace:
            message = f"the database is not empty: it has rows in {', '.join(held)}."
            raise _refused(
                "not_empty",
                file,
                message,
                "Restore into a new database, or use --replace to discard its current contents.",
            )
        if held:
            _forget_all(database, engine)
        with open_session(database) as session, backup_database.connect() as source:
            connection = session.connection()
            copying.delete_rows(connection)
            rows = copying.copy_rows(source, connection)
            copying.go_on_counting(connection)
            requeued, cancelled = _revive(session, engine)
            session.commit()
    return Restored(rows, requeued, cancelled)


@contextmanager
def _opened(file: Path) -> Iterator[sqlalchemy.Engine]:
    """Open the database in a backup; one of an older version is copied and brought up to date."""
    if not file.is_file():
        raise _refused("no_such_file", file, "no such file exists.", "Name a file that lodeplan backup wrote.")
    with file.open("rb") as start:
        if start.read(len(_MAGIC)) != _MAGIC:
            raise _no_backup(file)
    found = copying.open_read_only(file)
    with tempfile.TemporaryDirectory(prefix="lodeplan-") as folder:
        try:
            if _revision_in(found, file) != storage.newest_revision():
                found.dispose()
                found = storage.open_database(f"sqlite:///{shutil.copy(file, folder)}")
                storage.migrate(found)
            yield found
        finally:
            found.dispose()


def _revision_in(found: sqlalchemy.Engine, file: Path) -> str | None:
    """Read the version of a backup's tables; refuses broken files and unknown versions."""
    try:
        verdict, tables, revision = copying.look_into(found)
    except DatabaseError as error:
        raise _no_backup(file, str(error.orig)) from None
    if verdict != "ok" or "job" not in tables:
        raise _no_backup(file, "it has no table of jobs" if verdict == "ok" else verdict)
    if revision is not None and revision not in storage.revisions():
        message = f"its tables have version {revision}, which this version of Lodeplan does not know."
        raise _refused(
            "newer_backup", file, message, "Restore it with the version of Lodeplan that wrote it, or a newer one."
        )
    return revision


def _require_current(connection: Connection, database: sqlalchemy.Engine) -> None:
    revision = storage.revision_of(connection)
    if revision != storage.newest_revision():
        message = f"its tables have version {revision or 'none'}, not {storage.newest_revision()}."
        place = database.url.render_as_string(hide_password=True)
        problem = InputProblem(code="not_current", path="LODEPLAN_DATABASE_URL", message=message, value=place)
        raise InvalidInput([problem.model_copy(update={"remedy": "Run lodeplan migrate first."})])


def _forget_all(database: sqlalchemy.Engine, engine: JobEngine) -> None:
    """Empty the engine's queue. This happens before the transaction, because it uses a connection of its own."""
    with open_session(database) as session:
        found = overview.all_attempts(session)
    # The number after, too: what comes from the backup may be queued under it.
    every = [Attempt(job_id, number) for job_id, last in found for number in range(1, last + 2)]
    for first in range(0, len(every), _FORGOTTEN_AT_ONCE):
        engine.forget(every[first : first + _FORGOTTEN_AT_ONCE])


def _revive(session: Session, engine: JobEngine) -> tuple[int, int]:
    """Queue unfinished jobs again and end those that were asked to end; returns the number of each."""
    requeued = cancelled = 0
    for job_id, number, state in overview.open_attempts(session):
        attempt = Attempt(job_id, number)
        if state in (JobState.QUEUED, JobState.RUNNING):
            reruns.revive(session, engine, attempt, "Restored from a backup; the job waits for a worker.")
            requeued += 1
        else:
            states.request_cancel(session, job_id)
            attempts.finish(session, attempt, Outcome())
            cancelled += 1
    return requeued, cancelled


def _no_backup(file: Path, why: str = "it is not a database") -> InvalidInput:
    return _refused("no_backup", file, f"this is not a backup: {why}.", "Name a file that lodeplan backup wrote.")


def _refused(code: str, file: Path, message: str, remedy: str) -> InvalidInput:
    return InvalidInput([InputProblem(code=code, path="FILE", message=message, value=str(file), remedy=remedy)])
