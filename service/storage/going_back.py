"""Tables of an earlier release, and what is lost on the way back to them. For operators."""

from __future__ import annotations

from dataclasses import dataclass

import alembic.command
import sqlalchemy
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlmodel import Session, SQLModel

from lodeplan.schemas import InputProblem, InvalidInput
from lodeplan.service.storage.database import (
    migrations,
    open_beside,
    revision_of,
    revisions,
    take_turn,
)
from lodeplan.service.storage.leases import live_workers

RELEASES = {"0.1.0": "0004"}
"""The version of the tables of each release before this one, oldest first. No way leads back beyond the first."""

Layout = dict[str, set[str]]
"""The columns of each table."""


@dataclass(frozen=True)
class Loss:
    """A table or a column that the way back drops."""

    name: str
    count: int
    """Rows of a table; values of a column."""

    def __str__(self) -> str:
        table, _, column = self.name.partition(".")
        if column:
            return f"column {column} of table {table}, {self.count} value{'s' * (self.count != 1)}"
        return f"table {table}, {self.count} row{'s' * (self.count != 1)}"


@dataclass(frozen=True)
class WayBack:
    """The way from today's tables to earlier ones."""

    before: str
    after: str
    dropped: list[Loss]
    rewritten: list[str]
    """What each step cannot keep beside that, in a sentence, the newest step first."""


def revision_named(version: str) -> str:
    """The version of the tables that a release, or a version of the tables itself, means; raises `InvalidInput`."""
    known = list(revisions())
    reachable = known[known.index(next(iter(RELEASES.values()))) :]
    revision = RELEASES.get(version, version)
    if revision in reachable:
        return revision
    problem = InputProblem(
        code="unknown_version",
        path="--to",
        message="this is neither an earlier release nor a version of the tables that a way leads back to.",
        value=version,
        allowed=", ".join([*RELEASES, *reachable]),
        remedy="For anything older, restore a backup of that time with the release that wrote it.",
    )
    raise InvalidInput([problem])


def go_back(database: sqlalchemy.Engine, revision: str, *, confirmed: bool) -> WayBack:
    """Bring the tables back to those of an earlier version, in one transaction; only describe the way unless it is
    `confirmed`. Raises `InvalidInput` if workers are alive, or the tables are older or newer than is known.
    """
    patient = open_beside(database, connections=1)
    try:
        with patient.connect() as connection:
            take_turn(connection)
            way = _way(connection, revision)
            if confirmed:
                refuse_live_workers(Session(connection))
                alembic.command.downgrade(migrations(connection), revision)
                connection.commit()
            return way
    finally:
        patient.dispose()


def refuse_live_workers(session: Session) -> None:
    """Raise `InvalidInput` while workers hold a lease."""
    names = [f"{host} (process {pid})" for host, pid, _ in live_workers(session)]
    if names:
        problem = InputProblem(
            code="workers_alive",
            path="LODEPLAN_DATABASE_URL",
            message=f"workers are using the database: {', '.join(names)}.",
            remedy="Stop all lodeplan serve and lodeplan worker processes first.",
        )
        raise InvalidInput([problem])


def _way(connection: Connection, revision: str) -> WayBack:
    before = revision_of(connection)
    known = list(revisions())
    if before not in known or known.index(before) < known.index(revision):
        problem = InputProblem(
            code="not_earlier",
            path="--to",
            message=f"the tables have version {before or 'none'}.",
            value=revision,
            remedy="Use lodeplan migrate without --to to bring them up to date.",
        )
        raise InvalidInput([problem])
    now, then = layout_of(connection), layout_at(revision)
    lost_tables = [(table, "") for table in now if table not in then]
    lost_columns = [(table, column) for table in then for column in sorted(now.get(table, set()) - then[table])]
    steps = ScriptDirectory.from_config(migrations(connection)).iterate_revisions(before, revision)
    return WayBack(
        before,
        revision,
        [_counted(connection, table, column) for table, column in sorted(lost_tables + lost_columns)],
        [step.module.LOST for step in steps if hasattr(step.module, "LOST")],
    )


def layout_at(revision: str) -> Layout:
    """The tables of a version."""
    scratch = sqlalchemy.create_engine("sqlite://")
    with scratch.connect() as connection:
        alembic.command.upgrade(migrations(connection), revision)
        return layout_of(connection)


def layout_of(connection: Connection) -> Layout:
    """The tables of a database that are ours at some version; the job engine has others beside them."""
    inspector = sqlalchemy.inspect(connection)
    ours = sorted(set(inspector.get_table_names()) & set(SQLModel.metadata.tables))
    return {table: {column["name"] for column in inspector.get_columns(table)} for table in ours}


def _counted(connection: Connection, table: str, column: str) -> Loss:
    if not column:
        return Loss(table, _count(connection, sqlalchemy.table(table)))
    return Loss(f"{table}.{column}", _count(connection, sqlalchemy.table(table, sqlalchemy.column(column)), column))


def _count(connection: Connection, table: sqlalchemy.TableClause, column: str = "") -> int:
    counted = sqlalchemy.select(sqlalchemy.func.count(*([table.c[column]] if column else []))).select_from(table)
    return int(connection.execute(counted).scalar_one())
