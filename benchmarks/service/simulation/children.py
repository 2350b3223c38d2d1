"""Solving children that solve nothing: chance says how long they take and how they end."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from benchmarks.service.simulation.scheduler import Process, Simulator
from lodeplan.schemas import Solution, SolverProgress, Termination
from lodeplan.schemas.jobs import FailureCode, JobTrouble
from lodeplan.service.engine import Attempt
from lodeplan.service.jobs.attempts import Outcome
from lodeplan.service.workers.child_messages import FailedLine, FinishedLine
from lodeplan.service.workers.child_process import ChildEnd, Watch, Wish, Work
from lodeplan.service.workers.child_solver import _outcome

LOOK_S, LEAST_S = 1.0, 0.001
LIMIT_S, FOR_EVER_S = 40.0, 1e5
"""Time limits of those that do not end by themselves."""
MEMORY_MIB = 1000.0
DIGITS = 26
"""Powers of 4 whose sum a float holds."""
ENDS = {
    "optimal": 60,
    "endless": 6,
    "hangs": 3,
    "infeasible": 4,
    "feasible": 4,
    "nothing": 4,
    "fails": 4,
    "crashes": 3,
    "hoards": 3,
    "confuses": 1,
}
"""Ends that are the scenario's or the solver's, with their weights."""
TROUBLES = {"killed": 4, "starts not": 3, "no process": 3}
"""Those that are the machine's."""
_FINISHED = {
    "optimal": (Termination.OPTIMAL, Solution.OPTIMAL),
    "endless": (Termination.INTERRUPTED, Solution.FEASIBLE),
    "hangs": (Termination.INTERRUPTED, Solution.NONE),
    "infeasible": (Termination.INFEASIBLE, Solution.NONE),
    "feasible": (Termination.TIME_LIMIT, Solution.FEASIBLE),
    "nothing": (Termination.TIME_LIMIT, Solution.NONE),
}
_EXITS = {"crashes": -11, "killed": -9, "starts not": 1}


@dataclass
class Truth:
    """What became of each attempt, by those who saw it: for the verdict."""

    ends: dict[Attempt, list[Outcome | None]] = field(default_factory=dict)
    """One for each child that began; None if it was the worker that erred."""
    used: dict[str, int] = field(default_factory=dict)
    """Number of attempts of each tenant."""
    has_troubles: bool = False
    """Whether machines may have trouble now."""
    strike: Callable[[Process], None] | None = None
    """Called as a child has ended and its worker is about to say so."""


@dataclass
class SimulatedSolver:
    """The `Solver` of one worker."""

    simulator: Simulator
    process: Process
    truth: Truth
    tenant_of: Callable[[str], str]

    def __call__(self, _work: Work, watch: Watch) -> Outcome:
        """Take the time of a solve, and end as chance says."""
        attempt: Attempt = watch._attempt  # type: ignore[attr-defined]
        chance, truth = self.simulator.chance, self.truth
        ends = ENDS | TROUBLES if truth.has_troubles else ENDS
        how = chance.choices([*ends], [*ends.values()])[0]
        self.simulator.note(f"child of {_short(attempt)} begins, and {how}")
        if how == "confuses":
            truth.ends.setdefault(attempt, []).append(None)
            raise ValueError("an error within the worker")
        if how == "no process":
            outcome = Outcome(trouble=JobTrouble(attempt=0, began=False, text="OSError: no more processes"))
        else:
            outcome = _outcome(self._follow(how, watch, self._duration_s(how)), MEMORY_MIB)
        if truth.strike:
            truth.strike(self.process)
        outcome = replace(outcome, cpu_s=self._cpu_s(self.tenant_of(attempt.job_id)))
        truth.ends.setdefault(attempt, []).append(outcome)
        self.simulator.note(f"child of {_short(attempt)} has ended")
        return outcome

    def probe(self) -> None:
        """Start a child that does nothing."""
        if self.truth.has_troubles and self.simulator.chance.random() < 0.5:
            raise OSError("no more processes")

    def _duration_s(self, how: str) -> float:
        chance = self.simulator.chance
        if how in ("endless", "hangs"):
            return LIMIT_S if how == "endless" else FOR_EVER_S
        return chance.expovariate(1 / (15.0 if chance.random() < 0.2 else 2.0))

    def _follow(self, how: str, watch: Watch, duration_s: float) -> ChildEnd:
        """What `run_child` does, without a process."""
        simulator = self.simulator
        begun = simulator.now
        asked_to_stop = False
        while (passed_s := simulator.now - begun) < duration_s:
            wish = watch.wish()
            if wish is Wish.KILL:
                return ChildEnd(None, Termination.INTERRUPTED, -9, 100.0, b"", "")
            if wish is Wish.STOP and not asked_to_stop:
                asked_to_stop = True
                duration_s = min(duration_s, passed_s + 1.0)
            if simulator.chance.random() < 0.5:
                watch.progress(SolverProgress(phase="search", elapsed_s=passed_s))
            simulator.pause(max(LEAST_S, min(LOOK_S, duration_s - passed_s)))
        if how in ("endless", "hangs") and not asked_to_stop:
            return ChildEnd(None, Termination.TIME_LIMIT, -9, 100.0, b"", "")
        if how == "hoards":
            return ChildEnd(None, Termination.MEMORY_LIMIT, -9, 2 * MEMORY_MIB, b"", "")
        if how == "fails":
            line = FailedLine(code=FailureCode.SOLVER_ERROR, message="The solver gave up.")
            return ChildEnd(line, None, 1, 100.0, b"", "")
        if how in _EXITS:
            return ChildEnd(None, None, _EXITS[how], 100.0, b"", "", began=how != "starts not")
        termination, solution = _FINISHED[how]
        line = FinishedLine(termination=termination, solution=solution, objective_kusd=1.0)
        return ChildEnd(line, None, 0, 100.0, gzip.compress(f"{self.process.name} {begun}".encode(), mtime=0), "")

    def _cpu_s(self, tenant: str) -> float:
        """A power of 4, another for each attempt of a tenant: their sum tells which were counted, and how often."""
        number = self.truth.used[tenant] = self.truth.used.get(tenant, -1) + 1
        return 4.0**number if number < DIGITS else 0.0


def _short(attempt: Attempt) -> str:
    return f"{attempt.job_id[-4:]}.{attempt.number}"
