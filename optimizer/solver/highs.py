"""One run of HiGHS on arrays. Every return status is read; nothing is taken for granted.

What a run claims is held against its own point: the objective is always that of the point, and a run whose claims are
off by more than `CLAIM` is thrown away and made again, first without a start, then without presolve. An optimum of an
LP is held against its own duals, too: the solver lets next to nothing pass in each column, which may be much in all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import highspy
import numpy as np

from lodeplan.optimizer.prepare.calendar import Floats
from lodeplan.optimizer.solver.form import Form
from lodeplan.optimizer.solver.least import spared_by_duals
from lodeplan.optimizer.solver.tolerances import CLAIM, FEASIBLE, ROUNDING, STRICT
from lodeplan.schemas.plan import Termination

Status = highspy.HighsModelStatus
_TERMINATION = {
    Status.kOptimal: Termination.OPTIMAL,
    Status.kModelEmpty: Termination.OPTIMAL,
    Status.kTimeLimit: Termination.TIME_LIMIT,
    Status.kInterrupt: Termination.INTERRUPTED,
    Status.kHighsInterrupt: Termination.INTERRUPTED,  # type: ignore[attr-defined]
    Status.kSolutionLimit: Termination.SEARCH_LIMIT,  # of nodes or solutions
    Status.kObjectiveTarget: Termination.INTERRUPTED,
    Status.kIterationLimit: Termination.SEARCH_LIMIT,
    Status.kMemoryLimit: Termination.MEMORY_LIMIT,
    Status.kInfeasible: Termination.INFEASIBLE,
    Status.kUnbounded: Termination.UNBOUNDED,
}
PLAIN = {
    "mip_allow_restart": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
}
LARGEST_COST = 1e6
"""A canonical unit of no column costs more, where a model with dearer ones has no answer to be believed."""
CLOSE_MONEY = 1e6
"""An objective has this many units of money at least, where a run is made once more, closely."""


class SolverError(RuntimeError):
    """HiGHS refused an option, a model or a run."""


class _QuietHighs(highspy.Highs):
    """HiGHS that keeps its banner off standard output: it prints it when callbacks are first enabled."""

    def enableCallbacks(self) -> None:  # noqa: N802
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Settings:
    """Settings of a run."""

    gap: float = 1e-6
    time_limit_s: float | None = None
    nodes: int | None = None
    """Nodes of the search at most."""
    presolve: bool = True
    plain: bool = False
    """Search by branching and cuts alone, without searches inside the search and without starting over: several times
    faster where the relaxation is almost a plan, as that of a group is."""
    start: Floats | None = None
    """A feasible point to start from: every column, since completing a part of one costs more than it saves."""
    on_incumbent: Callable[[float, float], None] | None = None
    """Called with the objective and the bound (canonical money) as the search goes on: claims, of a run that may yet be
    thrown away."""
    should_stop: Callable[[], bool] | None = None
    closely: bool = False
    """Hold yes/no columns to whole numbers, and reduced costs to their sign, as closely as HiGHS can: slower, and
    needed only where what its own tolerances leave is worth something."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of HiGHS by name, as `solver_options` lets them pass; what these settings say goes before them."""
    log: Path | None = None
    """File that gets the solver's own log, behind what it holds."""


@dataclass(frozen=True)
class Run:
    """Result of a run, in canonical units."""

    termination: Termination
    x: Floats | None
    """Column values, if there is a feasible point."""
    row_dual: Floats | None
    column_dual: Floats | None
    objective: float
    bound: float

    def in_money(self, factor: float) -> Run:
        """The same in another unit of money: `factor` old ones."""
        return replace(
            self,
            row_dual=None if self.row_dual is None else self.row_dual / factor,
            column_dual=None if self.column_dual is None else self.column_dual / factor,
            objective=self.objective / factor,
            bound=self.bound / factor,
        )


def run_highs(form: Form, settings: Settings) -> Run:
    """Solve an LP or a MIP. Verdicts without a point are confirmed with presolve off, and no claim is believed unseen.

    Raises `SolverError` where HiGHS ends in an error, or claims what no point bears out, in every way tried.
    """
    deadline = None if settings.time_limit_s is None else time.monotonic() + settings.time_limit_s
    wide = None
    for given, attempt in _attempts(form, settings):
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        run = _one_run(given, replace(attempt, time_limit_s=left))
        if run is not None:
            run = run.in_money(form.money_unit / given.money_unit)
            if not _reaches(run, settings.gap):
                wide = run
                continue
            exact = settings.closely or borne_out_by_duals(form, run)
            return run if exact else _closer(form, replace(attempt, time_limit_s=left), run)
    if wide is not None:
        return wide
    rows, columns = form.matrix.shape
    raise SolverError(
        f"HiGHS finds no answer to a model of {rows:,} rows and {columns:,} columns that its own point bears out, with "
        "presolve or without it."
    )


def tried(form: Form, settings: Settings) -> Run:
    """A run, or none where the solver fails."""
    try:
        return run_highs(form, settings)
    except SolverError:
        return Run(Termination.ERROR, None, None, None, float("inf"), float("-inf"))


def _reaches(run: Run, gap: float) -> bool:
    """Whether a run that is called optimal has a bound within the gap; true for other runs, which do not say so."""
    if run.termination != Termination.OPTIMAL or run.x is None:
        return True
    return run.objective - run.bound <= gap * abs(run.objective) + CLAIM * max(1.0, abs(run.objective))


def closely_priced(form: Form, objective: float) -> Form:
    """The form in money so small that this objective (canonical) is `CLOSE_MONEY` units of it at least."""
    return form.in_money_of(abs(objective) * form.money_unit / CLOSE_MONEY)


def borne_out_by_duals(form: Form, run: Run) -> bool:
    """True if the duals of an LP bear out its optimum; also for other runs, which have none."""
    if run.x is None or run.row_dual is None:
        return True
    terms = float(np.abs(form.cost) @ np.abs(run.x))
    return spared_by_duals(form, run.row_dual, run.x) <= CLAIM * abs(run.objective) + ROUNDING * terms


def _closer(form: Form, settings: Settings, run: Run) -> Run:
    """The cheaper of an optimum that its duals do not bear out and of one that is searched for closely."""
    finer = closely_priced(form, run.objective)
    again = tried(finer, replace(settings, start=None, closely=True))
    if again.x is None:
        return run
    return min(run, again.in_money(form.money_unit / finer.money_unit), key=lambda held: held.objective)


def _attempts(form: Form, settings: Settings) -> Iterator[tuple[Form, Settings]]:
    """Ways to run, each trusted more than the one before; costs far above the solver's tolerance are made smaller."""
    yield form, settings
    if settings.start is not None and settings.presolve:
        yield form, replace(settings, start=None)
    if settings.presolve:
        yield form, replace(settings, start=None, presolve=False)
    coarser = form.in_money_from(float(np.abs(form.cost).max(initial=0.0)) * form.money_unit / LARGEST_COST)
    if coarser is not form:
        yield coarser, replace(settings, on_incumbent=None)
        if settings.presolve:
            yield coarser, replace(settings, on_incumbent=None, start=None, presolve=False)


def _one_run(form: Form, settings: Settings) -> Run | None:
    """One run; None where it is not to be believed, or to be confirmed with presolve off."""
    solver = new_solver(form, settings)
    if solver.run() == highspy.HighsStatus.kError:
        return None
    status = solver.getModelStatus()
    doubtful = status in (Status.kInfeasible, Status.kUnbounded, Status.kUnboundedOrInfeasible)
    if doubtful and settings.presolve:
        return None
    if status == Status.kUnboundedOrInfeasible:
        return _unbounded_or_infeasible(form, settings)
    termination = _TERMINATION.get(status, Termination.ERROR)
    return None if termination == Termination.ERROR else believed(solver, form, termination)


def _unbounded_or_infeasible(form: Form, settings: Settings) -> Run:
    """HiGHS leaves it open for a MIP: unbounded if there is a point at all, which a search without costs finds."""
    if not form.cost.any():
        return Run(Termination.INFEASIBLE, None, None, None, float("inf"), float("-inf"))
    any_point = run_highs(
        replace(form, cost=np.zeros_like(form.cost)), replace(settings, presolve=True, start=None, on_incumbent=None)
    )
    termination = any_point.termination if any_point.x is None else Termination.UNBOUNDED
    return Run(termination, None, None, None, float("inf"), float("-inf"))


def new_solver(form: Form, settings: Settings) -> highspy.Highs:
    """HiGHS with a model and settings, not run yet. Raises `SolverError` where it takes one of them not."""
    solver = _QuietHighs()  # type: ignore[no-untyped-call]
    options: dict[str, Any] = {
        **settings.options,
        "log_to_console": False,
        "output_flag": True,  # progress callbacks need it; nothing goes to the console
        "presolve": "on" if settings.presolve else "off",
        "mip_rel_gap": settings.gap,
        "mip_abs_gap": 0.0,
        # HiGHS keeps its first number for the life of the process; another finds other plans. Groups have threads.
        "threads": 1,
    }
    if settings.closely:
        options |= {"mip_feasibility_tolerance": STRICT, "dual_feasibility_tolerance": STRICT}
    if settings.plain:
        options |= PLAIN
    if settings.time_limit_s is not None:
        options["time_limit"] = settings.time_limit_s
    if settings.nodes is not None:
        options["mip_max_nodes"] = settings.nodes
    for name, value in options.items():
        _check(solver.setOptionValue(name, value), f"option {name}={value}")
    _check(_pass_model(solver, form), "passModel")
    if settings.start is not None:
        point = highspy.HighsSolution()
        point.col_value = settings.start.tolist()
        _check(solver.setSolution(point), "setSolution")
    _subscribe(solver, settings)
    return solver


def _pass_model(solver: highspy.Highs, form: Form) -> Any:
    """One call for the whole model; filling HighsLp field by field is many times slower."""
    rows, columns = form.matrix.shape
    return solver.passModel(
        columns,
        rows,
        form.nonzeros,
        int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize),
        form.offset,
        np.ascontiguousarray(form.cost),
        np.ascontiguousarray(form.column_lower),
        np.ascontiguousarray(form.column_upper),
        np.ascontiguousarray(form.row_lower),
        np.ascontiguousarray(form.row_upper),
        np.ascontiguousarray(form.matrix.indptr, np.int32),
        np.ascontiguousarray(form.matrix.indices, np.int32),
        np.ascontiguousarray(form.matrix.data),
        np.ascontiguousarray(form.integer, np.int32),
    )


def _subscribe(solver: highspy.Highs, settings: Settings) -> None:
    """Progress and stop. A root LP and presolve cannot be interrupted: `time_limit` bounds those."""
    if settings.on_incumbent is not None:
        report = settings.on_incumbent

        def on_log(event: Any) -> None:
            report(event.data_out.mip_primal_bound, event.data_out.mip_dual_bound)

        solver.cbMipLogging += on_log
        solver.cbMipImprovingSolution += on_log
    if settings.log is not None:
        log = settings.log

        def on_line(event: Any) -> None:
            with log.open("a", encoding="utf-8") as file:
                file.write(event.message)

        solver.cbLogging += on_line
    if settings.should_stop is not None:
        should_stop = settings.should_stop

        def on_interrupt(event: Any) -> None:
            event.interrupt(should_stop())

        solver.cbMipInterrupt += on_interrupt
        solver.cbSimplexInterrupt += on_interrupt
        solver.cbIpmInterrupt += on_interrupt


def believed(solver: highspy.Highs, form: Form, termination: Termination) -> Run | None:
    """The result of a run; None where its claims are not those of its point."""
    info = solver.getInfo()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    integer = bool(form.integer.any())
    # A limit in an LP leaves no usable point; in a MIP it leaves the incumbent. Where costs have no end none is a plan.
    usable = feasible and termination != Termination.UNBOUNDED and (integer or termination == Termination.OPTIMAL)
    if not usable:
        return Run(
            termination, None, None, None, float("inf"), float(info.mip_dual_bound) if integer else float("-inf")
        )
    solution = solver.getSolution()
    x = np.array(solution.col_value)
    objective = form.cost_of(x)
    bound = float(info.mip_dual_bound) if integer else objective
    allowed = CLAIM * max(1.0, abs(objective))
    claimed = abs(float(info.objective_function_value) - objective) <= allowed and bound <= objective + allowed
    if not (claimed and form.violation(x) <= FEASIBLE):  # so written, what is not a number is never believed
        return None
    return Run(
        termination=termination,
        x=x,
        row_dual=None if integer else np.array(solution.row_dual),
        column_dual=None if integer else np.array(solution.col_dual),
        objective=objective,
        bound=bound,
    )


def _check(status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise SolverError(f"HiGHS failed at {what}")
