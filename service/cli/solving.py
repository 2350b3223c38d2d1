"""A solve that Ctrl-C stops softly: the best plan found so far is kept."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from service.cli.progress import ProgressLine

if TYPE_CHECKING:
    from optimizer import Plan
    from schemas import Patch, Scenario

_KILLED_BY_CTRL_C = 130
_PERSON_TAKES_S = 0.5
_TICK_S = 1.0


@dataclass(frozen=True)
class Limits:
    """When a solve may stop, where the command says so; otherwise the scenario does."""

    gap: float | None = None
    time_limit_s: float | None = None


def solve_with_progress(source: str | Scenario, patches: Sequence[Patch], limits: Limits) -> Plan:
    """Solve with a line of progress on standard error. Raises `InvalidInput`.

    The first Ctrl-C asks the solver to stop, which it does as soon as it can; the second ends the program.
    """
    import optimizer

    stop = threading.Event()
    asked_at = 0.0
    with ProgressLine() as line:

        def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
            nonlocal asked_at
            if stop.is_set():
                # Launchers such as `timeout` pass a signal on twice at once; a person takes longer.
                if time.monotonic() - asked_at > _PERSON_TAKES_S:
                    os._exit(_KILLED_BY_CTRL_C)
                return
            asked_at = time.monotonic()
            stop.set()
            print("\nStopping; Ctrl-C again leaves without a plan.", file=sys.stderr)

        before = signal.signal(signal.SIGINT, on_interrupt)
        # The solver gets a thread of its own: Python answers signals in the main thread only, and not while
        # that is inside the solver's own code.
        try:
            with ThreadPoolExecutor(max_workers=1) as thread:
                solving = thread.submit(
                    optimizer.solve,
                    source,
                    patches,
                    gap=limits.gap,
                    time_limit_s=limits.time_limit_s,
                    on_progress=line,
                    should_stop=stop.is_set,
                )
                while not wait([solving], timeout=_TICK_S).done:
                    line.tick()
                return solving.result()
        finally:
            signal.signal(signal.SIGINT, before)
