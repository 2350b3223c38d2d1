"""What does a small job cost a worker whose solves are forked, and one that starts a process for each?

python -m benchmarks.service.small_jobs [--jobs 50] [--scenario golden-toy] [--slots 1] [--rounds 3]

Each round has both ways, one after the other, with a worker in a process of its own on a new SQLite file. Processor
time is counted from when the worker is ready to when it has stopped, with its children and all that they load.
"""

import argparse
import contextlib
import multiprocessing
import resource
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from sqlmodel import select

from lodeplan import scenarios
from lodeplan.schemas.jobs import JobOptions, JobState
from lodeplan.service import storage
from lodeplan.service.engine.dbos import DbosEngine
from lodeplan.service.jobs.submissions import Submission
from lodeplan.service.settings import Settings
from lodeplan.service.storage import Job, open_session
from lodeplan.service.telemetry import logs
from lodeplan.service.workers.worker import make_worker

WAYS = {"started": False, "forked": True}
LOOK_EVERY_S = 0.5


def work(answers: Connection, scenario: str, settings: Settings, jobs: int) -> None:
    """Solve so many jobs with a real worker, and send the CPU seconds of its own process, those of its children, and
    the seconds that passed."""
    logs.configure("ERROR")
    database = storage.open_database(settings.sqlalchemy_url)
    storage.migrate(database)
    engine = DbosEngine(database)
    engine.prepare()
    with open_session(database) as session:
        for _ in range(jobs):
            Submission(scenarios.load(scenario), JobOptions()).submit(session, engine)
        session.commit()
    worker = make_worker(database, engine, settings)
    own_s, began = cpu_s(resource.RUSAGE_SELF), time.monotonic()
    worker.start(settings.slots)
    while True:
        with open_session(database) as session:
            found = [JobState(state) for state in session.exec(select(Job.state))]
        if all(state.ended for state in found):
            break
        time.sleep(LOOK_EVERY_S)
    passed_s = time.monotonic() - began
    worker.stop()
    wait_for_children()
    if set(found) != {JobState.SUCCEEDED}:
        raise RuntimeError(f"not all jobs succeeded: {found}")
    answers.send((cpu_s(resource.RUSAGE_SELF) - own_s, cpu_s(resource.RUSAGE_CHILDREN), passed_s))
    engine.close()


def wait_for_children() -> None:
    """Wait until this process has no child left, by whichever thread it was started and is waited for."""
    while True:
        # A thread may end meanwhile.
        with contextlib.suppress(FileNotFoundError):
            if not any(file.read_text() for file in Path("/proc/self/task").glob("*/children")):
                return
        time.sleep(0.01)


def cpu_s(who: int) -> float:
    """Processor time so far."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure both ways in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--scenario", default="golden-toy")
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    measured: dict[str, list[tuple[float, ...]]] = {way: [] for way in WAYS}
    for _ in range(given.rounds):
        for way, fork_solves in WAYS.items():
            with tempfile.TemporaryDirectory() as folder:
                settings = Settings(data_dir=Path(folder), slots=given.slots, fork_solves=fork_solves)
                answers, theirs = spawn.Pipe()
                process = spawn.Process(target=work, args=(theirs, given.scenario, settings, given.jobs))
                process.start()
                theirs.close()
                measured[way].append(answers.recv())
                process.join()
    print(f"{given.jobs} jobs of {given.scenario}, {given.slots} at a time, medians of {given.rounds} rounds")
    print(f"{'children':10}{'their CPU s a job':>20}{'of the worker':>16}{'together':>12}{'s a job':>10}")
    for way, rounds in measured.items():
        own, theirs_s, passed = (statistics.median(numbers) / given.jobs for numbers in zip(*rounds, strict=True))
        print(f"{way:10}{theirs_s:20.3f}{own:16.3f}{own + theirs_s:12.3f}{passed:10.2f}")


if __name__ == "__main__":
    main()
