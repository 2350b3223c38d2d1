"""Do one job in a process of its own: `python -m lodeplan.service.workers.child SCENARIO RESULT`.

Standard output carries the lines of `child_messages`, standard input the requests of the worker: the line `stop` asks
for the best plan so far. When standard input ends, because the worker died, this process ends.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gzip
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lodeplan.schemas import InputProblem, Scenario, SolverProgress
    from lodeplan.schemas.jobs import JobOptions
    from lodeplan.service.workers.child_messages import ChildLine

STOP = "stop"
"""Line by which a worker asks for the best plan so far."""
PROBE = "--probe"
"""Argument of a child that only starts, to see whether children do."""
ORPHANED_EXIT_CODE = 9
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def main() -> None:
    """Read the arguments, solve and report the result."""
    faulthandler.enable()
    arguments = None if PROBE in sys.argv else _arguments()
    say = _speaker()
    stop = threading.Event()
    # Before the imports, which take seconds: the worker may die, or want this ended, meanwhile.
    die_with_parent()
    threading.Thread(target=_listen, args=(stop,), daemon=True).start()
    start(say)
    if arguments:
        answer(arguments, say, stop)


def start(say: Callable[[ChildLine], None]) -> None:
    """Import what a solve needs, and say so: what goes wrong before that is not the scenario's fault."""
    import_module("lodeplan.optimizer.planning")
    from lodeplan.service.workers.child_messages import StartedLine

    say(StartedLine())


def load_all() -> None:
    """Import all that jobs of any kind need."""
    for name in ("optimizer.planning", "scenarios", "service.telemetry.tracing", "service.workers.troubles"):
        import_module(f"lodeplan.{name}")
    from lodeplan.service.kinds import KINDS

    for kind in KINDS.values():
        if not kind.has_members:
            kind.load_run()


def answer(arguments: argparse.Namespace, say: Callable[[ChildLine], None], stop: threading.Event) -> None:
    """Solve the scenario in the arguments, and report progress and the result."""
    from lodeplan import optimizer
    from lodeplan.schemas import InvalidInput
    from lodeplan.schemas.jobs import FailureCode
    from lodeplan.service.telemetry import tracing
    from lodeplan.service.workers.child_messages import FailedLine
    from lodeplan.service.workers.troubles import trouble_of

    tracing.configure()
    try:
        with tracing.span("solve", parent=os.environ.get(tracing.VARIABLE)):
            last = _run(arguments, say, stop)
        say(last)
    except _NoLongerValid as error:
        say(FailedLine(code=FailureCode.SCENARIO_NO_LONGER_VALID, message=str(error), problems=error.problems))
    except InvalidInput as error:
        say(FailedLine(code=FailureCode.INVALID_INPUT, message=str(error), problems=error.problems))
    except optimizer.PlanError as error:
        say(FailedLine(code=FailureCode.CHECK_FAILED, message=str(error)))
    except optimizer.TooLarge as error:
        message = f"{error} Where the machine has more memory, raise LODEPLAN_MEMORY_MB."
        say(FailedLine(code=FailureCode.OUT_OF_MEMORY, message=message))
    except MemoryError:
        message = "The solve ran out of memory. Use a smaller scenario or a machine with more memory."
        say(FailedLine(code=FailureCode.OUT_OF_MEMORY, message=message, trace=traceback.format_exc()))
    except (ImportError, OSError) as error:
        say(FailedLine(code=FailureCode.MACHINE_TROUBLE, message=str(trouble_of(error)), trace=traceback.format_exc()))
    except Exception as error:
        message = (
            f"The solve failed with an internal error of Lodeplan ({type(error).__name__}); the log has the details."
        )
        say(FailedLine(code=FailureCode.INTERNAL_ERROR, message=message, trace=traceback.format_exc()))
    finally:
        tracing.flush()


class _NoLongerValid(Exception):
    """The scenario was valid when it was stored."""

    def __init__(self, problems: list[InputProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", type=Path, help="file of the scenario, JSON")
    parser.add_argument("result", type=Path, help="file to write the result to, gzip-compressed JSON")
    parser.add_argument("--kind", required=True, help="name of the kind of job")
    parser.add_argument("--options", default="{}", help="options of that kind, JSON")
    parser.add_argument("--threads", type=int, default=1, help="threads that it may use")
    parser.add_argument("--memory-mib", type=float, help="memory that it may hold, MiB")
    return parser.parse_args()


def _run(arguments: argparse.Namespace, say: Callable[[ChildLine], None], stop: threading.Event) -> ChildLine:
    from lodeplan.service.kinds import Task, kind_named
    from lodeplan.service.telemetry import tracing
    from lodeplan.service.workers.child_messages import FinishedLine, ProgressLine

    kind = kind_named(arguments.kind)
    scenario = _read(arguments.scenario)
    phases = tracing.Phases()

    def tell(progress: SolverProgress) -> None:
        phases.enter(progress.phase)
        say(ProgressLine(progress=progress))

    run = kind.load_run()
    held = _within(scenario, arguments.threads)
    options = _options_of(kind.options, arguments.options)
    answer = run(Task(held, options, tell, stop.is_set, arguments.memory_mib))
    phases.enter("write")
    text = answer.document.model_dump_json(exclude_none=True)
    arguments.result.write_bytes(gzip.compress(text.encode(), compresslevel=6, mtime=0))
    phases.end()
    return FinishedLine(
        termination=answer.termination,
        solution=answer.solution,
        objective_kusd=answer.objective_kusd,
        scenario_hash=scenario.content_hash(),
    )


def _within(scenario: Scenario, threads: int) -> Scenario:
    """The scenario with no more threads than these: the same question, and the same hash."""
    asked = scenario.solve.threads
    if asked is None or asked <= threads:
        return scenario
    held = scenario.model_copy()
    held.solve = scenario.solve.model_copy(update={"threads": threads})
    return held


def _options_of(model: type[JobOptions], text: str) -> JobOptions:
    """The options of a job. The limits are taken as they are: a command may ask for more than a job, such as no time
    at all."""
    from lodeplan.schemas.jobs import JobOptions

    given = json.loads(text)
    limits = {name: given.pop(name, None) for name in JobOptions.model_fields}
    return model.model_validate(given).model_copy(update=limits)


def _read(path: Path) -> Scenario:
    """Read the stored scenario and check it by the rules of this version, which may differ from the one that stored it.
    This takes a few tenths of a second for the largest. Raises `_NoLongerValid`.
    """
    from lodeplan import scenarios
    from lodeplan.schemas import InvalidInput

    try:
        return scenarios.load(json.loads(path.read_bytes()))
    except InvalidInput as error:
        raise _NoLongerValid(error.problems) from None


def _speaker() -> Callable[[ChildLine], None]:
    """Return a function that writes lines to the original standard output; all other output goes to standard error."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lock = threading.Lock()

    def say(line: ChildLine) -> None:
        with lock:
            lines.write(line.model_dump_json(exclude_none=True) + "\n")
            lines.flush()

    return say


def die_with_parent() -> None:
    """Ask the system (Linux) to end this process when its parent dies, even while the solver blocks our other threads.
    The end of a pipe from the parent has the same meaning on all systems, and covers a parent that died before this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def name_process(name: str) -> None:
    """Give this process a name for `ps` and `top` (Linux), of at most 15 characters."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode())


def _listen(stop: threading.Event) -> None:
    # Not sys.stdin: a thread that waits in its buffer makes the interpreter fail at its end.
    while wish := os.read(0, 1024):
        if STOP in wish.decode().split():
            stop.set()
    # Not sys.exit: the solver may be deep in its own code, and nobody waits for its answer.
    os._exit(ORPHANED_EXIT_CODE)


if __name__ == "__main__":
    main()
