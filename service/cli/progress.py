"""One rewritten line on a terminal while a solve runs; nothing where standard error is not a terminal."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from lodeplan.optimizer.words.numbers import money, percent

if TYPE_CHECKING:
    from lodeplan.schemas import SolverProgress

CLEAR_LINE = "\r\x1b[2K"


class ProgressLine:
    """Progress line of a solve. Call it with each `SolverProgress`, and `tick` in between; leaving the `with` block
    clears the line."""

    def __init__(self) -> None:
        self._on_terminal = sys.stderr.isatty()
        self._latest: tuple[SolverProgress, float] | None = None

    def __enter__(self) -> ProgressLine:
        return self

    def __call__(self, progress: SolverProgress) -> None:
        """Show the progress of the solve."""
        self._latest = progress, time.monotonic()
        self._show(progress_text(progress))

    def tick(self) -> None:
        """Update the seconds in the line; a solver may have nothing to report for minutes."""
        if self._latest is not None:
            progress, heard_at = self._latest
            elapsed_s = progress.elapsed_s + time.monotonic() - heard_at
            self._show(progress_text(progress.model_copy(update={"elapsed_s": elapsed_s})))

    def _show(self, text: str) -> None:
        if self._on_terminal:
            width = shutil.get_terminal_size().columns - 1
            print(CLEAR_LINE + text[:width], end="", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on_terminal:
            print(CLEAR_LINE, end="", file=sys.stderr, flush=True)


def progress_text(progress: SolverProgress) -> str:
    """Write the progress of a solve in one line."""
    parts = [f"{progress.phase}  {progress.elapsed_s:.0f} s"]
    if progress.objective_kusd is not None:
        parts.append(f"best plan {money(progress.objective_kusd)}")
    if progress.bound_kusd is not None:
        parts.append(f"bound {money(progress.bound_kusd)}")
    if progress.gap is not None:
        parts.append(f"gap {percent(progress.gap)}")
    return "   ".join(parts)
