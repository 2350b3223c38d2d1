"""A run: workers and servers, clients that ask things of them, and a fate that lets things go wrong for a while.

Then all is well again, and in bounded time every job must have ended.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from benchmarks.service.simulation.children import SimulatedSolver, Truth
from benchmarks.service.simulation.clients import TENANTS, Client, Memory
from benchmarks.service.simulation.database import Database
from benchmarks.service.simulation.fate import Fate
from benchmarks.service.simulation.machines import Server, WorkerMachine, simulated
from benchmarks.service.simulation.receivers import MANNERS, Receivers
from benchmarks.service.simulation.scheduler import Process, Simulator, ThreadDied
from lodeplan.service import storage
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Webhook, open_session

WORKERS, SERVERS, CLIENTS = 3, 2, 4
TROUBLED_S = 40.0
"""Time in which things go wrong, simulated seconds."""
PATIENCE_S = 60.0
"""Time after it in which jobs may end; then somebody asks all to end that have not."""
BOUND_S = 400.0
"""Time after that in which every job must have ended; a broken machine alone may take no jobs for a minute."""
SETTLING_S = 100.0
"""Time after that in which the reapers clear up."""
STEP_S = 1.0


@cache
def the_database() -> Database:
    """The database of all runs of this process, one after the other."""
    return Database()


@dataclass
class World:
    """All of a run."""

    seed: str
    truth: Truth = field(default_factory=Truth)
    memory: Memory = field(default_factory=Memory)
    workers: list[WorkerMachine] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Errors that no thread of the service should have."""
    struck: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault happened."""
    born: int = 0

    def __post_init__(self) -> None:
        self.simulator = Simulator(self.seed)
        self.database = the_database()
        self.receivers = Receivers(self.simulator)
        chance = self.simulator.chance
        self.settings = Settings(
            tenant_jobs_per_day=chance.choice((0, 0, 6)),
            tenant_max_queued=chance.choice((0, 0, 0, 4)),
            tenant_max_results=chance.choice((0, 0, 0, 8)),
            max_queued=chance.choice((20_000, 20_000, 5)),
        )

    @contextlib.contextmanager
    def lived(self) -> Iterator["World"]:
        """Run it to its end; the database is there to be looked at until this is left."""
        self.database.begin(self.simulator)
        with simulated(self.simulator, self.receivers, self.broken):
            try:
                try:
                    self._live()
                except ThreadDied as died:
                    self.broken.append(str(died))
                yield self
            finally:
                self.simulator.close()

    def process(self, kind: str) -> Process:
        """A new process."""
        self.born += 1
        chance = self.simulator.chance
        return Process(f"{kind}{self.born}", boot_s=chance.uniform(0, 1e5), version=chance.choice("12"))

    def start_worker(self) -> None:
        """One worker more."""
        solver = SimulatedSolver(self.simulator, self.process("worker"), self.truth, self.tenant_of)
        self.workers.append(WorkerMachine(self.simulator, self.database.engine, solver, self.settings))

    def start_server(self) -> None:
        """One server more."""
        process = self.process("server")
        self.servers.append(Server(self.simulator, self.database.engine, process, self.settings))

    def fill_up(self) -> None:
        """As many workers and servers as there should be."""
        self.workers = [worker for worker in self.workers if not worker.process.is_dead]
        self.servers = [server for server in self.servers if not server.process.is_dead]
        for _ in range(WORKERS - len(self.workers)):
            self.start_worker()
        for _ in range(SERVERS - len(self.servers)):
            self.start_server()

    def tenant_of(self, job_id: str) -> str:
        """The tenant of a job."""
        found = self.database.raw.execute("select tenant from job where id = ?", [job_id]).fetchone()
        return str(found[0]) if found else ""

    def open_jobs(self) -> int:
        """Number of jobs that have not ended."""
        return self._count("job where state not in ('succeeded', 'failed', 'cancelled', 'timed_out')")

    def _count(self, of: str) -> int:
        return int(self.database.raw.execute(f"select count(*) from {of}").fetchone()[0])

    def _live(self) -> None:
        simulator = self.simulator
        self._add_webhooks()
        self.fill_up()
        clients = [Client(self, Process(f"client{number}")) for number in range(CLIENTS)]
        fate = Fate(self)
        simulator.run(TROUBLED_S)
        fate.end()
        self._run_until(PATIENCE_S, lambda: all(client.has_gone for client in clients) and not self.open_jobs())
        # Some children never end by themselves.
        clients[0].ask_all_to_end()
        self._run_until(BOUND_S, lambda: all(client.has_gone for client in clients) and not self.open_jobs())
        self._run_until(SETTLING_S, lambda: not self._count("simulated_queue where status != 'handled'"))
        self._deliver_the_rest()

    def _run_until(self, at_most_s: float, is_done: Callable[[], bool]) -> None:
        until = self.simulator.now + at_most_s
        while self.simulator.now < until and not is_done():
            self.fill_up()
            self.simulator.run(self.simulator.now + STEP_S)

    def _add_webhooks(self) -> None:
        chance = self.simulator.chance
        with open_session(self.database.engine) as session:
            for tenant in TENANTS:
                for number in range(chance.choice((0, 1, 2))):
                    host = f"{tenant}{number}.example.com"
                    self.receivers.manners[host] = chance.choice(("good", *MANNERS))
                    moment = storage.now()
                    session.add(
                        Webhook(
                            id=storage.new_id(), tenant=tenant, url=f"https://{host}/", secret="", created_at=moment
                        )
                    )
            session.commit()

    def _deliver_the_rest(self) -> None:
        """Set the clock of the database to when the next message is due, again and again: hours would pass."""
        raw, simulator = self.database.raw, self.simulator
        while True:
            due_s = raw.execute("select min(due_at_s) from webhook_delivery").fetchone()[0]
            if due_s is None or simulator.now > TROUBLED_S + BOUND_S + 1000:
                return
            simulator.database_skew_s += max(0.0, due_s - simulator.database_s())
            simulator.run(simulator.now + STEP_S)
