"""Freeze workers past their lease, thaw them when their job runs elsewhere, and see that nothing of theirs counts.

python -m benchmarks.service.frozen [--times 50] [--lease-s 2] [--database-url postgresql://...]

The child of a frozen worker is not frozen: it ends meanwhile, so that the worker wakes with a result in hand.
"""

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

from sqlmodel import col, select

from benchmarks.service.audit import audit
from benchmarks.service.crew import Crew, new_database, report_progress
from lodeplan.schemas.jobs import JobState
from lodeplan.service.storage import JobEvent, open_session

BUILD_S, SEARCH_S = 0.3, 1.0
PATIENCE_S = 45.0


def freeze_one(crew: Crew) -> tuple[str, bool]:
    """Have one job's worker frozen until another runs the job, then let both go on; the job's id, and whether another
    did run it. None can if the worker froze while it held the lock of a SQLite file."""
    job_id = crew.submit(BUILD_S, SEARCH_S)
    job = crew.wait_for_phase(job_id, "search")
    frozen = crew.member_of(job_id)
    os.kill(frozen.pid or 0, signal.SIGSTOP)
    ran_elsewhere = True
    try:
        crew.wait_until(lambda: crew.started_at(job_id, job.attempt + 1), PATIENCE_S)
    except TimeoutError:
        ran_elsewhere = False
    finally:
        os.kill(frozen.pid or 0, signal.SIGCONT)
    crew.wait_until(lambda: crew.job(job_id).state.ended)
    return job_id, ran_elsewhere


def ends_by_attempt(crew: Crew, job_id: str) -> list[int]:
    """The attempts that recorded an end."""
    with open_session(crew.database) as session:
        query = select(JobEvent.attempt, JobEvent.state).where(JobEvent.job_id == job_id)
        moves = session.exec(query.where(col(JobEvent.state).is_not(None))).all()
    return [attempt for attempt, state in moves if state and JobState(state).ended]


def main() -> None:
    """Freeze and thaw so often, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--lease-s", type=float, default=2.0)
    parser.add_argument("--database-url", default="", help="a PostgreSQL database; SQLite when left out")
    parser.add_argument("--log", default="/dev/null", help="file for what the workers log")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        new_database(given.database_url, Path(folder)) as database,
        Crew(database, given.lease_s, given.log) as crew,
    ):
        for _ in range(2):
            crew.hire(slots=2)
        accepted = held_up = 0
        for number in range(given.times):
            job_id, ran_elsewhere = freeze_one(crew)
            held_up += not ran_elsewhere
            accepted += ran_elsewhere and ends_by_attempt(crew, job_id)[0] == 1
            report_progress(number + 1, given.times, "freezes")
        # A late result that was to come has come by now.
        time.sleep(given.lease_s)
        verdict = audit(database, crew.job_ids)
        orphans = len(crew.children())
    print(f"{given.times} freezes: {accepted} late results accepted; {held_up} times the database was locked meanwhile")
    print(verdict)
    print(f"{orphans} orphans")
    raise SystemExit(0 if verdict.is_clean and not accepted and not orphans else 1)


if __name__ == "__main__":
    main()
