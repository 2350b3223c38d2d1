"""How often a caller may ask: a token bucket each, in the memory of this process.

Several processes each grant the rate; a limit over all of them belongs into the proxy before them.
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
    """Each caller may ask `per_minute` times at once, and gets as many new asks a minute; 0: without limit."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """Asks left, and when that was counted. Who has not asked for longest is forgotten, as if new."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, caller: str) -> float:
        """Take one ask: 0 if there was one, else the seconds until there is."""
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
