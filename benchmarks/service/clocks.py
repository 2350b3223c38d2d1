"""Wall clocks that a campaign sets forward and back: those of its members, and that of its PostgreSQL database.

The clock of the machine is left alone. Monotonic clocks do not jump, here as elsewhere.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event

from lodeplan.service import storage

# What stands before pg_catalog in the search path is found first.
_MOVED_ON_SERVER = """
create table public.moved_clock (by_s double precision not null);
insert into public.moved_clock values (0);
create function public.clock_timestamp() returns timestamptz language sql volatile as
  'select pg_catalog.clock_timestamp() + make_interval(secs => by_s) from public.moved_clock';
create function public.now() returns timestamptz language sql stable as
  'select pg_catalog.now() + make_interval(secs => by_s) from public.moved_clock';
"""


class Clocks:
    """The clocks of a campaign: `machine` with SQLite, whose database goes by the clock of the processes that use it;
    `server` and `worker` with PostgreSQL."""

    def __init__(self, database: sqlalchemy.Engine, folder: Path) -> None:
        self.file = folder / "clock"
        self._database = database
        self._moved_s = dict.fromkeys(self.kinds, 0.0)
        self._write(0)
        if database.dialect.name == "postgresql":
            with database.begin() as connection:
                connection.exec_driver_sql(_MOVED_ON_SERVER)
                name = database.url.database
                connection.exec_driver_sql(f"alter database {name} set search_path = public, pg_catalog")
            # It holds for new connections.
            database.dispose()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which there are."""
        return ("machine",) if self._database.dialect.name == "sqlite" else ("server", "worker")

    def move(self, kind: str, by_s: float) -> None:
        """Set one forward, or back."""
        self._moved_s[kind] += by_s
        if kind == "server":
            with self._database.begin() as connection:
                connection.exec_driver_sql(f"update public.moved_clock set by_s = {self._moved_s[kind]}")
        else:
            self._write(self._moved_s[kind])

    def _write(self, by_s: float) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(by_s))
        os.replace(new, self.file)


def follow(file: Path, database: sqlalchemy.Engine) -> None:
    """Have this process, and what SQLite does in it, go by a clock that is wrong by what the file says."""
    right = time.time

    def moved() -> float:
        return right() + float(file.read_text())

    time.time = moved
    storage.now = lambda: datetime.fromtimestamp(moved(), UTC)
    if database.dialect.name != "sqlite":
        return

    @event.listens_for(database, "connect")
    def move_clock(connection: Any, _record: Any) -> None:
        connection.create_function("julianday", 1, lambda _: moved() / 86400 + 2440587.5)
