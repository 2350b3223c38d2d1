"""Solving on the command line. Ctrl-C stops the solver and keeps the best plan found so far."""

from __future__ import annotations

import gzip
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING

from lodeplan.schemas.jobs import FailureCode, JobOptions
from lodeplan.service.cli.exits import SolveFailed
from lodeplan.service.cli.progress import ProgressLine
from lodeplan.service.telemetry import logs
from lodeplan.service.workers.child_messages import FailedLine, FinishedLine
from lodeplan.service.workers.child_process import CHILD, ChildEnd, HardLimits, Watch, Wish, Work, death_of, run_child

if TYPE_CHECKING:
    from lodeplan.optimizer import Plan
    from lodeplan.schemas import Patch, Scenario, SolverProgress

_KILLED_BY_CTRL_C = 130
_PERSON_TAKES_S = 0.5


@dataclass(frozen=True)
class Limits:
    """Limits of a solve given on the command line; otherwise those of the scenario hold."""

    gap: float | None = None
    time_limit_s: float | None = None


def solve_with_progress(source: str | Scenario, patches: Sequence[Patch], limits: Limits) -> Plan:
    """Read a scenario and solve it, with warnings and progress on standard error; raises what `solve_read` does."""
    from lodeplan import scenarios
    from lodeplan.scenarios.options import check_options
    from lodeplan.scenarios.validation import find_warnings
    from lodeplan.service.cli.validation import print_warnings

    check_options(limits.gap, limits.time_limit_s)
    began = time.monotonic()
    scenario = scenarios.load(source, patches)
    print_warnings(find_warnings(scenario).open)
    return solve_read(scenario, limits, time.monotonic() - began)


def solve_read(scenario: Scenario, limits: Limits, read_s: float) -> Plan:
    """Solve in a child process, with a line of progress on standard error; reading the scenario took `read_s`.

    Raises `InvalidInput`, `PlanError` when the independent check refuses the plan, and `SolveFailed`. The first Ctrl-C
    asks the solver to stop, which it does as soon as it can; the second ends the program.
    """
    # Whatever the child prints besides is of use only if it fails, and stands in the log of that.
    logs.configure("ERROR")
    # They may be what a job may not ask for, such as no time at all.
    options = JobOptions.model_construct(gap=limits.gap, time_limit_s=limits.time_limit_s)
    work = Work(gzip.compress(scenario.model_dump_json().encode(), compresslevel=1), options)
    # What is needed to read the answer takes a second to import, and may do so meanwhile.
    threading.Thread(target=import_module, args=("lodeplan.service.cli.report",), daemon=True).start()
    with ProgressLine() as line:
        watch = _Terminal(line)
        with watch.listening():
            ended = run_child(CHILD, work, watch, HardLimits())
    plan = _plan_of(ended, scenario)
    # The start of a process is no phase of a solve.
    total_s = plan.summary.timings_s.get("total", 0) + read_s
    plan.summary.timings_s.update(read=round(read_s, 4), total=round(total_s, 4))
    return plan


@dataclass
class _Terminal(Watch):
    """Shows progress, and listens for Ctrl-C."""

    line: ProgressLine
    _asked_at: float | None = field(default=None)

    def wish(self) -> Wish:
        """Return the wish to stop once Ctrl-C was pressed."""
        self.line.tick()
        return Wish.GO_ON if self._asked_at is None else Wish.STOP

    def progress(self, progress: SolverProgress) -> None:
        """Show it."""
        self.line(progress)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle Ctrl-C here."""
        before = signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _on_interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
            print("\nStopping; Ctrl-C again leaves without a plan.", file=sys.stderr)
        # Launchers such as `timeout` pass a signal on twice at once; a person takes longer.
        elif now - self._asked_at > _PERSON_TAKES_S:
            # The child ends with this process.
            os._exit(_KILLED_BY_CTRL_C)


def _plan_of(ended: ChildEnd, scenario: Scenario) -> Plan:
    """Read the plan that a child wrote; raises the error that the solve ended with instead."""
    from lodeplan.optimizer import Plan, PlanError
    from lodeplan.optimizer.expand import expand
    from lodeplan.optimizer.results.stored import read_plan
    from lodeplan.schemas import InvalidInput

    last = ended.last
    if isinstance(last, FinishedLine) and ended.document_gzip:
        document = read_plan(gzip.decompress(ended.document_gzip))
        return Plan.from_document(document, expand(scenario).scenario)
    if isinstance(last, FailedLine):
        if last.code is FailureCode.INVALID_INPUT and last.problems:
            raise InvalidInput(last.problems)
        if last.code is FailureCode.CHECK_FAILED:
            raise PlanError(last.message)
        raise SolveFailed(last.message, last.trace)
    raise SolveFailed(death_of(ended.exit_code, ended.peak_memory_mib).message, ended.errors)
