"""A broken worker beside a healthy one: do all jobs succeed, and how soon does the broken one say that it is?

python -m benchmarks.service.broken_worker [--jobs 200] [--trouble import|exit|handles] [--database-url URL]
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from sqlmodel import col, select

from benchmarks.service.crew import Crew, new_database
from lodeplan.schemas.jobs import JobState
from lodeplan.service.storage import Job, WorkerRow, open_session

TROUBLES = ("import", "exit", "handles")
PATIENCE_S = 900.0


def said_after_s(crew: Crew, began: float) -> float:
    """Wait until the database says that a worker is in trouble; the time that took."""

    def look() -> bool:
        with open_session(crew.database) as session:
            return session.exec(select(WorkerRow.id).where(col(WorkerRow.trouble).is_not(None))).first() is not None

    crew.wait_until(look)
    return time.monotonic() - began


def report(crew: Crew, said_s: float) -> bool:
    """Print what became of the jobs; whether all succeeded and the broken worker spoke in time."""
    with open_session(crew.database) as session:
        jobs = session.exec(select(Job)).all()
        ends = Counter(str(JobState(job.state)) for job in jobs)
        touched = sum(1 for job in jobs if job.troubles)
        most = max(job.attempt for job in jobs)
    print(f"{len(jobs)} jobs: {dict(ends)}; {touched} met the broken worker, most attempts of one: {most}")
    print(f"the broken worker said so after {said_s:.1f} s")
    return ends == {"succeeded": len(jobs)} and said_s <= 10


def main() -> None:
    """Run a broken worker beside a healthy one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--trouble", choices=TROUBLES, default="import")
    parser.add_argument("--database-url", default="", help="a PostgreSQL database; SQLite when left out")
    parser.add_argument("--log", default=os.devnull, help="file for what the workers log")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        new_database(given.database_url, Path(folder)) as database,
        Crew(database, 15.0, given.log) as crew,
    ):
        for _ in range(given.jobs):
            crew.submit(0, 0)
        began = time.monotonic()
        crew.hire(trouble=given.trouble)
        crew.hire()
        said_s = said_after_s(crew, began)
        crew.wait_for_end(PATIENCE_S)
        good = report(crew, said_s)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
