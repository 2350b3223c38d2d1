"""Turns of webhooks: whose message is sent next, and which hosts are left alone for a while."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

AT_ONCE = 48
"""Most messages that a worker sends at the same time; each is a connection that mostly waits."""
OF_A_TENANT = 8
OF_A_LINE = 2
FAILURES_BORNE = 2
"""Time-outs in a row after which a host is left alone."""
FIRST_REST_S, LONGEST_REST_S = 30.0, 600.0


@dataclass(frozen=True)
class Line:
    """The messages of one tenant to one host."""

    tenant: str
    host: str


@dataclass
class _Rest:
    failures: int = 0
    until: float = float("-inf")


@dataclass
class Turns:
    """Gives out turns: the tenant with the fewest messages under way is next, then the one that waited longest. A host
    that lets several tries run out of time gets none for a while, then one; each tenant's experience of it counts for
    that tenant alone.
    """

    clock: Callable[[], float] = time.monotonic
    _under_way: Counter[Line] = field(default_factory=Counter)
    _served: dict[Line, float] = field(default_factory=dict)
    _rests: dict[Line, _Rest] = field(default_factory=dict)

    def next_line(self, waiting: Collection[Line]) -> Line | None:
        """Take a turn for one of the lines that have a message, or None if none may send now."""
        self._forget(waiting)
        if self._under_way.total() >= AT_ONCE:
            return None
        tenants = self._tenants()
        able = [line for line in waiting if self._may(line, tenants[line.tenant])]
        if not able:
            return None
        last = {line.tenant: max(self._last(one) for one in waiting if one.tenant == line.tenant) for line in able}
        chosen = min(able, key=lambda line: (tenants[line.tenant], last[line.tenant], self._last(line), line.host))
        self._under_way[chosen] += 1
        self._served[chosen] = self.clock()
        return chosen

    def end(self, line: Line, timed_out: bool | None) -> None:
        """Give a turn back; `timed_out` is None if nothing was tried."""
        self._under_way[line] -= 1
        if not self._under_way[line]:
            del self._under_way[line]
        if timed_out is False:
            self._rests.pop(line, None)
        elif timed_out:
            rest = self._rests.setdefault(line, _Rest())
            rest.failures += 1
            beyond = rest.failures - FAILURES_BORNE
            if beyond >= 0:
                rest.until = self.clock() + min(FIRST_REST_S * 2 ** min(beyond, 10), LONGEST_REST_S)

    def _may(self, line: Line, of_tenant: int) -> bool:
        rest = self._rests.get(line)
        if rest and self.clock() < rest.until:
            return False
        # A host that timed out the last time is asked by one message at a time.
        most = 1 if rest else OF_A_LINE
        return self._under_way[line] < most and of_tenant < OF_A_TENANT

    def _last(self, line: Line) -> float:
        return self._served.get(line, float("-inf"))

    def _tenants(self) -> Counter[str]:
        tenants: Counter[str] = Counter()
        for line, count in self._under_way.items():
            tenants[line.tenant] += count
        return tenants

    def _forget(self, waiting: Collection[Line]) -> None:
        """Keep what is known of lines that wait or send, and of those that rest."""
        kept = {*waiting, *self._under_way}
        self._served = {line: moment for line, moment in self._served.items() if line in kept}
        long_ago = self.clock() - 2 * LONGEST_REST_S
        self._rests = {line: rest for line, rest in self._rests.items() if line in kept or rest.until > long_ago}
