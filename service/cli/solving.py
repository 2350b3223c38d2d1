"""Solving on the command line. Ctrl-C stops the solver and keeps the best plan found so far."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from lodeplan.service.cli.exits import ENDED_BY_CTRL_C
from lodeplan.service.cli.progress import ProgressLine

if TYPE_CHECKING:
    from lodeplan.optimizer import Plan, Problem
    from lodeplan.schemas import Patch, Scenario

_PERSON_TAKES_S = 0.5
_TICK_EVERY_S = 0.25
_OPTIONS = {"gap": "--gap", "time_limit_s": "--time-limit"}


@dataclass(frozen=True)
class Limits:
    """Limits of a solve given on the command line; otherwise those of the scenario hold."""

    gap: float | None = None
    time_limit_s: float | None = None

    def check(self) -> None:
        """Raise `InvalidInput` for limits out of range, by the names of their options."""
        from lodeplan.scenarios import check_options
        from lodeplan.schemas import InvalidInput

        try:
            check_options(self.gap, self.time_limit_s)
        except InvalidInput as error:
            raise InvalidInput(
                [problem.model_copy(update={"path": _OPTIONS[problem.path]}) for problem in error.problems]
            ) from None


class Solve:
    """Scenario that was read and can be solved, with a line of progress on standard error.

    Raises `InvalidInput` with all errors in scenario and limits.
    """

    def __init__(self, source: str | Scenario, patches: Sequence[Patch], limits: Limits) -> None:
        # Nothing that imports make is garbage, and to look for it takes a tenth of their time.
        gc.disable()
        from lodeplan.optimizer import Problem
        from lodeplan.schemas.problems import Gathered

        gc.enable()
        self._limits, self._line, wrong = limits, ProgressLine(), Gathered()
        with wrong:
            limits.check()
        with wrong, self._line:
            self._problem: Problem = Problem(source, patches, on_progress=self._line)
        wrong.refuse()
        self.warnings = self._problem.warnings
        """Open warnings, without acknowledged ones."""

    def plan(self) -> Plan:
        """Solve in a second thread, so that the main one, which calls this, handles Ctrl-C while the solver computes.

        The first Ctrl-C asks the solver to stop, which it does as soon as it can; the second ends the program. Raises
        what `Problem.solve` raises.
        """
        stop = threading.Event()
        with self._line, _listening(stop), ThreadPoolExecutor(1) as thread:
            solved = thread.submit(
                self._problem.solve,
                gap=self._limits.gap,
                time_limit_s=self._limits.time_limit_s,
                should_stop=stop.is_set,
            )
            while wait([solved], _TICK_EVERY_S).not_done:
                self._line.tick()
        return solved.result()

    def certify(self, path: Path) -> None:
        """Write the certificate of the plan that was found, if there is one; raises what `Problem.certify` raises."""
        if self._problem.answer.x is not None:
            self._problem.certify(path)


def solve_with_progress(source: str | Scenario, patches: Sequence[Patch], limits: Limits) -> Plan:
    """Read a scenario and solve it, with warnings and progress on standard error; raises what `Solve` raises."""
    return begin(source, patches, limits).plan()


def begin(source: str | Scenario, patches: Sequence[Patch], limits: Limits) -> Solve:
    """Read a scenario, with warnings on standard error; raises what `Solve` raises."""
    from lodeplan.service.cli.validation import print_warnings

    solve = Solve(source, patches, limits)
    print_warnings(solve.warnings)
    return solve


@contextmanager
def _listening(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C set `stop`, and the second end the program."""
    asked_at: float | None = None

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal asked_at
        now = time.monotonic()
        if asked_at is None:
            asked_at = now
            stop.set()
            print("\nStopping; Ctrl-C again leaves without a plan.", file=sys.stderr)
        # Launchers such as `timeout` pass a signal on twice at once; a person takes longer.
        elif now - asked_at > _PERSON_TAKES_S:
            os._exit(ENDED_BY_CTRL_C)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
