"""Cancel running jobs, and measure how long their children outlive it.

python -m benchmarks.service.cancels [--times 20] [--real SCENARIO] [--forked] [--database-url postgresql://...]
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.service.crew import Crew, new_database, report_progress
from lodeplan.schemas.jobs import JobState
from lodeplan.service.jobs import states
from lodeplan.service.storage import open_session

LEASE_S = 15.0
BUILD_S, SEARCH_S = 1.0, 60.0


def cancel_one(crew: Crew, scenario: str, chance: random.Random) -> tuple[float, float]:
    """Seconds from the cancel of a running job until its child is gone, and until the job has ended."""
    job_id = crew.submit_scenario(scenario) if scenario else crew.submit(BUILD_S, SEARCH_S)
    crew.wait_until(lambda: crew.job(job_id).progress and crew.children())
    # In whatever phase it is then.
    time.sleep(chance.uniform(0, 2))
    with open_session(crew.database) as session:
        states.request_cancel(session, job_id)
        session.commit()
    began = time.monotonic()
    crew.wait_until(lambda: not crew.children())
    gone_s = time.monotonic() - began
    crew.wait_until(lambda: crew.job(job_id).state.ended)
    if crew.job(job_id).state is not JobState.CANCELLED:
        raise RuntimeError(f"job {job_id} ended as {crew.job(job_id).state}")
    return gone_s, time.monotonic() - began


def main() -> None:
    """Cancel so often, and print the times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--real", default="", metavar="SCENARIO", help="solve this one instead of passing time")
    parser.add_argument("--forked", action="store_true", help="fork the solves instead of starting them")
    parser.add_argument("--database-url", default="", help="a PostgreSQL database; SQLite when left out")
    given = parser.parse_args()
    times: list[tuple[float, float]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        new_database(given.database_url, Path(folder)) as database,
        Crew(database, LEASE_S) as crew,
    ):
        crew.hire(real=bool(given.real), forked=given.forked)
        chance = random.Random(1)
        for number in range(given.times):
            times.append(cancel_one(crew, given.real, chance))
            report_progress(number + 1, given.times, "cancels")
    for what, seconds in zip(("child gone", "job ended"), zip(*times, strict=True), strict=True):
        print(f"from cancel to {what}: median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s")


if __name__ == "__main__":
    main()
