"""Kill workers, again and again, while they have jobs; then count what became of the jobs.

python -m benchmarks.service.kills [--kills 100] [--lease-s 2] [--real SCENARIO] [--forked] [--database-url postgresql://...]

Without a URL on a SQLite file that is made for the purpose; with one on a database made beside it. Some members are
killed from outside, while they build or search; some die by their own hand at a given point.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlmodel import col, select

from benchmarks.service.audit import Verdict, audit
from benchmarks.service.crew import Crew, new_database, report_progress
from benchmarks.service.member import POINTS
from lodeplan.schemas.jobs import JobState
from lodeplan.service.engine.dbos import POLL_S
from lodeplan.service.storage import Job, WorkerRow, open_session

MEMBERS = 3
SLOTS = 4
JOBS_AT_ONCE = 4
BUILD_S, SEARCH_S = 0.5, 1.5
PHASES = ("build", "search")


@dataclass
class Campaign:
    """Kills and what they hit."""

    crew: Crew
    real: str = ""
    forked: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    kills: Counter[str] = field(default_factory=Counter)
    hit: list[tuple[str, int, float]] = field(default_factory=list)
    """Job, attempt and moment of each running attempt whose worker was killed."""
    armed: dict[BaseProcess, tuple[str, str]] = field(default_factory=dict)
    """The point at which a member is to die, and the id of its lease."""
    servers_seen: int = 0
    """The most fork servers that lived as a worker was killed."""

    def run(self, kills: int) -> None:
        """Kill so often, then have the survivors finish."""
        while (before := self.kills.total()) < kills:
            self._fill_up()
            self._notice_deaths()
            self._kill_one()
            if self.kills.total() > before:
                report_progress(self.kills.total(), kills, "kills")
        self.crew.hire(slots=SLOTS, real=bool(self.real), forked=self.forked)
        self.crew.wait_for_end()

    def _fill_up(self) -> None:
        """As many members and unfinished jobs as there should be."""
        while len(self.crew.members) < MEMBERS:
            die_at = self.chance.choice(("", *POINTS)) if self.crew.members else ""
            process = self.crew.hire(die_at=die_at, slots=SLOTS, real=bool(self.real), forked=self.forked)
            if die_at:
                self.armed[process] = die_at, self._lease_of(process)
        with open_session(self.crew.database) as session:
            unfinished = sum(not JobState(state).ended for state in session.exec(select(Job.state)))
        for _ in range(JOBS_AT_ONCE - unfinished):
            if self.real:
                self.crew.submit_scenario(self.real)
            else:
                self.crew.submit(BUILD_S, SEARCH_S)

    def _notice_deaths(self) -> None:
        for process, (point, worker_id) in list(self.armed.items()):
            if process.exitcode is not None:
                self.kills[point] += 1
                self._note_hits(worker_id, time.time())
                del self.armed[process]
                if process in self.crew.members:
                    self.crew.members.remove(process)

    def _kill_one(self) -> None:
        """Kill the worker of some job that is in the phase that is due, if there is one."""
        phase = self.chance.choice(PHASES)
        with open_session(self.crew.database) as session:
            query = select(Job, WorkerRow.pid).join(WorkerRow, col(Job.worker_id) == col(WorkerRow.id))
            found = session.exec(query.where(Job.state == JobState.RUNNING)).all()
        # Jobs that have lost a worker are spared, as far as may be: after three they rightly fail.
        spared = {pid for job, pid in found if job.lost_workers}
        due = {pid for job, pid in found if job.progress and job.progress.phase == phase}
        pids = due - spared
        victims = [process for process in self.crew.members if process.pid in pids]
        if not victims:
            time.sleep(0.05)
            return
        victim = self.chance.choice(victims)
        worker_id = self._lease_of(victim)
        self.servers_seen = max(self.servers_seen, len(self.crew.servers()))
        killed_at = self.crew.fire(victim)
        self.armed.pop(victim, None)
        self.kills[phase] += 1
        self._note_hits(worker_id, killed_at)

    def _note_hits(self, worker_id: str, killed_at: float) -> None:
        with open_session(self.crew.database) as session:
            query = select(Job.id, Job.attempt).where(Job.worker_id == worker_id, Job.state == JobState.RUNNING)
            self.hit += [(job_id, attempt, killed_at) for job_id, attempt in session.exec(query)]

    def _lease_of(self, process: BaseProcess) -> str:
        return self.crew.worker_id_of(process) or ""

    def recoveries_s(self) -> list[float]:
        """From kill to running elsewhere, for each attempt that was hit and ran again."""
        started = ((self.crew.started_at(job_id, attempt + 1), at) for job_id, attempt, at in self.hit)
        return sorted(begun - killed_at for begun, killed_at in started if begun)


def report(campaign: Campaign, verdict: Verdict, orphans: int) -> None:
    """Print the figures."""
    print(f"{campaign.kills.total()} kills: {', '.join(f'{n} {what}' for what, n in sorted(campaign.kills.items()))}")
    print(verdict)
    print(f"{orphans} orphans")
    times = campaign.recoveries_s()
    if times:
        bound = 1.25 * campaign.crew.lease_s + POLL_S + 1
        late = sum(seconds > bound for seconds in times)
        print(
            f"from kill to running elsewhere, {len(times)} attempts: median {statistics.median(times):.2f} s, "
            f"90 % within {times[int(0.9 * (len(times) - 1))]:.2f} s, longest {times[-1]:.2f} s; "
            f"{late} over 1.25 leases + poll + 1 s = {bound:.2f} s"
        )


def main() -> None:
    """Run a campaign and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--lease-s", type=float, default=2.0)
    parser.add_argument("--real", default="", metavar="SCENARIO", help="solve this one instead of passing time")
    parser.add_argument("--forked", action="store_true", help="fork the solves instead of starting them")
    parser.add_argument("--database-url", default="", help="a PostgreSQL database; SQLite when left out")
    parser.add_argument("--log", default="/dev/null", help="file for what the workers log")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        new_database(given.database_url, Path(folder)) as database,
        Crew(database, given.lease_s, given.log) as crew,
    ):
        campaign = Campaign(crew, given.real, given.forked)
        campaign.run(given.kills)
        verdict = audit(database, crew.job_ids)
        time.sleep(1)
        orphans = len(crew.children()) + max(0, len(crew.servers()) - len(crew.members))
        report(campaign, verdict, orphans)
    raise SystemExit(0 if verdict.is_clean and not orphans else 1)


if __name__ == "__main__":
    main()
