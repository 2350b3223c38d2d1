"""Streams of a tenant: answers that stay open until something happens, counted in the memory of this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from lodeplan.service.http.errors import ApiError

_RETRY_AFTER_S = 5


@dataclass
class Streams:
    """Count of open streams, at most so many of a tenant; 0: no limit. Used on the event loop alone."""

    most: int
    _open: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def opened(self, tenant: str) -> Iterator[None]:
        """Count a stream while it is open; raises `ApiError` (429)."""
        if self.most and self._open[tenant] >= self.most:
            detail = (
                f"At most {self.most} event streams and requests with `wait` of a tenant may be open at a time. Close "
                "some, or ask without `wait`."
            )
            raise ApiError(429, "too-many-requests", detail, headers={"retry-after": str(_RETRY_AFTER_S)})
        self._open[tenant] += 1
        try:
            yield
        finally:
            self._open[tenant] -= 1
            if not self._open[tenant]:
                del self._open[tenant]
