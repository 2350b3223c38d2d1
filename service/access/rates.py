"""Rate limits: a token bucket per caller, in the memory of this process. Several processes each grant the full rate; a
limit over all of them belongs in the proxy in front of them.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

_CALLERS_KEPT = 10_000


@dataclass
class Buckets:
    """Token buckets: each caller may send `per_minute` requests in a burst and gains as many a minute; 0: no limit."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """Requests left and the time of counting, by caller. The caller silent for longest is forgotten and then starts
    anew."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, caller: str) -> float:
        """Take one request from the bucket; returns 0, or the seconds to wait if the bucket is empty."""
        if not self.per_minute:
            return 0.0
        with self._lock:
            left = self._now_left(caller)
            granted = left >= 1
            self._keep(caller, left - 1 if granted else left)
        return 0.0 if granted else (1 - left) * 60 / self.per_minute

    def charge(self, caller: str, requests: int) -> None:
        """Take more requests from the bucket, for one that was granted and cost more. It may come to lack as many as it
        holds, a minute's wait."""
        if not self.per_minute or requests <= 0:
            return
        with self._lock:
            self._keep(caller, max(self._now_left(caller) - requests, -float(self.per_minute)))

    def _now_left(self, caller: str) -> float:
        moment = self.clock()
        left, counted = self._left.pop(caller, (float(self.per_minute), moment))
        return min(self.per_minute, left + (moment - counted) * self.per_minute / 60)

    def _keep(self, caller: str, left: float) -> None:
        self._left[caller] = (left, self.clock())
        if len(self._left) > _CALLERS_KEPT:
            self._left.popitem(last=False)
