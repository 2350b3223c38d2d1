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
            moment = self.clock()
            left, counted = self._left.pop(caller, (float(self.per_minute), moment))
            left = min(self.per_minute, left + (moment - counted) * self.per_minute / 60)
            granted = left >= 1
            self._left[caller] = (left - 1 if granted else left, moment)
            if len(self._left) > _CALLERS_KEPT:
                self._left.popitem(last=False)
        return 0.0 if granted else (1 - left) * 60 / self.per_minute
