"""Processes of the service under simulation: workers with all their threads, and servers that take requests."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest import mock

import structlog

from benchmarks.service.simulation.children import SimulatedSolver
from benchmarks.service.simulation.engine import SimulatedEngine
from benchmarks.service.simulation.loop import run_in_loop
from benchmarks.service.simulation.receivers import LookUps, Receivers
from benchmarks.service.simulation.scheduler import Event, Modules, Process, Queue, Simulator
from lodeplan.service.api import intake
from lodeplan.service.api.intake import Intake
from lodeplan.service.jobs import reuse
from lodeplan.service.jobs.allowances import Allowance
from lodeplan.service.settings import Settings
from lodeplan.service.storage import OUTAGES, clock, ids
from lodeplan.service.webhooks import sending
from lodeplan.service.webhooks.sending import Deliverer
from lodeplan.service.webhooks.turns import Turns
from lodeplan.service.workers import attempt_watch, fitness, leases, retention, worker
from lodeplan.service.workers.fitness import Fitness
from lodeplan.service.workers.leases import Lease
from lodeplan.service.workers.retention import Retention
from lodeplan.service.workers.worker import Worker

LEASE_S = 10.0
SLOTS = 2
BROKEN_BEATS = ("a beat broke off", "a look at the job broke off")
"""Errors of the service that it survives, and that should not be."""


class WorkerMachine:
    """A process that runs a `Worker` as `lodeplan worker` does."""

    def __init__(self, simulator: Simulator, database: Any, solver: SimulatedSolver, settings: Settings) -> None:
        self.simulator, self.process = simulator, solver.process
        self.engine = SimulatedEngine(database, simulator, self.process)
        deliverer = Deliverer(
            database, settings, Turns(simulator.monotonic), LookUps(simulator), _stopping=Event(simulator)
        )
        self.worker = Worker(
            database,
            self.engine,
            solver,
            LEASE_S,
            deliverer,
            Event(simulator),
            Retention(database, self.engine, settings).loop,
            allowance=Allowance(settings.tenant_cpu_s_per_day, settings.tenant_max_stored_mb),
            _renewals=Queue(simulator),
            _stopped=Event(simulator),
        )
        self.worker.fitness = Fitness(solver.probe, _stopped=Event(simulator))
        self.to_drain = Event(simulator)
        self.drain_s = 0.0
        simulator.spawn(self.process, "main", self._run)

    def drain(self, drain_s: float) -> None:
        """Ask the process to end, as SIGTERM does."""
        self.drain_s = drain_s
        self.to_drain.set()

    def _run(self) -> None:
        try:
            self.worker.start(SLOTS)
        except OUTAGES:
            self.simulator.note("cannot start: the database is away")
            self.simulator.die()
        self.to_drain.wait()
        self.worker.stop(self.drain_s)
        self.engine.close()
        self.simulator.note("drained")
        self.simulator.die()


class Server:
    """A process that takes requests, as `lodeplan serve --no-workers` does."""

    def __init__(self, simulator: Simulator, database: Any, process: Process, settings: Settings) -> None:
        self.process = process
        self.engine = SimulatedEngine(database, simulator, process)
        self.intake = Intake(database, self.engine, settings, None)


class _Round(sending._Round):
    """Sending without a network."""

    @contextlib.asynccontextmanager
    async def _tools(self) -> Any:
        self.client = self._rows = None
        yield


def _silent(notes: Callable[[str], None]) -> Callable[..., Any]:
    """A processor of log lines that keeps none, and notes those that should not be."""

    def process(_logger: Any, _method: str, line: Any) -> Any:
        if line["event"] in BROKEN_BEATS:
            error = sys.exc_info()[1]
            notes(f"{line['event']}: {type(error).__name__}: {error}")
        raise structlog.DropEvent

    return process


def stand_ins(simulator: Simulator, receivers: Receivers) -> list[tuple[Any, dict[str, Any]]]:
    """Modules of the service, and what stands in each for what it has from outside: time, threads, chance and hosts."""
    modules = Modules(simulator)

    def version() -> str:
        return simulator.current.process.version if simulator.current else "1"

    def new_lease(*arguments: Any) -> Lease:
        worker_id = f"{simulator.chance.getrandbits(64):016x}"
        return Lease(*arguments, clock=simulator.monotonic, worker_id=worker_id)

    waits = {"threading": modules.threading, "time": modules.time}
    machine = {"os": SimpleNamespace(getpid=lambda: 1), "socket": SimpleNamespace(gethostname=lambda: "simulated")}
    loop = SimpleNamespace(**vars(asyncio) | {"run": partial(run_in_loop, simulator)})
    return [
        (clock, {"datetime": modules.datetime}),
        (ids, {"secrets": modules.secrets, "time": modules.time}),
        (worker, {**waits, "Lease": new_lease}),
        (leases, {**machine, "version": lambda _: version()}),
        (attempt_watch, {**waits, "LOOK_EVERY_S": 1.0}),
        (fitness, {"threading": modules.threading}),
        (retention, {"random": simulator.chance}),
        (reuse, {"_versions": lambda: (version(),)}),
        (intake, {"time": modules.time}),
        (sending, {**waits, "asyncio": loop, "LOOK_EVERY_S": 3.0, "_Round": _Round, "_send": receivers.send}),
    ]


@contextlib.contextmanager
def simulated(simulator: Simulator, receivers: Receivers, broken: list[str]) -> Iterator[None]:
    """Have the service ask the simulator, and note errors that it should not have."""
    before = structlog.get_config()
    with contextlib.ExitStack() as stack:
        for module, names in stand_ins(simulator, receivers):
            stack.enter_context(mock.patch.multiple(module, **names))
        silent = _silent(lambda line: broken.append(f"{simulator.now:.3f}: {line}"))
        structlog.configure(processors=[silent], cache_logger_on_first_use=False)
        stack.callback(lambda: structlog.configure(**before))
        yield
