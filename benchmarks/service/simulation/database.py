"""A SQLite database in memory, on which the service's own statements run, and all that can go wrong with one.

Every actor has a connection of its own in the eyes of SQLAlchemy; behind all of them is one. That is SQLite's own
isolation: who writes has the database to himself from his first write to his commit, so the others wait until then, and
a read that would have come in between is the same as one a moment before.
"""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy.pool import QueuePool
from sqlmodel import create_engine

from benchmarks.service.simulation.scheduler import Process, Simulator
from lodeplan.service import storage

QUEUE_TABLE = """create table simulated_queue (
  job_id text, number integer, tenant text, priority integer, place integer, status text, worker text,
  primary key (job_id, number))"""
USUAL_S, SLOW_S = 0.002, 0.5
"""Mean time that a statement takes, and that of one in a hundred."""
ANSWER_S = storage.REQUEST_S
"""Time after which a statement that gets no answer fails."""


class Database:
    """The one database of a run."""

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:", isolation_level="IMMEDIATE", check_same_thread=False)
        self.raw.create_function("julianday", 1, lambda _: self.simulator.database_s() / 86400 + 2440587.5)
        pool = {"poolclass": QueuePool, "pool_size": 8, "max_overflow": -1}
        self.engine = create_engine("sqlite://", creator=lambda: Connection(self), **pool)
        """One for all runs: it remembers how statements are written."""

    def begin(self, simulator: Simulator) -> None:
        """Be the empty database of a new run."""
        self.simulator = simulator
        self.holder: Connection | None = None
        self.full_until = self.away_until = 0.0
        self.raw.rollback()
        self.raw.deserialize(_template())
        self.engine.dispose()
        with self.engine.connect():
            # The first connection is made under a lock, for which no actor should wait.
            return

    def before_statement(self, connection: "Connection", text: str) -> None:
        """Let others go on, unless this is in the middle of a transaction; then have happen what should."""
        simulator = self.simulator
        if simulator.is_closing or simulator.current is None:
            return
        process = simulator.current.process
        if self.holder is not connection:
            self._take_time(process)
        self._count_down(process, connection)
        connection.raise_if_broken()
        if simulator.now < max(self.away_until, process.cut_until):
            raise sqlite3.OperationalError("the connection was lost")
        if simulator.now < self.full_until and text.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
            raise sqlite3.OperationalError("database or disk is full")

    def commit(self, connection: "Connection") -> None:
        """Commit what the connection holds; its process may die before and after, or not learn of it."""
        if self.holder is not connection:
            return
        simulator = self.simulator
        actor = None if simulator.is_closing else simulator.current
        if actor:
            self._count_down(actor.process, connection)
            connection.raise_if_broken()
            if simulator.now < max(self.away_until, actor.process.cut_until):
                raise sqlite3.OperationalError("the connection was lost")
            if simulator.now < self.full_until:
                raise sqlite3.OperationalError("database or disk is full")
        self.raw.commit()
        self.holder = None
        if actor is None:
            return
        simulator.mark(f"{actor.name} commits")
        self._count_down(actor.process, connection)
        if actor.process.loses_replies:
            actor.process.loses_replies -= 1
            simulator.note("a commit succeeded, and its answer was lost")
            raise sqlite3.OperationalError("the connection was lost")
        simulator.pause(self._latency_s())

    def rollback(self, connection: "Connection") -> None:
        """Take back what the connection holds."""
        if self.holder is connection:
            self.raw.rollback()
            self.holder = None

    def _take_time(self, process: Process) -> None:
        simulator = self.simulator
        simulator.pause(self._latency_s())
        if simulator.now < process.silent_until:
            silent_s = process.silent_until - simulator.now
            simulator.pause(min(silent_s, ANSWER_S))
            if silent_s > ANSWER_S:
                raise sqlite3.OperationalError("the database has not answered")

    def _latency_s(self) -> float:
        chance = self.simulator.chance
        return chance.expovariate(1 / (SLOW_S if chance.random() < 0.01 else USUAL_S))

    def _count_down(self, process: Process, connection: "Connection") -> None:
        """One step nearer to what this process was told to suffer at a certain one."""
        if process.dies_in >= 0:
            process.dies_in -= 1
            if process.dies_in < 0:
                self.rollback(connection)
                self.simulator.die()
        if process.freezes_in >= 0:
            process.freezes_in -= 1
            if process.freezes_in < 0:
                self._freeze(process, connection)

    def _freeze(self, process: Process, connection: "Connection") -> None:
        """Stop the process where it is; a server ends the transaction that it leaves open."""
        self.simulator.note(f"{process.name} freezes at a statement for {process.freezes_for_s:.1f} s")
        connection.is_broken = self.holder is connection
        self.rollback(connection)
        process.frozen_until = self.simulator.now + process.freezes_for_s
        self.simulator.pause(0)


class Connection:
    """A connection of one actor."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.is_broken = False
        self.isolation_level = "IMMEDIATE"

    def cursor(self, *_: Any) -> "Cursor":
        """Begin a statement."""
        return Cursor(self)

    def commit(self) -> None:
        """End the transaction."""
        self.database.commit(self)

    def rollback(self) -> None:
        """Take the transaction back."""
        self.is_broken = False
        self.database.rollback(self)

    def close(self) -> None:
        """Leave."""
        self.rollback()

    def create_function(self, *_: Any, **__: Any) -> None:
        """The dialect brings one for regular expressions, which no statement uses."""

    def raise_if_broken(self) -> None:
        """Fail once the server has ended the transaction."""
        if self.is_broken:
            raise sqlite3.OperationalError("the server ended an idle transaction")


class Cursor(sqlite3.Cursor):
    """A statement of an actor."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.database.raw)
        self.owner = connection

    def execute(self, text: str, values: Any = ()) -> "Cursor":
        """Run it, when its turn has come and nothing goes wrong."""
        self._begin(text, values)
        super().execute(text, values)
        return self._end()

    def executemany(self, text: str, values: Any) -> "Cursor":
        """Run it for several rows."""
        self._begin(text, values)
        super().executemany(text, values)
        return self._end()

    def _begin(self, text: str, values: Any) -> None:
        database = self.owner.database
        database.before_statement(self.owner, text)
        simulator = database.simulator
        if simulator.current:
            simulator.mark(f"{simulator.now}{simulator.current.name}{text}{_told(values)}")

    def _end(self) -> "Cursor":
        if self.owner.database.raw.in_transaction:
            self.owner.database.holder = self.owner
        return self


def _told(values: Any) -> Any:
    """Values of a statement in an order of their own: that of a set of states differs between processes."""
    if isinstance(values, list | tuple):
        return sorted(repr(_told(value)) for value in values)
    return len(values) if isinstance(values, memoryview) else values


@cache
def _template() -> bytes:
    """The bytes of an empty database with the tables of today and that of the queue."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.db"
        made = storage.open_database(f"sqlite:///{file}")
        storage.migrate(made)
        with made.begin() as connection:
            connection.execute(sqlalchemy.text(QUEUE_TABLE))
        with made.connect() as connection:
            connection.exec_driver_sql("pragma journal_mode=delete")
        made.dispose()
        return file.read_bytes()
