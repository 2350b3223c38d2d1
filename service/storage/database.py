"""Opening a database, and bringing its tables up to date."""

from __future__ import annotations

import contextlib
import os
import threading
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import alembic.command
import sqlalchemy
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlmodel import Session, create_engine

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.service.storage.silence import connection_class

BUSY_TIMEOUT_S = 30
CONNECTIONS = 15
"""Most connections of one engine at a time; whoever finds none free waits."""
REQUEST_S = 10.0
"""Time that a statement of a request or of a worker may take."""
LONGEST_OPERATION_S = 600.0
"""Time that a statement of a migration, a backup or a restore may take."""
_KEPT_CONNECTIONS = 5
SILENCE_S = 5
"""Time that a server may be silent before its connection counts as lost."""
IDLE_TRANSACTION_S = 10
"""Time that a transaction may be idle before the server ends it."""
OUTAGES = (OperationalError, InterfaceError, InternalError, sqlalchemy.exc.TimeoutError)
"""Errors raised while the database is unavailable, locked or full; the only remedy is to try again later."""
FIRST_REVISION = "0001"
"""Table of a database that was created before its tables had versions."""
_MIGRATION_LOCK = 5_627_101
_CREATING = threading.Lock()


def open_database(url: str, connections: int = CONNECTIONS, answer_s: float = LONGEST_OPERATION_S) -> sqlalchemy.Engine:
    """Open the database of this URL as an SQLAlchemy engine; several threads may use it, with at most so many
    connections at a time. A statement that takes longer than `answer_s`, or waits so long for a lock or for a
    connection, raises one of `OUTAGES`, also if the server says nothing at all."""
    kept = min(connections, _KEPT_CONNECTIONS)
    pool = {"pool_size": kept, "max_overflow": connections - kept, "pool_timeout": min(answer_s, BUSY_TIMEOUT_S)}
    if not url.startswith("sqlite"):
        return _open_server(url, pool, answer_s)
    _keep_private(url)
    busy_s = min(answer_s, BUSY_TIMEOUT_S)
    database = create_engine(url, connect_args={"timeout": busy_s}, **pool)

    @event.listens_for(database, "connect")
    def prepare_connection(connection: Any, _record: Any) -> None:
        # IMMEDIATE: a transaction that writes waits for its turn at its start, and cannot fail at its end.
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={busy_s * 1000:.0f}"):
            connection.execute(f"PRAGMA {pragma}")

    return database


def _keep_private(url: str) -> None:
    """Let only its owner read a SQLite file, which holds scenarios and secrets; SQLite gives the files beside it
    (`-wal`, `-shm`) the same rights.

    A file that exists is not opened here: to close it would release the locks of all connections that this process
    has to it, and the last other process to leave would then remove the log that they write to.
    """
    file = sqlite_file_of(url)
    if file is None or not file.parent.is_dir():
        return
    with contextlib.suppress(OSError):
        # One that somebody else owns stays as it is.
        with contextlib.suppress(FileExistsError), _CREATING:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        for path in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
            if path.exists() and path.stat().st_mode & 0o077:
                path.chmod(0o600)


def open_beside(
    database: sqlalchemy.Engine, connections: int = CONNECTIONS, answer_s: float = LONGEST_OPERATION_S
) -> sqlalchemy.Engine:
    """Open the same database once more, with connections of its own: who uses them waits for nobody else's."""
    return open_database(database.url.render_as_string(hide_password=False), connections, answer_s)


def _open_server(url: str, pool: dict[str, Any], answer_s: float) -> sqlalchemy.Engine:
    """Open a database server, perhaps on another machine; neither side waits for the other without limit."""
    silence = {"keepalives_idle": SILENCE_S, "keepalives_interval": 2, "keepalives_count": 3}
    patience = {"connect_timeout": SILENCE_S, "tcp_user_timeout": SILENCE_S * 1000}
    database = create_engine(url, pool_pre_ping=True, connect_args={**silence, **patience}, **pool)
    kind = connection_class(answer_s)

    @event.listens_for(database, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, named: Any) -> Any:
        return kind.connect(*arguments, **named)

    @event.listens_for(database, "connect")
    def prepare_connection(connection: Any, _record: Any) -> None:
        # A process that stops in mid-transaction, frozen or cut off, must not keep the rows it has locked.
        connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_S}s'")
        connection.execute(f"SET statement_timeout = '{answer_s * 1000:.0f}ms'")
        connection.commit()

    return database


def migrate(database: sqlalchemy.Engine) -> tuple[str | None, str]:
    """Create the tables, or bring old ones up to date, in one transaction and one process at a time.

    Returns the versions before (None: there were no tables) and after. Raises `InvalidInput` if the database cannot
    be reached, or was created by a newer version of the program.
    """
    # What is quick for a request may take minutes here.
    patient = open_beside(database, connections=1)
    try:
        with patient.connect() as connection:
            take_turn(connection)
            config = migrations(connection)
            tables = sqlalchemy.inspect(connection).get_table_names()
            if "job" in tables and "alembic_version" not in tables:
                alembic.command.stamp(config, FIRST_REVISION)
            before = revision_of(connection)
            if before is not None and before not in revisions():
                raise InvalidInput([_newer(database, before)])
            alembic.command.upgrade(config, "head")
            connection.commit()
            return before, newest_revision()
    except OperationalError as error:
        problem = InputProblem(
            code="unreachable_database",
            path="LODEPLAN_DATABASE_URL",
            message=f"the database cannot be reached: {str(error.orig).strip()}.",
            value=database.url.render_as_string(hide_password=True),
            remedy="Start the database, or correct the address.",
        )
        raise InvalidInput([problem]) from None
    finally:
        patient.dispose()


def _newer(database: sqlalchemy.Engine, revision: str) -> InputProblem:
    return InputProblem(
        code="newer_database",
        path="LODEPLAN_DATABASE_URL",
        message=f"the tables have version {revision}, which this version of Lodeplan does not know.",
        value=database.url.render_as_string(hide_password=True),
        allowed=", ".join(revisions()),
        remedy="Use the newer version of Lodeplan that created them.",
    )


def migrations(connection: sqlalchemy.Connection) -> Config:
    """Alembic's view of our migrations, on this connection."""
    config = _config()
    config.attributes["connection"] = connection
    return config


@cache
def revisions() -> dict[str, str]:
    """The versions of the tables with what each brought, oldest first."""
    steps = reversed([*ScriptDirectory.from_config(_config()).walk_revisions()])
    return {step.revision: step.doc for step in steps}


def newest_revision() -> str:
    """The version of the tables that this program works with."""
    return list(revisions())[-1]


def revision_of(connection: sqlalchemy.Connection) -> str | None:
    """The version of a database's tables, or None if it has none."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sqlalchemy.text("select version_num from alembic_version")).scalar()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("lodeplan.service.storage") / "migrations"))
    return config


def take_turn(connection: sqlalchemy.Connection) -> None:
    """Make other processes wait until this transaction has ended."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
    else:
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


def sqlite_file_of(url: str) -> Path | None:
    """The file of a SQLite database; None of another."""
    parts = sqlalchemy.make_url(url)
    return Path(parts.database) if parts.drivername.startswith("sqlite") and parts.database else None


def open_session(database: sqlalchemy.Engine) -> Session:
    """Open a session whose objects can be read after it has closed."""
    return Session(database, expire_on_commit=False)
