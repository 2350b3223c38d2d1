"""Control of a search: its limits, its listener, and the bounds proven so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from lodeplan.optimizer.solver.form import Form
from lodeplan.optimizer.solver.held import Before, HeldModel
from lodeplan.optimizer.solver.highs import Run, Settings
from lodeplan.optimizer.solver.tolerances import borne_out

Report = Callable[[str, float | None, float | None], None]
"""Called with a phase, and objective and bound in kUSD once there are any."""


@dataclass
class Proven:
    """The bounds proven of one model: the best counts, whichever search proves it, until a point disproves it."""

    bounds_kusd: list[float] = field(default_factory=list)

    @property
    def kusd(self) -> float:
        """The best of them; minus infinity where there is none."""
        return max(self.bounds_kusd, default=float("-inf"))

    def add(self, bound_kusd: float) -> None:
        """Take a bound that holds for the whole model."""
        if isfinite(bound_kusd):
            self.bounds_kusd.append(bound_kusd)

    def hold_against(self, objective_kusd: float) -> float:
        """The best bound, at most what a point costs. Those that the point disproves are withdrawn, the others stay."""
        self.bounds_kusd = [bound for bound in self.bounds_kusd if isfinite(borne_out(bound, objective_kusd))]
        return min(self.kusd, objective_kusd)


@dataclass(frozen=True)
class Control:
    """Limits and listener of a search."""

    gap: float
    """Relative gap at which the search stops: of the objective."""
    gap_of_worth: float | None = None
    """Instead, the gap of what the plan saves against doing nothing; `gap` follows from it."""
    time_limit_s: float | None = None
    """Wall time for all searching together, from when this object was made."""
    threads: int | None = None
    """So many groups are searched at the same time; one without it."""
    along: str = "master"
    """How a large model is searched: by the groups' plans (`master`), or by decisions worth taking (`decisions`)."""
    report: Report | None = None
    should_stop: Callable[[], bool] | None = None
    began: float = field(default_factory=time.monotonic)
    proven: Proven = field(default_factory=Proven)
    """Of the model that is searched."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of HiGHS by name, as `solver_options` lets them pass."""
    log: Path | None = None
    """File that gets the solver's own log."""
    held: HeldModel | None = None
    """The model that is searched, without integrality, with its last basis."""
    before: Before | None = None
    """What the model that was solved before with other numbers left; gets what this one leaves."""
    of_whole: bool = True
    """Whether a bound of this search holds for the whole model; not where it leaves something out."""

    def left_s(self) -> float | None:
        """Time left of the limit, seconds; None without one."""
        return None if self.time_limit_s is None else max(0.0, self.began + self.time_limit_s - time.monotonic())

    def ended(self) -> bool:
        """True if the time limit has passed or a stop was requested."""
        return self.left_s() == 0.0 or (self.should_stop is not None and self.should_stop())

    def of_another_model(self, form: Form) -> Control:
        """The same for another model, of which nothing is proven yet."""
        held = HeldModel(form, self.machine(), self.before)
        return replace(self, proven=Proven(), held=held if form.integer.any() or held.is_known else None)

    def of_a_part(self, gap: float) -> Control:
        """The same for a search that leaves something out: it proves nothing of the whole."""
        return replace(self, gap=gap, of_whole=False)

    def under(self, name: str) -> Control:
        """The same, each phase told as part of a search of this name."""
        if self.report is None:
            return self
        report = self.report
        return replace(self, report=lambda phase, objective, bound: report(f"{name}: {phase}", objective, bound))

    def machine(self) -> Settings:
        """Settings of every run."""
        return Settings(options=self.options, log=self.log)

    def settings(self, phase: str, money_unit: float) -> Settings:
        """Solver settings for one run."""

        def on_incumbent(objective: float, bound: float) -> None:
            self.tell(phase, objective * money_unit, bound * money_unit if self.of_whole else float("-inf"))

        return replace(
            self.machine(),
            gap=self.gap,
            time_limit_s=self.left_s(),
            on_incumbent=None if self.report is None else on_incumbent,
            should_stop=self.should_stop,
        )

    def tell(self, phase: str, objective_kusd: float = float("inf"), claimed_kusd: float = float("-inf")) -> None:
        """Report a phase, what is held in it, and the best bound of the whole: proven, or claimed by the run under way.

        A claim is told while the run lasts, and is proven only once the run is believed.
        """
        if self.report is not None:
            bounds = [bound for bound in (self.proven.kusd, claimed_kusd) if isfinite(bound)]
            self.report(phase, objective_kusd if isfinite(objective_kusd) else None, max(bounds, default=None))

    def believe(self, run: Run, money_unit: float) -> None:
        """Take the bound of a run as proven, where it holds for the whole."""
        if self.of_whole:
            self.proven.add(run.bound * money_unit)
