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
from typing import Any

import sqlalchemy
from sqlalchemy import JSON, Column, Connection, Enum, Integer, MetaData, String, Table
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel, col, select

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.engine import Attempt, JobEngine
from lodeplan.service.jobs import states
from lodeplan.service.storage import Job, WorkerRow, open_session
from lodeplan.service.storage.columns import AsJson
from lodeplan.service.workers.leases import is_live

LEFT_OUT = frozenset({"worker"})
_ROWS_AT_ONCE = 200
_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True)
class Restored:
    """What a restore did."""

    rows: dict[str, int]
    requeued: int
    cancelled: int


def backup(database: sqlalchemy.Engine, file: Path) -> dict[str, int]:
    """Write all that the service keeps to a new file, as of one moment; the number of rows by table.

    Only its owner may read the file: it holds the secrets of webhooks. Raises `InvalidInput` if the file exists or
    the database is not current, and `OSError`.
    """
    if file.exists():
        raise _refused("file_exists", file, "there is such a file.", "Choose another name, or remove it.")
    partial = file.with_name(file.name + ".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        target = storage.open_database(f"sqlite:///{partial}")
        storage.migrate(target)
        with _as_of_one_moment(database) as source, target.begin() as sink:
            _require_current(source, database)
            rows = _copy(source, sink)
        _close_as_one_file(target)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        # What stands under the name of a backup is whole.
        partial.rename(file)
        return rows
    finally:
        for leftover in file.parent.glob(partial.name + "*"):
            leftover.unlink()


def restore(file: Path, database: sqlalchemy.Engine, engine: JobEngine, *, replace: bool = False) -> Restored:
    """Put a backup into a database, in one transaction; with `replace` in the place of what is there.

    Jobs that were queued or running are queued again, as their next attempts. Raises `InvalidInput` if the file is no
    backup or a newer version's, if workers are alive, or if there are jobs and `replace` is not given.
    """
    with _opened(file) as backup_database:
        storage.migrate(database)
        engine.prepare()
        with open_session(database) as session:
            _refuse_live_workers(session)
            held = _held(session)
        if held and not replace:
            message = f"the database is not empty: it holds rows in {', '.join(held)}."
            raise _refused("not_empty", file, message, "Restore into a new database, or say --replace to lose those.")
        if held:
            _forget_all(database, engine)
        with open_session(database) as session, backup_database.connect() as source:
            connection = session.connection()
            for table in _tables().values():
                connection.execute(table.delete())
            rows = _copy(source, connection)
            _go_on_counting(connection)
            requeued, cancelled = _revive(session, engine)
            session.commit()
    return Restored(rows, requeued, cancelled)


def _tables() -> dict[str, Table]:
    """Our tables, their columns without our types: a row is carried as it is, also one we could not read."""
    metadata = MetaData()
    return {
        table.name: Table(
            table.name, metadata, *[Column(c.name, _plain(c.type), primary_key=c.primary_key) for c in table.columns]
        )
        for table in SQLModel.metadata.sorted_tables
        if table.name not in LEFT_OUT
    }


def _plain(kind: Any) -> Any:
    if isinstance(kind, AsJson):
        return JSON(none_as_null=True)
    return String() if isinstance(kind, Enum) else kind


def _copy(source: Connection, target: Connection) -> dict[str, int]:
    rows = {}
    for name, table in _tables().items():
        found = source.execute(sqlalchemy.select(table).execution_options(yield_per=_ROWS_AT_ONCE))
        rows[name] = 0
        for part in found.partitions():
            target.execute(table.insert(), [dict(row._mapping) for row in part])
            rows[name] += len(part)
    return rows


@contextmanager
def _as_of_one_moment(database: sqlalchemy.Engine) -> Iterator[Connection]:
    """A connection that sees nothing of what others write meanwhile, and keeps nobody from writing."""
    with database.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN DEFERRED")
            yield connection
        else:
            yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _close_as_one_file(target: sqlalchemy.Engine) -> None:
    """Leave no write-ahead log beside the file."""
    with target.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    target.dispose()


@contextmanager
def _opened(file: Path) -> Iterator[sqlalchemy.Engine]:
    """The database in a backup; of an older version a copy that was brought up to date."""
    if not file.is_file():
        raise _refused("no_such_file", file, "there is no such file.", "Name a file that lodeplan backup wrote.")
    with file.open("rb") as start:
        if start.read(len(_MAGIC)) != _MAGIC:
            raise _no_backup(file)
    found = sqlalchemy.create_engine(f"sqlite:///file:{file.resolve()}?mode=ro&uri=true")
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
    """The version of a backup's tables; refuses what is broken, and what this program does not know."""
    try:
        with found.connect() as connection:
            verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            tables = sqlalchemy.inspect(connection).get_table_names()
            revision = storage.revision_of(connection)
    except DatabaseError as error:
        raise _no_backup(file, str(error.orig)) from None
    if verdict != "ok" or "job" not in tables:
        raise _no_backup(file, "it holds no jobs" if verdict == "ok" else str(verdict))
    if revision is not None and revision not in storage.revisions():
        message = f"its tables are of version {revision}, which this version of Lodeplan does not know."
        raise _refused("newer_backup", file, message, "Restore it with the version that wrote it, or a newer one.")
    return revision


def _require_current(connection: Connection, database: sqlalchemy.Engine) -> None:
    revision = storage.revision_of(connection)
    if revision != storage.newest_revision():
        message = f"its tables are of version {revision or 'none'}, not {storage.newest_revision()}."
        place = database.url.render_as_string(hide_password=True)
        problem = InputProblem(code="not_current", path="LODEPLAN_DATABASE_URL", message=message, value=place)
        raise InvalidInput([problem.model_copy(update={"remedy": "Run lodeplan migrate first."})])


def _refuse_live_workers(session: Any) -> None:
    alive = select(WorkerRow).where(is_live())
    names = [f"{worker.host} (process {worker.pid})" for worker in session.exec(alive)]
    if names:
        problem = InputProblem(
            code="workers_alive",
            path="LODEPLAN_DATABASE_URL",
            message=f"workers are using the database: {', '.join(names)}.",
            remedy="Stop every lodeplan serve and lodeplan worker first.",
        )
        raise InvalidInput([problem])


def _held(session: Any) -> list[str]:
    return [name for name, table in _tables().items() if session.execute(table.select().limit(1)).first()]


def _forget_all(database: sqlalchemy.Engine, engine: JobEngine) -> None:
    """Empty the engine's queue; before the transaction, because it uses a connection of its own."""
    with open_session(database) as session:
        found = list(session.exec(select(Job.id, Job.attempt)))
    # The number after, too: what comes from the backup may be queued under it.
    attempts = [Attempt(job_id, number) for job_id, last in found for number in range(1, last + 2)]
    for first in range(0, len(attempts), _ROWS_AT_ONCE):
        engine.forget(attempts[first : first + _ROWS_AT_ONCE])


def _revive(session: Any, engine: JobEngine) -> tuple[int, int]:
    """Queue what is to be solved, and end what was being ended; how many of each."""
    parents = set(session.exec(select(Job.parent_id).where(col(Job.parent_id).is_not(None)).distinct()))
    alive = (JobState.QUEUED, JobState.RUNNING, JobState.STOPPING, JobState.CANCELLING)
    found = session.exec(select(Job.id, Job.attempt, Job.state).where(col(Job.state).in_(alive))).all()
    requeued = cancelled = 0
    for job_id, number, state in found:
        if job_id in parents:
            continue
        attempt = Attempt(job_id, number)
        if state in (JobState.QUEUED, JobState.RUNNING):
            states.revive(session, engine, attempt, "Restored from a backup; the job waits for a worker.")
            requeued += 1
        else:
            states.request_cancel(session, job_id)
            states.finish(session, attempt, states.Outcome())
            cancelled += 1
    return requeued, cancelled


def _go_on_counting(connection: Connection) -> None:
    """Have PostgreSQL give numbers that are not taken; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for name, table in _tables().items():
        keys = list(table.primary_key.columns)
        if len(keys) == 1 and isinstance(keys[0].type, Integer):
            key = keys[0].name
            connection.exec_driver_sql(
                f"select setval(pg_get_serial_sequence('{name}', '{key}'), max({key})) from {name}"
            )


def _no_backup(file: Path, why: str = "it is no database") -> InvalidInput:
    return _refused("no_backup", file, f"this is no backup: {why}.", "Name a file that lodeplan backup wrote.")


def _refused(code: str, file: Path, message: str, remedy: str) -> InvalidInput:
    return InvalidInput([InputProblem(code=code, path="FILE", message=message, value=str(file), remedy=remedy)])
