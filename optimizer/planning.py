"""The one call: from a scenario to a checked plan."""

from __future__ import annotations

import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from math import isinf
from pathlib import Path
from typing import Any

from lodeplan import scenarios
from lodeplan.optimizer.check import check
from lodeplan.optimizer.expand import expand
from lodeplan.optimizer.model import build_model
from lodeplan.optimizer.plan import Plan, PlanError
from lodeplan.optimizer.prepare import Instance, prepare
from lodeplan.optimizer.regret import best_by_future
from lodeplan.optimizer.results.endless import gains_without_end
from lodeplan.optimizer.results.extraction import make_plan
from lodeplan.optimizer.results.findings import sampling_findings
from lodeplan.optimizer.solver import (
    Answer,
    Control,
    Form,
    find_conflict,
    refuse_hopeless_numbers,
    solve_form,
    standard_form,
)
from lodeplan.optimizer.solver.tolerances import gap_of
from lodeplan.scenarios.options import check_options
from lodeplan.scenarios.validation import find_warnings
from lodeplan.schemas.order import in_order
from lodeplan.schemas.patches import Patch
from lodeplan.schemas.plan import Solution, SolverProgress, Termination
from lodeplan.schemas.scenario import Scenario

TOLERANCE = 1e-6
"""Largest violation and cost difference, both relative, that the independent check lets pass."""
PACKAGES = ("lodeplan", "pyomo", "highspy", "numpy", "scipy", "pandas")

Source = str | Path | Mapping[str, Any] | Scenario


@dataclass
class _Progress:
    """Times by phase, and reports to whoever listens."""

    listener: Callable[[SolverProgress], None] | None
    started: float = field(default_factory=time.monotonic)
    timings_s: dict[str, float] = field(default_factory=dict)

    def report(self, phase: str, objective: float | None = None, bound: float | None = None) -> None:
        if self.listener is None:
            return
        gap = None if objective is None or bound is None else gap_of(objective, bound)
        self.listener(
            SolverProgress(
                phase=phase,
                elapsed_s=time.monotonic() - self.started,
                objective_kusd=objective,
                bound_kusd=bound,
                gap=None if gap is None or isinf(gap) else gap,
                memory_mib=peak_memory_mib(),
            )
        )

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        self.report(name)
        begun = time.monotonic()
        try:
            yield
        finally:
            self.timings_s[name] = time.monotonic() - begun


def solve(
    source: Source,
    patches: Sequence[Patch] = (),
    *,
    gap: float | None = None,
    time_limit_s: float | None = None,
    on_progress: Callable[[SolverProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Plan:
    """Solve a scenario and check the plan.

    `source` is a shipped name, a path to a file or folder, a mapping, or a `Scenario`; `patches` change it first.
    `gap` (fraction) and `time_limit_s` (seconds of search) override the scenario's. `should_stop` is asked during the
    search: true ends it with the best plan so far. What the scenario may not mean as it stands is in
    `summary.warnings`.

    Raises `schemas.InvalidInput` for a bad scenario or option, `PlanError` when the independent check refuses the plan.
    An infeasible scenario, or one whose cost falls without end, is no error: the plan says so and names why.
    """
    check_options(gap, time_limit_s)
    progress = _Progress(on_progress)
    with progress.phase("read"):
        asked = in_order(scenarios.load(source, patches))
        warnings = find_warnings(asked)
    with progress.phase("expand"):
        expansion = expand(asked)
    scenario, options = expansion.scenario, asked.solve
    control = Control(
        gap=options.gap if gap is None else gap,
        time_limit_s=options.time_limit_s if time_limit_s is None else time_limit_s,
        threads=options.threads,
        report=progress.report,
        should_stop=should_stop,
    )
    with progress.phase("alone"):
        best_kusd = best_by_future(scenario, control) if scenario.risk.objective == "maximum_regret" else {}
    with progress.phase("prepare"):
        instance = prepare(scenario, best_kusd)
    with progress.phase("build"):
        model = build_model(instance)
    with progress.phase("handoff"):
        form = standard_form(model, instance)
    with progress.phase("highs"):
        answer = solve_form(instance, form, control)
    with progress.phase("extract"):
        plan = make_plan(instance, form, answer)
    found = {
        **_judged(plan, instance, form, answer, progress),
        "scenario_hash": asked.content_hash(),
        "warnings": warnings.open,
        "acknowledged": warnings.acknowledged,
    }
    if expansion.sampling is not None:
        found["sampling"] = expansion.sampling
        found["findings"] = [*plan.summary.findings, *sampling_findings(expansion.sampling)]
    return _finished(plan, progress, found)


def _judged(plan: Plan, instance: Instance, form: Form, answer: Answer, progress: _Progress) -> dict[str, Any]:
    """The independent check's verdict; where there is no plan, what clashes or what is gained without end."""
    if answer.solution == Solution.NONE:
        if answer.termination == Termination.INFEASIBLE:
            return {"conflict": find_conflict(instance, form)}
        if answer.termination == Termination.UNBOUNDED:
            return {"conflict": gains_without_end(instance, form, answer)}
        return {}
    with progress.phase("check"):
        verdict = check(instance.scenario, plan.tables, objective_kusd=answer.objective_kusd)
    if verdict.max_violation > TOLERANCE or verdict.cost_difference_rel > TOLERANCE:
        refuse_hopeless_numbers(instance, form)
        raise PlanError(
            f"The independent check refuses this plan: largest violation {verdict.max_violation:.3g}, cost difference "
            f"{verdict.cost_difference_rel:.3g}, both allowed {TOLERANCE:g}.\n" + "\n".join(verdict.worst)
        )
    return {"check": verdict}


def _finished(plan: Plan, progress: _Progress, found: dict[str, Any]) -> Plan:
    timings = {**progress.timings_s, "total": time.monotonic() - progress.started}
    record = {
        **found,
        "timings_s": {phase: round(seconds, 4) for phase, seconds in timings.items()},
        "peak_memory_mib": peak_memory_mib(),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }
    return Plan(plan.summary.model_copy(update=record), plan.tables, plan.scenario)


def peak_memory_mib() -> float:
    """Peak resident memory of this process, MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # unlike getrusage, it does not count what the parent held when it started us
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
