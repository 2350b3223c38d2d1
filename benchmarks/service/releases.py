"""Upgrade from an earlier release to this one and go back to it, with live jobs, and see what becomes of them.

python -m benchmarks.service.releases [--release 0.1.0] [--jobs 500] [--database-url postgresql://...]

Both are installed from the history of the repository, the earlier one by its tag or commit, this one as it was
committed last: the API, the workers and the command line of each run. Workers of the earlier one are replaced, then
its API. Then everything is stopped with jobs in the queue and under way, the tables are brought back, and the earlier
release goes on. Most jobs are passed by stand-ins; one worker of each version solves.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy
from sqlalchemy import text

from benchmarks.service.audit import audit
from benchmarks.service.crew import new_database, plain_url, report_progress
from lodeplan.service import storage
from lodeplan.service.cli.demo import free_port
from lodeplan.service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WORKERS, SLOTS = 3, 4
LEASE_S, DRAIN_S = 15.0, 1.0
PATIENCE_S = 1800.0
LONG_S, SHORT_S = 12.0, 0.05
SHARES = {"before": 0.4, "during": 0.2, "after": 0.2}
"""Parts of the jobs that come in before the upgrade, during it and after it; the rest comes after the way back."""
_MAIN = "from lodeplan.service.cli import main; main()"
_WORK = (
    "import sys; sys.path.append({root!r}); from benchmarks.service.member import Orders, run; run(Orders(**{orders}))"
)


@dataclass(frozen=True)
class Release:
    """A version of the program that can be run."""

    name: str
    python: str
    source: str
    """A folder with its `benchmarks`."""

    def command(self, *arguments: str) -> list[str]:
        """A command line of `lodeplan`."""
        return [self.python, "-P", "-c", _MAIN, *arguments]

    def work(self, **orders: Any) -> list[str]:
        """The command line of a worker."""
        return [self.python, "-P", "-c", _WORK.format(root=self.source, orders=orders)]


def install(commit: str, folder: Path) -> Release:
    """Install a commit of this repository, with the packages of this environment."""
    source, wheels = folder / "source", folder / "wheels"
    source.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "x", "-C", str(source)], input=archive, check=True)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "-w", str(wheels), str(source)], check=True)
    (wheel,) = wheels.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    (packages,) = (folder / "venv/lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(packages)
    # Behind its own, and without what would make this version of Lodeplan importable.
    (packages / "others.pth").write_text(f"{Path(httpx.__file__).parents[1]}\n")
    return Release(wheel.name.split("-")[1], str(folder / "venv/bin/python"), str(source))


@dataclass
class Rehearsal:
    """A database, the processes on it, and the jobs."""

    database: sqlalchemy.Engine
    log: Path
    wanted: int
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    api: subprocess.Popen[bytes] | None = None
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))
    job_ids: list[str] = field(default_factory=list)
    exits: Counter[int] = field(default_factory=Counter)

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """A process on the database."""
        environment = {**os.environ, "LODEPLAN_DATABASE_URL": plain_url(self.database), "LODEPLAN_LOG_LEVEL": "WARNING"}
        with self.log.open("ab") as log:
            return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.log.parent)

    def run(self, command: list[str]) -> int:
        """Run a command to its end; its exit code."""
        return self.start(command).wait(PATIENCE_S)

    def hire(self, release: Release, *, real: bool = False) -> None:
        """One more worker."""
        url = self.database.url.render_as_string(hide_password=False)
        orders = {"database_url": url, "lease_s": LEASE_S, "mark": "rehearsal", "slots": 1 if real else SLOTS}
        before = self._count("select count(*) from worker")
        self.workers.append(self.start(release.work(**orders, real=real, drain_s=DRAIN_S)))
        self._wait_until(lambda: self._count("select count(*) from worker") > before)

    def dismiss(self) -> None:
        """Ask the oldest worker to end, and wait for it."""
        worker = self.workers.pop(0)
        worker.send_signal(signal.SIGTERM)
        self.exits[worker.wait(120)] += 1

    def serve(self, release: Release) -> None:
        """Answer by the API of a release, in place of the one before."""
        self.stop_api()
        port = free_port(0)
        self.api = self.start(release.command("serve", "--no-workers", "--port", str(port)))
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60)
        self._wait_until(self._answers)

    def stop_api(self) -> None:
        """End the API."""
        if self.api:
            self.api.send_signal(signal.SIGTERM)
            self.exits[self.api.wait(120)] += 1
            self.api = None

    def submit(self, count: int) -> None:
        """Have jobs come in, the last of which take longer: they wait or are under way at the next turn."""
        for number in range(count):
            seconds = SHORT_S if number < count - 2 * WORKERS * SLOTS else LONG_S
            patches = [{"op": "set", "path": "description", "value": f"work 0.0 {seconds}"}]
            body = {"scenario": "golden-toy", "patches": patches, "reuse": False}
            answer = self.client.post("/jobs", json=body)
            answer.raise_for_status()
            self.job_ids.append(answer.json()["id"])
            report_progress(len(self.job_ids), self.wanted, "jobs")

    def open_jobs(self) -> int:
        """Jobs that have not ended."""
        return self._count("select count(*) from job where ended_at is null")

    def under_way(self) -> int:
        """Jobs that are being solved."""
        return self._count("select count(*) from job where state = 'running'")

    def wait_for_end(self) -> None:
        """Wait until all jobs have ended, or patience has."""
        deadline = time.monotonic() + PATIENCE_S
        while self.open_jobs() and time.monotonic() < deadline:
            time.sleep(0.5)

    def wait_for_work(self) -> None:
        """Wait until something is under way."""
        self._wait_until(self.under_way)

    def unreadable(self) -> list[str]:
        """Jobs, and plans that were solved, which the API does not show."""
        found = []
        for job_id in self.job_ids:
            answer = self.client.get(f"/jobs/{job_id}")
            shown = answer.is_success
            # The plan of a stand-in has no tables.
            if shown and answer.json().get("objective_kusd", 1.0) != 1.0:
                shown = self.client.get(f"/jobs/{job_id}/result/tables/supply.csv").is_success
            found += [] if shown else [job_id]
        return found

    def solved(self) -> int:
        """Jobs that a worker solved."""
        return self._count("select count(*) from job where objective_kusd <> 1.0")

    def stop(self) -> None:
        """End all processes."""
        while self.workers:
            self.dismiss()
        self.stop_api()

    def _answers(self) -> bool:
        try:
            return self.client.get("/jobs").is_success
        except httpx.TransportError:
            return False

    def _count(self, query: str) -> int:
        with self.database.connect() as connection:
            return int(connection.execute(text(query)).scalar_one())

    def _wait_until(self, condition: Any) -> None:
        deadline = time.monotonic() + 120
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"it did not happen in time; see {self.log}")
            time.sleep(0.1)


@contextmanager
def rehearsing(database: sqlalchemy.Engine, log: Path, wanted: int) -> Iterator[Rehearsal]:
    """A rehearsal whose processes end with it."""
    rehearsal = Rehearsal(database, log, wanted)
    try:
        yield rehearsal
    finally:
        rehearsal.stop()


def rehearse(rehearsal: Rehearsal, old: Release, new: Release) -> dict[str, int]:
    """Go there and back; how many jobs were waiting or under way at each turn, and exit codes of commands."""
    count = {turn: round(rehearsal.wanted * share) for turn, share in SHARES.items()}
    seen: dict[str, int] = {}
    rehearsal.run(old.command("migrate"))
    rehearsal.serve(old)
    for number in range(WORKERS):
        rehearsal.hire(old, real=number == 0)
    rehearsal.submit(count["before"])

    seen["open at the upgrade"], seen["under way"] = rehearsal.open_jobs(), rehearsal.under_way()
    seen["exit of migrate"] = rehearsal.run(new.command("migrate"))
    seen["exit of the old version on new tables"] = rehearsal.run(old.command("migrate"))
    for number in range(WORKERS):
        rehearsal.hire(new, real=number == 0)
        rehearsal.submit(count["during"] // WORKERS)
        rehearsal.dismiss()
    rehearsal.serve(new)
    back = new.command("migrate", "--to", old.name)
    seen["exit of the way back while workers live"] = rehearsal.run([*back, "--yes"])
    rehearsal.submit(count["after"])

    rehearsal.wait_for_work()
    seen["open on the way back"], seen["under way then"] = rehearsal.open_jobs(), rehearsal.under_way()
    rehearsal.stop()
    seen["exit of the way back without --yes"] = rehearsal.run(back)
    seen["exit of the way back"] = rehearsal.run([*back, "--yes"])
    rehearsal.serve(old)
    for number in range(WORKERS):
        rehearsal.hire(old, real=number == 0)
    rehearsal.submit(rehearsal.wanted - len(rehearsal.job_ids))
    rehearsal.wait_for_end()
    return seen


EXPECTED = {
    "exit of migrate": 0,
    "exit of the old version on new tables": 2,
    "exit of the way back while workers live": 2,
    "exit of the way back without --yes": 2,
    "exit of the way back": 0,
}


def main() -> None:
    """Rehearse it once, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--release", default="0.1.0", help="tag or commit of the earlier release")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--database-url", default="", help="a PostgreSQL database; SQLite when left out")
    parser.add_argument("--log", default="", help="file for what the processes log")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lodeplan-rehearsal-") as folder:
        old = install(given.release, Path(folder) / "old")
        new = install("HEAD", Path(folder) / "new")
        with _empty_database(given.database_url, Path(folder)) as database:
            log = Path(given.log or f"{folder}/log").resolve()
            with rehearsing(database, log, given.jobs) as rehearsal:
                seen = rehearse(rehearsal, old, new)
                unreadable, solved = rehearsal.unreadable(), rehearsal.solved()
            rehearsal.run(new.command("migrate"))
            verdict = audit(database, rehearsal.job_ids)
            query = text("select coalesce(sum(attempt - 1), 0), coalesce(sum(lost_workers), 0) from job")
            with database.connect() as connection:
                given_back, lost_workers = connection.execute(query).one()
    print(f"from {old.name} ({given.release}) to {new.name} and back, {WORKERS} workers each")
    print(verdict)
    print("; ".join(f"{what}: {count}" for what, count in seen.items()))
    print(f"attempts given back: {given_back}; counted as lost: {lost_workers}; jobs solved: {solved}")
    print(f"not shown by the earlier release after the way back: {len(unreadable)}")
    print(f"processes ended with: {json.dumps(rehearsal.exits)}")
    fine = all(seen[what] == code for what, code in EXPECTED.items()) and set(rehearsal.exits) == {0}
    fine = fine and bool(seen["open at the upgrade"] and seen["open on the way back"])
    raise SystemExit(0 if verdict.is_clean and fine and not (unreadable or lost_workers) else 1)


@contextmanager
def _empty_database(url: str, folder: Path) -> Iterator[sqlalchemy.Engine]:
    """A new database without tables, which the earlier release makes."""
    if not url:
        database = storage.open_database(f"sqlite:///{folder / 'rehearsal.db'}")
        yield database
        database.dispose()
        return
    with new_database(url, folder) as made:
        name = made.url.database
        with made.begin() as connection:
            connection.execute(text("drop schema public cascade"))
            connection.execute(text("create schema public"))
        yield storage.open_database(str(Settings(database_url=url).sqlalchemy_url).rpartition("/")[0] + f"/{name}")


if __name__ == "__main__":
    main()
