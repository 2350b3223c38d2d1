"""What goes wrong in a run: each run draws some kinds of faults, and lets them happen when and where chance says."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.service.simulation.machines import LEASE_S
from benchmarks.service.simulation.scheduler import Process
from lodeplan.service.storage import OUTAGES, open_session, overview

if TYPE_CHECKING:
    from benchmarks.service.simulation.world import World

EVERY_S = 1.5
"""Mean time between two faults."""
RESTART_S = 2.0
"""Mean time until a process that died is there again."""
JUMPS_S = (-3600.0, -LEASE_S, -1.0, 1.0, LEASE_S, 3600.0)


class Fate:
    """The faults of one run."""

    def __init__(self, world: "World") -> None:
        self.world, self.simulator = world, world.simulator
        self.chance = world.simulator.chance
        self.process = Process("fate")
        kinds = self.kinds()
        self.drawn = self.chance.sample([*kinds], self.chance.randint(0, len(kinds)))
        self.simulator.note(f"faults: {', '.join(self.drawn) or 'none'}")
        world.truth.has_troubles = "trouble of machines" in self.drawn
        if "blow at the end of an attempt" in self.drawn:
            world.truth.strike = self._blow
        self.simulator.spawn(self.process, "faults", self._strike)
        self.simulator.spawn(self.process, "restarts", self._restart)

    def kinds(self) -> dict[str, Callable[[], str]]:
        """All faults by name; each returns what it did."""
        return {
            "kill": self._kill,
            "kill at a statement": self._kill_at_statement,
            "freeze": self._freeze,
            "freeze at a statement": self._freeze_at_statement,
            "silence of the database": self._silence,
            "lost connection": self._cut,
            "database away": self._away,
            "full disk": self._fill_disk,
            "lost answer to a commit": self._lose_reply,
            "jump of the database's clock": self._jump,
            "jump of a process's clock": self._jump_process,
            "delivery twice": self._give_twice,
            "drain": self._drain,
            "blow at the end of an attempt": lambda: "",
            "trouble of machines": lambda: "",
            "later tables": self._later_tables,
            "server killed": self._kill_server,
            "pause of the queue": self._pause,
        }

    def end(self) -> None:
        """From now on all is well: what was broken works, and what was ordered is taken back."""
        self.process.is_dead = True
        self.simulator.note("from now on all is well")
        world = self.world
        world.truth.has_troubles, world.truth.strike = False, None
        world.database.full_until = world.database.away_until = 0.0
        for process in [*(each.process for each in world.workers), *(each.process for each in world.servers)]:
            process.dies_in = process.freezes_in = -1
            process.silent_until = process.cut_until = process.frozen_until = 0.0
            process.loses_replies = 0
        with open_session(world.database.engine) as session:
            overview.end_pause(session)
            session.commit()
        for host, manner in world.receivers.manners.items():
            world.receivers.manners[host] = "gone" if manner == "gone" else "good"

    def _strike(self) -> None:
        kinds = self.kinds()
        while self.drawn:
            self.simulator.pause(self.chance.expovariate(1 / EVERY_S))
            kind = self.chance.choice(self.drawn)
            if done := kinds[kind]():
                self.world.struck[kind] += 1
                self.simulator.note(f"{kind}: {done}")

    def _restart(self) -> None:
        while True:
            self.simulator.pause(self.chance.expovariate(1 / RESTART_S))
            self.world.fill_up()

    def _worker(self) -> Process | None:
        alive = [worker.process for worker in self.world.workers if not worker.process.is_dead]
        return self.chance.choice(alive) if alive else None

    def _to_worker(self, act: Callable[[Process], str]) -> str:
        process = self._worker()
        return f"{process.name} {act(process)}" if process else ""

    def _long_s(self) -> float:
        return self.chance.choice((0.3, 0.9, 1.1, 2.0, 3.0)) * LEASE_S

    def _kill(self) -> str:
        process = self._worker()
        if process:
            self.simulator.kill(process)
        return process.name if process else ""

    def _kill_at_statement(self) -> str:
        def act(process: Process) -> str:
            process.dies_in = self.chance.randint(0, 60)
            return f"in {process.dies_in} statements"

        return self._to_worker(act)

    def _freeze(self) -> str:
        def act(process: Process) -> str:
            process.frozen_until = max(process.frozen_until, self.simulator.now + self._long_s())
            return f"until {process.frozen_until:.3f}"

        return self._to_worker(act)

    def _freeze_at_statement(self) -> str:
        def act(process: Process) -> str:
            process.freezes_in, process.freezes_for_s = self.chance.randint(0, 60), self._long_s()
            return f"in {process.freezes_in} statements, for {process.freezes_for_s:.1f} s"

        return self._to_worker(act)

    def _silence(self) -> str:
        def act(process: Process) -> str:
            process.silent_until = self.simulator.now + self._long_s()
            return f"until {process.silent_until:.3f}"

        return self._to_worker(act)

    def _cut(self) -> str:
        def act(process: Process) -> str:
            process.cut_until = self.simulator.now + self.chance.choice((0.01, 1.0, 2 * LEASE_S))
            return f"until {process.cut_until:.3f}"

        return self._to_worker(act)

    def _away(self) -> str:
        self.world.database.away_until = until = self.simulator.now + self._long_s()
        return f"until {until:.3f}"

    def _fill_disk(self) -> str:
        self.world.database.full_until = until = self.simulator.now + self._long_s()
        return f"until {until:.3f}"

    def _lose_reply(self) -> str:
        def act(process: Process) -> str:
            process.loses_replies += 1
            return "of the next"

        if self.chance.random() < 0.3 and self.world.servers:
            process = self.chance.choice(self.world.servers).process
            return f"{process.name} {act(process)}"
        return self._to_worker(act)

    def _jump(self) -> str:
        by_s = self.chance.choice(JUMPS_S)
        self.simulator.database_skew_s += by_s
        return f"by {by_s:g} s"

    def _jump_process(self) -> str:
        def act(process: Process) -> str:
            process.skew_s += self.chance.choice(JUMPS_S)
            return f"is wrong by {process.skew_s:g} s"

        return self._to_worker(act)

    def _give_twice(self) -> str:
        if len(self.world.workers) < 2:
            return ""
        one, other = self.chance.sample(self.world.workers, 2)
        one.engine.give_twice(other.engine)
        return f"what {one.process.name} takes next"

    def _drain(self) -> str:
        alive = [worker for worker in self.world.workers if not worker.process.is_dead]
        if not alive:
            return ""
        worker = self.chance.choice(alive)
        worker.drain(self.chance.choice((0.0, 3.0)))
        return worker.process.name

    def _later_tables(self) -> str:
        """A later version adds a column while others work."""
        raw = self.world.database.raw
        number = len(raw.execute("pragma table_info(job)").fetchall())
        raw.execute(f"alter table job add column later_{number} varchar")
        return f"a column {number}"

    def _pause(self) -> str:
        """An operator pauses the queue, or lets it run."""
        with contextlib.suppress(*OUTAGES), open_session(self.world.database.engine) as session:
            paused = overview.set_pause(session, "key:simulated", "") or not overview.end_pause(session)
            session.commit()
            return "paused" if paused else "runs again"
        return ""

    def _blow(self, process: Process) -> None:
        """Have a worker freeze or die at one of the next statements, as it records an end."""
        if self.chance.random() < 0.2:
            if self.chance.random() < 0.7:
                process.freezes_in, process.freezes_for_s = self.chance.randint(0, 4), self._long_s()
            else:
                process.dies_in = self.chance.randint(0, 12)

    def _kill_server(self) -> str:
        alive = [server.process for server in self.world.servers if not server.process.is_dead]
        if not alive:
            return ""
        process = self.chance.choice(alive)
        process.dies_in = self.chance.randint(0, 40)
        return f"{process.name} in {process.dies_in} statements"
