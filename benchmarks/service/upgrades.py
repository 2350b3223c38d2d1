"""Replace workers one by one with those of a later version, which bring later tables, while jobs come in and run.

python -m benchmarks.service.upgrades [--times 5] [--drain-s 1] [--database-url postgresql://...]

The API through which jobs come in is of this version all the time; each time the new workers are of a version of
their own, with one more column in the table of jobs.
"""

import argparse
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlmodel import select

from benchmarks.service import versions
from benchmarks.service.audit import audit
from benchmarks.service.crew import Crew, new_database, plain_url, report_progress
from benchmarks.service.outages import Api
from lodeplan.schemas.jobs import JobState
from lodeplan.service import storage
from lodeplan.service.engine.dbos import POLL_S
from lodeplan.service.storage import Job, WorkerRow, open_session

MEMBERS, SLOTS, JOBS = 3, 2, 3
BUILD_S, SEARCH_S = 0.3, 2.0
LEASE_S = 10.0


@dataclass
class Upgrades:
    """Workers that are replaced, and what happened meanwhile."""

    crew: Crew
    api: Api
    migrations: Path
    drain_s: float = 1.0
    answers: Counter[str] = field(default_factory=Counter)
    """What the API said."""
    exits: Counter[int] = field(default_factory=Counter)
    """How old workers ended."""
    credits: Counter[str] = field(default_factory=Counter)
    """What is kept as done, by the version it counts for, of jobs that only the last version can have solved."""
    newest: str = field(default_factory=storage.newest_revision)

    def hire_old(self) -> None:
        """Workers of this version."""
        for _ in range(MEMBERS):
            self.crew.hire(slots=SLOTS, drain_s=self.drain_s)

    def one(self, name: str) -> None:
        """Replace all workers with those of a later version."""
        versions.add_step(self.migrations, self.newest, name)
        self.newest = name
        for old in list(self.crew.members):
            self.crew.hire(slots=SLOTS, drain_s=self.drain_s, version=name, migrations=str(self.migrations))
            for _ in range(JOBS):
                self.submit()
            while not self._runs_something(old):
                self.submit()
                time.sleep(POLL_S)
            os.kill(old.pid or 0, signal.SIGTERM)
            while old.exitcode is None:
                self.submit()
                old.join(0.5)
            self.exits[old.exitcode] += 1
            self.crew.members.remove(old)
        last = self.submit()
        self.crew.wait_for_end()
        self.credits[self.crew.job(last).work_sha256] += 1

    def submit(self) -> str:
        """One more job, through the old API; it must be taken in."""
        said, job_id = self.api.submit(BUILD_S, SEARCH_S)
        self.answers[said] += 1
        if job_id is None:
            raise RuntimeError(f"a job was refused: {said}")
        self.crew.job_ids.append(job_id)
        self.answers.update(self.api.answers(job_id))
        return job_id

    def _runs_something(self, process: BaseProcess) -> bool:
        worker_id = self.crew.worker_id_of(process)
        with open_session(self.crew.database) as session:
            query = select(Job.id).where(Job.worker_id == worker_id, Job.state == JobState.RUNNING)
            return session.exec(query).first() is not None

    def is_of(self, name: str) -> bool:
        """Whether the tables, and all workers, are of this version."""
        with open_session(self.crew.database) as session:
            seen = set(session.exec(select(WorkerRow.version)))
            return seen == {name} and storage.revision_of(session.connection()) == name


@contextmanager
def upgrading(crew: Crew, folder: Path, drain_s: float = 1.0) -> Iterator[Upgrades]:
    """A crew of this version and its API."""
    api = Api(plain_url(crew.database), Path(crew.log_file))
    try:
        upgrades = Upgrades(crew, api, versions.copy_migrations(folder), drain_s)
        upgrades.hire_old()
        yield upgrades
    finally:
        api.stop()


def main() -> None:
    """Replace all workers so often, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--drain-s", type=float, default=1.0, help="shorter than a solve: some are given back")
    parser.add_argument("--database-url", default="", help="a PostgreSQL database; SQLite when left out")
    parser.add_argument("--log", default="/dev/null", help="file for what the workers and the API log")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        new_database(given.database_url, Path(folder)) as database,
        Crew(database, LEASE_S, given.log) as crew,
        upgrading(crew, Path(folder), given.drain_s) as upgrades,
    ):
        arrived = 0
        for number in range(given.times):
            upgrades.one(name := f"9{number:03}")
            arrived += upgrades.is_of(name)
            report_progress(number + 1, given.times, "upgrades")
        verdict = audit(database, crew.job_ids)
        ended = [crew.job(job_id) for job_id in crew.job_ids]
        time.sleep(1)
        orphans = len(crew.children())
    lost_workers = sum(job.lost_workers for job in ended)
    print(f"{given.times} upgrades of {MEMBERS} workers, {arrived} complete; {lost_workers} attempts counted as lost")
    print(verdict)
    print(f"{orphans} orphans; jobs given back: {sum(job.attempt > 1 for job in ended)}")
    print("old workers ended with: " + ", ".join(f"{code} ({count})" for code, count in upgrades.exits.items()))
    print("the old API meanwhile: " + ", ".join(f"{n} times {what}" for what, n in upgrades.answers.most_common()))
    print(f"plans counted for {len(upgrades.credits)} versions")
    fine = set(upgrades.answers) == {"200", "202"} and set(upgrades.exits) == {0} and not lost_workers and not orphans
    complete = arrived == len(upgrades.credits) == given.times
    raise SystemExit(0 if verdict.is_clean and fine and complete else 1)


if __name__ == "__main__":
    main()
