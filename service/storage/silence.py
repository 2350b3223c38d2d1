"""Connections to PostgreSQL that notice when the other side says nothing.

The server ends a statement that takes too long by itself. What it cannot end is a wait for a peer that acknowledges
all it is sent and never answers: a stopped server process, a pooler, a proxy. TCP's own limits see only a dead network.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg

READY_NONE = 0
"""What psycopg tells one who waits when nothing has come for a tenth of a second."""
GRACE_S = 1.0
"""Time beyond the limit of a statement after which the server should have ended it."""


def connection_class(answer_s: float) -> type[psycopg.Connection[Any]]:
    """A class of connections that are closed, with an `OperationalError`, once nothing has come for that long."""

    class ImpatientConnection(psycopg.Connection[Any]):
        """A connection that does not wait without limit."""

        def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **named: Any) -> Any:
            """Wait for what the generator asks for, as long as something comes."""
            return super().wait(self._bounded(gen), *arguments, **named)

        def _bounded(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
            wanted = next_of(gen, None)
            until = time.monotonic() + answer_s + GRACE_S
            while wanted[0]:
                ready = yield wanted[1]
                if ready != READY_NONE:
                    until = time.monotonic() + answer_s + GRACE_S
                elif time.monotonic() > until:
                    gen.close()
                    # Without a farewell, for which it would have to wait as well.
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"the database has not answered for {answer_s + GRACE_S:g} s")
                wanted = next_of(gen, ready)
            return wanted[1]

    return ImpatientConnection


def next_of(gen: Generator[Any, Any, Any], ready: Any) -> tuple[bool, Any]:
    """Run the generator on; returns True and what it waits for, or False and what it returned."""
    try:
        return True, gen.send(ready)
    except StopIteration as ended:
        return False, ended.value
