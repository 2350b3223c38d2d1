"""Set clocks forward and back in mid-run, just after a worker was killed, and see how soon its jobs run elsewhere.

python -m benchmarks.service.jumps [--times 24] [--lease-s 2] [--jump-s 3600] [--database-url postgresql://...]

On SQLite the clock of the machine jumps as all workers and the database see it; on PostgreSQL that of the server, or
that of one machine with workers. Other jobs run on meanwhile, on workers that live.
"""

import argparse
import itertools
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.service.audit import audit
from benchmarks.service.clocks import Clocks
from benchmarks.service.crew import Crew, new_database, report_progress
from lodeplan.service.engine.dbos import POLL_S

MEMBERS, SLOTS, JOBS = 3, 2, 3
BUILD_S, SEARCH_S = 0.3, 4.0
PATIENCE_S = 45.0


@dataclass
class Jumps:
    """Jumps, and what they did."""

    crew: Crew
    clocks: Clocks
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    recoveries_s: dict[tuple[str, float], list[float]] = field(default_factory=dict)
    """From kill to running elsewhere, by what jumped and how far."""
    late: int = 0
    """Jobs of dead workers that ran nowhere for all our patience."""
    needless: int = 0
    """Attempts of living workers that were given up."""

    @property
    def bound_s(self) -> float:
        """A lease to see that a worker is gone, another in which nobody is given up because a clock jumped, two ticks,
        and the poll of the queue, on an idle machine."""
        return 2.4 * self.crew.lease_s + POLL_S + 1

    def hire(self) -> None:
        """Some members follow the clock of the workers' machine: with SQLite all, with PostgreSQL every other."""
        follows = "machine" in self.clocks.kinds or len(self.crew.members) % 2 == 0
        self.crew.hire(slots=SLOTS, clock_file=str(self.clocks.file) if follows else "")

    def one(self, kind: str, by_s: float) -> None:
        """Kill a worker that has jobs, and set a clock."""
        while len(self.crew.members) < MEMBERS:
            self.hire()
        ids = [self.crew.submit(BUILD_S, SEARCH_S) for _ in range(JOBS)]
        attempt = self.crew.wait_for_phase(ids[0], "search").attempt
        victim = self.crew.member_of(ids[0])
        worker_id = self.crew.worker_id_of(victim)
        self.crew.fire(victim)
        killed_at = time.monotonic()
        held = {job_id for job_id in ids if self.crew.job(job_id).worker_id == worker_id}
        if self.chance.random() < 0.5:
            # One that has not looked yet when the clock jumps.
            self.hire()
        self.clocks.move(kind, by_s)
        try:
            self.crew.wait_until(lambda: self.crew.started_at(ids[0], attempt + 1), PATIENCE_S)
            self.recoveries_s.setdefault((kind, by_s), []).append(time.monotonic() - killed_at)
        except TimeoutError:
            self.late += 1
        self.crew.wait_until(lambda: all(self.crew.job(job_id).state.ended for job_id in ids))
        self.needless += sum(self.crew.job(job_id).lost_workers > (job_id in held) for job_id in ids)


def plan_jumps(times: int, kinds: tuple[str, ...], jump_s: float, lease_s: float) -> list[tuple[str, float]]:
    """Which clock, and how far: by the jump, and by little; they cancel out."""
    distances = (jump_s, -jump_s, -jump_s, jump_s, -lease_s, lease_s)
    return list(itertools.islice(itertools.cycle(itertools.product(kinds, distances)), times))


def main() -> None:
    """Set clocks so often, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=24)
    parser.add_argument("--lease-s", type=float, default=2.0)
    parser.add_argument("--jump-s", type=float, default=3600.0)
    parser.add_argument("--database-url", default="", help="a PostgreSQL database; SQLite when left out")
    parser.add_argument("--log", default="/dev/null", help="file for what the workers log")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        new_database(given.database_url, Path(folder)) as database,
        Crew(database, given.lease_s, given.log) as crew,
    ):
        jumps = Jumps(crew, Clocks(database, Path(folder)))
        for kind, by_s in plan_jumps(given.times, jumps.clocks.kinds, given.jump_s, given.lease_s):
            jumps.one(kind, by_s)
            report_progress(sum(map(len, jumps.recoveries_s.values())) + jumps.late, given.times, "jumps")
        crew.wait_for_end()
        verdict = audit(database, crew.job_ids)
        time.sleep(1)
        orphans = len(crew.children())
    print(f"{given.times} jumps, lease {given.lease_s:g} s: {jumps.needless} attempts of living workers given up")
    print(verdict)
    print(f"{orphans} orphans")
    for (kind, by_s), times in sorted(jumps.recoveries_s.items()):
        print(
            f"clock of the {kind} by {by_s:+g} s, from kill to running elsewhere: {len(times)} times, "
            f"median {statistics.median(times):.1f} s, longest {max(times):.1f} s"
        )
    over = sum(seconds > jumps.bound_s for times in jumps.recoveries_s.values() for seconds in times)
    print(f"{over} over 2.4 leases + poll + 1 s = {jumps.bound_s:.2f} s; {jumps.late} not within {PATIENCE_S:g} s")
    raise SystemExit(0 if verdict.is_clean and not (orphans or jumps.late or jumps.needless) else 1)


if __name__ == "__main__":
    main()
