"""A worker process of a campaign, which may be told to die by its own hand at a given point."""

import multiprocessing
import multiprocessing.connection
import os
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.service import clocks, versions
from lodeplan.service import storage
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs import attempts, reruns
from lodeplan.service.settings import Settings
from lodeplan.service.telemetry import logs
from lodeplan.service.workers import worker
from lodeplan.service.workers.child_process import CHILD
from lodeplan.service.workers.child_solver import ChildSolver
from lodeplan.service.workers.forks import FORK_SERVER, ForkServer
from lodeplan.service.workers.shutdown import Shutdown

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in.py")))
STAND_IN_SERVER = (sys.executable, str(Path(__file__).with_name("stand_in_server.py")))
BROKEN = {
    "import": (sys.executable, "-P", "-c", "import nothing_of_that_name"),
    "exit": (sys.executable, "-P", "-c", "raise SystemExit(3)"),
    "handles": STAND_IN,
}
"""Children of a worker whose machine is in trouble."""
_FREE_HANDLES = 6
POINTS = ("claimed", "writing", "written", "reaping", "reaped")
"""After the claim; in the transaction that records the end, and after it; in that which gives up a lost worker's
attempt, and after it."""


@dataclass(frozen=True)
class Orders:
    """What a member is told."""

    database_url: str
    lease_s: float
    mark: str
    """Stands in the environment of the member and its children, by which they are found."""
    slots: int = 1
    die_at: str = ""
    real: bool = False
    """Whether it solves, or lets a stand-in pass the time."""
    forked: bool = False
    """Whether its children are forks, or processes that it starts."""
    log_file: str = os.devnull
    clock_file: str = ""
    """Says by how much its wall clock is wrong; see `clocks`."""
    version: str = ""
    """Of which version it is to be, and brings the tables to those of the migrations here."""
    migrations: str = ""
    drain_s: float = 0
    temporary: str = ""
    """Where its temporary files go."""
    trouble: str = ""
    """What is wrong with its machine; see `BROKEN`."""


def run(orders: Orders) -> None:
    """Work until SIGTERM, or until the point at which it is to die."""
    os.environ["LODEPLAN_CAMPAIGN"] = orders.mark
    if orders.temporary:
        os.environ["TMPDIR"] = tempfile.tempdir = orders.temporary
    log_to(orders.log_file)
    database = storage.open_database(orders.database_url)
    if orders.clock_file:
        clocks.follow(Path(orders.clock_file), database)
    if orders.version:
        versions.become(orders.version, orders.migrations)
        storage.migrate(database)
    engine = DbosEngine(database)
    engine.prepare()
    command = BROKEN[orders.trouble] if orders.trouble else CHILD if orders.real else STAND_IN
    forks = ForkServer(FORK_SERVER if orders.real else STAND_IN_SERVER) if orders.forked else None
    solver = ChildSolver(60, command, Settings().solve_memory_mb, forks=forks)
    member = worker.Worker(database, engine, solver, orders.lease_s)
    _arm(orders.die_at, engine)
    threading.Thread(target=_end_with_campaign, daemon=True).start()
    shutdown = Shutdown(lambda: None, member.hurry)
    shutdown.listen()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    member.start(orders.slots)
    if orders.trouble == "handles":
        leave_few_handles()
    shutdown.wait()
    member.stop(orders.drain_s)


def leave_few_handles() -> None:
    """Have this process run out of handles when it starts a child."""
    most = max(map(int, os.listdir("/proc/self/fd"))) + _FREE_HANDLES
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def log_to(file: str) -> None:
    """Have this process log to a file."""
    os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    logs.configure("INFO")


def _end_with_campaign() -> None:
    """A campaign that was killed should leave no workers behind."""
    campaign = multiprocessing.parent_process()
    if campaign:
        multiprocessing.connection.wait([campaign.sentinel])
        os._exit(1)


def _arm(point: str, engine: DbosEngine) -> None:
    """Have this process die at a point."""
    if point == "claimed":
        worker.Worker._solved = _dying_before(worker.Worker._solved)
    elif point == "writing":
        attempts.finish = _dying_after(attempts.finish)
    elif point == "written":
        worker.Worker.handle = _dying_after(worker.Worker.handle)
    elif point == "reaping":
        reruns.lose = _dying_after(reruns.lose)
    elif point == "reaped":
        lose, forget = reruns.lose, engine.forget
        lost: list[Any] = []

        def note(*arguments: Any) -> Any:
            lost.append(answer := lose(*arguments))
            return answer

        def die_or_forget(attempts: Any) -> None:
            if any(lost):
                _die()
            forget(attempts)

        reruns.lose, engine.forget = note, die_or_forget


def _dying_before(act: Callable[..., Any]) -> Callable[..., Any]:
    def dying(*_arguments: Any) -> None:
        _die()

    return dying


def _dying_after(act: Callable[..., Any]) -> Callable[..., Any]:
    def dying(*arguments: Any) -> Any:
        answer = act(*arguments)
        # What had nothing to do changed nothing.
        if answer is not None or act.__name__ == "handle":
            _die()
        return answer

    return dying


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
