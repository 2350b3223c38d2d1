"""Several reapers look at the jobs of a dead worker at the same instant, again and again: each job is queued once.

python -m benchmarks.service.reapers [--times 100] [--reapers 3] [--jobs 4] [--database-url postgresql://...]

Of the jobs of each time half had begun to run, half were only taken from the queue. In the end workers run them all.
"""

import argparse
import multiprocessing
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import sqlalchemy

from benchmarks.service.audit import audit
from benchmarks.service.crew import Crew, new_database, report_progress
from benchmarks.service.member import log_to
from lodeplan.service import storage
from lodeplan.service.engine import Attempt
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs import attempts, reruns
from lodeplan.service.storage import open_session
from lodeplan.service.workers.leases import Lease
from lodeplan.service.workers.reaper import Reaper

NOBODY = "a dead worker"
LEASE_S = 120.0
"""Long, so that none of the reapers is ever late."""
TURN_S = 60.0
MEMBERS, SLOTS = 2, 8


def look_again_and_again(database_url: str, log_file: str, barrier: Barrier, counts: Any) -> None:
    """A reaper in a process of its own: at each signal it looks; in the end it says how often it was about to give an
    attempt up, and how often it did."""
    log_to(log_file)
    database = storage.open_database(database_url)
    engine = DbosEngine(database)
    engine.prepare()
    lease = Lease(database, LEASE_S)
    reaper = Reaper(database, engine, lease, set)
    lose, given_up = reruns.lose, []

    def count(*arguments: Any) -> Any:
        given_up.append(state := lose(*arguments))
        return state

    reruns.lose = count
    try:
        while True:
            now_s = lease.renew()
            barrier.wait(TURN_S)
            reaper.look(now_s)
            barrier.wait(TURN_S)
    except threading.BrokenBarrierError:
        counts.put((len(given_up), sum(state is not None for state in given_up)))
    lease.release()


@dataclass
class Reapers:
    """Reapers that look when they are told to, all at once."""

    crew: Crew
    number: int
    tries: int = 0
    """How often an attempt was about to be given up."""
    given_up: int = 0
    _processes: list[Any] = field(default_factory=list)

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Start them, and end them."""
        kind = multiprocessing.get_context("forkserver")
        self._barrier, counts = kind.Barrier(self.number + 1), kind.Queue()
        url = self.crew.database.url.render_as_string(hide_password=False)
        for _ in range(self.number):
            orders = (url, self.crew.log_file, self._barrier, counts)
            process = kind.Process(target=look_again_and_again, args=orders, daemon=True)
            process.start()
            self._processes.append(process)
        try:
            yield
        finally:
            self._barrier.abort()
        for _ in self._processes:
            tries, given_up = counts.get(timeout=TURN_S)
            self.tries, self.given_up = self.tries + tries, self.given_up + given_up
        for process in self._processes:
            process.join(TURN_S)

    def look(self) -> None:
        """Have all look at once, and wait for them."""
        self._barrier.wait(TURN_S)
        self._barrier.wait(TURN_S)


def leave_behind(crew: Crew, count: int) -> None:
    """So many jobs that a dead worker has taken; every other had begun."""
    left = [Attempt(crew.submit(0, 0), 1) for _ in range(count)]
    _take(crew.database, left)
    with open_session(crew.database) as session:
        for attempt in left[::2]:
            attempts.start(session, attempt, NOBODY)
        session.commit()


def _take(database: sqlalchemy.Engine, attempts: Sequence[Attempt]) -> None:
    """As the job engine notes it."""
    schema = "dbos" if database.dialect.name == "postgresql" else None
    table = sqlalchemy.Table("workflow_status", sqlalchemy.MetaData(), schema=schema, autoload_with=database)
    ids = [f"{attempt.job_id}.{attempt.number}" for attempt in attempts]
    taken = sqlalchemy.update(table).where(table.c.workflow_uuid.in_(ids))
    with database.begin() as connection:
        done = connection.execute(taken.values(status="PENDING", executor_id=NOBODY))
    if done.rowcount != len(ids):
        raise RuntimeError("the engine does not know the attempts")


def main() -> None:
    """Have them look so often, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--reapers", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=4, help="left behind each time")
    parser.add_argument("--database-url", default="", help="a PostgreSQL database; SQLite when left out")
    parser.add_argument("--log", default="/dev/null", help="file for what the workers log")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        new_database(given.database_url, Path(folder)) as database,
        Crew(database, LEASE_S, given.log) as crew,
    ):
        reapers = run(crew, given.reapers, (given.times, given.jobs))
        verdict = audit(database, crew.job_ids)
        attempts = [crew.job(job_id).attempt for job_id in crew.job_ids]
    wrong = sum(attempt != 2 for attempt in attempts)
    print(
        f"{given.times} times {given.reapers} reapers at once, {len(attempts)} attempts left behind: "
        f"{reapers.given_up} given up, {reapers.tries - reapers.given_up} times another was quicker; "
        f"{wrong} jobs not queued again exactly once"
    )
    print(verdict)
    raise SystemExit(0 if verdict.is_clean and not wrong and reapers.given_up == len(attempts) else 1)


def run(crew: Crew, number: int, times_and_jobs: tuple[int, int]) -> Reapers:
    """Have so many reapers look so often at so many lost jobs each time, then have workers run them all."""
    times, left_behind = times_and_jobs
    reapers = Reapers(crew, number)
    with reapers.at_hand():
        for done in range(times):
            leave_behind(crew, left_behind)
            reapers.look()
            report_progress(done + 1, times, "looks")
        # A row that was locked has its turn later.
        reapers.look()
    for _ in range(MEMBERS):
        crew.hire(slots=SLOTS)
    crew.wait_for_end(max(TURN_S, 2.0 * len(crew.job_ids)))
    return reapers


if __name__ == "__main__":
    main()
