"""Whole databases: their rows copied as they are from one to another. For backups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import JSON, Column, Connection, Enum, Integer, MetaData, String, Table
from sqlmodel import Session, SQLModel

from lodeplan.service.storage.columns import AsJson
from lodeplan.service.storage.database import revision_of

LEFT_OUT = frozenset({"worker"})
_ROWS_AT_ONCE = 200


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Add the rows of all our tables to those of another database; how many by table."""
    rows = {}
    for name, table in _tables().items():
        found = source.execute(sqlalchemy.select(table).execution_options(yield_per=_ROWS_AT_ONCE))
        rows[name] = 0
        for part in found.partitions():
            target.execute(table.insert(), [dict(row._mapping) for row in part])
            rows[name] += len(part)
    return rows


def delete_rows(connection: Connection) -> None:
    """Empty all our tables."""
    for table in _tables().values():
        connection.execute(table.delete())


def tables_with_rows(session: Session) -> list[str]:
    """The names of our tables that are not empty."""
    return [name for name, table in _tables().items() if session.execute(table.select().limit(1)).first()]


@contextmanager
def as_of_one_moment(database: sqlalchemy.Engine) -> Iterator[Connection]:
    """Open a connection that sees one moment of the database and does not block writers."""
    with database.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN DEFERRED")
            yield connection
        else:
            yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def close_as_one_file(database: sqlalchemy.Engine) -> None:
    """Leave no write-ahead log beside the file of a SQLite database."""
    with database.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=DELETE")
    database.dispose()


def open_read_only(file: Path) -> sqlalchemy.Engine:
    """A SQLite database that is only read."""
    return sqlalchemy.create_engine(f"sqlite:///file:{file.resolve()}?mode=ro&uri=true")


def look_into(database: sqlalchemy.Engine) -> tuple[str, list[str], str | None]:
    """SQLite's verdict on its file (`ok`, or what is broken), the names of the tables, and the version of ours.

    Raises SQLAlchemy's `DatabaseError` where the file is no database.
    """
    with database.connect() as connection:
        verdict = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        return verdict, sqlalchemy.inspect(connection).get_table_names(), revision_of(connection)


def go_on_counting(connection: Connection) -> None:
    """Make PostgreSQL continue with unused numbers; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for name, table in _tables().items():
        keys = list(table.primary_key.columns)
        if len(keys) == 1 and isinstance(keys[0].type, Integer):
            key = keys[0].name
            connection.exec_driver_sql(
                f"select setval(pg_get_serial_sequence('{name}', '{key}'), max({key})) from {name}"
            )


def _tables() -> dict[str, Table]:
    """Return our tables with untyped columns, so that rows are copied as they are, even unreadable ones."""
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
